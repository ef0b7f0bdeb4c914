/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explore.h - strategies, each an implementation of struct strategy (engine.h). They see CPUs and pending
 * accesses, never a folio.
 */
#ifndef FOLIOFUZZ_EXPLORE_H
#define FOLIOFUZZ_EXPLORE_H

#include <foliofuzz/engine.h>
#include <foliofuzz/prog.h>

enum strategy_id {
#define STRATEGY(id, name, help) STRATEGY_##id,
#include <foliofuzz/strategy.def>
#undef STRATEGY
	STRATEGY_COUNT
};
const char *strategy_name(enum strategy_id id);
int strategy_find(const char *name); /* -1 if there is none */

/* random.c: algorithms.md 4.1. */
struct random_strategy {
	struct strategy strategy;
	struct prng prng;
};
void random_strategy_init(struct random_strategy *r);

/* pct.c: algorithms.md 4.2. `length`: choices of a typical execution of the program. */
#define PCT_CHANGES_MAX 8
struct pct_strategy {
	struct strategy strategy;
	struct prng prng;
	u32 length, step;
	unsigned changes;
	u32 change[PCT_CHANGES_MAX]; /* choices, from 1 on, at which the running CPU falls */
	s32 priority[ENGINE_LANES_MAX], lowest;
};
void pct_strategy_init(struct pct_strategy *p, u32 length);

/* pos.c: algorithms.md 4.3. */
struct pos_strategy {
	struct strategy strategy;
	struct prng prng;
	u32 known; /* CPUs whose pending event has a priority */
	u64 priority[ENGINE_LANES_MAX];
	struct event event[ENGINE_LANES_MAX];
};
void pos_strategy_init(struct pos_strategy *p);

/*
 * bounded.c: the default schedule (keep running this CPU; when it waits or has ended, the lowest enabled one) but for a few choices,
 * which are numbered from 0. Their list names a schedule, and each schedule has one.
 */
#define BOUNDED_TURNS_MAX 24
struct bounded_schedule {
	u8 count, preemptions;
	struct {
		u32 choice;
		u8 cpu;
	} turns[BOUNDED_TURNS_MAX];
};
struct bounded_strategy {
	struct strategy strategy;
	const struct bounded_schedule *schedule;
	u32 choice;
	u8 next;
};
void bounded_strategy_init(struct bounded_strategy *b, const struct bounded_schedule *schedule);
/* The schedules that have one turn more than `s`, behind its last, and at most `preemptions` preemptions in all: to be done by `add`. */
typedef void bounded_add(void *arg, const struct bounded_schedule *s);
/* After s has been run with `record`. False: some have too many turns to be named. */
bool bounded_expand(const struct bounded_schedule *s, unsigned preemptions, bounded_add *add, void *arg);

/* bytes.c: `sched` must outlive the run and be of kind SCHED_BYTES (else: always stay). */
struct bytes_strategy {
	struct strategy strategy;
	const struct prog_sched *sched;
	u8 op[ENGINE_LANES_MAX];
	u8 pos[ENGINE_LANES_MAX];
	u8 stay[ENGINE_LANES_MAX]; /* choices left for which to stay */
};
void bytes_strategy_init(struct bytes_strategy *b, const struct prog_sched *sched);

/*
 * replay.c: any kind of schedule. Deviations whose anchor does not come up in the run are skipped; `missed` and
 * `applied` say how far the replay diverged. `list`: a schedule of deviations alone, longer than a program can hold.
 */
struct deviation_list {
	unsigned count; /* at most DEVIATION_LIST_MAX */
	const struct prog_deviation *at;
};
#define DEVIATION_LIST_MAX 4096
struct replay_strategy {
	struct strategy strategy;
	const struct prog_sched *sched;
	struct deviation_list list;
	struct bytes_strategy bytes;
	u32 applied, missed;
	u32 run, run_left; /* SCHED_RUNS */
	u16 reached[DEVIATION_LIST_MAX]; /* occurrences seen of each deviation's site */
	u64 anchor_hash[DEVIATION_LIST_MAX];
	bool done[DEVIATION_LIST_MAX];
};
void replay_strategy_init(struct replay_strategy *r, const struct prog_sched *sched);
void replay_strategy_init_list(struct replay_strategy *r, const struct deviation_list *list);

/*
 * deviations.c: writes down, as anchored deviations, the first `max` of those that the recorded execution took. Returns how many
 * there are.
 */
unsigned deviations_from_run(struct prog_deviation *out, unsigned max);

#endif
