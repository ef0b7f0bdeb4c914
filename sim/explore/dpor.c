/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dynamic partial order reduction with source sets (Abdulla, Aronis, Jonsson, Sagonas, "Optimal dynamic partial order reduction",
 * POPL 2014, algorithm 1): of two dependent steps that nothing orders but themselves, the later one is also tried first.
 *
 * A race is between an executed step and a later one, or the pending one of a lane that was left standing, disabled or not. To reverse it,
 * the steps that do not happen after its first one, and then its second, are what some execution begins with from there; lanes whose
 * first step of those depends on nothing earlier of them (initials) can begin it. If none of them is searched there, one is added.
 *
 * A step that waits (LOCK) is no partner of what let it go (UNLOCK): before that it cannot happen. What made it wait (the other LOCK)
 * is, so the look back goes on past the UNLOCK as if it were not there. Deviates in this: where the lane came to its wait only
 * later, which of the two a step was is not known, so both are tried and neither hides an earlier one. That costs cut executions alone.
 *
 * Races are looked for in cut executions, too.
 */
#include <foliofuzz/search.h>
#include <string.h>

struct later {
	u32 at;       /* place on the path; depth: pending */
	unsigned cpu;
	u32 before;   /* the lane's last step before it: place + 1 */
	bool conditional;
	const struct footprint *of;
};

static bool happens_before(const struct search_step *a, const struct search_step *b)
{
	return b->clock[a->cpu] >= a->index;
}

/* Lanes that can begin an execution in which `k` comes before step j. */
static u32 initials(const struct search *s, u32 j, const struct later *k)
{
	const struct search_step *first = &s->path[j];
	u16 from[ENGINE_LANES_MAX] = { 0 }; /* index of each lane's first step of those */
	u32 seen = 0, can = 0;
	bool last_depends = false;

	for (u32 m = j + 1; m < k->at; m++) {
		const struct search_step *p = &s->path[m];
		bool depends = false;

		if (happens_before(first, p))
			continue;
		last_depends |= footprints_dependent(&p->of[p->cpu], k->of);
		if (seen >> p->cpu & 1)
			continue;
		for (u32 q = seen; q; q &= q - 1) {
			unsigned lane = (unsigned)__builtin_ctz(q);

			depends |= p->clock[lane] >= from[lane];
		}
		seen |= 1u << p->cpu;
		from[p->cpu] = p->index;
		if (!depends)
			can |= 1u << p->cpu;
	}
	if (!(seen >> k->cpu & 1) && !last_depends)
		can |= 1u << k->cpu;
	return can;
}

static void reverse(struct search *s, u32 j, const struct later *k)
{
	struct search_step *p = &s->path[j];
	u32 can = initials(s, j, k);

	if (can & (p->todo | p->done | p->sleep | 1u << p->cpu))
		return;
	can &= p->enabled;
	if (can >> k->cpu & 1)
		p->todo |= (u8)(1u << k->cpu);
	else if (can)
		p->todo |= (u8)(can & -can);
	else
		p->todo |= p->enabled;
}

static void races_with(struct search *s, const struct later *k)
{
	u16 clock[ENGINE_LANES_MAX] = { 0 };
	u32 open = search_lanes(s) & ~(1u << k->cpu); /* lanes of which not all steps before j are behind a partner */

	if (k->before)
		memcpy(clock, s->path[k->before - 1].clock, sizeof(clock));
	for (u32 j = k->at; j-- > 0 && open;) {
		const struct search_step *p = &s->path[j];
		bool standing = k->before <= j; /* before `k` already when step j was chosen */

		if (p->cpu != k->cpu && p->index <= clock[p->cpu])
			open &= ~(1u << p->cpu);
		if (!(open >> p->cpu & 1) || !footprints_dependent(&p->of[p->cpu], k->of))
			continue;
		if (standing && !(p->enabled >> k->cpu & 1))
			continue;
		reverse(s, j, k);
		if (standing || !k->conditional)
			clock_join(clock, p->clock);
	}
}

static void races_of_pending(struct search *s, unsigned cpu)
{
	const struct event *ev = engine_pending(cpu);
	struct footprint of;
	struct later k = { .at = s->depth, .cpu = cpu, .before = s->last[cpu], .conditional = true, .of = &of };

	footprint_of_event(&of, ev, engine_object_id(ev->object));
	races_with(s, &k);
}

void dpor_races(struct search *s)
{
	const struct engine_verdict *v = engine_verdict();
	u32 standing = engine_standing();

	for (u32 d = s->fresh; d < s->depth; d++) {
		const struct search_step *p = &s->path[d];
		struct later k = { d, p->cpu, p->before, p->conditional, &p->of[p->cpu] };

		races_with(s, &k);
	}
	/* who found something is in the middle of its step, and not before the next */
	if (verdict_is_find(v->verdict) && v->verdict != VERDICT_DEADLOCK)
		standing &= ~(1u << v->cpu);
	for (u32 m = standing; m; m &= m - 1)
		races_of_pending(s, (unsigned)__builtin_ctz(m));
}
