/* SPDX-License-Identifier: GPL-2.0-only */
/* explore.h - what the two ways to explore share: preemption bounds (cmd_explore.c) and dpor. */
#ifndef CLI_EXPLORE_H
#define CLI_EXPLORE_H

#include "cli.h"
#include <foliofuzz/explore.h>

/*
 * A schedule that waits to be run; or that has been, and whose successors with a preemption more wait to be made of it: then it is run again, since
 * they are so many. And its share of all that are to be run; for the estimate alone.
 */
struct explore_item {
	struct bounded_schedule schedule;
	float share;
	u8 again; /* 0 or 1 */
};
/* Those with n preemptions, and those that lead to some, in stack n. */
struct explore_stack {
	struct explore_item *items;
	size_t count, room;
};
struct exploration {
	struct explore_stack stacks[PREEMPTIONS_MAX + 1];
	struct run_options options;
	struct run_stats stats;
	u64 before;       /* executions of the processes that wrote the state */
	u64 inconclusive;
	double searched;  /* share of what is known that has been run, 0 to 1 */
	u32 bound;
	u64 level[PREEMPTIONS_MAX + 1]; /* executions when all with so many preemptions had been run */
	unsigned levels;                /* of them */
	bool all; /* nothing had to be left out */
	bool litmus; /* every access is a point */
	bool json;
	bool dpor; /* and then: */
	u32 faults;
	u64 ended, cut; /* executions that came to their end, or were cut when nothing new was left in them */
};
/* Executions of this process and those before it. */
static inline u64 explore_executions(const struct exploration *x)
{
	return x->before + x->stats.executions;
}

/* ---- explore_report.c: each but the first returns the exit code ---- */
/* All schedules with so many preemptions have been run. */
void explore_tell_level(struct exploration *x, unsigned preemptions);
int explore_tell_incomplete(const struct exploration *x, const char *why);
int explore_tell_complete(const struct exploration *x);
/* Writes the find down; the execution of *r was recorded, and in->prog has its failures. */
int explore_tell_find(struct exploration *x, struct input *in, const struct options *o, struct run_result *r);

/* explore_dpor.c */
int explore_dpor(struct exploration *x, struct input *in, const struct options *o);

/*
 * explore_state.c: the state of a search as a file, with a header that says whose: program, options, and the hash of the default schedule's
 * execution, which another build may run otherwise. `how` is one line of options. Written beside, synced
 * and renamed: whenever the process is killed, the file is a whole state.
 */
struct explore_state {
	const char *path; /* NULL: nobody wants one */
	char how[256];
	u64 program; /* hash */
	u64 due;     /* clock_now() of the next write */
};
void explore_state_init(struct explore_state *s, const struct options *o, const struct prog *p, const char *how);
/* Time to write it. */
bool explore_state_due(struct explore_state *s);
/* False after a complaint. */
bool explore_state_write(const struct explore_state *s, const void *data, size_t size);
/*
 * What was written, to be freed; *size 0 and NULL when there is no file. False after a complaint: not a state, of another program or
 * other options, damaged.
 */
bool explore_state_read(const struct explore_state *s, u8 **data, size_t *size);
/* The search has come to its end. */
void explore_state_drop(const struct explore_state *s);

#endif
