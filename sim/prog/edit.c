/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edit.c - small edits of a program; the schedule of every operation moves with it.
 */
#include "internal.h"

#include <string.h>

static void close_gap(struct prog_sched *s, unsigned i)
{
	s->deviation_count--;
	memmove(&s->deviations[i], &s->deviations[i + 1],
		(s->deviation_count - i) * sizeof(s->deviations[0]));
}

static void shift_deviations_up(struct prog_sched *s, unsigned lane, unsigned at)
{
	for (unsigned i = 0; i < s->deviation_count;) {
		struct prog_deviation *d = &s->deviations[i];

		if (d->cpu == lane && d->op >= at && ++d->op == PROG_OPS_MAX)
			close_gap(s, i);
		else
			i++;
	}
}

static void shift_deviations_down(struct prog_sched *s, unsigned lane, unsigned at)
{
	for (unsigned i = 0; i < s->deviation_count;) {
		struct prog_deviation *d = &s->deviations[i];

		if (d->cpu == lane && d->op == at) {
			close_gap(s, i);
			continue;
		}
		if (d->cpu == lane && d->op > at)
			d->op--;
		i++;
	}
}

bool edit_insert(struct prog *p, unsigned lane, unsigned at, const struct prog_op *op)
{
	struct prog_lane *l = prog_lane_at(p, lane);
	struct prog_op copy = *op;
	unsigned behind;

	if (l->count == PROG_OPS_MAX)
		return false;
	behind = l->count++ - at;
	memmove(&l->ops[at + 1], &l->ops[at], behind * sizeof(l->ops[0]));
	l->ops[at] = copy;
	if (lane >= PROG_LANES_MAX)
		return true;
	if (p->sched.kind == SCHED_BYTES) {
		memmove(p->sched.stream[lane][at + 1], p->sched.stream[lane][at],
			behind * PROG_STREAM_MAX);
		memmove(&p->sched.stream_len[lane][at + 1], &p->sched.stream_len[lane][at], behind);
		p->sched.stream_len[lane][at] = 0;
	} else if (p->sched.kind == SCHED_DEVIATIONS) {
		shift_deviations_up(&p->sched, lane, at);
	}
	return true;
}

void edit_delete(struct prog *p, unsigned lane, unsigned at)
{
	struct prog_lane *l = prog_lane_at(p, lane);
	unsigned behind = --l->count - at;

	memmove(&l->ops[at], &l->ops[at + 1], behind * sizeof(l->ops[0]));
	if (lane >= PROG_LANES_MAX)
		return;
	if (p->sched.kind == SCHED_BYTES) {
		memmove(p->sched.stream[lane][at], p->sched.stream[lane][at + 1],
			behind * PROG_STREAM_MAX);
		memmove(&p->sched.stream_len[lane][at], &p->sched.stream_len[lane][at + 1], behind);
		p->sched.stream_len[lane][l->count] = 0;
	} else if (p->sched.kind == SCHED_DEVIATIONS) {
		shift_deviations_down(&p->sched, lane, at);
	}
}

static void drop_lacking_of(struct prog *p, unsigned lane)
{
	const struct prog_lane *l = prog_lane_at(p, lane);

	for (unsigned i = l->count; i-- > 0;)
		if (prog_generation_lacks(p->world.generation, l->ops[i].id))
			edit_delete(p, lane, i);
}

void edit_drop_lacking(struct prog *p)
{
	drop_lacking_of(p, LANE_SETUP);
	for (unsigned l = 0; l < p->world.cpus; l++)
		drop_lacking_of(p, l);
	drop_lacking_of(p, LANE_TEARDOWN);
}

static u8 swapped(u8 cpu, unsigned a, unsigned b)
{
	if (cpu == a)
		return (u8)b;
	return cpu == b ? (u8)a : cpu;
}

/* The streams move with their operations; which CPU a byte names stays: it is a guess anyway. */
void edit_swap_lanes(struct prog *p, unsigned a, unsigned b)
{
	struct prog_sched *s = &p->sched;
	struct prog_lane lane = p->lanes[a];

	p->lanes[a] = p->lanes[b];
	p->lanes[b] = lane;
	for (unsigned i = 0; s->kind == SCHED_RUNS && i < s->run_count; i++)
		s->runs[i].cpu = swapped(s->runs[i].cpu, a, b);
	for (unsigned i = 0; s->kind == SCHED_DEVIATIONS && i < s->deviation_count; i++) {
		s->deviations[i].cpu = swapped(s->deviations[i].cpu, a, b);
		s->deviations[i].to = swapped(s->deviations[i].to, a, b);
	}
	for (unsigned i = 0; s->kind == SCHED_BYTES && i < PROG_OPS_MAX; i++) {
		u8 stream[PROG_STREAM_MAX], len = s->stream_len[a][i];

		memcpy(stream, s->stream[a][i], len);
		s->stream_len[a][i] = s->stream_len[b][i];
		memcpy(s->stream[a][i], s->stream[b][i], s->stream_len[b][i]);
		s->stream_len[b][i] = len;
		memcpy(s->stream[b][i], stream, len);
	}
}

static void drop_gone_cpus(struct prog *p)
{
	struct prog_sched *s = &p->sched;
	unsigned kept = 0;

	for (unsigned i = 0; s->kind == SCHED_RUNS && i < s->run_count; i++)
		if (prog_cpu_valid(p, s->runs[i].cpu))
			s->runs[kept++] = s->runs[i];
	if (s->kind == SCHED_RUNS) {
		s->run_count = (u16)kept;
		if (!kept)
			edit_clear_sched(p);
	}
	for (unsigned i = 0; s->kind == SCHED_DEVIATIONS && i < s->deviation_count;) {
		struct prog_deviation *d = &s->deviations[i];

		if (prog_cpu_valid(p, d->cpu) && prog_cpu_valid(p, d->to))
			i++;
		else
			close_gap(s, i);
	}
}

void edit_set_cpus(struct prog *p, unsigned cpus)
{
	p->world.cpus = (u8)cpus;
	for (unsigned l = cpus; l < PROG_LANES_MAX; l++) {
		p->lanes[l].count = 0;
		memset(p->sched.stream_len[l], 0, sizeof(p->sched.stream_len[l]));
	}
	drop_gone_cpus(p);
}

void edit_clear_sched(struct prog *p)
{
	p->sched.kind = SCHED_NONE;
}

void edit_sched_to_bytes(struct prog *p)
{
	if (p->sched.kind == SCHED_BYTES)
		return;
	p->sched.kind = SCHED_BYTES;
	memset(p->sched.stream_len, 0, sizeof(p->sched.stream_len));
}

void edit_trim_stream(struct prog *p, unsigned lane, unsigned op)
{
	u8 *len = &p->sched.stream_len[lane][op];

	while (*len && prog_stream_cpu(p->sched.stream[lane][op][*len - 1]) < 0)
		(*len)--;
}
