/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sample.h - tests only: programs that use every member of struct prog, from a stream.
 */
#ifndef SIM_PROG_SAMPLE_H
#define SIM_PROG_SAMPLE_H

#include "internal.h"

#include <string.h>

static inline void sample_words(char *s, size_t size, bool lines, struct prng *r)
{
	static const char alphabet[] = "abcxyz#=(); \t->\n";
	size_t len = prng_below(r, (u32)size), kinds = sizeof(alphabet) - 1 - !lines;

	if (prng_chance(r, 1, 2))
		len %= 20;
	for (size_t i = 0; i < len; i++)
		s[i] = alphabet[prng_below(r, (u32)kinds)];
	if (!lines && len) {
		s[0] = 'a';
		s[len - 1] = 'z';
	}
	s[len] = '\0';
}

static inline u8 sample_cpu(const struct prog *p, struct prng *r)
{
	return (u8)(prng_chance(r, 1, 8) ? PROG_CPU_RCU : prng_below(r, p->world.cpus));
}

static inline void sample_streams(struct prog *p, struct prng *r)
{
	edit_sched_to_bytes(p);
	for (unsigned l = 0; l < p->world.cpus; l++)
		for (unsigned i = 0; i < p->lanes[l].count; i++) {
			unsigned len = prng_below(r, 3) ? 0 : prng_below(r, PROG_STREAM_MAX + 1);

			p->sched.stream_len[l][i] = (u8)len;
			while (len--)
				p->sched.stream[l][i][len] = (u8)prng_next(r);
		}
}

static inline void sample_runs(struct prog *p, struct prng *r)
{
	p->sched.kind = SCHED_RUNS;
	p->sched.run_count = (u16)(1 + prng_below(r, PROG_DEVIATIONS_MAX));
	for (unsigned i = 0; i < p->sched.run_count; i++) {
		u16 points = (u16)prng_next(r);

		p->sched.runs[i].cpu = sample_cpu(p, r);
		p->sched.runs[i].points = points ? points : SCHED_RUN_ALL;
	}
}

static inline void sample_deviations(struct prog *p, struct prng *r)
{
	p->sched.kind = SCHED_DEVIATIONS;
	p->sched.deviation_count = (u16)prng_below(r, PROG_DEVIATIONS_MAX + 1);
	for (unsigned i = 0; i < p->sched.deviation_count; i++) {
		struct prog_deviation *d = &p->sched.deviations[i];

		d->cpu = sample_cpu(p, r);
		d->to = sample_cpu(p, r);
		d->op = (u8)prng_below(r, PROG_OPS_MAX);
		d->occurrence = (u16)(1 + prng_below(r, 0xffff));
		strcpy(d->anchor, prng_chance(r, 1, 2) ? "end" : "f:__set_bit(PG_x a->b[1] -> c)");
		if (prng_chance(r, 1, 4)) {
			memset(d->anchor, 'x', PROG_ANCHOR_MAX - 1);
			d->anchor[PROG_ANCHOR_MAX - 1] = '\0';
		}
	}
}

static inline void sample_prog(struct prog *p, struct prng *r)
{
	memset(p, 0xa5, sizeof(*p)); /* nothing may depend on what stands behind a count */
	prog_generate(p, r);
	for (unsigned n = prng_below(r, 12); n > 0; n--)
		prog_mutate(p, r);
	prog_set_generation(p, (enum generation)prng_below(r, GENERATION_COUNT));
	if (prng_chance(r, 1, 4))
		for (unsigned id = 0; id < BUG_COUNT; id++)
			if (prng_chance(r, 1, 2))
				bug_switch(&p->world.bugs, id, prng_chance(r, 2, 3));
	switch (prng_below(r, 5)) {
	case 0:
		edit_clear_sched(p);
		break;
	case 1:
		sample_streams(p, r);
		break;
	case 2:
		sample_runs(p, r);
		break;
	case 3:
		sample_deviations(p, r);
		break;
	}
	sample_words(p->comment, sizeof(p->comment), true, r);
	sample_words(p->expect, sizeof(p->expect), false, r);
}

#endif
