/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SURW (Zhao, Wolff, Mathur, Roychoudhury, "Selectively Uniform Concurrency Testing", ASPLOS 2025): the accesses to one object, drawn anew
 * for each execution, are interleaved uniformly: who makes the next one is drawn in proportion to how many each CPU has left. Everything else
 * goes by random priorities.
 *
 * The object is a data word or a lock, with probability proportional to its accesses; unlocks do not count, and a CPU's weight is
 * at least 1, since the profile may be wrong. Nobody is spawned here, so weights are never handed on.
 *
 * Deviates: objects that do not race in the profile are never drawn, for they have one order only. Weights are those of the serial execution, CPU 0
 * first. Points at which one CPU alone can go on are not seen, so a weight may stay too high; it biases a draw and nothing else. Grace periods
 * are nobody's accesses.
 */
#include <foliofuzz/explore.h>
#include <string.h>

static bool is_chosen(const struct surw_strategy *s, const struct event *ev)
{
	return s->chosen && arena_contains(ev->object) && arena_offset(ev->object) == s->chosen && event_counts(ev->kind);
}

static void draw_intended(struct surw_strategy *s, u32 lanes)
{
	u32 sum = 0, at;

	for (u32 m = lanes; m; m &= m - 1)
		sum += s->weight[__builtin_ctz(m)];
	at = prng_below(&s->prng, sum);
	for (u32 m = lanes; m; m &= m - 1) {
		s->intended = (u32)__builtin_ctz(m);
		if (at < s->weight[s->intended])
			return;
		at -= s->weight[s->intended];
	}
}

static u32 weight_of(const struct profile_object *o)
{
	u32 n = 0;

	for (unsigned cpu = 0; cpu < ENGINE_CPUS_MAX; cpu++)
		n += o->id && profile_races(o) ? o->events[cpu] : 0;
	return n;
}

static const struct profile_object *draw_object(struct surw_strategy *s)
{
	const struct profile *p = s->profile;
	u32 sum = 0, at;

	for (u32 i = 0; i < PROFILE_OBJECTS; i++)
		sum += weight_of(&p->objects[i]);
	if (!sum)
		return NULL;
	at = prng_below(&s->prng, sum);
	for (u32 i = 0;; i++) {
		if (at < weight_of(&p->objects[i]))
			return &p->objects[i];
		at -= weight_of(&p->objects[i]);
	}
}

static void surw_begin(struct strategy *strategy, u64 seed)
{
	struct surw_strategy *s = (struct surw_strategy *)strategy;
	const struct profile_object *o;
	u32 lanes = 0;

	prng_seed(&s->prng, seed);
	o = draw_object(s);
	s->chosen = o ? o->id : 0;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		u32 n = o && i < ENGINE_CPUS_MAX ? o->events[i] : 0;

		s->weight[i] = n ? n : 1;
		lanes |= n ? 1u << i : 0;
		s->priority[i] = prng_next(&s->prng);
	}
	s->intended = ENGINE_LANES_MAX;
	if (lanes)
		draw_intended(s, lanes);
}

static unsigned surw_next(struct strategy *strategy, u32 enabled, unsigned current)
{
	struct surw_strategy *s = (struct surw_strategy *)strategy;
	u32 held = 0, can;
	unsigned best;

	if (current < ENGINE_LANES_MAX)
		s->priority[current] = prng_next(&s->prng);
	for (u32 m = enabled; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		held |= is_chosen(s, engine_pending(cpu)) ? 1u << cpu : 0;
	}
	if (enabled == (held & ~(1u << s->intended)))
		draw_intended(s, enabled);
	can = enabled & ~(held & ~(1u << s->intended));
	best = (unsigned)__builtin_ctz(can);
	for (u32 m = can & (can - 1); m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		if (s->priority[cpu] > s->priority[best])
			best = cpu;
	}
	if (held >> best & 1) {
		s->weight[best] -= s->weight[best] > 1;
		draw_intended(s, (1u << ENGINE_CPUS_MAX) - 1);
	}
	return best;
}

void surw_strategy_init(struct surw_strategy *s, const struct profile *profile)
{
	s->strategy = (struct strategy){ "surw", surw_begin, surw_next, NULL };
	s->profile = profile;
}
