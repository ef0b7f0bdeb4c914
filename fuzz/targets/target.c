/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target.c - from a program to an execution and, on a find, to the crash; the same for every
 * target.
 */
#include "target.h"

#include <foliofuzz/explore.h>
#ifdef FOLIOFUZZ_AFL
#include <signal.h>
#endif

#include "../report/report.h"

static bool keeps_setup;

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

static void set_options(struct run_options *o, const struct prog *p)
{
	run_options_init(o);
	o->strategy = p->sched.kind == SCHED_BYTES ? STRATEGY_BYTES : STRATEGY_REPLAY;
	o->vehicle = target_vehicle();
	o->snapshot = keeps_setup;
}

void target_keep_setup(const struct prog *p)
{
	struct run_options o;
	struct run_result r;

	keeps_setup = true;
	set_options(&o, p);
	run_one(p, &o, &r, NULL);
}

/*
 * What executes is a child of AFL++'s forkserver, and would wait for it for ever if that and afl-fuzz were killed. Each time, since a child
 * that did something once would not look the same each time.
 */
#ifdef FOLIOFUZZ_AFL
/* <sys/prctl.h> wants the kernel's <linux/types.h>, and finds the replica's. */
int prctl(int option, ...);
#define PR_SET_PDEATHSIG 1
#define die_with_parent() prctl(PR_SET_PDEATHSIG, SIGKILL)
#else
#define die_with_parent() ((void)0)
#endif

void target_assert_clean(const struct prog *p, bool direct)
{
	struct run_options o;
	struct run_result r;

	die_with_parent();
	/* what such a program asserts says nothing of the replica */
	if (prog_is_litmus(p))
		return;
	set_options(&o, p);
	o.guide = target_guide();
	run_one(p, &o, &r, NULL);
	if (o.guide)
		target_guide_tell(o.guide);
	if (verdict_is_find(r.verdict))
		crash_assert(p, &o, r.hash, direct);
}
