/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010):
 * CPUs have random priorities, the highest that can goes on, and at d - 1 random choices it falls to the bottom. A bug of depth d
 * among n CPUs and k choices is found with probability 1/(n k^(d-1)) at least.
 *
 * Deviates: k counts choices, that is, points at which more than one CPU could go on, and is the length of the default schedule and a half
 * more, since other schedules are longer; d goes from 2 to 5 with the seed, since nobody knows a bug's depth beforehand. A CPU
 * that yields is put behind the others by the engine.
 */
#include <foliofuzz/explore.h>

enum { DEPTH_MIN = 2, DEPTHS = 4 };

u32 pct_choices(const struct pct_strategy *p)
{
	return p->length + p->length / 2 + 1;
}

static void pct_begin(struct strategy *s, u64 seed)
{
	struct pct_strategy *p = (struct pct_strategy *)s;
	u32 k = pct_choices(p);

	prng_seed(&p->prng, seed);
	p->step = 0;
	p->lowest = 0;
	/* distinct, above every priority that a fall gives */
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		p->priority[i] = (s32)(i + 1);
	for (unsigned i = ENGINE_LANES_MAX; i-- > 1;) {
		unsigned j = prng_below(&p->prng, i + 1);
		s32 t = p->priority[i];

		p->priority[i] = p->priority[j];
		p->priority[j] = t;
	}
	p->changes = DEPTH_MIN - 1 + (unsigned)(seed % DEPTHS);
	for (unsigned i = 0; i < p->changes; i++)
		p->change[i] = 1 + prng_below(&p->prng, k);
}

static unsigned highest(const struct pct_strategy *p, u32 enabled)
{
	unsigned best = (unsigned)__builtin_ctz(enabled);

	for (u32 m = enabled & (enabled - 1); m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		if (p->priority[cpu] > p->priority[best])
			best = cpu;
	}
	return best;
}

static unsigned pct_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct pct_strategy *p = (struct pct_strategy *)s;
	unsigned cpu = highest(p, enabled);

	(void)current;
	p->step++;
	for (unsigned i = 0; i < p->changes; i++)
		if (p->change[i] == p->step) {
			p->priority[cpu] = --p->lowest;
			cpu = highest(p, enabled);
		}
	return cpu;
}

void pct_strategy_init(struct pct_strategy *p, u32 length)
{
	p->strategy = (struct strategy){ "pct", pct_begin, pct_next, NULL };
	p->length = length;
}
