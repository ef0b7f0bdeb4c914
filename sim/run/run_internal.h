/* SPDX-License-Identifier: GPL-2.0-only */
/* run_internal.h - what the files of sim/run share. */
#ifndef RUN_INTERNAL_H
#define RUN_INTERNAL_H

#include <foliofuzz/explore.h>
#include <foliofuzz/run.h>

#define PHASE_PARALLEL 2

/* What a lane's operations came to, a bit for each. */
struct op_counts {
	u32 done, fault_fired;
};

/* What the lanes of the running execution are given. */
struct execution {
	const struct prog *prog;
	const struct prog_lane *sequential; /* of the phase that runs on one lane */
	bool teardown;
	bool watched; /* somebody wants to know the state */
	u64 state, outcome[PROG_LANES_MAX]; /* of each lane's operations */
	u32 restored; /* points of setup that were not executed */
	struct op_counts setup; /* of setup */
	struct run_stats *stats;
	struct guide *guide; /* or NULL */
};
/* From boot to the end oracles; of `config` the caller has set strategy, seed and record. */
void run_execute(struct execution *x, const struct run_options *o, struct engine_config *config);

/* snapshot.c: whether what the program's setup leaves is kept, with what it has recorded if that is wanted. */
bool setup_kept(const struct prog *prog, const struct run_options *o, bool record);
/* Then, after engine_begin(): puts it back. */
void setup_restore(struct execution *x, bool record);
/* Keeps it: setup has just run to its end, and no oracle has anything against what it left. */
void setup_keep(const struct execution *x, const struct run_options *o, bool record);
void setup_forget(void);

/* start.c: what every execution begins with, whoever schedules it. bugs: on top of the program's; generation: -1: the program's. */
void run_boot(const struct prog_world *world, int generation, const struct bug_switches *bugs, bool strict_hwpoison);
const struct site *run_op_site(unsigned id);

/* title.c: "verdict: invariant in f / g" of a find, which is stable, and its two functions, sorted. */
enum { RUN_FUNCTION_MAX = 64 };
void run_title(const struct engine_verdict *v, char *title, char *function, char *other);

/* guided.c: the strategy, if it is one that knows the program from a profile; else NULL. May run the program to get to know it. */
struct strategy *run_guided(const struct prog *prog, const struct run_options *o);
/* Executions that the last run_guided() made for its profile. */
u32 run_profiled(void);
/* Of the execution that has just been made with STRATEGY_PCT. */
struct run_pct run_pct(const struct prog *prog);

#endif
