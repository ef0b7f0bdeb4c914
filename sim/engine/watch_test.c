/* SPDX-License-Identifier: GPL-2.0-only */
/* The hash of interleavings against the numbers of canonical-workloads.md, and the pairs that meet. */
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/spinlock.h>
#include <setjmp.h>
#include <stdlib.h>
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
	unsigned long flags;
	atomic_t a, mine[4];
	int c;
	spinlock_t lock;
};
#define toy ((struct toy_state *)(arena_memory + KERN_BYTES))

static struct random_strategy walk;

static struct engine_watch run(u64 seed, unsigned lanes, lane_fn fn)
{
	struct engine_watch watch;
	struct engine_config c = { .seed = seed, .steps_max = 5000, .strategy = &walk.strategy, .watch = &watch };

	kern_reset();
	memset(toy, 0, sizeof(*toy));
	spin_lock_init(&toy->lock);
	engine_begin(&c);
	engine_phase(lanes, fn, NULL);
	engine_end();
	return watch;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static unsigned distinct(unsigned lanes, lane_fn fn, unsigned runs)
{
	u64 *seen = malloc(runs * sizeof(*seen));
	unsigned n = 0;

	assert_non_null(seen);
	for (unsigned i = 0; i < runs; i++)
		seen[i] = run(i, lanes, fn).interleaving;
	qsort(seen, runs, sizeof(*seen), by_value);
	for (unsigned i = 0; i < runs; i++)
		n += !i || seen[i] != seen[i - 1];
	free(seen);
	return n;
}

/* W1: 84 interleavings, each a trace of its own. */
static void w1_lane(void *arg, unsigned cpu)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		if (cpu == 0)
			set_bit(i, &toy->flags);
		else
			__set_bit(8 + i, &toy->flags);
}

/* W3 with one round: 576 traces of four CPUs. */
static void w3_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	atomic_inc(&toy->a);
	spin_lock(&toy->lock);
	plain_write(toy->c, toy->c + 1);
	spin_unlock(&toy->lock);
}

static void alone_lane(void *arg, unsigned cpu)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		atomic_inc(&toy->mine[cpu]);
		(void)atomic_read(&toy->a);
	}
}

static void test_as_many_interleavings_as_there_are_traces(void **state)
{
	(void)state;
	assert_int_equal(distinct(2, w1_lane, 20000), 84);
	assert_int_equal(distinct(4, w3_lane, 200000), 576);
}

static void test_independent_events_have_no_order(void **state)
{
	(void)state;
	assert_int_equal(distinct(4, alone_lane, 2000), 1);
}

static unsigned pairs(const struct engine_watch *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WATCH_WORDS; i++)
		n += (unsigned)__builtin_popcountll(w->pairs[i]);
	return n;
}

static void test_pairs_are_those_that_met(void **state)
{
	struct engine_watch all = { .interleaving = 0 };

	(void)state;
	for (u64 seed = 0; seed < 200; seed++) {
		struct engine_watch w = run(seed, 2, w1_lane);

		for (unsigned i = 0; i < WATCH_WORDS; i++)
			all.pairs[i] |= w.pairs[i];
	}
	/* set_bit after the load and the store, the load and the store after it, as accesses; the same as readers of a write, but for the
	 * load, which writes nothing */
	assert_int_equal(pairs(&all), 4 + 3);
	all = run(0, 4, alone_lane);
	assert_int_equal(pairs(&all), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_interleavings_as_there_are_traces),
		cmocka_unit_test(test_independent_events_have_no_order),
		cmocka_unit_test(test_pairs_are_those_that_met),
	};

	engine_init();
	kern_init();
	random_strategy_init(&walk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
