/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * minimise.c - a find with everything taken away that it does not need: operations, CPUs, preemptions, failures, arguments and
 * knobs of the world. What remains is a local minimum: without any one of its operations, CPUs, deviations or failures the find is gone.
 *
 * A part is not needed when the program without it still ends with the same title: under the schedule that is left, or under one of a few
 * others with one or two switches. Everything is a function of program and title.
 */
#include "cli.h"

#include <string.h>

enum { SWITCHES = 2, TRIES = 400, SEARCHES = 3000 };

struct minimiser {
	struct prog *best;      /* shows the find under its own schedule */
	struct run_options options;
	char title[RUN_TITLE_MAX];
	u64 runs;
};

static bool shows(struct minimiser *m, const struct prog *p, struct run_result *r)
{
	m->options.strategy = p->sched.kind == SCHED_BYTES ? STRATEGY_BYTES : STRATEGY_REPLAY;
	m->options.record = true;
	m->runs++;
	run_one(p, &m->options, r, NULL);
	return verdict_is_find(r->verdict) && !strcmp(r->title, m->title);
}

/* The schedule as the run took it, which has no deviation that does not fit. */
static bool anchored(struct minimiser *m, struct prog *p)
{
	static struct prog again;
	struct run_result r;

	again = *p;
	if (!run_deviations(&again.sched) || !shows(m, &again, &r))
		return false;
	*p = again;
	return true;
}

unsigned operations_of(const struct prog *p)
{
	unsigned n = p->setup.count + p->teardown.count;

	for (unsigned l = 0; l < p->world.cpus; l++)
		n += p->lanes[l].count;
	return n;
}

static unsigned deviations_of(const struct prog *p)
{
	return p->sched.kind == SCHED_DEVIATIONS ? p->sched.deviation_count : PROG_DEVIATIONS_MAX + 1;
}

/*
 * Takes the candidate if it shows the find; `search`: or shows it under another schedule. A candidate never has more deviations than
 * what it replaces, or the steps would go in circles.
 */
static bool take(struct minimiser *m, struct prog *candidate, bool search)
{
	struct run_result r;
	bool ok = shows(m, candidate, &r);

	if (!ok && search) {
		struct run_options o = m->options;
		struct run_result wanted;

		memset(&wanted, 0, sizeof(wanted));
		memcpy(wanted.title, m->title, sizeof(wanted.title));
		o.record = true;
		m->runs += TRIES * SWITCHES;
		ok = calm_schedule_within(candidate, &o, &wanted, SWITCHES, TRIES) && shows(m, candidate, &r);
	}
	if (!ok || !anchored(m, candidate) || deviations_of(candidate) > deviations_of(m->best))
		return false;
	*m->best = *candidate;
	return true;
}

/* Only if it is the shorter schedule. */
static bool take_fewer(struct minimiser *m, struct prog *candidate)
{
	struct run_result r;

	if (!shows(m, candidate, &r) || !anchored(m, candidate) || deviations_of(candidate) >= deviations_of(m->best))
		return false;
	*m->best = *candidate;
	return true;
}

static bool drop_operations(struct minimiser *m)
{
	static struct prog candidate;
	bool any = false;

	for (unsigned lane = PROG_LANE_TEARDOWN + 1; lane-- > 0;) {
		if (lane < PROG_LANES_MAX && lane >= m->best->world.cpus)
			continue;
		for (unsigned i = prog_lane_at(m->best, lane)->count; i-- > 0;) {
			candidate = *m->best;
			prog_remove_op(&candidate, lane, i);
			any |= take(m, &candidate, true);
		}
	}
	return any;
}

static bool drop_lanes(struct minimiser *m)
{
	static struct prog candidate;
	bool any = false;

	for (unsigned lane = m->best->world.cpus; lane-- > 0;) {
		candidate = *m->best;
		if (lane < m->best->world.cpus && prog_remove_lane(&candidate, lane))
			any |= take(m, &candidate, true);
	}
	return any;
}

static bool drop_deviations(struct minimiser *m)
{
	static struct prog candidate;
	bool any = false;

	for (unsigned i = m->best->sched.deviation_count; i-- > 0;) {
		if (i >= m->best->sched.deviation_count)
			continue;
		candidate = *m->best;
		prog_remove_deviation(&candidate, i);
		any |= take(m, &candidate, false);
	}
	return any;
}

/* There and back: half of a pair alone leads elsewhere. */
static bool drop_pairs(struct minimiser *m)
{
	static struct prog candidate;
	bool any = false;

	for (unsigned i = m->best->sched.deviation_count; i-- > 1;) {
		if (i >= m->best->sched.deviation_count)
			continue;
		candidate = *m->best;
		prog_remove_deviation(&candidate, i);
		prog_remove_deviation(&candidate, i - 1);
		any |= take(m, &candidate, false);
	}
	return any;
}

/* Another schedule, with fewer switches than what single steps led to. */
static bool calmer(struct minimiser *m)
{
	static struct prog candidate;
	struct run_result wanted;

	if (deviations_of(m->best) <= 1)
		return false;
	memset(&wanted, 0, sizeof(wanted));
	memcpy(wanted.title, m->title, sizeof(wanted.title));
	candidate = *m->best;
	m->runs += TRIES * SWITCHES * 4;
	if (!calm_schedule_within(&candidate, &m->options, &wanted, SWITCHES, TRIES * 4))
		return false;
	return take_fewer(m, &candidate);
}

static bool drop_faults(struct minimiser *m)
{
	static struct prog candidate;
	bool any = false;

	for (unsigned lane = 0; lane <= PROG_LANE_TEARDOWN; lane++)
		for (unsigned i = 0; i < prog_lane_at(m->best, lane)->count; i++) {
			if (!prog_lane_at(m->best, lane)->ops[i].fail)
				continue;
			candidate = *m->best;
			prog_lane_at(&candidate, lane)->ops[i].fail = 0;
			any |= take(m, &candidate, true);
		}
	return any;
}

/* A smaller argument says less: a count is tried as 1, any number as 0 and as its half. */
static bool lower_argument(struct minimiser *m, unsigned lane, unsigned i, unsigned a)
{
	static struct prog candidate;
	const struct prog_op *op = &prog_lane_at(m->best, lane)->ops[i];
	const u8 kind = prog_op_table[op->id].args[a], least = kind == ARG_NR ? 1 : 0, now = op->args[a];
	const u8 tries[] = { least, now / 2 };

	for (unsigned k = 0; k < ARRAY_SIZE(tries); k++) {
		if (tries[k] >= now || tries[k] < least)
			continue;
		candidate = *m->best;
		prog_lane_at(&candidate, lane)->ops[i].args[a] = tries[k];
		if (take(m, &candidate, false))
			return true;
	}
	return false;
}

static bool lower_arguments(struct minimiser *m)
{
	bool any = false;

	for (unsigned lane = 0; lane <= PROG_LANE_TEARDOWN; lane++)
		for (unsigned i = 0; i < prog_lane_at(m->best, lane)->count; i++)
			for (unsigned a = 0; a < prog_op_table[prog_lane_at(m->best, lane)->ops[i].id].arg_count; a++)
				any |= lower_argument(m, lane, i, a);
	return any;
}

static bool plain_world(struct minimiser *m)
{
	static struct prog candidate;
	u8 *knobs[] = { &candidate.world.memcgs, &candidate.world.underused, &candidate.world.mapcount };
	bool any = false;

	for (unsigned k = 0; k < ARRAY_SIZE(knobs); k++) {
		candidate = *m->best;
		if (!*knobs[k])
			continue;
		*knobs[k] = 0;
		any |= take(m, &candidate, false);
	}
	return any;
}

/* Some random schedule of the program ends with that title. */
static bool search_shows(const struct prog *p, const struct run_options *o, const char *title, u64 *seed)
{
	static const u8 strategies[] = { STRATEGY_RANDOM, STRATEGY_POS };
	struct run_options run = *o;
	struct run_result r;

	for (u64 i = 0; i < SEARCHES; i++) {
		run.strategy = strategies[i % ARRAY_SIZE(strategies)];
		run.seed = *seed = i;
		run_one(p, &run, &r, NULL);
		if (verdict_is_find(r.verdict) && !strcmp(r.title, title))
			return true;
	}
	return false;
}

/* Fewer operations first, each under whatever schedule shows the find: a smaller program needs fewer switches. */
bool minimise_drawn(struct prog *p, const struct run_options *o, const struct run_result *found)
{
	static struct prog candidate;
	struct run_options run = *o;
	bool again = true;
	u64 seed;

	run.record = false;
	run.snapshot = true;
	p->sched.kind = SCHED_NONE;
	while (again) {
		again = false;
		for (unsigned lane = PROG_LANE_TEARDOWN + 1; lane-- > 0;)
			for (unsigned i = prog_lane_at(p, lane)->count; i-- > 0;) {
				candidate = *p;
				prog_remove_op(&candidate, lane, i);
				if (!search_shows(&candidate, &run, found->title, &seed))
					continue;
				*p = candidate;
				again = true;
			}
	}
	return calm_schedule(p, &run, found);
}

bool minimise(struct prog *p, const struct run_options *o, void (*tick)(u64 runs), struct run_result *result)
{
	struct minimiser m = { .best = p, .options = *o };
	bool again;

	m.options.strategy = STRATEGY_REPLAY;
	m.options.snapshot = true;
	run_one(p, &m.options, result, NULL);
	if (!verdict_is_find(result->verdict))
		return false;
	memcpy(m.title, result->title, sizeof(m.title));
	if (p->sched.kind != SCHED_DEVIATIONS && !(shows(&m, p, result) && anchored(&m, p))) {
		/* too many switches to write down */
		if (!(calm_schedule(p, &m.options, result) || thin_schedule(p, &m.options, result)) || !shows(&m, p, result) || !anchored(&m, p))
			return false;
	}
	do {
		again = drop_lanes(&m);
		again |= drop_operations(&m);
		again |= drop_deviations(&m);
		again |= drop_pairs(&m);
		again |= calmer(&m);
		again |= drop_faults(&m);
		again |= plain_world(&m);
		again |= lower_arguments(&m);
		if (tick)
			tick(m.runs);
	} while (again);
	return shows(&m, p, result);
}
