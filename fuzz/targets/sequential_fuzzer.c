/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sequential_fuzzer.c - this target makes a long run of operations of its input and executes them one after the other: the contents of
 * all pages are compared with a plain map after each.
 */
#include "target.h"

#include "../report/report.h"

enum { OPS_MAX = 4096 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	target_init(argc, *argv);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prog_op ops[OPS_MAX];
	static struct prog p; /* for its world: kernel and bugs are the target's */
	struct run_options o;
	struct run_result r;
	size_t count, done;

	run_options_init(&o);
	prog_init(&p);
	count = prog_decode_ops(&p.world, data, size, ops, OPS_MAX);
	target_set_world(&p, true);
	for (size_t i = 0; i < count; i++)
		if (prog_op_table[ops[i].id].litmus)
			return 0;
	run_sequence(&p.world, ops, count, &o, &r, &done);
	if (verdict_is_find(r.verdict))
		crash_assert_sequence_clean(&p.world, ops, done < count ? done + 1 : count, &r);
	return 0;
}
