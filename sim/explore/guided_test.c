/* SPDX-License-Identifier: GPL-2.0-only */
/* Strategies that know a profile, on toys without any mm: each does what its paper says of it. */
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/spinlock.h>
#include <setjmp.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

/* Toys race on purpose. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}

struct toy_state {
	atomic_t word, other, noise[4];
	spinlock_t lock;
	int seen, order;
};
#define toy ((struct toy_state *)(arena_memory + KERN_BYTES))

static struct profile profile;
static struct random_strategy walk;
static struct surw_strategy surw;
static struct rf_strategy rf;
static struct race_strategy race;

static u64 run(struct strategy *s, u64 seed, unsigned lanes, lane_fn fn, bool record)
{
	struct engine_config c = { .seed = seed, .steps_max = 5000, .strategy = s, .record = record };

	kern_reset();
	memset(toy, 0, sizeof(*toy));
	spin_lock_init(&toy->lock);
	engine_begin(&c);
	engine_phase(lanes, fn, NULL);
	engine_end();
	return engine_stats()->hash;
}

static unsigned first_to_last(struct strategy *s, u32 enabled, unsigned current)
{
	(void)s;
	return enabled >> current & 1 ? current : (unsigned)__builtin_ctz(enabled);
}

static unsigned last_to_first(struct strategy *s, u32 enabled, unsigned current)
{
	(void)s;
	(void)current;
	return 31u - (unsigned)__builtin_clz(enabled);
}

static void learn(unsigned lanes, lane_fn fn)
{
	struct strategy up = { "up", NULL, first_to_last, NULL }, down = { "down", NULL, last_to_first, NULL };

	profile_clear(&profile);
	run(&up, 0, lanes, fn, true);
	profile_add(&profile, 1, engine_stats()->decisions);
	run(&down, 0, lanes, fn, true);
	profile_add(&profile, 1, engine_stats()->decisions);
}

/* CPU 0 reads once what CPU 1 increments eight times, with much of its own in between. */
static void uneven_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		toy->seen = atomic_read(&toy->word);
		return;
	}
	for (int i = 0; i < 8; i++) {
		atomic_inc(&toy->noise[0]);
		atomic_inc(&toy->noise[1]);
		atomic_inc(&toy->word);
	}
}

static void test_profile_knows_what_races(void **state)
{
	const struct profile_access *a, *b;

	(void)state;
	learn(2, uneven_lane);
	assert_int_equal(profile.access_count, 9);
	assert_int_equal(profile.pairs, 16);
	for (u32 n = 0; n < profile.pairs; n++) {
		profile_pair(&profile, n, &a, &b);
		assert_true(a->cpu != b->cpu);
		assert_true(a->id == b->id && a->id == arena_offset(&toy->word));
	}
	assert_null(profile_object(&profile, arena_offset(&toy->other)));
	assert_false(profile_races(profile_object(&profile, arena_offset(&toy->noise[0]))));
}

/* Uniform over the nine places where the read can be; a random walk reads early nearly always. */
static void test_surw_is_uniform(void **state)
{
	enum { RUNS = 9000 };
	unsigned seen[9] = { 0 }, late = 0;

	(void)state;
	learn(2, uneven_lane);
	surw_strategy_init(&surw, &profile);
	for (u64 seed = 0; seed < RUNS; seed++) {
		run(&surw.strategy, seed, 2, uneven_lane, false);
		seen[toy->seen]++;
		run(&walk.strategy, seed, 2, uneven_lane, false);
		late += toy->seen > 4;
	}
	for (int i = 0; i < 9; i++)
		assert_in_range(seen[i], RUNS / 9 - 200, RUNS / 9 + 200);
	assert_true(late < RUNS / 100);
}

static void lock_lane(void *arg, unsigned cpu)
{
	(void)arg;
	for (int i = 0; i < (cpu ? 6 : 1); i++) {
		spin_lock(&toy->lock);
		if (!cpu)
			toy->seen = toy->order;
		toy->order++;
		spin_unlock(&toy->lock);
	}
}

/* Lock acquisitions are in the subset and unlocks are not: the one section is as likely to be the first as the last of seven. */
static void test_surw_orders_lock_sections(void **state)
{
	enum { RUNS = 7000 };
	unsigned seen[7] = { 0 };

	(void)state;
	learn(2, lock_lane);
	surw_strategy_init(&surw, &profile);
	for (u64 seed = 0; seed < RUNS; seed++) {
		run(&surw.strategy, seed, 2, lock_lane, false);
		seen[toy->seen]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], RUNS / 7 - 250, RUNS / 7 + 250);
}

/* Two writes by CPU 1 a long way in, of which CPU 0 sees the first only when its read comes between them. */
static void window_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		toy->seen = atomic_read(&toy->word);
		return;
	}
	for (int i = 0; i < 40; i++)
		atomic_inc(&toy->noise[0]);
	atomic_set(&toy->word, 1);
	atomic_set(&toy->word, 2);
	for (int i = 0; i < 40; i++)
		atomic_inc(&toy->noise[1]);
}

static unsigned hits(struct strategy *s, unsigned runs)
{
	unsigned n = 0;

	for (u64 seed = 0; seed < runs; seed++) {
		run(s, seed, 2, window_lane, false);
		n += toy->seen == 1;
	}
	return n;
}

static void test_rf_meets_its_obligations(void **state)
{
	(void)state;
	learn(2, window_lane);
	rf_strategy_init(&rf, &profile);
	assert_true(hits(&rf.strategy, 1000) > 100);
	assert_true(hits(&walk.strategy, 1000) < 10);
}

/* Every race is tried before one comes again: the window is met within as many executions as there are stops and pairs. */
static void test_race_tries_each_race_once(void **state)
{
	(void)state;
	learn(2, window_lane);
	assert_int_equal(profile.access_count + profile.pairs, 3 + 4);
	race_strategy_init(&race, &profile);
	for (u64 base = 1000; base < 3000; base += 100) {
		unsigned found = 0;

		for (u64 i = 0; i < 7; i++) {
			run(&race.strategy, base + i, 2, window_lane, false);
			found += toy->seen == 1;
		}
		assert_true(found > 0);
	}
}

static void test_same_seed_same_execution(void **state)
{
	struct strategy *all[] = { &surw.strategy, &rf.strategy, &race.strategy };
	unsigned different = 0;

	(void)state;
	learn(2, uneven_lane);
	surw_strategy_init(&surw, &profile);
	rf_strategy_init(&rf, &profile);
	race_strategy_init(&race, &profile);
	for (unsigned k = 0; k < 3; k++) {
		u64 first = run(all[k], 0, 2, uneven_lane, false);

		for (u64 seed = 0; seed < 100; seed++) {
			u64 hash = run(all[k], seed, 2, uneven_lane, false);

			assert_true(hash == run(all[k], seed, 2, uneven_lane, true));
			different += hash != first;
		}
	}
	assert_true(different > 100);
}

static void nothing_lane(void *arg, unsigned cpu)
{
	(void)arg;
	atomic_inc(&toy->noise[cpu]);
}

static void test_nothing_races(void **state)
{
	struct strategy *all[] = { &surw.strategy, &rf.strategy, &race.strategy };

	(void)state;
	learn(4, nothing_lane);
	assert_int_equal(profile.pairs, 0);
	surw_strategy_init(&surw, &profile);
	rf_strategy_init(&rf, &profile);
	race_strategy_init(&race, &profile);
	for (unsigned k = 0; k < 3; k++) {
		run(all[k], k, 4, nothing_lane, false);
		assert_int_equal(engine_verdict()->verdict, VERDICT_CLEAN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile_knows_what_races),
		cmocka_unit_test(test_surw_is_uniform),
		cmocka_unit_test(test_surw_orders_lock_sections),
		cmocka_unit_test(test_rf_meets_its_obligations),
		cmocka_unit_test(test_race_tries_each_race_once),
		cmocka_unit_test(test_same_seed_same_execution),
		cmocka_unit_test(test_nothing_races),
	};

	engine_init();
	kern_init();
	random_strategy_init(&walk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
