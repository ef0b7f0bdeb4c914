/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * search.h - every execution of a program up to the order of steps that commute: depth-first search over scheduling points. The
 * caller has the memory, runs the executions, and asks for the next one until there is none.
 */
#ifndef FOLIOFUZZ_SEARCH_H
#define FOLIOFUZZ_SEARCH_H

#include <foliofuzz/engine.h>

/*
 * dependence.c: what a step reads and writes, by id. Two steps of different lanes are dependent if they touch one object and one of them
 * writes; `all`: with every step. A step that touches more than there is room for is `all`, which costs executions, no more.
 */
#define FOOTPRINT_MAX 12
struct footprint {
	u8 count;
	bool all;
	struct {
		u32 object;
		bool write;
	} at[FOOTPRINT_MAX];
};
/* What an event touches as such. */
void footprint_of_event(struct footprint *f, const struct event *ev, u32 object_id);
void footprint_touch(struct footprint *f, u32 object_id, enum touch_kind how);
void footprint_join(struct footprint *to, const struct footprint *from);
bool footprints_dependent(const struct footprint *a, const struct footprint *b);

static inline void clock_join(u16 *to, const u16 *from)
{
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		if (to[i] < from[i])
			to[i] = from[i];
}

enum search_mode {
	SEARCH_WATCH, /* another strategy decides; only clocks and the hash of the trace */
	SEARCH_ALL,   /* every schedule, no reduction */
	SEARCH_SLEEP, /* sleep sets (Godefroid, 1996): no trace twice, but cut executions. The reference for: */
	SEARCH_DPOR,  /* source sets and sleep sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014) */
};

#define SEARCH_STEPS_MAX 4096 /* steps of an execution's parallel phase; longer ones make the search incomplete */

/* A state on the path of the running execution, and the step that was taken there. */
struct search_step {
	u8 cpu;
	u8 enabled, done, todo, sleep; /* masks of lanes. done: all that begins with it was searched */
	bool conditional;              /* the step waited for something: it can be disabled */
	u8 fail, asks;                 /* which ask of the step fails, 0: none; asks seen when none did */
	u16 index;                     /* of the step in its lane, from 1 */
	u16 before;                    /* the lane's last step: its place on the path + 1; 0: none */
	u16 clock[ENGINE_LANES_MAX];   /* steps of each lane that happen before this one, and itself */
	u64 what;                      /* hash of lane, site, kind, object, failure */
	struct footprint of[ENGINE_LANES_MAX]; /* of cpu; of those in done and sleep when they went on from here */
	struct footprint variants;     /* of cpu with other failures */
};
struct search_fault {
	u8 cpu, op, ask;
};
#define SEARCH_FAULTS_MAX 8
struct search {
	/* set by search_init() */
	struct strategy strategy;
	struct engine_listener listener;
	enum search_mode mode;
	unsigned faults; /* at most so many failures besides the program's own */
	/* of the running execution */
	u32 depth;  /* steps so far */
	u32 fixed;  /* steps that are to be as the path says */
	u32 fresh;  /* path[fresh..] has no clocks yet */
	u16 last[ENGINE_LANES_MAX]; /* place + 1 of each lane's last step */
	u8 asked;                   /* failures asked for in the running step */
	u8 chosen_from;             /* mask of the choice before the next step; 0: none was made */
	bool asleep;   /* a lane that sleeps had to go on: nothing new from here */
	bool too_long;
	unsigned fault_count;
	struct search_fault fault[SEARCH_FAULTS_MAX];
	/* results */
	u64 trace;  /* of the last execution: equal for equal traces (Mazurkiewicz), whatever the order in which they were run */
	u64 complete, cut; /* executions that ran to their end; those of which the rest had been seen */
	bool incomplete;   /* something was left out: too_long */
	struct search_step path[SEARCH_STEPS_MAX];
};
/* Lanes that have a step on the path. */
static inline u32 search_lanes(const struct search *s)
{
	u32 lanes = 0;

	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		lanes |= (u32)(s->last[i] != 0) << i;
	return lanes;
}
/* faults: at most SEARCH_FAULTS_MAX. */
void search_init(struct search *s, enum search_mode mode, unsigned faults);
/*
 * After each execution: clocks, races, and the next one to run. False: there is none. Counts it in complete or cut; in SEARCH_WATCH
 * always false.
 */
bool search_next(struct search *s);
/* Instead of search_next(): the next execution is to be the last one once more. */
void search_again(struct search *s);
/* How much of the tree that is known by now has been searched, 0 to 1: siblings count alike. */
double search_progress(const struct search *s);
/* dpor.c: adds to todo what the races of the last execution ask for. */
void dpor_races(struct search *s);

/*
 * search_state.c: all that a later process needs to go on after search_next(). Returns the bytes written, 0 if `size` was too small;
 * SEARCH_STATE_MAX is enough.
 */
#define SEARCH_STATE_MAX (64 + SEARCH_STEPS_MAX * (8 + (ENGINE_LANES_MAX + 1) * (2 + FOOTPRINT_MAX * 5)))
size_t search_save(const struct search *s, u8 *data, size_t size);
/* False: no such state, and *s is to be initialised again. */
bool search_load(struct search *s, const u8 *data, size_t size);

#endif
