/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.c - from a program to an execution and, on a find, to the crash; the same for every
 * target.
 */
#include "target.h"

#include <foliofuzz/explore.h>

#include "../report/report.h"

static _Noreturn void crash_assert(const struct prog *p, struct run_options *o, u64 hash,
				   bool direct)
{
	struct report_replay replay = {
		.file = direct ? "CRASH-FILE" : "PROGRAM-BELOW.prog",
		.options = o,
		.world = direct ? &p->world : NULL,
	};
	struct run_result r;

	o->record = true;
	o->guide = NULL;
	run_one(p, o, &r, NULL);
	HARNESS_BUG_ON(r.hash != hash);
	crash_assert_clean(&replay, p, &r);
}

void target_assert_clean(const struct prog *p, bool direct)
{
	struct run_options o;
	struct run_result r;

	/* what such a program asserts says nothing of the replica */
	if (prog_is_litmus(p))
		return;
	run_options_init(&o);
	o.strategy = p->sched.kind == SCHED_BYTES ? STRATEGY_BYTES : STRATEGY_REPLAY;
	o.vehicle = target_vehicle();
	o.guide = target_guide();
	run_one(p, &o, &r, NULL);
	if (o.guide)
		target_guide_tell(o.guide);
	if (verdict_is_find(r.verdict))
		crash_assert(p, &o, r.hash, direct);
}
