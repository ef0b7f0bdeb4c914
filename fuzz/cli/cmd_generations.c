/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_generations.c - foliofuzz generations: the kernels that can be run.
 */
#include "cli.h"
#include "../report/json.h"
#include <string.h>

static const struct command command = {
	.name = "generations",
	.args = "",
	.summary = "The kernels whose protocols the replica can follow: --kernel and kernel= name "
		   "one.",
	.examples = "foliofuzz generations\nfoliofuzz generations --json\n",
	.accepts = ACCEPTS(JSON),
};

static bool ships(unsigned generation, unsigned bug)
{
	return bug_table[bug].generations >> generation & 1;
}

static json_t *bugs_of(unsigned generation)
{
	json_t *names = json_array();

	for (unsigned i = 0; i < BUG_COUNT; i++)
		if (ships(generation, i))
			json_array_append_new(names, json_string(bug_table[i].name));
	return names;
}

static json_t *lacking_of(unsigned generation)
{
	json_t *names = json_array();

	for (unsigned i = 0; i < OP_COUNT; i++)
		if (prog_generation_lacks((enum generation)generation, i))
			json_array_append_new(names, json_string(prog_op_table[i].name));
	return names;
}

static void print_names(const char *label, json_t *names)
{
	const json_t *name;
	size_t i;

	if (json_array_size(names))
		printf("    %-10s", label);
	json_array_foreach(names, i, name)
		printf("%s%s", i ? ", " : "", json_string_value(name));
	if (json_array_size(names))
		putchar('\n');
	json_decref(names);
}

/* "topic: variant; topic: variant": a line each. */
static void print_variants(const char *s)
{
	const char *label = "protocols";

	while (*s) {
		size_t len = strcspn(s, ";");

		printf("    %-10s%.*s\n", label, (int)len, s);
		label = "";
		s += len + strspn(s + len, "; ");
	}
}

static void print_row(unsigned g)
{
	const struct generation_row *row = &generation_table[g];

	printf("%-16s %s%s\n", row->name, row->help, g == GENERATION_DEFAULT ? " (default)" : "");
	printf("    %-10s%s\n", "queue", row->queue);
	print_variants(row->variants);
	print_names("bugs", bugs_of(g));
	print_names("lacks", lacking_of(g));
}

static json_t *row_json(unsigned g)
{
	const struct generation_row *row = &generation_table[g];

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "name", row->name, "queue", row->queue, "help", row->help,
			 "protocols", row->variants, "bugs", bugs_of(g), "lacks", lacking_of(g), "default",
			 g == GENERATION_DEFAULT);
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
		if (rows)
			json_array_append_new(rows, row_json(g));
		else
			print_row(g);
	}
	if (rows)
		json_print(stdout, rows);
	return EXIT_CLEAN;
}
