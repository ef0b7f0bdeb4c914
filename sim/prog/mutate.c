/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mutate.c - one random structural change of a program, and the same for programs as bytes, which
 * is what the mutators of libFuzzer and AFL++ call.
 */
#include "internal.h"

#include <string.h>

static bool random_place(struct prog *p, struct prng *r, unsigned *lane, unsigned *at)
{
	unsigned ticket = prng_below(r, 8);

	/* Most changes belong where the race is. */
	if (ticket < 6)
		*lane = prng_below(r, p->world.cpus);
	else
		*lane = ticket == 6 || prng_chance(r, 1, 2) ? LANE_SETUP : LANE_TEARDOWN;
	if (!prog_lane_at(p, *lane)->count)
		return false;
	*at = prng_below(r, prog_lane_at(p, *lane)->count);
	return true;
}

static bool op_insert(struct prog *p, struct prng *r)
{
	unsigned lane, at;
	struct prog_op op;
	struct aim aim = { .swarm = false };

	if (!random_place(p, r, &lane, &at)) {
		lane = prng_below(r, p->world.cpus);
		at = 0;
	}
	aim_at(&aim, p);
	aim_random_op(&op, &aim, r);
	return edit_insert(p, lane, at + prng_below(r, prog_lane_at(p, lane)->count - at + 1), &op);
}

static bool op_delete(struct prog *p, struct prng *r)
{
	unsigned lane, at;

	if (!random_place(p, r, &lane, &at))
		return false;
	edit_delete(p, lane, at);
	return true;
}

static bool op_replace(struct prog *p, struct prng *r)
{
	unsigned lane, at;
	struct aim aim = { .swarm = false };

	if (!random_place(p, r, &lane, &at))
		return false;
	aim_at(&aim, p);
	aim_random_op(&prog_lane_at(p, lane)->ops[at], &aim, r);
	return true;
}

static bool op_retarget(struct prog *p, struct prng *r)
{
	unsigned lane, at, count;
	struct prog_op *op;
	struct aim aim = { .swarm = false };

	if (!random_place(p, r, &lane, &at))
		return false;
	op = &prog_lane_at(p, lane)->ops[at];
	count = prog_op_table[op->id].arg_count;
	if (!count)
		return false;
	aim_at(&aim, p);
	aim_arg(op, prng_below(r, count), &aim, r);
	return true;
}

/* The operation keeps its stream only where it stays: on another CPU it meets others. */
static bool op_move(struct prog *p, struct prng *r)
{
	unsigned from, at, to = prng_below(r, p->world.cpus);
	struct prog_op op;

	if (!random_place(p, r, &from, &at) || prog_lane_at(p, to)->count == PROG_OPS_MAX)
		return false;
	op = prog_lane_at(p, from)->ops[at];
	edit_delete(p, from, at);
	return edit_insert(p, to, prng_below(r, prog_lane_at(p, to)->count + 1u), &op);
}

static bool op_duplicate(struct prog *p, struct prng *r)
{
	unsigned from, at, to = prng_below(r, p->world.cpus);

	if (!random_place(p, r, &from, &at))
		return false;
	return edit_insert(p, to, prng_below(r, prog_lane_at(p, to)->count + 1u),
			   &prog_lane_at(p, from)->ops[at]);
}

static bool op_fail(struct prog *p, struct prng *r)
{
	unsigned lane, at;
	struct prog_op *op;

	if (!random_place(p, r, &lane, &at))
		return false;
	op = &prog_lane_at(p, lane)->ops[at];
	if (op->fail && prng_chance(r, 1, 2))
		op->fail = 0;
	else
		op->fail = aim_random_fail(r);
	return true;
}

static bool lanes_swap(struct prog *p, struct prng *r)
{
	unsigned a = prng_below(r, p->world.cpus), b = prng_below(r, p->world.cpus);

	if (a == b)
		return false;
	edit_swap_lanes(p, a, b);
	return true;
}

static bool world_knob(struct prog *p, struct prng *r)
{
	struct prog_world *w = &p->world;

	switch (prng_below(r, 4)) {
	case 0:
		edit_set_cpus(p, 1 + prng_below(r, PROG_LANES_MAX));
		return true;
	case 1:
		w->memcgs = (u8)prng_below(r, PROG_MEMCGS_MAX);
		return true;
	case 2:
		w->underused = !w->underused;
		return true;
	}
	if (!prog_has_no_page_mapcount(w->generation))
		return false;
	w->mapcount = !w->mapcount;
	return true;
}

static bool sched_clear(struct prog *p, struct prng *r)
{
	(void)r;
	if (p->sched.kind == SCHED_NONE)
		return false;
	edit_clear_sched(p);
	return true;
}

struct mutator {
	bool (*mutate)(struct prog *p, struct prng *r);
	unsigned weight;
};

static const struct mutator mutators[] = {
	{ op_insert, 8 },
	{ op_delete, 6 },
	{ op_replace, 6 },
	{ op_retarget, 10 },
	{ op_move, 3 },
	{ op_duplicate, 3 },
	{ op_fail, 3 },
	{ lanes_swap, 1 },
	{ world_knob, 2 },
	{ mutate_preemption_add, 10 },
	{ mutate_preemption_remove, 4 },
	{ mutate_preemption_move, 10 },
	{ sched_clear, 1 },
};

static const struct mutator *random_mutator(struct prng *r)
{
	const struct mutator *m = mutators;
	unsigned total = 0;
	u32 ticket;

	for (unsigned i = 0; i < ARRAY_SIZE(mutators); i++)
		total += mutators[i].weight;
	for (ticket = prng_below(r, total); ticket >= m->weight; m++)
		ticket -= m->weight;
	return m;
}

void prog_mutate(struct prog *p, struct prng *r)
{
	enum { TRIES = 32 };

	for (unsigned i = 0; i < TRIES; i++)
		if (random_mutator(r)->mutate(p, r))
			return;
	p->world.underused = !p->world.underused;
}

/* Decoding is total, so that bytes may become anything; reaches what no structural change does. */
static size_t havoc(u8 *data, size_t size, size_t max, struct prng *r)
{
	for (unsigned n = 1 + prng_below(r, 4); n > 0; n--) {
		size_t at = prng_below(r, (u32)size + 1);
		unsigned way = prng_below(r, 4);

		if (way == 0 && size < max) {
			memmove(data + at + 1, data + at, size - at);
			data[at] = (u8)prng_next(r);
			size++;
		} else if (way == 1 && size > 1 && at < size) {
			size--;
			memmove(data + at, data + at + 1, size - at);
		} else if (way == 2 && at < size) {
			data[at] ^= (u8)(1u << prng_below(r, 8));
		} else if (at < size) {
			data[at] = (u8)prng_next(r);
		}
	}
	if (size)
		return size;
	data[0] = (u8)prng_next(r);
	return 1;
}

size_t prog_mutate_bytes(u8 *data, size_t size, size_t max, u32 seed)
{
	struct prng r;
	struct prog p;

	if (!max)
		return 0;
	if (size > max)
		size = max;
	prng_seed(&r, seed);
	if (prng_chance(&r, 1, 16))
		return havoc(data, size, max, &r);
	/* Where there is next to nothing to change, a program from scratch gets further. */
	if (prng_chance(&r, 1, size < 8 ? 2 : 256))
		prog_generate(&p, &r);
	else
		prog_decode(&p, data, size);
	for (unsigned n = 1 + prng_below(&r, 4); n > 0; n--)
		prog_mutate(&p, &r);
	return prog_encode_fitting(&p, data, max);
}
