/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_oracles.c - foliofuzz oracles: what is checked, what a verdict means, and which races are
 * accepted.
 */
#include "cli.h"
#include "../report/json.h"

static const struct command command = {
	.name = "oracles",
	.args = "",
	.summary =
		"The invariants that are checked at each step, at quiescence and at the end; what\n"
		"the first word of a title means; the races that the kernel accepts, which are\n"
		"counted and stay silent.",
	.examples = "foliofuzz oracles\nfoliofuzz oracles --json\n",
	.accepts = ACCEPTS(JSON),
};

struct row {
	const char *name, *when, *help;
};

static const struct row oracles[] = {
#define ORACLE(id, name, tiers, help) { name, tiers, help },
#include <foliofuzz/oracle.def>
#undef ORACLE
};
static const struct row verdicts[] = {
#define VERDICT(id, name, is_find, help) { name, (is_find) ? "find" : "", help },
#include <foliofuzz/verdict.def>
#undef VERDICT
};
static const struct row races[] = {
#define BENIGN(id, name, where) { name, "", where },
#include <foliofuzz/benign.def>
#undef BENIGN
};

static void print_rows(const char *title, const struct row *rows, size_t count)
{
	printf("%s\n", title);
	for (size_t i = 0; i < count; i++)
		printf("  %-26s %-20s %s\n", rows[i].name, rows[i].when, rows[i].help);
	putchar('\n');
}

static json_t *rows_json(const struct row *rows, size_t count)
{
	json_t *a = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:s}", "name", rows[i].name, "when",
						   rows[i].when, "help", rows[i].help));
	return a;
}

int cmd_oracles(int argc, char **argv)
{
	struct options o;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (o.json) {
		json_print(stdout,
			   json_pack("{s:o, s:o, s:o}", "oracles",
				     rows_json(oracles, ARRAY_SIZE(oracles)), "verdicts",
				     rows_json(verdicts, ARRAY_SIZE(verdicts)), "accepted_races",
				     rows_json(races, ARRAY_SIZE(races))));
		return EXIT_CLEAN;
	}
	print_rows("oracles", oracles, ARRAY_SIZE(oracles));
	print_rows("verdicts", verdicts, ARRAY_SIZE(verdicts));
	print_rows("accepted races", races, ARRAY_SIZE(races));
	return EXIT_CLEAN;
}
