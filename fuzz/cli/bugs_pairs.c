/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bugs_pairs.c - foliofuzz bugs pairs: does a second bug hide the first? Two bugs of one kernel file whose programs are for one
 * generation are switched on together. The program of each must still end with one of the two verdicts: by replay, or else by the
 * search from free.prog within its budget. Where it does not, corpus/bugs/pairs.txt says why.
 */
#include "cli.h"
#include "../report/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAIRS_FILE BUG_FOLDERS "/pairs.txt"

/* The program of one bug, with another one on. */
enum outcome { UNTRIED, BY_REPLAY, BY_SEARCH, HIDDEN, OUTCOME_COUNT };
struct pair {
	enum outcome outcome;
	char shown[RUN_TITLE_MAX]; /* by the replay, when HIDDEN */
};
struct known {
	bool loaded, has_search;
	struct prog min, free;
	struct bug_budget budget;
	const char *reasons[BUG_COUNT]; /* of pairs.txt, by the other bug */
};
static struct known *known;

static struct pair *pair_of(struct pair *pairs, unsigned id, unsigned other)
{
	return &pairs[id * BUG_COUNT + other];
}

static bool is_pair(unsigned id, unsigned other)
{
	return id != other && known[id].loaded && known[other].loaded && !strcmp(bug_table[id].file, bug_table[other].file) &&
	       known[id].min.world.generation == known[other].min.world.generation;
}

static void load(unsigned id)
{
	static struct input in;
	struct known *k = &known[id];

	k->loaded = bug_prog_load(&in, id, "min.prog");
	k->min = in.prog;
	if (!k->loaded || !bug_prog_load(&in, id, "free.prog"))
		return;
	k->has_search = bug_budget_read(&k->budget, in.prog.comment);
	k->free = in.prog;
}

static bool shows_either(const struct prog *p, const struct run_options *o, unsigned id, unsigned other, struct run_result *r)
{
	run_one(p, o, r, NULL);
	return verdict_is_find(r->verdict) && (report_meets(known[id].min.expect, r) || report_meets(known[other].min.expect, r));
}

static bool search_shows_either(unsigned id, unsigned other)
{
	static struct prog p;
	const struct known *k = &known[id];
	struct run_options o;
	struct run_result r;

	p = k->free;
	bug_switch(&p.world.bugs, other, true);
	run_options_init(&o);
	o.snapshot = true;
	o.strategy = strategy_find(k->budget.strategy);
	for (o.seed = 1; o.seed <= k->budget.schedules; o.seed++)
		if (shows_either(&p, &o, id, other, &r))
			return true;
	return false;
}

static void try_pair(struct pair *pair, unsigned id, unsigned other)
{
	static struct prog p;
	struct run_options o;
	struct run_result r;

	p = known[id].min;
	bug_switch(&p.world.bugs, other, true);
	run_options_init(&o);
	o.strategy = STRATEGY_REPLAY;
	if (shows_either(&p, &o, id, other, &r)) {
		pair->outcome = BY_REPLAY;
		return;
	}
	snprintf(pair->shown, sizeof(pair->shown), "%s", verdict_is_find(r.verdict) ? r.title : verdict_name(r.verdict));
	pair->outcome = known[id].has_search && search_shows_either(id, other) ? BY_SEARCH : HIDDEN;
}

/* Each process has pairs of its own; results come back in shared memory. */
static void try_in_processes(struct pair *pairs, const bool *wanted, u32 jobs)
{
	fflush(stdout);
	for (u32 j = 0; j < jobs; j++) {
		pid_t pid = fork();

		HARNESS_BUG_ON(pid < 0);
		if (pid)
			continue;
		for (unsigned id = 0, n = 0; id < BUG_COUNT; id++)
			for (unsigned other = 0; other < BUG_COUNT; other++)
				if (is_pair(id, other) && (wanted[id] || wanted[other]) && n++ % jobs == j)
					try_pair(pair_of(pairs, id, other), id, other);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

static bool read_reason(char *line)
{
	char *words[3] = { strtok(line, " \t"), strtok(NULL, " \t"), strtok(NULL, "") };
	int id, other;

	if (!words[2])
		return false;
	id = bug_find(words[0]);
	other = bug_find(words[1]);
	if (id < 0 || other < 0 || known[id].reasons[other])
		return false;
	known[id].reasons[other] = strdup(words[2] + strspn(words[2], " \t"));
	return true;
}

/* A file that is not there lists nothing. */
static bool read_reasons(void)
{
	FILE *f = fopen(PAIRS_FILE, "r");
	char line[1024];
	bool ok = true;

	for (u32 number = 1; f && ok && fgets(line, sizeof(line), f); number++) {
		line[strcspn(line, "\n")] = '\0';
		ok = !line[0] || line[0] == '#' || read_reason(line);
		if (!ok)
			fprintf(stderr, PAIRS_FILE ":%u: expected the ids of two bugs and a reason, once\n", number);
	}
	if (f)
		fclose(f);
	return ok;
}

static json_t *pair_json(const struct pair *p, unsigned id, unsigned other, bool good)
{
	const char *reason = known[id].reasons[other];
	json_t *json = json_pack("{s:s, s:s, s:b, s:b, s:s}", "bug", bug_table[id].name, "other", bug_table[other].name, "good", good,
				 "hidden", p->outcome == HIDDEN, "shown", p->shown);

	if (reason)
		json_object_set_new(json, "reason", json_string(reason));
	return json;
}

/* `list`: of JSON, or NULL. */
static bool print_pair(const struct pair *p, unsigned id, unsigned other, json_t *list)
{
	const char *reason = known[id].reasons[other];
	bool good = (p->outcome == HIDDEN) == (reason != NULL);

	if (p->outcome != HIDDEN && good)
		return true;
	if (list)
		json_array_append_new(list, pair_json(p, id, other, good));
	else
		printf("%-42s %-42s %-8s %s; %s\n", bug_table[id].name, bug_table[other].name, good ? "listed" : "MISS",
		       p->outcome == HIDDEN ? p->shown : "is found", reason ? reason : "not in " PAIRS_FILE);
	return good;
}

static bool print_pairs(struct pair *pairs, const bool *wanted, bool json)
{
	u32 count[OUTCOME_COUNT] = { 0 }, bad = 0, all;
	json_t *list = json ? json_array() : NULL;

	for (unsigned id = 0; id < BUG_COUNT; id++)
		for (unsigned other = 0; other < BUG_COUNT; other++) {
			const struct pair *p = pair_of(pairs, id, other);

			if (is_pair(id, other) ? !wanted[id] && !wanted[other] : !known[id].reasons[other])
				continue;
			count[p->outcome]++;
			bad += !print_pair(p, id, other, list);
		}
	all = count[UNTRIED] + count[BY_REPLAY] + count[BY_SEARCH] + count[HIDDEN];
	if (json)
		json_print(stdout, json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:o}", "command", "bugs pairs", "programs", (int)all, "replay",
					     (int)count[BY_REPLAY], "search", (int)count[BY_SEARCH], "neither", (int)count[HIDDEN], "lost",
					     (int)count[UNTRIED], "bad", (int)bad, "exceptions", list));
	else
		printf("%u programs with a second bug on: %u show one of the two when replayed, %u when searched, %u neither, %u lost; %u not as listed\n",
		       all, count[BY_REPLAY], count[BY_SEARCH], count[HIDDEN], count[UNTRIED], bad);
	return !bad && !count[UNTRIED];
}

int bugs_pairs(const struct options *o, const bool *wanted)
{
	const size_t size = BUG_COUNT * BUG_COUNT * sizeof(struct pair);
	struct pair *pairs;
	bool good;

	if (!bugs_folders_are_there("pairs"))
		return EXIT_BAD_INPUT;
	known = calloc(BUG_COUNT, sizeof(*known));
	pairs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	HARNESS_BUG_ON(!known || pairs == MAP_FAILED);
	for (unsigned id = 0; id < BUG_COUNT; id++)
		load(id);
	if (!read_reasons())
		return EXIT_BAD_INPUT;
	try_in_processes(pairs, wanted, o->jobs);
	good = print_pairs(pairs, wanted, o->json);
	munmap(pairs, size);
	return good ? EXIT_CLEAN : EXIT_HARNESS;
}
