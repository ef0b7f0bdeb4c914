/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_generations.c - foliofuzz generations: the kernels that can be run.
 */
#include "cli.h"
#include "../report/json.h"

static const struct command command = {
	.name = "generations",
	.args = "",
	.summary = "The kernels whose protocols the replica can follow: --kernel and kernel= name "
		   "one.",
	.examples = "foliofuzz generations\nfoliofuzz generations --json\n",
	.accepts = ACCEPTS(JSON),
};

static void print_row(const struct generation_row *row, bool is_default)
{
	printf("%-16s %s%s\n", row->name, row->help, is_default ? " (default)" : "");
}

int cmd_generations(int argc, char **argv)
{
	struct options o;
	json_t *rows = NULL;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (o.json)
		rows = json_array();
	for (unsigned g = 0; g < GENERATION_COUNT; g++) {
		const struct generation_row *row = &generation_table[g];

		if (rows)
			json_array_append_new(rows,
					      json_pack("{s:s, s:s, s:s, s:b}", "name", row->name,
							"queue", row->queue, "help", row->help,
							"default", g == GENERATION_DEFAULT));
		else
			print_row(row, g == GENERATION_DEFAULT);
	}
	if (rows)
		json_print(stdout, rows);
	return EXIT_CLEAN;
}
