/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads-from obligations (Wolff, Shi, Duck, Mathur, Roychoudhury, "Greybox Fuzzing for Concurrency Testing", ASPLOS 2024): an execution is given
 * one to three pairs of sites that are to be met, a read that shall see a certain write, or to be avoided. Whoever's next access advances one goes first, who
 * would break one goes last, and everything else by the random priorities of pos.c. Nobody is ever stopped, so every schedule ends.
 *
 * Deviates: an obligation is drawn anew for each execution among the pairs that race in the profile, and not evolved from those before it, so that
 * the execution is a function of its seed. A read-modify-write is a read and a write.
 */
#include <foliofuzz/explore.h>
#include <string.h>

enum { AVOID, NEUTRAL, ADVANCE };

static bool writes(const struct event *ev)
{
	return event_flags(ev->kind) & EV_W;
}

static unsigned band_of(const struct rf_obligation *o, const struct event *ev)
{
	if (o->done)
		return NEUTRAL;
	if (!o->wanted)
		return o->object && ev->site == o->read && ev->object == o->object ? AVOID : NEUTRAL;
	if (!o->object)
		return ev->site == o->write ? ADVANCE : ev->site == o->read ? AVOID : NEUTRAL;
	if (ev->object != o->object)
		return NEUTRAL;
	return ev->site == o->read ? ADVANCE : writes(ev) ? AVOID : NEUTRAL;
}

static unsigned band(const struct rf_strategy *r, const struct event *ev)
{
	unsigned best = NEUTRAL;

	for (unsigned i = 0; i < r->count; i++) {
		unsigned b = band_of(&r->obligations[i], ev);

		if (b == AVOID)
			return AVOID;
		best = b > best ? b : best;
	}
	return best;
}

static void execute(struct rf_strategy *r, const struct event *ev)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct rf_obligation *o = &r->obligations[i];

		if (o->done)
			continue;
		if (o->wanted && ev->site == o->read && o->object == ev->object)
			o->done = true;
		else if (ev->site == o->write)
			o->object = ev->object;
		else if (o->object == ev->object && writes(ev))
			o->object = NULL;
	}
}

static void draw_obligation(struct rf_strategy *r, struct rf_obligation *o)
{
	const struct profile_access *a, *b;

	profile_pair(r->profile, prng_below(&r->prng, r->profile->pairs), &a, &b);
	if (!a->writes) {
		const struct profile_access *t = a;

		a = b;
		b = t;
	}
	*o = (struct rf_obligation){ .write = a->site, .read = b->site, .wanted = prng_chance(&r->prng, 1, 2) };
}

static void rf_begin(struct strategy *s, u64 seed)
{
	struct rf_strategy *r = (struct rf_strategy *)s;

	prng_seed(&r->prng, seed);
	r->known = 0;
	r->count = r->profile->pairs ? 1 + prng_below(&r->prng, RF_OBLIGATIONS_MAX) : 0;
	for (unsigned i = 0; i < r->count; i++)
		draw_obligation(r, &r->obligations[i]);
}

static bool depends(const struct event *a, const struct event *b)
{
	return a->object && a->object == b->object && (writes(a) || writes(b));
}

static unsigned rf_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct rf_strategy *r = (struct rf_strategy *)s;
	unsigned best = 0, best_band = 0;
	bool any = false;

	if (current < ENGINE_LANES_MAX)
		r->known &= ~(1u << current); /* it stands before another event now */
	for (u32 m = enabled; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m), b = band(r, engine_pending(cpu));

		if (!(r->known >> cpu & 1))
			r->priority[cpu] = prng_next(&r->prng);
		if (!any || b > best_band || (b == best_band && r->priority[cpu] > r->priority[best])) {
			best = cpu;
			best_band = b;
		}
		any = true;
	}
	r->known = enabled & ~(1u << best);
	for (u32 m = r->known; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		if (depends(engine_pending(best), engine_pending(cpu)))
			r->known &= ~(1u << cpu);
	}
	execute(r, engine_pending(best));
	return best;
}

void rf_strategy_init(struct rf_strategy *r, const struct profile *profile)
{
	r->strategy = (struct strategy){ "rf", rf_begin, rf_next, NULL };
	r->profile = profile;
}
