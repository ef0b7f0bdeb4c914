/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reverse.c - a mutator that runs its parent and makes two conflicting accesses come in the other order. In a fuzz target it runs instrumented
 * code, which does no harm: the engine has read its counters when it mutates, and clears them before it runs what comes out.
 */
#include <foliofuzz/explore.h>
#include <foliofuzz/run.h>

#include <string.h>

#include "../targets/target.h"
#include "mutators.h"

bool mutate_reverse(struct prog *p, struct prng *r)
{
	static struct prog_sched reversed;
	struct run_options o;
	struct run_result result;
	struct reversal what;
	const struct prog_world own = p->world;

	target_set_world(p, false);
	if (prog_is_litmus(p))
		return false;
	/* a random walk's would leave no room: one switch more than none */
	if (p->sched.kind == SCHED_NONE) {
		memset(&p->sched, 0, sizeof(p->sched));
		p->sched.kind = SCHED_BYTES;
	}
	run_options_init(&o);
	o.strategy = p->sched.kind == SCHED_BYTES ? STRATEGY_BYTES : STRATEGY_REPLAY;
	o.vehicle = target_vehicle();
	o.record = true;
	run_one(p, &o, &result, NULL);
	/* the target's are no part of what comes out */
	p->world.bugs = own.bugs;
	p->world.generation = own.generation;
	if (result.verdict != VERDICT_CLEAN || !run_reversed(&reversed, &what, r))
		return false;
	p->sched = reversed;
	return true;
}
