/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fit.c - encoding into less room than a program needs: what is cheapest to lose goes first.
 */
#include "internal.h"

#include <string.h>

static bool halve_longest_stream(struct prog *p)
{
	unsigned lane = 0, op = 0;

	if (p->sched.kind != SCHED_BYTES)
		return false;
	for (unsigned l = 0; l < p->world.cpus; l++)
		for (unsigned i = 0; i < p->lanes[l].count; i++)
			if (p->sched.stream_len[l][i] > p->sched.stream_len[lane][op]) {
				lane = l;
				op = i;
			}
	if (!p->sched.stream_len[lane][op])
		return false;
	p->sched.stream_len[lane][op] /= 2;
	return true;
}

static bool halve_list(struct prog *p)
{
	if (p->sched.kind == SCHED_RUNS && p->sched.run_count > 1)
		p->sched.run_count /= 2;
	else if (p->sched.kind == SCHED_DEVIATIONS && p->sched.deviation_count)
		p->sched.deviation_count /= 2;
	else
		return false;
	return true;
}

/* The last operation of the longest lane; setup goes last, for without it nothing happens. */
static bool drop_op(struct prog *p)
{
	unsigned longest = LANE_TEARDOWN;

	for (unsigned l = 0; l < p->world.cpus; l++)
		if (p->lanes[l].count > prog_lane_at(p, longest)->count)
			longest = l;
	if (!prog_lane_at(p, longest)->count)
		longest = LANE_SETUP;
	if (!prog_lane_at(p, longest)->count)
		return false;
	edit_delete(p, longest, prog_lane_at(p, longest)->count - 1u);
	return true;
}

static bool shrink(struct prog *p)
{
	if (halve_longest_stream(p) || halve_list(p))
		return true;
	if (p->sched.kind != SCHED_NONE) {
		edit_clear_sched(p);
		return true;
	}
	return drop_op(p);
}

size_t prog_encode_fitting(struct prog *p, u8 *data, size_t max)
{
	u8 header[256];
	size_t size;

	while (!(size = prog_encode(p, data, max)))
		if (!shrink(p))
			break;
	if (size)
		return size;
	/* Not even the header fits: any prefix of it is a program, too. */
	size = prog_encode(p, header, sizeof(header));
	HARNESS_BUG_ON(size <= max);
	memcpy(data, header, max);
	return max;
}
