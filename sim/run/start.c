/* SPDX-License-Identifier: GPL-2.0-only */
/* What every execution begins with, whoever schedules it: a machine that has just been booted; and the sites of operations. */
#include <foliofuzz/kernel.h>
#include <foliofuzz/ops.h>
#include <foliofuzz/oracle.h>
#include "run_internal.h"

const struct site *run_op_site(unsigned id)
{
	static struct site sites[OP_COUNT] = {
#define OP(id, name, a0, a1, a2, a3, help) { .function = name, .primitive = "op", .detail = "", .expr = "" },
#include <foliofuzz/op.def>
#undef OP
	};

	if (unlikely(!sites[id].hash))
		sites[id].hash = hash_string(sites[id].function);
	return &sites[id];
}

void run_boot(const struct prog_world *world, int generation, const struct bug_switches *more, bool strict_hwpoison)
{
	struct bug_switches bugs = world->bugs;
	struct machine_config config = {
		.cpus = world->cpus,
		.memcgs = world->memcgs,
		.no_page_mapcount = world->mapcount == MAPCOUNT_NO_PAGE,
		.underused = world->underused,
	};
	struct oracle_options oracle = { .strict_hwpoison = strict_hwpoison, .lanes = world->cpus };

	bug_switches_add(&bugs, more);
	bug_state_set(generation >= 0 ? (enum generation)generation : (enum generation)world->generation, &bugs);
	arena_reset();
	kern_reset();
	ops_boot();
	machine_boot(&config);
	oracle_begin(&oracle);
}
