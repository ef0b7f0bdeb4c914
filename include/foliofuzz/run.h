/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.h - the only door from a program in fuzz/ to the simulator: one program, one strategy, one execution,
 * one result.
 */
#ifndef FOLIOFUZZ_RUN_H
#define FOLIOFUZZ_RUN_H

#include <foliofuzz/benign.h>
#include <foliofuzz/engine.h>
#include <foliofuzz/prog.h>

#define RUN_STEPS_DEFAULT 20000u /* points before the schedule turns fair */
#define RUN_TITLE_MAX 200

struct bounded_schedule;
struct portfolio;
struct deviation_list;
struct search;
struct guide;
struct reversal;
struct run_options {
	enum vehicle vehicle;
	int strategy;      /* enum strategy_id */
	u64 seed;          /* of the strategy; the program's own content decides everything else */
	u32 steps_max;     /* 0: RUN_STEPS_DEFAULT */
	const struct bounded_schedule *schedule; /* of STRATEGY_BOUNDED */
	const struct deviation_list *deviations; /* of STRATEGY_REPLAY, instead of the program's schedule; or NULL */
	struct search *search; /* it decides (or with SEARCH_WATCH looks on) instead of `strategy`; or NULL */
	bool record;       /* keep the trace, see run_trace() */
	struct engine_watch *watch; /* what the execution showed; or NULL */
	struct guide *guide; /* what the execution showed, for a fuzzer; or NULL. Not with `search` */
	bool strict_hwpoison;
	/*
	 * More executions are to come whose world, setup and switches are those of this program: what setup leaves is kept, and from the next
	 * one on put back and not made again. Nothing but the time it takes and `restored` changes. See sim/run/README.md.
	 */
	bool snapshot;
	int generation;    /* enum generation, or -1: the program's */
	struct bug_switches bugs; /* on top of the program's */
};
void run_options_init(struct run_options *o);

/* What the kernel accepts; the list stands in sim/oracle/README.md. */
const char *benign_name(enum benign b);

/* bounded_expand() of the run that has just been recorded. */
bool run_expand(const struct bounded_schedule *s, unsigned preemptions,
		void (*add)(void *arg, const struct bounded_schedule *s), void *arg);

struct run_result {
	enum verdict verdict;
	u64 state;       /* hash of what the lanes left behind: see run.c; 0 when they did not come to their end */
	u64 hash;        /* of the execution: cpu, kind, object and site of every event, and the verdict */
	u32 points, switches, preemptions, decisions, conflicts;
	u32 restored;    /* of the points: setup's, if they were put back and not executed; else 0 */
	u32 profiled;    /* executions that were made before this one, for the strategy to know the program */
	struct run_pct {
		u32 depth, cpus, choices;
	} pct; /* of an execution of PCT: what its bound speaks of; depth 0: none */
	u32 diverged;    /* deviations of a replayed schedule that found no place */
	char title[RUN_TITLE_MAX]; /* "" when clean; "lost-update: PG_x in f / g", stable */
	const char *invariant;
	char function[64], other[64]; /* of the title, sorted; other may be "" */
	u32 step;        /* point of the find */
	u8 cpu;
	char message[512];
};

/*
 * Counters over many executions, for honest progress. Plain sums; zero them with memset.
 */
struct run_stats {
	u64 executions, points, finds, inconclusive, conflicting; /* runs with a cross-CPU conflict */
	u64 restored; /* of the points, those that were not executed: see struct run_result */
	u64 op_tried[OP_COUNT], op_done[OP_COUNT];
	u64 benign[BENIGN_COUNT];
	u64 fault_fired;
};

/*
 * Executes `prog` (valid) from boot to the end oracles. Everything is reset first, or is as this program's setup leaves it, so a find or an
 * unwound execution before this one leaves no mark. `stats` may be NULL.
 */
void run_one(const struct prog *prog, const struct run_options *options, struct run_result *result,
	     struct run_stats *stats);

/*
 * STRATEGY_PORTFOLIO in a search that learns: makes of *o, the options of the search with the seed of its first execution, those of the n-th;
 * returns the arm of *p that is to be told what it shows. run_one() with STRATEGY_PORTFOLIO itself never learns.
 */
unsigned run_choose(const struct portfolio *p, u64 n, struct run_options *o);
/* Strategies know no program any more, and no setup is kept: the next execution is as costly as in a new process. */
void run_forget(void);

/*
 * near.c: of the programs whose deviations and failures come some occurrences earlier or later, the one with the least difference of which
 * wanted(arg, result) holds; 4,000 executions at most. On success *p is that, *result its result and *distance the sum of the differences.
 */
#define RUN_NEAR_MAX 16u
bool run_near(struct prog *p, const struct run_options *o, bool (*wanted)(const void *arg, const struct run_result *r), const void *arg,
	      struct run_result *result, u32 *distance);

/*
 * One CPU and any number of operations. After each of them, while nothing is in flight, the quiescent oracles look, and every page of
 * every address space holds what a map from virtual page to token says. Stops at the first find; *done: operations that were begun.
 */
void run_sequence(const struct prog_world *world, const struct prog_op *ops, size_t count,
		  const struct run_options *options, struct run_result *result, size_t *done);

/* The trace of the last run_one() with options->record; valid until the next one. */
const struct event *run_trace(u32 *count);
/* A name for the object of an event ("f0.page1.flags", "m0.mmap_lock", "cpu0:folio_list.next"), into t. */
void run_object_name(struct text *t, const struct event *ev);
/* Name of the operation an event belongs to: "cpu0 op 2: dontneed(m0, 1, 1)"; "" outside. */
void run_op_name(struct text *t, const struct prog *prog, const struct event *ev);
/* The schedule that the recorded run took, as anchored deviations; false if there were too many. */
bool run_deviations(struct prog_sched *out);
/* The same, however many: writes the first `max`, returns how many there are. */
unsigned run_deviation_list(struct prog_deviation *out, unsigned max);
/* Another schedule than the recorded run took: two of its conflicting accesses come in the other order; reverse_from_run(). */
bool run_reversed(struct prog_sched *out, struct reversal *what, struct prng *r);
void run_stats_add(struct run_stats *to, const struct run_stats *from);

#endif
