/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress.h - what many executions have shown, and what that says of the next ones. Sums and sets, so that they do not depend on
 * who made which execution.
 */
#ifndef FUZZ_REPORT_PROGRESS_H
#define FUZZ_REPORT_PROGRESS_H

#include <foliofuzz/run.h>
#include <stdio.h>

#define PROGRESS_SLOTS 32768 /* power of two */
#define PROGRESS_DEPTHS 8

struct progress {
	u64 programs; /* that were given; 0: each execution is of a random one */
	u64 executions, switches, preemptions;
	/*
	 * Interleavings, by hash, and how often each was seen, 2 being often: those whose hash ends in `level` zeroes, the lowest
	 * level at which they fill no more than half of the slots (adaptive sampling: Flajolet, "On adaptive sampling", Computing 1990).
	 */
	u32 level, count;
	struct progress_slot {
		u64 hash; /* 0: free */
		u32 times;
	} slots[PROGRESS_SLOTS];
	u64 pairs[WATCH_WORDS];
	/* PCT: executions of each depth; the most choices and CPUs that one was given */
	u64 pct_runs[PROGRESS_DEPTHS];
	u32 pct_choices, pct_cpus;
};

/* One execution of program `program`, which `watch` has seen. */
void progress_note(struct progress *p, const struct engine_watch *watch, const struct run_result *r, u64 program);
void progress_add(struct progress *to, const struct progress *from);

/* Distinct interleavings; exact up to half of the slots, then an estimate with a relative error of about 1%. */
u64 progress_interleavings(const struct progress *p);
/*
 * Good and Turing's estimate of the probability that the next execution shows an interleaving not seen before: those seen once over all executions
 * (Good, "The population frequencies of species and the estimation of population parameters", Biometrika 1953).
 */
double progress_next_is_new(const struct progress *p);
/* Of 64 * WATCH_WORDS bits, one for a pair of sites that met; two pairs may share one. */
unsigned progress_pairs(const struct progress *p);
/*
 * The probability with which PCT misses a bug of `depth` that each of its executions finds with 1/(n k^(depth-1)) at least. Of several programs the one
 * with the most choices is judged. 1 when nothing was run for that depth.
 */
double progress_pct_miss(const struct progress *p, unsigned depth);
/* What makes the whole run worthless, or NULL. */
const char *progress_warning(const struct progress *p);
void progress_print(FILE *out, const struct progress *p);

#endif
