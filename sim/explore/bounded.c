/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preemption bounding (Musuvathi, Qadeer, "Iterative context bounding for systematic testing of multithreaded programs", PLDI 2007): every
 * schedule with at most k preemptions. A switch away from a CPU that waits or has ended costs nothing, nor does who is first: nobody is at
 * anything then. All CPUs that could follow are tried.
 *
 * Deviates: no reduction, since sleep sets under a bound would leave schedules out. A schedule is the list of the choices at which it is not
 * the default one; the next schedules have one more, behind the last: so each is reached once.
 */
#include <foliofuzz/explore.h>

static unsigned default_next(u32 enabled, unsigned current)
{
	return enabled >> current & 1 ? current : (unsigned)__builtin_ctz(enabled);
}

static void bounded_begin(struct strategy *s, u64 seed)
{
	struct bounded_strategy *b = (struct bounded_strategy *)s;

	(void)seed;
	b->choice = 0;
	b->next = 0;
}

static unsigned bounded_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct bounded_strategy *b = (struct bounded_strategy *)s;
	u32 choice = b->choice++;

	if (b->next < b->schedule->count && b->schedule->turns[b->next].choice == choice)
		return b->schedule->turns[b->next++].cpu;
	return default_next(enabled, current);
}

void bounded_strategy_init(struct bounded_strategy *b, const struct bounded_schedule *schedule)
{
	b->strategy = (struct strategy){ "bounded", bounded_begin, bounded_next, NULL };
	b->schedule = schedule;
}

bool bounded_expand(const struct bounded_schedule *s, unsigned preemptions, bounded_add *add, void *arg)
{
	u32 count, first = s->count ? s->turns[s->count - 1].choice + 1u : 0;
	const struct decision *decisions = engine_decisions(&count);
	bool all = count < ENGINE_DECISIONS_MAX;

	for (u32 i = first; i < count; i++) {
		const struct decision *d = &decisions[i];
		unsigned cost = i && d->enabled >> d->cpu & 1;

		if (s->preemptions + cost > preemptions)
			continue;
		for (u32 m = d->enabled & ~(1u << d->normal); m; m &= m - 1) {
			struct bounded_schedule more = *s;

			if (s->count == BOUNDED_TURNS_MAX) {
				all = false;
				continue;
			}
			more.turns[more.count].choice = (u16)i;
			more.turns[more.count++].cpu = (u8)__builtin_ctz(m);
			more.preemptions = (u8)(s->preemptions + cost);
			add(arg, &more);
		}
	}
	return all;
}
