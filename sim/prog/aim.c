/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aim.c - random operations and arguments that mostly name what the program already names, since
 * lanes that never touch the same thing cannot race.
 */
#include "internal.h"

#include <stddef.h>
#include <string.h>

/* Pages under one PMD entry. */
enum { PMD_VPNS = 8, WEIGHT = 16, SWARM_MIN = 3, SWARM_MORE = 8 };

/* Operations that hardly ever do something unless another one has been there. */
static const struct {
	u8 op, first;
} companions[] = {
	{ OP_put, OP_get }, { OP_irq_put, OP_get }, { OP_dma_write, OP_pin }, { OP_dma_read, OP_pin_read },
	{ OP_mmap, OP_munmap }, { OP_munlock, OP_mlock }, { OP_shrink, OP_dontneed }, { OP_split_pmd, OP_fault_huge },
	{ OP_swapon, OP_swapoff }, { OP_swapoff, OP_pageout }, { OP_memcg_online, OP_memcg_offline },
	{ OP_to_system, OP_to_device }, { OP_device_read, OP_to_device }, { OP_device_write, OP_to_device },
	{ OP_device_evict, OP_to_device }, { OP_device_open, OP_device_close }, { OP_unpoison, OP_memory_failure },
	{ OP_fault_file, OP_mmap_shared }, { OP_cachestat, OP_file_read }, { OP_file_sync, OP_file_write },
	{ OP_file_invalidate, OP_file_read }, { OP_file_read_pages, OP_file_readahead }, { OP_shrink_huge_zero, OP_fault_read_huge },
	{ OP_uffd_copy, OP_uffd_register }, { OP_uffd_zeropage, OP_uffd_register }, { OP_uffd_poison, OP_uffd_register },
	{ OP_uffd_wp, OP_uffd_register }, { OP_uffd_move, OP_uffd_register }, { OP_uffd_move_holes, OP_uffd_register },
	{ OP_pagemap_scan, OP_uffd_register },
};

static void note(u8 *set, unsigned *count, u8 value)
{
	if (*count < AIM_MAX)
		set[(*count)++] = value;
}

static void note_lane(struct aim *aim, const struct prog_lane *lane)
{
	for (unsigned i = 0; i < lane->count; i++)
		for (unsigned a = 0; a < PROG_ARGS_MAX; a++) {
			unsigned kind = prog_op_table[lane->ops[i].id].args[a];

			if (kind == ARG_NEWMM)
				note(aim->mms, &aim->mm_count, lane->ops[i].args[a]);
			else if (kind == ARG_VPN)
				note(aim->vpns, &aim->vpn_count, lane->ops[i].args[a]);
		}
}

/*
 * Swarm testing (Groce et al., ISSTA 2012): of a hundred operations drawn evenly, two that have anything to do with each other seldom meet in
 * one program; so each program draws a few operations first, and then only from those.
 */
void aim_swarm(struct aim *aim, struct prng *r)
{
	unsigned n = SWARM_MIN + prng_below(r, SWARM_MORE);

	memset(aim->allowed, 0, sizeof(aim->allowed));
	aim->swarm = true;
	while (n--)
		aim->allowed[prng_below(r, OP_COUNT)] = true;
	for (unsigned i = 0; i < ARRAY_SIZE(companions); i++)
		aim->allowed[companions[i].first] |= aim->allowed[companions[i].op];
	aim->allowed[OP_write] |= prng_chance(r, 1, 2);
	aim->allowed[OP_read] |= prng_chance(r, 1, 2);
}

bool aim_companion(struct prog_op *op, unsigned *next, const struct aim *aim, struct prng *r)
{
	while (*next < ARRAY_SIZE(companions)) {
		unsigned i = (*next)++;

		if (!aim->allowed[companions[i].op] || prog_generation_lacks(aim->generation, companions[i].first) ||
		    prng_chance(r, 1, 2))
			continue;
		memset(op, 0, sizeof(*op));
		op->id = companions[i].first;
		aim_args(op, aim, r);
		return true;
	}
	return false;
}

void aim_at(struct aim *aim, const struct prog *p)
{
	memset(aim->mms, 0, offsetof(struct aim, swarm));
	aim->memcgs = p->world.memcgs;
	aim->generation = p->world.generation;
	note_lane(aim, &p->setup);
	for (unsigned l = 0; l < p->world.cpus; l++)
		note_lane(aim, &p->lanes[l]);
}

static u8 pick_mm(const struct aim *aim, struct prng *r)
{
	if (aim->mm_count && !prng_chance(r, 1, 32))
		return aim->mms[prng_below(r, aim->mm_count)];
	return (u8)prng_below(r, PROG_MMS);
}

static u8 pick_vpn(const struct aim *aim, struct prng *r)
{
	unsigned way = prng_below(r, 4);
	u8 vpn;

	if (!aim->vpn_count || way == 3)
		return (u8)prng_below(r, PROG_VPNS);
	vpn = aim->vpns[prng_below(r, aim->vpn_count)];
	if (way == 2)
		return (u8)(vpn - vpn % PMD_VPNS + prng_below(r, PMD_VPNS));
	return vpn;
}

static u8 pick_nr(struct prng *r)
{
	unsigned way = prng_below(r, 4);

	if (way == 0)
		return 1;
	if (way == 1)
		return PMD_VPNS;
	return (u8)(1 + prng_below(r, way == 2 ? PMD_VPNS : PROG_VPNS));
}

/* The first few references are the ones that get() and put() meet on. */
static u8 pick_ref(struct prng *r)
{
	return (u8)prng_below(r, prng_chance(r, 3, 4) ? 2 : PROG_REFS);
}

void aim_arg(struct prog_op *op, unsigned i, const struct aim *aim, struct prng *r)
{
	const struct prog_arg_row *row = prog_arg_row(op, i);

	switch ((enum prog_arg_kind)prog_op_table[op->id].args[i]) {
	case ARG_MM:
		op->args[i] = pick_mm(aim, r);
		break;
	case ARG_VPN:
		op->args[i] = pick_vpn(aim, r);
		break;
	case ARG_NR:
		op->args[i] = pick_nr(r);
		break;
	case ARG_NEWREF:
	case ARG_REF:
		op->args[i] = pick_ref(r);
		break;
	case ARG_MEMCG:
		op->args[i] = (u8)prng_below(r, aim->memcgs + 1u);
		break;
	default:
		op->args[i] = (u8)(row->min + prng_below(r, row->count));
		break;
	}
}

void aim_args(struct prog_op *op, const struct aim *aim, struct prng *r)
{
	for (unsigned i = 0; i < PROG_ARGS_MAX; i++)
		aim_arg(op, i, aim, r);
}

u8 aim_random_fail(struct prng *r)
{
	return (u8)(1 + prng_below(r, prng_chance(r, 3, 4) ? 4 : PROG_FAIL_MAX));
}

/* A space that appears or disappears in the middle ends more programs than it starts races; one that is a copy starts them. */
static unsigned weight(const struct aim *aim, unsigned id)
{
	if (prog_generation_lacks(aim->generation, id) || (aim->swarm && !aim->allowed[id]))
		return 0;
	if (id == OP_fork)
		return WEIGHT;
	if (prog_op_table[id].args[0] == ARG_NEWMM || id == OP_exit)
		return 1;
	return id == OP_relax ? WEIGHT / 4 : WEIGHT;
}

void aim_random_op(struct prog_op *op, const struct aim *aim, struct prng *r)
{
	unsigned total = 0, id = 0;
	u32 ticket;

	for (unsigned i = 0; i < OP_COUNT; i++)
		total += weight(aim, i);
	/* the release may lack all that was drawn */
	ticket = total ? prng_below(r, total) : 0;
	while (total && ticket >= weight(aim, id))
		ticket -= weight(aim, id++);
	if (!total)
		id = OP_relax;
	memset(op, 0, sizeof(*op));
	op->id = (u8)id;
	aim_args(op, aim, r);
	if (prng_chance(r, 1, 16))
		op->fail = aim_random_fail(r);
}
