/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * generate.c - a random program that is likely to do something: a setup that makes and fills one or
 * two address spaces, and lanes of operations that meet there.
 */
#include "internal.h"

enum { SETUP_FAULTS_MAX = 3, LANE_OPS_MAX = 6, ORDER_2_VPNS = 4, PMD_VPNS = 8 };

static void append(struct prog_lane *lane, struct prog_op op)
{
	if (lane->count < PROG_OPS_MAX)
		lane->ops[lane->count++] = op;
}

static void random_fault(struct prog_op *op, u8 mm, struct prng *r)
{
	static const u8 ids[] = { OP_fault_huge, OP_fault_huge, OP_fault_mthp, OP_fault, OP_write };
	u8 vpn = (u8)prng_below(r, prng_chance(r, 1, 2) ? PMD_VPNS : PROG_VPNS);

	*op = (struct prog_op){ .id = ids[prng_below(r, ARRAY_SIZE(ids))], .args = { mm } };
	if (op->id == OP_fault_huge)
		vpn = vpn / PMD_VPNS * PMD_VPNS;
	else if (op->id == OP_fault_mthp)
		vpn = vpn / ORDER_2_VPNS * ORDER_2_VPNS;
	op->args[1] = vpn;
}

static void generate_setup(struct prog *p, struct aim *aim, struct prng *r)
{
	unsigned mms = prng_chance(r, 1, 3) ? 2 : 1;
	struct prog_op op;
	unsigned next = 0;

	for (unsigned m = 0; m < mms; m++) {
		unsigned faults = 1 + prng_below(r, SETUP_FAULTS_MAX);

		append(&p->setup, (struct prog_op){ .id = OP_mm, .args = { (u8)m } });
		while (faults--) {
			random_fault(&op, (u8)m, r);
			append(&p->setup, op);
		}
	}
	for (aim_at(aim, p); aim_companion(&op, &next, aim, r); aim_at(aim, p))
		append(&p->setup, op);
	/* A state that a fresh fault does not reach: mapped by PTEs, queued, referenced, ... */
	for (unsigned n = prng_below(r, 5); n > 0; n--) {
		aim_at(aim, p);
		aim_random_op(&op, aim, r);
		append(&p->setup, op);
	}
}

static void generate_world(struct prog_world *w, struct prng *r)
{
	w->cpus = prng_chance(r, 3, 4) ? 2 : (u8)(3 + prng_below(r, PROG_LANES_MAX - 2));
	w->memcgs = (u8)prng_below(r, 3);
	w->underused = (u8)prng_below(r, 2);
	if (prog_has_no_page_mapcount(w->generation))
		w->mapcount = (u8)prng_below(r, 2);
}

static void generate_lane(struct prog_lane *lane, unsigned max, const struct aim *aim,
			  struct prng *r)
{
	struct prog_op op;

	for (unsigned n = 1 + prng_below(r, max); n > 0; n--) {
		aim_random_op(&op, aim, r);
		append(lane, op);
	}
}

void prog_generate(struct prog *p, struct prng *r)
{
	struct aim aim;

	prog_init(p);
	generate_world(&p->world, r);
	aim_swarm(&aim, r);
	generate_setup(p, &aim, r);
	aim_at(&aim, p);
	for (unsigned l = 0; l < p->world.cpus; l++)
		generate_lane(&p->lanes[l], LANE_OPS_MAX, &aim, r);
	if (prng_chance(r, 1, 8))
		generate_lane(&p->teardown, 2, &aim, r);
}
