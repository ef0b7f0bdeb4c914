/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prog.c - the tables of operations and argument kinds; the empty program; equality.
 */
#include "internal.h"

#include <string.h>

#define HAS(kind) (ARG_##kind != ARG_NONE)
const struct prog_op_row prog_op_table[OP_COUNT] = {
#define OP(id, name_, a0, a1, a2, a3, help_)                                                       \
	[OP_##id] = {                                                                              \
		.name = name_,                                                                     \
		.help = help_,                                                                     \
		.args = { ARG_##a0, ARG_##a1, ARG_##a2, ARG_##a3 },                                \
		.arg_count = HAS(a0) + HAS(a1) + HAS(a2) + HAS(a3),                                \
	},
#include <foliofuzz/op.def>
#undef OP
};
#undef HAS
_Static_assert(OP_COUNT <= 128, "bit 7 of an encoded operation says that a fail byte follows");

const struct prog_arg_row prog_arg_table[ARG_KIND_COUNT] = {
	[ARG_NONE] = { "", "nothing", 0, 0, 1, false },
	[ARG_NEWMM] = { "m", "an address space m0..m2", 'm', 0, PROG_MMS, true },
	[ARG_MM] = { "mm", "an address space m0..m2", 'm', 0, PROG_MMS, false },
	[ARG_NEWREF] = { "g", "a reference g0..g3", 'g', 0, PROG_REFS, true },
	[ARG_REF] = { "ref", "a reference g0..g3", 'g', 0, PROG_REFS, false },
	[ARG_VPN] = { "vpn", "a virtual page 0..31", 0, 0, PROG_VPNS, false },
	[ARG_NR] = { "nr", "a number of pages 1..32", 0, 1, PROG_VPNS, false },
	[ARG_ORDER] = { "order", "a folio order 0..3", 0, 0, 4, false },
	[ARG_MEMCG] = { "memcg", "a cgroup 0..3", 0, 0, PROG_MEMCGS_MAX, false },
	[ARG_FILE] = { "file", "a file f0..f2", 'f', 0, PROG_FILES, false },
	[ARG_PGOFF] = { "pgoff", "a page of a file 0..15", 0, 0, PROG_FILE_PAGES, false },
	[ARG_NODE] = { "node", "a node 0..1", 0, 0, 2, false },
	[ARG_FLAG] = { "flag", "0 or 1", 0, 0, 2, false },
	[ARG_PROT] = { "prot", "a protection 0..3 (1: read, 2: write)", 0, 0, 4, false },
};
_Static_assert(PROG_MMS == 3 && PROG_REFS == 4 && PROG_VPNS == 32 && PROG_MEMCGS_MAX == 4 &&
		       PROG_FILES == 3 && PROG_FILE_PAGES == 16,
	       "prog_arg_table words the ranges");

/* Leaves alone what stands behind a count: it is large, and means nothing. */
void prog_init(struct prog *p)
{
	memset(&p->world, 0, sizeof(p->world));
	p->world.cpus = 1;
	p->world.generation = GENERATION_DEFAULT;
	memset(&p->setup, 0, sizeof(p->setup));
	memset(p->lanes, 0, sizeof(p->lanes));
	memset(&p->teardown, 0, sizeof(p->teardown));
	p->sched.kind = SCHED_NONE;
	p->sched.run_count = 0;
	p->sched.deviation_count = 0;
	memset(p->sched.stream_len, 0, sizeof(p->sched.stream_len));
	p->comment[0] = '\0';
	p->expect[0] = '\0';
}

bool prog_has_no_page_mapcount(enum generation g)
{
	return g > GENERATION_V6_12;
}

/* Masks of the releases that lack it. */
static const u32 op_lacked_by[OP_COUNT] = {
	[0] = 0,
#define GENERATION_LACKS(op, generations, since) [OP_##op] = (generations),
#include <foliofuzz/generation.def>
};

bool prog_generation_lacks(enum generation g, unsigned op)
{
	return op_lacked_by[op] >> g & 1;
}

const char *prog_op_since(unsigned op)
{
	static const char *const since_table[OP_COUNT] = {
		[0] = NULL,
#define GENERATION_LACKS(op, generations, since) [OP_##op] = (since),
#include <foliofuzz/generation.def>
	};

	return since_table[op];
}

void prog_set_generation(struct prog *p, enum generation g)
{
	p->world.generation = (u8)g;
	if (!prog_has_no_page_mapcount(g))
		p->world.mapcount = MAPCOUNT_PAGE;
	edit_drop_lacking(p);
}

struct prog_lane *prog_lane_at(struct prog *p, unsigned lane)
{
	if (lane == LANE_SETUP)
		return &p->setup;
	return lane == LANE_TEARDOWN ? &p->teardown : &p->lanes[lane];
}

static bool lane_equal(const struct prog_lane *a, const struct prog_lane *b)
{
	return a->count == b->count && !memcmp(a->ops, b->ops, a->count * sizeof(a->ops[0]));
}

static bool bug_set_equal(const struct bug_set *a, const struct bug_set *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool world_equal(const struct prog_world *a, const struct prog_world *b)
{
	return a->cpus == b->cpus && a->memcgs == b->memcgs && a->mapcount == b->mapcount &&
	       a->underused == b->underused && a->generation == b->generation &&
	       bug_set_equal(&a->bugs.on, &b->bugs.on) && bug_set_equal(&a->bugs.off, &b->bugs.off);
}

static bool streams_equal(const struct prog_sched *a, const struct prog_sched *b)
{
	if (memcmp(a->stream_len, b->stream_len, sizeof(a->stream_len)))
		return false;
	for (unsigned l = 0; l < PROG_LANES_MAX; l++)
		for (unsigned i = 0; i < PROG_OPS_MAX; i++)
			if (memcmp(a->stream[l][i], b->stream[l][i], a->stream_len[l][i]))
				return false;
	return true;
}

static bool runs_equal(const struct prog_sched *a, const struct prog_sched *b)
{
	if (a->run_count != b->run_count)
		return false;
	for (unsigned i = 0; i < a->run_count; i++)
		if (a->runs[i].cpu != b->runs[i].cpu || a->runs[i].points != b->runs[i].points)
			return false;
	return true;
}

static bool deviation_equal(const struct prog_deviation *a, const struct prog_deviation *b)
{
	return a->cpu == b->cpu && a->op == b->op && a->to == b->to &&
	       a->occurrence == b->occurrence && !strcmp(a->anchor, b->anchor);
}

static bool sched_equal(const struct prog_sched *a, const struct prog_sched *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == SCHED_BYTES)
		return streams_equal(a, b);
	if (a->kind == SCHED_RUNS)
		return runs_equal(a, b);
	if (a->kind == SCHED_NONE)
		return true;
	if (a->deviation_count != b->deviation_count)
		return false;
	for (unsigned i = 0; i < a->deviation_count; i++)
		if (!deviation_equal(&a->deviations[i], &b->deviations[i]))
			return false;
	return true;
}

bool prog_equal(const struct prog *a, const struct prog *b)
{
	if (!world_equal(&a->world, &b->world) || !lane_equal(&a->setup, &b->setup) ||
	    !lane_equal(&a->teardown, &b->teardown))
		return false;
	for (unsigned l = 0; l < PROG_LANES_MAX; l++)
		if (!lane_equal(&a->lanes[l], &b->lanes[l]))
			return false;
	return sched_equal(&a->sched, &b->sched);
}
