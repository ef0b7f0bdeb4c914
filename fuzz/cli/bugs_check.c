/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bugs_check.c - foliofuzz bugs check: does every switch do what corpus/bugs says of it? On: min.prog ends as it expects, or does near by, and a search from
 * free.prog, which has no schedule, finds it within its budget, whatever the seed. Off (also where the release shipped the bug): the
 * same replay and the same search are clean.
 */
#include "cli.h"
#include "../report/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 20 };

/* What was found out about one bug. */
struct check {
	bool done, replayed, clean_off;
	u32 distance;            /* of the program near min.prog that was replayed */
	bool has_search, search_clean_off;
	u32 found;               /* of SEEDS */
	u32 executions[SEEDS];   /* to the find, sorted; those that found it first */
	struct bug_budget budget;
	char complaint[200];
};

static void complain(struct check *k, const char *what, const char *more)
{
	if (!k->complaint[0])
		snprintf(k->complaint, sizeof(k->complaint), "%s%.150s", what, more);
}

/* The bug off, though the program or its release has it on. */
static void switch_off(struct prog *p, unsigned id)
{
	bug_switch(&p->world.bugs, id, false);
}

static bool is_expected_find(const void *expect, const struct run_result *r)
{
	return verdict_is_find(r->verdict) && report_meets(expect, r);
}

static void check_replay(struct check *k, unsigned id)
{
	static struct input in;
	struct run_options o;
	struct run_result r;

	if (!bug_prog_load(&in, id, "min.prog")) {
		complain(k, "no min.prog", "");
		return;
	}
	run_options_init(&o);
	o.strategy = STRATEGY_REPLAY;
	k->replayed = in.prog.expect[0] && run_near(&in.prog, &o, is_expected_find, in.prog.expect, &r, &k->distance);
	if (!k->replayed) {
		run_one(&in.prog, &o, &r, NULL);
		complain(k, "min.prog: ", verdict_is_find(r.verdict) ? r.title : verdict_name(r.verdict));
	}
	switch_off(&in.prog, id);
	run_one(&in.prog, &o, &r, NULL);
	k->clean_off = r.verdict == VERDICT_CLEAN;
	if (!k->clean_off)
		complain(k, "min.prog, bug off: ", verdict_is_find(r.verdict) ? r.title : verdict_name(r.verdict));
}

/* Executions until the first find, 0: none within the budget. */
static u32 search(const struct prog *p, const struct check *k, u64 seed, struct run_result *r)
{
	struct run_options o;

	run_options_init(&o);
	o.snapshot = true;
	o.strategy = strategy_find(k->budget.strategy);
	for (u32 i = 0; i < k->budget.schedules; i++) {
		o.seed = seed * BUG_BUDGET_MAX + i;
		run_one(p, &o, r, NULL);
		if (verdict_is_find(r->verdict))
			return i + 1;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static void check_search(struct check *k, unsigned id)
{
	static struct input in;
	struct run_result r;

	if (!bug_prog_load(&in, id, "free.prog"))
		return;
	k->has_search = true;
	if (!bug_budget_read(&k->budget, in.prog.comment)) {
		complain(k, "free.prog: no line '# Found within N STRATEGY schedules.'", "");
		return;
	}
	for (u64 seed = 1; seed <= SEEDS; seed++) {
		u32 n = search(&in.prog, k, seed, &r);

		if (n)
			k->executions[k->found++] = n;
	}
	qsort(k->executions, k->found, sizeof(k->executions[0]), by_number);
	if (k->found < SEEDS)
		complain(k, "free.prog: not found with every seed", "");
	switch_off(&in.prog, id);
	k->search_clean_off = true;
	for (u64 seed = 1; seed <= SEEDS && k->search_clean_off; seed++)
		k->search_clean_off = !search(&in.prog, k, seed, &r);
	if (!k->search_clean_off)
		complain(k, "free.prog, bug off: ", r.title);
}

static bool is_good(const struct check *k)
{
	return k->done && k->replayed && k->clean_off && !k->complaint[0] &&
	       (!k->has_search || (k->found == SEEDS && k->search_clean_off));
}

static const char *complaint_of(const struct check *k)
{
	return k->complaint[0] ? k->complaint : k->done ? "" : "the process that checked it was lost";
}

static json_t *row_json(unsigned id, const struct check *k)
{
	json_t *row = json_pack("{s:s, s:b, s:b, s:b}", "bug", bug_table[id].name, "good", is_good(k), "replayed", k->replayed,
				"clean_off", k->clean_off);

	if (k->has_search)
		json_object_set_new(row, "search",
				    json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:b}", "strategy", k->budget.strategy, "budget",
					      (int)k->budget.schedules, "seeds", SEEDS, "found", (int)k->found, "median",
					      k->found ? (int)k->executions[k->found / 2] : 0, "worst",
					      k->found ? (int)k->executions[k->found - 1] : 0, "clean_off", k->search_clean_off));
	if (k->replayed)
		json_object_set_new(row, "distance", json_integer(k->distance));
	if (complaint_of(k)[0])
		json_object_set_new(row, "complaint", json_string(complaint_of(k)));
	return row;
}

static void print_row(unsigned id, const struct check *k)
{
	char search[80] = "-";

	if (k->has_search)
		snprintf(search, sizeof(search), "%2u/%d %7u %7u %7u %s", k->found, SEEDS,
			 k->found ? k->executions[k->found / 2] : 0, k->found ? k->executions[k->found - 1] : 0, k->budget.schedules,
			 k->budget.strategy);
	printf("%-42s %-4s %-44s %s", bug_table[id].name, is_good(k) ? "ok" : "MISS", search, complaint_of(k));
	if (k->replayed && k->distance)
		printf("min.prog at a distance of %u", k->distance);
	putchar('\n');
}

static void check_all(const bool *wanted, struct check *checks, u32 part, u32 parts)
{
	for (unsigned id = 0; id < BUG_COUNT; id++) {
		if (!wanted[id] || id % parts != part)
			continue;
		check_replay(&checks[id], id);
		check_search(&checks[id], id);
		checks[id].done = true;
	}
}

/* Each process has bugs of its own; results come back in shared memory. */
static struct check *check_in_processes(const bool *wanted, u32 jobs)
{
	struct check *checks = mmap(NULL, BUG_COUNT * sizeof(*checks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	HARNESS_BUG_ON(checks == MAP_FAILED);
	for (u32 j = 0; j < jobs; j++) {
		pid_t pid = fork();

		HARNESS_BUG_ON(pid < 0);
		if (!pid) {
			check_all(wanted, checks, j, jobs);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	return checks;
}

static void print_table(const bool *wanted, const struct check *checks, unsigned good, unsigned all)
{
	printf("%-42s %-4s %5s %7s %7s %7s %s\n", "bug", "", "found", "median", "worst", "budget", "executions of the search");
	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (wanted[id])
			print_row(id, &checks[id]);
	printf("%u of %u bugs do what is said of them\n", good, all);
}

static void print_json(const bool *wanted, const struct check *checks, unsigned good, unsigned all)
{
	json_t *bugs = json_array();

	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (wanted[id])
			json_array_append_new(bugs, row_json(id, &checks[id]));
	json_print(stdout, json_pack("{s:s, s:i, s:i, s:o}", "command", "bugs check", "good", (int)good, "all", (int)all, "bugs", bugs));
}

int bugs_check(const struct options *o, const bool *wanted)
{
	struct check *checks;
	unsigned good = 0, all = 0;

	if (!bugs_folders_are_there("check"))
		return EXIT_BAD_INPUT;
	fflush(stdout);
	checks = check_in_processes(wanted, o->jobs);
	for (unsigned id = 0; id < BUG_COUNT; id++) {
		all += wanted[id];
		good += wanted[id] && is_good(&checks[id]);
	}
	(o->json ? print_json : print_table)(wanted, checks, good, all);
	munmap(checks, BUG_COUNT * sizeof(*checks));
	return good == all ? EXIT_CLEAN : EXIT_HARNESS;
}
