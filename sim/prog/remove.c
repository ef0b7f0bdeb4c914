/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remove.c - a program without one of its parts, its schedule carried along. What a minimiser tries.
 */
#include "internal.h"

#include <string.h>

void prog_remove_deviation(struct prog *p, unsigned i)
{
	struct prog_sched *s = &p->sched;

	s->deviation_count--;
	memmove(&s->deviations[i], &s->deviations[i + 1], (s->deviation_count - i) * sizeof(s->deviations[0]));
}

void prog_remove_op(struct prog *p, unsigned lane, unsigned op)
{
	edit_delete(p, lane, op);
}

static bool names(u8 cpu, unsigned lane)
{
	return cpu == lane;
}

static u8 renumbered(u8 cpu, unsigned lane)
{
	return cpu > lane && cpu < PROG_LANES_MAX ? cpu - 1 : cpu;
}

static void forget_lane_in_deviations(struct prog *p, unsigned lane)
{
	for (unsigned i = p->sched.deviation_count; i-- > 0;) {
		struct prog_deviation *d = &p->sched.deviations[i];

		if (names(d->cpu, lane) || names(d->to, lane)) {
			prog_remove_deviation(p, i);
			continue;
		}
		d->cpu = renumbered(d->cpu, lane);
		d->to = renumbered(d->to, lane);
	}
}

static void forget_lane_in_runs(struct prog_sched *s, unsigned lane)
{
	u16 kept = 0;

	for (unsigned i = 0; i < s->run_count; i++) {
		struct prog_run run = s->runs[i];

		if (names(run.cpu, lane))
			continue;
		run.cpu = renumbered(run.cpu, lane);
		s->runs[kept++] = run;
	}
	s->run_count = kept;
	if (!kept)
		s->kind = SCHED_NONE;
}

bool prog_remove_lane(struct prog *p, unsigned lane)
{
	struct prog_sched *s = &p->sched;

	if (p->world.cpus == 1)
		return false;
	p->world.cpus--;
	for (unsigned l = lane; l < p->world.cpus; l++) {
		p->lanes[l] = p->lanes[l + 1];
		memcpy(s->stream_len[l], s->stream_len[l + 1], sizeof(s->stream_len[l]));
		memcpy(s->stream[l], s->stream[l + 1], sizeof(s->stream[l]));
	}
	p->lanes[p->world.cpus].count = 0;
	if (s->kind == SCHED_DEVIATIONS)
		forget_lane_in_deviations(p, lane);
	else if (s->kind == SCHED_RUNS)
		forget_lane_in_runs(s, lane);
	return true;
}
