/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One execution on the free vehicle, from boot to the end oracles. Oracles look when all threads have come to the end of a phase; a find
 * ends the process (include/foliofuzz/free.h).
 */
#include <foliofuzz/free.h>
#include <foliofuzz/kernel.h>
#include <foliofuzz/ops.h>
#include <foliofuzz/oracle.h>
#include "run_internal.h"

struct free_execution {
	const struct prog *prog;
	const struct prog_lane *sequential; /* of a phase that runs on one lane */
	bool teardown;
};

static void run_lane(void *arg, unsigned cpu)
{
	const struct free_execution *x = arg;
	const struct prog_lane *lane = x->sequential ? x->sequential : &x->prog->lanes[cpu];

	for (unsigned i = 0; i < lane->count; i++) {
		const struct prog_op *op = &lane->ops[i];

		engine_op_begin(run_op_site(op->id), i, op->fail);
		ops_run(op);
		engine_op_end(run_op_site(op->id));
	}
	if (x->teardown)
		ops_teardown();
}

static void run_phase(struct free_execution *x, const struct prog_lane *sequential)
{
	x->sequential = sequential;
	engine_phase(sequential ? 1 : x->prog->world.cpus, run_lane, x);
}

void free_run(const struct prog *prog, const struct free_options *o)
{
	struct free_execution x = { .prog = prog };
	static bool placed;

	if (!placed)
		arena_world(KERN_BYTES + machine_size());
	placed = true;
	run_boot(&prog->world, o->generation, &o->bugs, o->strict_hwpoison);
	run_phase(&x, &prog->setup);
	oracle_quiescent();
	run_phase(&x, NULL);
	oracle_quiescent();
	x.teardown = true;
	run_phase(&x, &prog->teardown);
	oracle_end();
}

void free_title(const struct engine_verdict *v, char *title)
{
	char function[RUN_FUNCTION_MAX], other[RUN_FUNCTION_MAX];

	run_title(v, title, function, other);
}
