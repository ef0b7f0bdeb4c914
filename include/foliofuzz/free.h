/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * free.h - the free vehicle: CPUs are threads that nobody schedules, locks block, and a point is at most a delay. A stress test of the
 * same programs, to be measured against; what it finds depends on the machine, and does not replay. It stands in for engine.h's and the
 * kernel's own implementation, in a program of its own (foliofuzz-free), built with FOLIOFUZZ_FREE.
 *
 * One world per process. A find in a lane cannot be unwound, since the others go on: found() must not return, and ends the process.
 */
#ifndef FOLIOFUZZ_FREE_H
#define FOLIOFUZZ_FREE_H

#include <foliofuzz/engine.h>
#include <foliofuzz/prog.h>

/* What somebody outside of the process may look at while it runs: in shared memory. */
struct free_lane {
	const struct site *site;    /* of the last point; NULL: none yet */
	const struct site *op_site; /* of the running operation; NULL: none */
} __attribute__((aligned(64)));

struct free_config {
	struct free_lane *lanes; /* ENGINE_LANES_MAX */
	bool delay;              /* now and then a point waits: by a generator of each lane */
	u64 seed;                /* of those; no other choice is made here */
	const struct engine_hooks *hooks; /* note() alone, and written() for points that say which bits they change, before they do */
	/* The first find of the process. Does not return. From a lane, or from whoever called free_run(). */
	void (*found)(const struct engine_verdict *v) __attribute__((noreturn));
};
/* Threads are started with the first parallel phase. Once per process. */
void free_begin(const struct free_config *config);

struct free_options {
	bool strict_hwpoison;
	int generation; /* enum generation, or -1: the program's */
	struct bug_switches bugs; /* on top of the program's */
};
/* One execution, from boot to the end oracles; returns when nothing was found. */
void free_run(const struct prog *prog, const struct free_options *o);
/* "verdict: invariant in f / g", RUN_TITLE_MAX (foliofuzz/run.h) bytes at most. */
void free_title(const struct engine_verdict *v, char *title);

#endif
