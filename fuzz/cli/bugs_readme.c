/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bugs_readme.c - foliofuzz bugs readme: corpus/bugs/README.md, a row for each bug, out of bug.def, the folders and what
 * scripts/bugs-fuzz has measured. A function of what is committed: nothing is executed.
 */
#include "cli.h"

#include <foliofuzz/oracle.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_TABLE BUG_FOLDERS "/fuzz.tsv"

enum fuzzed { UNMEASURED, FOUND, SEEDS, MISSED, FUZZED_COUNT };
static const char *const fuzzed_names[FUZZED_COUNT] = { "", "found", "seeds", "missed" };

/* A row of fuzz.tsv. */
struct measured {
	enum fuzzed result;
	double seconds;
	unsigned long executions;
	char title[RUN_TITLE_MAX];
};
static struct {
	char command[200];
	struct measured bugs[BUG_COUNT];
	unsigned count[FUZZED_COUNT];
} table;

static bool read_row(const char *line)
{
	char name[80], result[12];
	struct measured m = { .result = UNMEASURED };
	int id;

	if (sscanf(line, "%79[^\t]\t%11[^\t]\t%lf\t%lu\t%199[^\t]", name, result, &m.seconds, &m.executions, m.title) != 5)
		return false;
	for (int r = FOUND; r < FUZZED_COUNT; r++)
		if (!strcmp(result, fuzzed_names[r]))
			m.result = (enum fuzzed)r;
	id = bug_find(name);
	if (id >= 0)
		table.bugs[id] = m;
	return m.result != UNMEASURED;
}

static bool read_table(void)
{
	FILE *f = fopen(FUZZ_TABLE, "r");
	char line[1024];
	bool ok = true;

	/* Before the first measurement there is none. */
	while (f && ok && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			sscanf(line, "# command: %199[^\n]", table.command);
		else if (strncmp(line, "id\t", 3))
			ok = read_row(line);
	}
	if (!ok)
		fprintf(stderr, FUZZ_TABLE ": expected id, result, seconds, executions and title, found '%.100s'\n", line);
	if (f)
		fclose(f);
	for (unsigned id = 0; id < BUG_COUNT; id++)
		table.count[table.bugs[id].result]++;
	return ok;
}

/* A cell may not hold the sign that ends it. */
static void put(const char *s)
{
	for (; *s; s++)
		printf("%s%c", *s == '|' ? "\\" : "", *s);
}

static void print_generations(u32 generations)
{
	const char *separator = "";

	for (unsigned g = 0; g < GENERATION_COUNT; g++)
		if (generations & (1u << g)) {
			printf("%s%s", separator, generation_table[g].name);
			separator = ", ";
		}
	fputs(*separator ? "" : "-", stdout);
}

/* "lost-update: PG_x in f" is what a program expects as "lost-update PG_x". */
static bool is_expected(const char *title, const char *expect)
{
	size_t verdict = strcspn(expect, " "), rest = strlen(expect + verdict);

	return !strncmp(title, expect, verdict) && title[verdict] == ':' && !strncmp(title + verdict + 1, expect + verdict, rest);
}

static void print_fuzzed(const struct measured *m, const struct bug_folder *b)
{
	static const char *const words[FUZZED_COUNT] = { "not measured", "found", "by the seeds", "**missed**" };

	printf("%s", words[m->result]);
	if (m->result != UNMEASURED)
		printf(", %.1f s, %lu", m->seconds, m->executions);
	if ((m->result == FOUND || m->result == SEEDS) && !is_expected(m->title, b->expect)) {
		printf(", as `");
		put(m->title);
		printf("`");
	}
}

static void print_row(unsigned id)
{
	const struct bug_row *row = &bug_table[id];
	struct bug_folder b;
	bool has_folder = bug_folder_load(&b, id);

	if (has_folder)
		printf("| [%s](%s/story.md) | ", row->name, row->name);
	else
		printf("| %s | ", row->name);
	put(row->help);
	printf(" | `%s` | %s | ", row->file, row->commit);
	print_generations(row->generations);
	printf(" | ");
	if (has_folder && b.oracle >= 0)
		printf("%s (%d): ", oracle_table[b.oracle].name, b.oracle + 1);
	printf("%s", has_folder ? "`" : "-");
	put(b.expect);
	printf("%s | ", has_folder ? "`" : "");
	if (b.has_search)
		printf("%s, %u | ", b.budget.strategy, b.budget.schedules);
	else
		printf("- | ");
	if (b.points)
		printf("%u, %u | ", b.points, b.preemptions);
	else
		printf("- | ");
	print_fuzzed(&table.bugs[id], &b);
	printf(" |\n");
}

static double percent(unsigned n, unsigned of)
{
	return of ? 100.0 * n / of : 0;
}

static void print_head(void)
{
	const unsigned *n = table.count;
	unsigned not_by_seeds = BUG_COUNT - n[SEEDS];

	printf("# The bugs, and what finds them\n\n"
	       "Written by `foliofuzz bugs readme` from `include/foliofuzz/bug.def`, the folders here and `fuzz.tsv`; a test compares. What the files\n"
	       "of a folder are, and which bugs are not put back: `sim/bugs/README.md`.\n\n"
	       "- **oracle**: its number in `sim/oracle/README.md`, and the verdict that `min.prog` expects; without a number it is a check that the\n"
	       "  kernel's own code has. **search**: the schedules of `free.prog` within which each of twenty seeds finds it (`foliofuzz bugs check`).\n"
	       "  **min**: points and preemptions of `min.prog`.\n"
	       "- **fuzzer**: `program_fuzzer` from `corpus/seeds` alone, with this one switch on, on one core: processor time and executions until the\n"
	       "  find. \"By the seeds\": replaying them shows it. A find that `min.prog` does not expect is named; with the switch off the same input\n"
	       "  is clean.\n\n");
	if (table.command[0])
		printf("Measured with `%s`; commits and kernels are in `fuzz.tsv`.\n\n", table.command);
	else
		printf("The fuzzer is not measured yet: `scripts/bugs-fuzz`.\n\n");
	printf("| | bugs | of all | of those that the seeds do not show |\n|---|--:|--:|--:|\n");
	printf("| found by fuzzing | %u | %.0f%% | %.0f%% |\n", n[FOUND], percent(n[FOUND], BUG_COUNT), percent(n[FOUND], not_by_seeds));
	printf("| shown by the seeds | %u | %.0f%% | |\n", n[SEEDS], percent(n[SEEDS], BUG_COUNT));
	printf("| missed | %u | %.0f%% | %.0f%% |\n", n[MISSED], percent(n[MISSED], BUG_COUNT), percent(n[MISSED], not_by_seeds));
	if (n[UNMEASURED])
		printf("| not measured | %u | %.0f%% | |\n", n[UNMEASURED], percent(n[UNMEASURED], BUG_COUNT));
	printf("| all | %d | | |\n\n", BUG_COUNT);
}

int bugs_readme(void)
{
	if (!bugs_folders_are_there("readme") || !read_table())
		return EXIT_BAD_INPUT;
	print_head();
	printf("| bug | what is wrong | file | fixed by | shipped in | oracle | search | min | fuzzer |\n"
	       "|---|---|---|---|---|---|---|---|---|\n");
	for (unsigned id = 0; id < BUG_COUNT; id++)
		print_row(id);
	return EXIT_CLEAN;
}
