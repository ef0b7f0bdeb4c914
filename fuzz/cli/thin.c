/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * thin.c - a find whose many switches cannot be written down, and which no schedule with a few shows: takes away deviations for as
 * long as the title stays, by halves, quarters and so on (delta debugging: Zeller, Hildebrandt 2002, without its complements, which
 * a schedule of more than two parts hardly ever needs).
 */
#include "cli.h"

#include <string.h>

enum { RUNS_MAX = 20000 };

struct thinner {
	const struct prog *prog;
	struct run_options options;
	const char *title;
	struct prog_deviation kept[DEVIATION_LIST_MAX], candidate[DEVIATION_LIST_MAX];
	unsigned count, runs;
};

static bool shows(struct thinner *t, const struct prog_deviation *at, unsigned count)
{
	struct deviation_list list = { count, at };
	struct run_result r;

	t->options.deviations = &list;
	run_one(t->prog, &t->options, &r, NULL);
	t->options.deviations = NULL;
	t->runs++;
	return verdict_is_find(r.verdict) && !strcmp(r.title, t->title);
}

/* Later ones first: what an earlier one does decides what they meet. */
static bool drop_parts(struct thinner *t, unsigned size)
{
	bool any = false;

	for (unsigned end = t->count; end > 0 && t->runs < RUNS_MAX; end = end > size ? end - size : 0) {
		unsigned start = end > size ? end - size : 0, rest = t->count - end;

		memcpy(t->candidate, t->kept, start * sizeof(t->kept[0]));
		memcpy(&t->candidate[start], &t->kept[end], rest * sizeof(t->kept[0]));
		if (!shows(t, t->candidate, start + rest))
			continue;
		memcpy(t->kept, t->candidate, (start + rest) * sizeof(t->kept[0]));
		t->count = start + rest;
		any = true;
	}
	return any;
}

bool thin_schedule(struct prog *prog, const struct run_options *o, const struct run_result *found)
{
	static struct thinner t;
	struct run_result r;

	t.prog = prog;
	t.options = *o;
	t.title = found->title;
	t.options.snapshot = true;
	t.runs = 0;
	t.options.record = true;
	run_one(prog, &t.options, &r, NULL);
	t.count = run_deviation_list(t.kept, DEVIATION_LIST_MAX);
	t.options.record = false;
	t.options.strategy = STRATEGY_REPLAY;
	if (t.count > DEVIATION_LIST_MAX || !shows(&t, t.kept, t.count))
		return false;
	for (unsigned size = t.count; size > 0; size /= 2)
		while (drop_parts(&t, size) && size == 1)
			;
	if (t.count > PROG_DEVIATIONS_MAX)
		return false;
	memset(&prog->sched, 0, sizeof(prog->sched));
	prog->sched.kind = SCHED_DEVIATIONS;
	prog->sched.deviation_count = (u16)t.count;
	memcpy(prog->sched.deviations, t.kept, t.count * sizeof(t.kept[0]));
	return true;
}
