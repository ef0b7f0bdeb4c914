/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * splice.c - two programs become one: operations, whole lanes or the schedule of the other one.
 */
#include "internal.h"

#include <string.h>

static void copy_stream(struct prog *p, unsigned lane, unsigned op, const struct prog *from,
			unsigned from_lane, unsigned from_op)
{
	u8 len;

	if (p->sched.kind != SCHED_BYTES || from->sched.kind != SCHED_BYTES)
		return;
	len = from->sched.stream_len[from_lane][from_op];
	p->sched.stream_len[lane][op] = len;
	memcpy(p->sched.stream[lane][op], from->sched.stream[from_lane][from_op], len);
}

/* The lane of p up to a point, the other's from a point on. */
static void splice_lane(struct prog *p, unsigned lane, const struct prog *other, struct prng *r)
{
	unsigned from = prng_below(r, other->world.cpus);
	const struct prog_lane *source = &other->lanes[from];
	unsigned keep = prng_below(r, p->lanes[lane].count + 1u);

	while (p->lanes[lane].count > keep)
		edit_delete(p, lane, p->lanes[lane].count - 1u);
	for (unsigned i = prng_below(r, source->count + 1u); i < source->count; i++) {
		if (!edit_insert(p, lane, p->lanes[lane].count, &source->ops[i]))
			return;
		copy_stream(p, lane, p->lanes[lane].count - 1u, other, from, i);
	}
}

/* Without the setup that they were made for, most operations of the other one find nothing. */
static void splice_setup(struct prog *p, const struct prog *other)
{
	for (unsigned i = 0; i < other->setup.count; i++)
		edit_insert(p, LANE_SETUP, p->setup.count, &other->setup.ops[i]);
}

static void add_lanes(struct prog *p, const struct prog *other, struct prng *r)
{
	unsigned lane = p->world.cpus;

	if (lane < PROG_LANES_MAX) {
		edit_set_cpus(p, lane + 1);
		splice_lane(p, lane, other, r);
	}
	splice_setup(p, other);
}

static void take_streams(struct prog *p, const struct prog *other)
{
	if (other->sched.kind != SCHED_BYTES)
		return;
	edit_sched_to_bytes(p);
	for (unsigned l = 0; l < p->world.cpus; l++)
		for (unsigned i = 0; i < p->lanes[l].count; i++)
			if (l < other->world.cpus && i < other->lanes[l].count)
				copy_stream(p, l, i, other, l, i);
}

static void copy_lane(struct prog *p, unsigned lane, const struct prog *other)
{
	unsigned from = lane % other->world.cpus;

	while (p->lanes[lane].count)
		edit_delete(p, lane, p->lanes[lane].count - 1u);
	for (unsigned i = 0; i < other->lanes[from].count; i++) {
		edit_insert(p, lane, i, &other->lanes[from].ops[i]);
		copy_stream(p, lane, i, other, from, i);
	}
}

void prog_splice(struct prog *p, const struct prog *other, struct prng *r)
{
	unsigned lane = prng_below(r, p->world.cpus);

	switch (prng_below(r, 5)) {
	case 0:
		add_lanes(p, other, r);
		break;
	case 1:
		copy_lane(p, lane, other);
		break;
	case 2:
		take_streams(p, other);
		break;
	case 3:
		p->setup = other->setup;
		break;
	default:
		splice_lane(p, lane, other, r);
		break;
	}
	edit_drop_lacking(p);
}

size_t prog_cross_bytes(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out, size_t max,
			u32 seed)
{
	struct prog p, other;
	struct prng r;

	if (!max)
		return 0;
	prng_seed(&r, seed);
	prog_decode(&p, a, a_size);
	prog_decode(&other, b, b_size);
	prog_splice(&p, &other, &r);
	return prog_encode_fitting(&p, out, max);
}
