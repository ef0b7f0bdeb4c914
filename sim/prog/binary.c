/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * binary.c - programs as bytes, the form that fuzzers mutate: decoding is total, since every value
 * is taken modulo its range and every length is clamped. Layout: README.md.
 */
#include "internal.h"

#include <string.h>

enum { OP_HAS_FAIL = 0x80, OP_LITMUS = 0x7f, BUG_IS_OFF = 0x80, BUG_ESCAPE = 0x7f };

/* By name, since rows of generation.def are inserted in order of release; 0 is the default. */
static u8 generation_code(unsigned generation)
{
	if (generation == GENERATION_DEFAULT)
		return 0;
	return (u8)hash_string(generation_table[generation].name);
}

static u8 generation_of_code(u8 code)
{
	for (unsigned g = 0; code && g < GENERATION_COUNT; g++)
		if (generation_code(g) == code)
			return (u8)g;
	return GENERATION_DEFAULT;
}

static unsigned bug_count(const struct bug_set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(s->bits); i++)
		n += (unsigned)__builtin_popcountll(s->bits[i]);
	return n;
}

/* The ids from BUG_ESCAPE on came later: they take a second byte, and those before keep their meaning. */
static void put_bug(struct bytes_writer *w, unsigned id, u8 off)
{
	if (id < BUG_ESCAPE) {
		bytes_put_u8(w, (u8)(id | off));
	} else {
		bytes_put_u8(w, (u8)(BUG_ESCAPE | off));
		bytes_put_u8(w, (u8)(id - BUG_ESCAPE));
	}
}

static void get_bug(struct bytes_reader *r, struct bug_switches *bugs)
{
	u8 code = bytes_u8(r);
	unsigned id = code & ~BUG_IS_OFF;

	if (id == BUG_ESCAPE)
		id += bytes_u8(r);
	bug_switch(bugs, id % BUG_COUNT, !(code & BUG_IS_OFF));
}

static void put_op(struct bytes_writer *w, const struct prog_op *op)
{
	u8 code = op->id < OP_MM_COUNT ? op->id : OP_LITMUS;

	bytes_put_u8(w, op->fail ? code | OP_HAS_FAIL : code);
	if (code == OP_LITMUS)
		bytes_put_u8(w, (u8)(op->id - OP_MM_COUNT));
	if (op->fail)
		bytes_put_u8(w, op->fail);
	for (unsigned i = 0; i < prog_op_table[op->id].arg_count; i++)
		bytes_put_u8(w, (u8)(op->args[i] - prog_arg_row(op, i)->min));
}

static void put_lane(struct bytes_writer *w, const struct prog_lane *lane)
{
	for (unsigned i = 0; i < lane->count; i++)
		put_op(w, &lane->ops[i]);
}

static void put_streams(struct bytes_writer *w, const struct prog *p)
{
	for (unsigned l = 0; l < p->world.cpus; l++)
		for (unsigned i = 0; i < p->lanes[l].count; i++) {
			bytes_put_u8(w, p->sched.stream_len[l][i]);
			bytes_put(w, p->sched.stream[l][i], p->sched.stream_len[l][i]);
		}
}

static void put_runs(struct bytes_writer *w, const struct prog *p)
{
	bytes_put_u8(w, (u8)(p->sched.run_count - 1));
	for (unsigned i = 0; i < p->sched.run_count; i++) {
		bytes_put_u8(w, p->sched.runs[i].cpu);
		bytes_put_u16(w, p->sched.runs[i].points);
	}
}

static void put_deviations(struct bytes_writer *w, const struct prog *p)
{
	bytes_put_u8(w, (u8)p->sched.deviation_count);
	for (unsigned i = 0; i < p->sched.deviation_count; i++) {
		const struct prog_deviation *d = &p->sched.deviations[i];
		size_t len = strlen(d->anchor);

		bytes_put_u8(w, d->cpu);
		bytes_put_u8(w, d->op);
		bytes_put_u8(w, d->to);
		bytes_put_u16(w, d->occurrence);
		bytes_put_u8(w, (u8)(len - 1));
		bytes_put(w, d->anchor, len);
	}
}

static void put_lanes(struct bytes_writer *w, const struct prog *p)
{
	put_lane(w, &p->setup);
	for (unsigned l = 0; l < p->world.cpus; l++)
		put_lane(w, &p->lanes[l]);
	put_lane(w, &p->teardown);
}

static void put_knobs(struct bytes_writer *w, const struct prog_world *v, unsigned cpus)
{
	bytes_put_u8(w, (u8)((cpus - 1) | v->memcgs << 2 | v->mapcount << 4 | v->underused << 5));
}

static void put_header(struct bytes_writer *w, const struct prog *p)
{
	const struct prog_world *v = &p->world;

	put_knobs(w, v, v->cpus);
	bytes_put_u8(w, generation_code(v->generation));
	bytes_put_u8(w, (u8)(bug_count(&v->bugs.on) + bug_count(&v->bugs.off)));
	bytes_put_u8(w, p->sched.kind);
	bytes_put_u8(w, p->setup.count);
	for (unsigned l = 0; l < v->cpus; l++)
		bytes_put_u8(w, p->lanes[l].count);
	bytes_put_u8(w, p->teardown.count);
}

size_t prog_encode(const struct prog *p, u8 *data, size_t size)
{
	struct bytes_writer w = { .data = data, .size = size };

	put_header(&w, p);
	put_lanes(&w, p);
	if (p->sched.kind == SCHED_BYTES)
		put_streams(&w, p);
	else if (p->sched.kind == SCHED_RUNS)
		put_runs(&w, p);
	else if (p->sched.kind == SCHED_DEVIATIONS)
		put_deviations(&w, p);
	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (bug_set_has(&p->world.bugs.on, id))
			put_bug(&w, id, 0);
		else if (bug_set_has(&p->world.bugs.off, id))
			put_bug(&w, id, BUG_IS_OFF);
	return w.overflow ? 0 : w.pos;
}

size_t prog_encode_ops(const struct prog *p, u8 *data, size_t size)
{
	struct bytes_writer w = { .data = data, .size = size };

	put_knobs(&w, &p->world, 1);
	put_lanes(&w, p);
	return w.overflow ? 0 : w.pos;
}

static void get_op(struct bytes_reader *r, struct prog_op *op)
{
	u8 code = bytes_u8(r);
	bool is_litmus = (code & ~OP_HAS_FAIL) == OP_LITMUS;
	u8 litmus = is_litmus ? bytes_u8(r) : 0, fail = code & OP_HAS_FAIL ? bytes_u8(r) : 0;

	memset(op, 0, sizeof(*op));
	op->id = is_litmus ? (u8)(OP_MM_COUNT + litmus % (OP_COUNT - OP_MM_COUNT)) : (code & ~OP_HAS_FAIL) % OP_MM_COUNT;
	/* Most bytes mean no failure, or every eighth operation of a random input would fail. */
	op->fail = fail <= PROG_FAIL_MAX ? fail : 0;
	for (unsigned i = 0; i < PROG_ARGS_MAX; i++)
		op->args[i] = prog_arg_row(op, i)->min;
	for (unsigned i = 0; i < prog_op_table[op->id].arg_count; i++)
		op->args[i] = (u8)(op->args[i] + bytes_u8(r) % prog_arg_row(op, i)->count);
}

/* An operation of which not even the first byte is there does not exist. */
static void get_lane(struct bytes_reader *r, struct prog_lane *lane, unsigned count)
{
	while (lane->count < count && bytes_left(r))
		get_op(r, &lane->ops[lane->count++]);
}

size_t prog_decode_ops(struct prog_world *w, const u8 *data, size_t size, struct prog_op *ops, size_t max)
{
	struct bytes_reader r = { .data = data, .size = size };
	u8 knobs = bytes_u8(&r);
	size_t n = 0;

	*w = (struct prog_world){ .cpus = 1, .generation = GENERATION_DEFAULT };
	w->memcgs = knobs >> 2 & 3;
	w->mapcount = knobs >> 4 & 1;
	w->underused = knobs >> 5 & 1;
	while (n < max && bytes_left(&r))
		get_op(&r, &ops[n++]);
	return n;
}

static u8 get_cpu(struct bytes_reader *r, const struct prog *p)
{
	u8 cpu = bytes_u8(r);

	return prog_cpu_valid(p, cpu) ? cpu : cpu % p->world.cpus;
}

static u16 get_at_least_1(struct bytes_reader *r)
{
	u16 v = bytes_u16(r);

	return v ? v : 1;
}

static void get_streams(struct bytes_reader *r, struct prog *p)
{
	struct prog_sched *s = &p->sched;

	for (unsigned l = 0; l < p->world.cpus; l++)
		for (unsigned i = 0; i < p->lanes[l].count; i++) {
			size_t len = bytes_u8(r) % (PROG_STREAM_MAX + 1), left = bytes_left(r);

			s->stream_len[l][i] = (u8)(len < left ? len : left);
			for (unsigned k = 0; k < s->stream_len[l][i]; k++)
				s->stream[l][i][k] = bytes_u8(r);
		}
}

static void get_runs(struct bytes_reader *r, struct prog *p)
{
	unsigned count = 1 + bytes_u8(r) % PROG_DEVIATIONS_MAX;

	do {
		struct prog_run *run = &p->sched.runs[p->sched.run_count++];

		run->cpu = get_cpu(r, p);
		run->points = get_at_least_1(r);
	} while (p->sched.run_count < count && bytes_left(r));
}

static void get_anchor(struct bytes_reader *r, char *anchor)
{
	unsigned len = 1 + bytes_u8(r) % (PROG_ANCHOR_MAX - 1);

	for (unsigned i = 0; i < len; i++) {
		u8 c = bytes_u8(r);

		if (!prog_anchor_char(c))
			c = (u8)('a' + c % 26);
		if (c == ' ' && (i == 0 || i == len - 1))
			c = '_';
		anchor[i] = (char)c;
	}
	anchor[len] = '\0';
}

static void get_deviations(struct bytes_reader *r, struct prog *p)
{
	unsigned count = bytes_u8(r) % (PROG_DEVIATIONS_MAX + 1);

	while (p->sched.deviation_count < count && bytes_left(r)) {
		struct prog_deviation *d = &p->sched.deviations[p->sched.deviation_count++];

		d->cpu = get_cpu(r, p);
		d->op = bytes_u8(r) % PROG_OPS_MAX;
		d->to = get_cpu(r, p);
		d->occurrence = get_at_least_1(r);
		get_anchor(r, d->anchor);
	}
}

/* counts[]: operations per lane, numbered as LANE_*. Returns how many bug ids stand at the end. */
static unsigned get_header(struct bytes_reader *r, struct prog *p, u8 counts[LANE_COUNT])
{
	u8 knobs = bytes_u8(r), generation = bytes_u8(r), bugs = bytes_u8(r), kind = bytes_u8(r);

	p->world.cpus = 1 + (knobs & 3);
	p->world.memcgs = knobs >> 2 & 3;
	p->world.mapcount = knobs >> 4 & 1;
	p->world.underused = knobs >> 5 & 1;
	prog_set_generation(p, generation_of_code(generation));
	/* Any other byte is a schedule of bytes: the kind that makes something of random input. */
	p->sched.kind = kind < SCHED_KIND_COUNT ? kind : SCHED_BYTES;
	counts[LANE_SETUP] = bytes_u8(r) % (PROG_OPS_MAX + 1);
	for (unsigned l = 0; l < p->world.cpus; l++)
		counts[l] = bytes_u8(r) % (PROG_OPS_MAX + 1);
	counts[LANE_TEARDOWN] = bytes_u8(r) % (PROG_OPS_MAX + 1);
	return bugs <= BUG_COUNT ? bugs : 0;
}

void prog_decode(struct prog *p, const u8 *data, size_t size)
{
	struct bytes_reader r = { .data = data, .size = size };
	u8 counts[LANE_COUNT] = { 0 };
	unsigned bugs;

	prog_init(p);
	bugs = get_header(&r, p, counts);
	get_lane(&r, &p->setup, counts[LANE_SETUP]);
	for (unsigned l = 0; l < p->world.cpus; l++)
		get_lane(&r, &p->lanes[l], counts[l]);
	get_lane(&r, &p->teardown, counts[LANE_TEARDOWN]);
	if (p->sched.kind == SCHED_BYTES)
		get_streams(&r, p);
	else if (p->sched.kind == SCHED_RUNS)
		get_runs(&r, p);
	else if (p->sched.kind == SCHED_DEVIATIONS)
		get_deviations(&r, p);
	while (bugs-- && bytes_left(&r))
		get_bug(&r, &p->world.bugs);
	edit_drop_lacking(p);
}
