/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * calm.c - a find of a random walk switches at every second point, which nobody can read and few
 * schedules can hold. Most bugs need one to three preemptions: try the same program under schedules
 * with that few.
 */
#include "cli.h"

#include <string.h>

enum { SWITCHES_MAX = 4, TRIES = 3000, SWITCH = 0x80, STAY_MAX = 0x7f };

void calm_add_switch(struct prog *p, struct prng *r)
{
	unsigned lane = prng_below(r, p->world.cpus), op, stay, to;
	u8 *len, *stream;

	if (!p->lanes[lane].count)
		return;
	op = prng_below(r, p->lanes[lane].count);
	len = &p->sched.stream_len[lane][op];
	stream = p->sched.stream[lane][op];
	/* Half of them early, where most operations meet. */
	stay = prng_below(r, prng_chance(r, 1, 2) ? 2 * STAY_MAX : STAY_MAX / 4);
	to = prng_below(r, p->world.cpus + 1u);
	if (*len + 3 > PROG_STREAM_MAX)
		return;
	if (stay > STAY_MAX)
		stream[(*len)++] = STAY_MAX;
	stream[(*len)++] = (u8)(stay & STAY_MAX);
	stream[(*len)++] = (u8)(SWITCH | (to < p->world.cpus ? to : PROG_CPU_RCU));
}

bool calm_schedule(struct prog *prog, const struct run_options *found,
		   const struct run_result *result)
{
	return calm_schedule_within(prog, found, result, SWITCHES_MAX, TRIES);
}

bool calm_schedule_within(struct prog *prog, const struct run_options *found, const struct run_result *result,
			  unsigned switches, unsigned tries)
{
	struct prog_sched original = prog->sched;
	struct run_options o = *found;
	struct run_result r;
	struct prng prng;

	o.strategy = STRATEGY_BYTES;
	o.snapshot = true;
	prng_seed(&prng, result->hash);
	for (unsigned n = 0; n <= switches; n++)
		for (unsigned i = 0; i < (n ? tries : 1); i++) {
			memset(&prog->sched, 0, sizeof(prog->sched));
			prog->sched.kind = SCHED_BYTES;
			for (unsigned k = 0; k < n; k++)
				calm_add_switch(prog, &prng);
			run_one(prog, &o, &r, NULL);
			if (verdict_is_find(r.verdict) && !strcmp(r.title, result->title))
				return true;
		}
	prog->sched = original;
	return false;
}
