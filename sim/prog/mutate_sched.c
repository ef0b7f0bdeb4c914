/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mutate_sched.c - adds, removes and moves preemptions, whatever kind of schedule holds them.
 */
#include "internal.h"

#include <string.h>

struct place { /* of one byte in the streams */
	unsigned lane, op, at;
};

static bool random_lane_op(const struct prog *p, struct prng *r, unsigned *lane, unsigned *op)
{
	unsigned total = 0, ticket;

	for (unsigned l = 0; l < p->world.cpus; l++)
		total += p->lanes[l].count;
	if (!total)
		return false;
	ticket = prng_below(r, total);
	for (*lane = 0; ticket >= p->lanes[*lane].count; (*lane)++)
		ticket -= p->lanes[*lane].count;
	*op = ticket;
	return true;
}

static unsigned count_preemptions(const struct prog_sched *s, unsigned lane, unsigned op)
{
	unsigned n = 0;

	for (unsigned k = 0; k < s->stream_len[lane][op]; k++)
		n += prog_stream_cpu(s->stream[lane][op][k]) >= 0;
	return n;
}

static bool find_preemption(const struct prog *p, unsigned ticket, struct place *at)
{
	for (unsigned l = 0; l < p->world.cpus; l++)
		for (unsigned i = 0; i < p->lanes[l].count; i++)
			for (unsigned k = 0; k < p->sched.stream_len[l][i]; k++)
				if (prog_stream_cpu(p->sched.stream[l][i][k]) >= 0 && !ticket--) {
					*at = (struct place){ l, i, k };
					return true;
				}
	return false;
}

static bool random_preemption(const struct prog *p, struct prng *r, struct place *at)
{
	unsigned total = 0;

	for (unsigned l = 0; l < p->world.cpus; l++)
		for (unsigned i = 0; i < p->lanes[l].count; i++)
			total += count_preemptions(&p->sched, l, i);
	return total && find_preemption(p, prng_below(r, total), at);
}

/* Another CPU than `from`, which may be the pseudo-CPU. */
static u8 other_cpu(const struct prog *p, unsigned from, struct prng *r)
{
	if (from == PROG_CPU_RCU)
		return (u8)prng_below(r, p->world.cpus);
	if (p->world.cpus < 2 || prng_chance(r, 1, 16))
		return PROG_CPU_RCU;
	return (u8)((from + 1 + prng_below(r, p->world.cpus - 1u)) % p->world.cpus);
}

static u8 random_switch(const struct prog *p, unsigned from, struct prng *r)
{
	return 0x80 | other_cpu(p, from, r);
}

/* How long to stay before a switch: mostly short, now and then across a whole operation. */
static u8 random_stay(struct prng *r)
{
	return (u8)prng_below(r, prng_chance(r, 1, 2) ? 16 : 0x80);
}

static bool stream_insert(struct prog_sched *s, struct place to, u8 byte)
{
	u8 *len = &s->stream_len[to.lane][to.op], *stream = s->stream[to.lane][to.op];

	if (*len == PROG_STREAM_MAX)
		return false;
	memmove(stream + to.at + 1, stream + to.at, *len - to.at);
	stream[to.at] = byte;
	(*len)++;
	return true;
}

static void stream_delete(struct prog_sched *s, struct place at)
{
	u8 *len = &s->stream_len[at.lane][at.op], *stream = s->stream[at.lane][at.op];

	(*len)--;
	memmove(stream + at.at, stream + at.at + 1, *len - at.at);
}

/* One more switch, after staying a while; what followed in the stream now follows it. */
static bool stream_add(struct prog *p, struct prng *r)
{
	struct place to;

	if (p->world.cpus < 2 || !random_lane_op(p, r, &to.lane, &to.op))
		return false;
	edit_sched_to_bytes(p);
	to.at = prng_below(r, p->sched.stream_len[to.lane][to.op] + 1u);
	if (!stream_insert(&p->sched, to, random_switch(p, to.lane, r)))
		return false;
	stream_insert(&p->sched, to, random_stay(r));
	return true;
}

static bool stream_remove(struct prog *p, struct prng *r)
{
	struct place at;

	if (!random_preemption(p, r, &at))
		return false;
	stream_delete(&p->sched, at);
	edit_trim_stream(p, at.lane, at.op);
	return true;
}

/* Earlier or later: the stay before the switch changes; there is one, or it is made. */
static void stream_nudge(struct prog_sched *s, struct place at, struct prng *r)
{
	u8 *stream = s->stream[at.lane][at.op];
	int stay;

	if (!at.at || prog_stream_cpu(stream[at.at - 1]) >= 0) {
		stream_insert(s, at, random_stay(r));
		return;
	}
	stay = stream[at.at - 1] + (int)prng_below(r, 9) - 4;
	stream[at.at - 1] = stay < 0 || stay > 0x7f ? random_stay(r) : (u8)stay;
}

static bool stream_move(struct prog *p, struct prng *r)
{
	struct place at;

	if (!random_preemption(p, r, &at))
		return false;
	switch (prng_below(r, 4)) {
	case 0:
		p->sched.stream[at.lane][at.op][at.at] = random_switch(p, at.lane, r);
		break;
	case 1:
		stream_delete(&p->sched, at);
		edit_trim_stream(p, at.lane, at.op);
		return stream_add(p, r);
	default:
		stream_nudge(&p->sched, at, r);
		break;
	}
	return true;
}

static u16 nudged(u16 v, struct prng *r)
{
	int moved = v + (int)prng_below(r, 9) - 4;

	if (v == SCHED_RUN_ALL || moved < 1)
		return (u16)(1 + prng_below(r, PROG_STREAM_MAX));
	return moved < SCHED_RUN_ALL ? (u16)moved : v;
}

static bool run_add(struct prog *p, struct prng *r)
{
	struct prog_sched *s = &p->sched;
	unsigned at = prng_below(r, s->run_count + 1u);

	if (s->run_count == PROG_DEVIATIONS_MAX)
		return false;
	memmove(&s->runs[at + 1], &s->runs[at], (s->run_count - at) * sizeof(s->runs[0]));
	s->runs[at].cpu = other_cpu(p, at ? s->runs[at - 1].cpu : PROG_CPU_RCU, r);
	s->runs[at].points = (u16)(1 + prng_below(r, PROG_STREAM_MAX));
	s->run_count++;
	return true;
}

static bool run_remove(struct prog *p, struct prng *r)
{
	struct prog_sched *s = &p->sched;
	unsigned at = prng_below(r, s->run_count);

	s->run_count--;
	memmove(&s->runs[at], &s->runs[at + 1], (s->run_count - at) * sizeof(s->runs[0]));
	if (!s->run_count)
		edit_clear_sched(p);
	return true;
}

/* Only an execution knows anchors: the best guess is another occurrence of one that is there. */
static bool deviation_add(struct prog *p, struct prng *r)
{
	struct prog_sched *s = &p->sched;
	struct prog_deviation *d;

	if (!s->deviation_count || s->deviation_count == PROG_DEVIATIONS_MAX)
		return false;
	d = &s->deviations[s->deviation_count];
	*d = s->deviations[prng_below(r, s->deviation_count)];
	d->occurrence = (u16)(1 + prng_below(r, 8));
	s->deviation_count++;
	return true;
}

static bool deviation_remove(struct prog *p, struct prng *r)
{
	struct prog_sched *s = &p->sched;

	if (!s->deviation_count)
		return false;
	s->deviation_count--;
	s->deviations[prng_below(r, s->deviation_count + 1u)] = s->deviations[s->deviation_count];
	return true;
}

static bool deviation_move(struct prog *p, struct prng *r)
{
	struct prog_deviation *d;

	if (!p->sched.deviation_count)
		return false;
	d = &p->sched.deviations[prng_below(r, p->sched.deviation_count)];
	if (prng_chance(r, 1, 2))
		d->to = other_cpu(p, d->cpu, r);
	else
		d->occurrence = nudged(d->occurrence, r);
	return true;
}

bool mutate_preemption_add(struct prog *p, struct prng *r)
{
	if (p->sched.kind == SCHED_RUNS)
		return run_add(p, r);
	return p->sched.kind == SCHED_DEVIATIONS ? deviation_add(p, r) : stream_add(p, r);
}

bool mutate_preemption_remove(struct prog *p, struct prng *r)
{
	switch (p->sched.kind) {
	case SCHED_BYTES:
		return stream_remove(p, r);
	case SCHED_RUNS:
		return run_remove(p, r);
	case SCHED_DEVIATIONS:
		return deviation_remove(p, r);
	}
	return false;
}

bool mutate_preemption_move(struct prog *p, struct prng *r)
{
	struct prog_run *run;

	switch (p->sched.kind) {
	case SCHED_BYTES:
		return stream_move(p, r);
	case SCHED_RUNS:
		run = &p->sched.runs[prng_below(r, p->sched.run_count)];
		run->points = nudged(run->points, r);
		return true;
	case SCHED_DEVIATIONS:
		return deviation_move(p, r);
	}
	return false;
}
