/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * POS (Yuan, Yang, Gu, "Partial order aware concurrency sampling", CAV 2018): every pending event has a random priority and the highest
 * goes on; after it the CPU's next event, and all pending events that depend on what was executed, draw again. So each pair of racing
 * events is ordered by a fresh coin.
 *
 * Deviates: points at which one CPU alone can go on are not seen, so what was executed there makes nobody draw again.
 */
#include <foliofuzz/explore.h>

/* By address: a pending event has no number of its object yet, that is given when it happens. */
static bool depends(const struct event *a, const struct event *b)
{
	return a->object && a->object == b->object && ((event_flags(a->kind) | event_flags(b->kind)) & EV_W);
}

static void draw(struct pos_strategy *p, unsigned cpu)
{
	p->priority[cpu] = prng_next(&p->prng);
	p->event[cpu] = *engine_pending(cpu);
	p->known |= 1u << cpu;
}

static void pos_begin(struct strategy *s, u64 seed)
{
	struct pos_strategy *p = (struct pos_strategy *)s;

	prng_seed(&p->prng, seed);
	p->known = 0;
}

static unsigned pos_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct pos_strategy *p = (struct pos_strategy *)s;
	unsigned best = 0;
	bool any = false;

	if (current < ENGINE_LANES_MAX)
		p->known &= ~(1u << current); /* it stands before another event now */
	for (u32 m = enabled; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		if (!(p->known >> cpu & 1))
			draw(p, cpu);
		if (!any || p->priority[cpu] > p->priority[best])
			best = cpu;
		any = true;
	}
	for (u32 m = enabled & ~(1u << best); m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		if (depends(&p->event[best], &p->event[cpu]))
			p->known &= ~(1u << cpu);
	}
	p->known &= ~(1u << best);
	return best;
}

void pos_strategy_init(struct pos_strategy *p)
{
	p->strategy = (struct strategy){ "pos", pos_begin, pos_next, NULL };
}
