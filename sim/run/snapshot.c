/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program's setup leaves, kept for the executions to come. Setup runs on one CPU, and no strategy, listener or fault of a search has a
 * say in it: it is a function of what stands in struct setup_key. It is kept between its end and the first event of the lanes, when no
 * simulated CPU has a frame. README.md says what all is kept, and by whom.
 */
#include <foliofuzz/kernel.h>
#include <foliofuzz/ops.h>
#include <foliofuzz/oracle.h>
#include "run_internal.h"
#include <string.h>

struct setup_key {
	struct prog_world world;
	struct prog_lane setup;
	struct bug_switches bugs;
	int generation;
	enum vehicle vehicle;
	u32 steps_max;
	bool strict_hwpoison;
};
static struct {
	bool any, traced;
	struct setup_key key;
	struct snapshot world, trace;
	u32 points;
	struct op_counts ops;
} kept;

static bool same_world(const struct prog_world *a, const struct prog_world *b)
{
	return a->cpus == b->cpus && a->memcgs == b->memcgs && a->mapcount == b->mapcount && a->underused == b->underused &&
	       a->generation == b->generation && !memcmp(&a->bugs, &b->bugs, sizeof(a->bugs));
}

static bool same_setup(const struct prog_lane *a, const struct prog_lane *b)
{
	return a->count == b->count && !memcmp(a->ops, b->ops, a->count * sizeof(a->ops[0]));
}

bool setup_kept(const struct prog *prog, const struct run_options *o, bool record)
{
	const struct setup_key *k = &kept.key;

	return kept.any && (kept.traced || !record) && same_setup(&k->setup, &prog->setup) && same_world(&k->world, &prog->world) &&
	       !memcmp(&k->bugs, &o->bugs, sizeof(k->bugs)) && k->generation == o->generation && k->vehicle == o->vehicle &&
	       k->steps_max == o->steps_max && k->strict_hwpoison == o->strict_hwpoison;
}

void setup_restore(struct execution *x, bool record)
{
	snapshot_restore(&kept.world);
	if (record)
		engine_restore_trace(&kept.trace);
	x->restored = kept.points;
	x->setup = kept.ops;
}

/* Pages from a zone's untouched mark on are as after boot. */
static void save_pages(struct snapshot *s, void *of_pages, u32 unit)
{
	for (u32 nid = 0; nid < NR_NODES; nid++)
		snapshot_add_used(s, (u8 *)of_pages + nid * NODE_PAGES * unit, unit, NODE_PAGES, &machine->nodes[nid].zone.untouched,
				  (u16)(nid * NODE_PAGES));
	snapshot_add(s, (u8 *)of_pages + NR_PAGES * unit, (MAX_PFN - NR_PAGES) * unit);
}

static void machine_save(struct snapshot *s)
{
	save_pages(s, machine->memmap, sizeof(machine->memmap[0]));
	save_pages(s, machine->content, sizeof(machine->content[0]));
	snapshot_add(s, (u8 *)machine + offsetof(struct machine_state, free_next), sizeof(*machine) - offsetof(struct machine_state, free_next));
}

void setup_keep(const struct execution *x, const struct run_options *o, bool record)
{
	kept.any = true;
	kept.key = (struct setup_key){
		.world = x->prog->world, .setup = x->prog->setup, .bugs = o->bugs, .generation = o->generation, .vehicle = o->vehicle,
		.steps_max = o->steps_max, .strict_hwpoison = o->strict_hwpoison,
	};
	kept.traced = record;
	kept.points = engine_stats()->points;
	kept.ops = x->setup;
	snapshot_begin(&kept.world);
	snapshot_add_arena(&kept.world);
	snapshot_add(&kept.world, &bug_state, sizeof(bug_state));
	engine_save(&kept.world);
	kern_save(&kept.world);
	machine_save(&kept.world);
	ops_save(&kept.world);
	oracle_save(&kept.world);
	snapshot_end(&kept.world);
	if (record)
		engine_save_trace(&kept.trace);
}

void setup_forget(void)
{
	kept.any = false;
}
