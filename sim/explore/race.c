/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Races on purpose: a CPU is stopped before an access of the profile, others run until a conflicting access has been made, and then it goes on; once or
 * twice in an execution. Between these turns CPUs run by fixed random priorities, as in PCT. So a bug that one order of two
 * accesses shows costs as many executions as there are races, and not as there are pairs of points.
 *
 * After "RaceFuzzer" (Sen, "Race directed random testing of concurrent programs", PLDI 2008), which stops at both accesses and then tosses a coin.
 *
 * Deviates: candidates come from the serial executions; nobody is stopped for good, since the one who is stopped has the lowest priority
 * and goes on when nobody else can; the rival is stopped behind its access, and not before. An access is known by its site, and by how often the
 * CPU came there: what is not met leaves the rest of the execution without turns.
 */
#include <foliofuzz/explore.h>
#include <string.h>

/* One in so many executions has two turns. */
enum { SECOND_TURN = 4, SEED_BLOCK = 1 << 16 };
enum { RUN_TO_STOP, RUN_TO_RIVAL, RIVAL_AT_IT };

static u32 gcd(u32 a, u32 b)
{
	while (b) {
		u32 t = a % b;

		a = b;
		b = t;
	}
	return a;
}

/* Of `count` numbers one for each seed of a block: each once, before any comes again. Every block has an order of its own. */
static u32 in_turn(u64 seed, u32 count)
{
	struct prng r;
	u32 step, first;

	prng_seed(&r, seed / SEED_BLOCK);
	first = prng_below(&r, count);
	step = 1 + prng_below(&r, count);
	while (gcd(step, count) != 1)
		step = step % count + 1;
	return (u32)((first + seed % SEED_BLOCK * step) % count);
}

static void draw_turn(struct race_strategy *r, unsigned i, u64 seed)
{
	const struct profile *p = r->profile;
	u32 n, count = p->access_count + p->pairs;

	n = i ? prng_below(&r->prng, count) : in_turn(seed, count);
	if (n < p->access_count)
		r->turns[i] = (struct race_turn){ &p->accesses[n], NULL };
	else
		profile_pair(p, n - p->access_count, &r->turns[i].stop, &r->turns[i].until);
}

static void race_begin(struct strategy *s, u64 seed)
{
	struct race_strategy *r = (struct race_strategy *)s;

	prng_seed(&r->prng, seed);
	r->turn_count = r->profile->access_count ? 1 + prng_chance(&r->prng, 1, SECOND_TURN) : 0;
	for (unsigned i = 0; i < r->turn_count; i++)
		draw_turn(r, i, seed);
	r->turn = 0;
	r->state = RUN_TO_STOP;
	r->lowest = 0;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		r->priority[i] = (s32)(1 + (prng_next(&r->prng) >> 36));
	if (r->turn_count)
		r->priority[r->turns[0].stop->cpu] = 1 << 29;
	memset(&r->seen, 0, sizeof(r->seen));
}

static unsigned highest(const struct race_strategy *r, u32 enabled)
{
	unsigned best = (unsigned)__builtin_ctz(enabled);

	for (u32 m = enabled & (enabled - 1); m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		if (r->priority[cpu] > r->priority[best])
			best = cpu;
	}
	return best;
}

static void fall(struct race_strategy *r, unsigned cpu)
{
	r->priority[cpu] = --r->lowest;
}

/* `cpu` stands before an event that it did not stand before when it was asked last. */
static void arrive(struct race_strategy *r, unsigned cpu)
{
	const struct event *ev = engine_pending(cpu);
	unsigned nth = site_count_next(&r->seen, ev->site, cpu);
	const struct race_turn *t = &r->turns[r->turn];

	if (r->turn >= r->turn_count)
		return;
	if (r->state == RIVAL_AT_IT && t->until->cpu == cpu) {
		fall(r, cpu);
		r->turn++;
		r->state = RUN_TO_STOP;
	} else if (r->state == RUN_TO_RIVAL && t->until->cpu == cpu && t->until->site == ev->site && t->until->nth == nth) {
		r->state = RIVAL_AT_IT;
	} else if (r->state == RUN_TO_STOP && t->stop->cpu == cpu && t->stop->site == ev->site && t->stop->nth == nth) {
		fall(r, cpu);
		if (t->until)
			r->state = RUN_TO_RIVAL;
		else
			r->turn++;
	}
}

static unsigned race_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct race_strategy *r = (struct race_strategy *)s;

	if (enabled >> current & 1)
		arrive(r, current);
	return highest(r, enabled);
}

void race_strategy_init(struct race_strategy *r, const struct profile *profile)
{
	r->strategy = (struct strategy){ "race", race_begin, race_next, NULL };
	r->profile = profile;
}
