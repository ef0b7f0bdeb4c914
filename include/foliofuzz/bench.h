/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.h - what the engine is measured against and on: the bare loop (the machine's limit) and the three toys of
 * canonical-workloads.md.
 */
#ifndef FOLIOFUZZ_BENCH_H
#define FOLIOFUZZ_BENCH_H

#include <foliofuzz/engine.h>

/*
 * `executions` times: `cpus` stacks (1..ENGINE_CPUS_MAX), each to be stepped `steps` times; before every step one of
 * the stacks that have steps left is picked at random and switched to. Nothing else. Returns the number of switches.
 */
u64 bare_loop(unsigned cpus, u32 steps, u64 executions, u64 seed);

struct toy_workload {
	const char *name, *help;
	unsigned lanes;
	u32 steps;            /* of one execution, shared over the lanes; for the bare loop */
	double peer_ratio;    /* best peer's executions/s over the bare engine's, canonical-workloads.md */
	void (*boot)(void);
	lane_fn lane;
	bool (*holds)(void);  /* the toy's assertion, after an execution without a find */
};
extern const struct toy_workload toy_workloads[];
extern const unsigned toy_workload_count;

#endif
