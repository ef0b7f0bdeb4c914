/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * batch.h - what foliofuzz asks of foliofuzz-free, on its standard input, and what that answers, on its standard output: structures as they
 * are in memory, since both come out of one build. A request is followed by its programs.
 */
#ifndef FUZZ_FREE_BATCH_H
#define FUZZ_FREE_BATCH_H

#include <foliofuzz/prog.h>
#include <foliofuzz/run.h>

#define FREE_FINDS_MAX 64
/*
 * No execution has ended for so long, and the threads have used so much of a processor meanwhile: the batch is killed. Who waits spins, lane 0 too, so a
 * hang does use time, and what waits for a busy machine does not.
 */
#define FREE_HANG_MS 5000u
#define FREE_HANG_CPU_MS 300u
#define FREE_BATCH 200u    /* executions of a child process */
#define FREE_BUILD (0x66726565u ^ (u32)sizeof(struct prog) ^ (u32)OP_COUNT << 16)

struct free_request {
	u32 build; /* FREE_BUILD */
	u32 programs;
	u64 seed;         /* of the delays */
	u64 runs;         /* of each program; 0: no limit */
	u64 milliseconds; /* 0: no limit */
	bool delay, keep_going;
};

/*
 * CRASH: a thread met it: an assertion of the kernel, a list whose links are wrong, an address that is none. STATE: what was left behind is wrong. RACE: a
 * report of ThreadSanitizer's, which goes to standard error.
 */
enum free_kind { FREE_CRASH, FREE_STATE, FREE_HANG, FREE_RACE };
struct free_find {
	u32 kind; /* enum free_kind */
	u32 program;
	u64 execution, milliseconds; /* of the first */
	u64 count;
	char title[RUN_TITLE_MAX];
	char message[512];
};
struct free_answer {
	u64 executions, batches, milliseconds;
	u64 dropped; /* finds whose titles are beyond the first FREE_FINDS_MAX */
	u32 find_count;
	bool interrupted;
	struct free_find finds[FREE_FINDS_MAX]; /* in the order in which they came */
};

#endif
