/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What TSan says about five toys, on both vehicles: it must report exactly the replica's own races,
 * deterministically, and never be told of the scheduler's hand-offs. Without TSan the toys just run.
 */
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/spinlock.h>
#include <setjmp.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

struct toy_state {
	spinlock_t lock;
	atomic_t ready;
	int counter, data, word, once;
	unsigned long flags;
};
#define toy ((struct toy_state *)(arena_memory + KERN_BYTES))

static unsigned reports;

/* Called by the runtime for each report. */
void __tsan_on_report(void *report);
void __tsan_on_report(void *report)
{
	(void)report;
	reports++;
}

/* Every report counts, also one that was seen before, and none is printed as a failure. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "suppress_equal_stacks=0:suppress_equal_addresses=0:exitcode=0:log_path=/dev/null";
}

static void locked_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	for (int i = 0; i < 4; i++) {
		spin_lock(&toy->lock);
		toy->counter++;
		spin_unlock(&toy->lock);
	}
}

static void once_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0)
		WRITE_ONCE(toy->once, 1);
	else
		plain_write(toy->once, 2);
}

static void release_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		plain_write(toy->data, 1);
		atomic_set_release(&toy->ready, 1);
	} else if (atomic_read_acquire(&toy->ready)) {
		(void)plain_read(toy->data);
	}
}

static void relaxed_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		plain_write(toy->data, 1);
		atomic_set(&toy->ready, 1);
	} else if (atomic_read(&toy->ready)) {
		(void)plain_read(toy->data);
	}
}

/* Each execution's lanes touch the word alone; only the runner orders one execution before the next. */
static void alone_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0)
		plain_write(toy->word, 1);
}

static void alone_other_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 1)
		plain_write(toy->word, 2);
}

static void flags_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0)
		__set_bit(1, &toy->flags);
	else
		set_bit(2, &toy->flags);
}

static struct random_strategy random_walk;

static unsigned reports_of(enum vehicle vehicle, lane_fn fn, lane_fn second)
{
	struct engine_config c = {
		.vehicle = vehicle, .steps_max = 1000, .strategy = &random_walk.strategy,
	};
	unsigned before = reports;

	for (c.seed = 0; c.seed < 20; c.seed++) {
		kern_reset();
		memset(toy, 0, sizeof(*toy));
		spin_lock_init(&toy->lock);
		engine_begin(&c);
		engine_phase(2, fn, NULL);
		if (second)
			engine_phase(2, second, NULL);
		engine_end();
	}
	return reports - before;
}

#ifdef FOLIOFUZZ_TSAN
#define assert_reported(n) assert_true((n) > 0)
#else
#define assert_reported(n) assert_int_equal(n, 0)
#endif

static void test_on_each_vehicle(void **state)
{
	(void)state;
	for (int v = 0; v < 2; v++) {
		enum vehicle vehicle = (enum vehicle)v;

		assert_int_equal(reports_of(vehicle, locked_lane, NULL), 0);
		assert_int_equal(reports_of(vehicle, release_lane, NULL), 0);
		assert_int_equal(reports_of(vehicle, alone_lane, alone_other_lane), 0);
		assert_reported(reports_of(vehicle, once_lane, NULL));
		assert_reported(reports_of(vehicle, relaxed_lane, NULL));
		assert_reported(reports_of(vehicle, flags_lane, NULL));
	}
}

static void test_the_same_reports_again(void **state)
{
	unsigned first = reports_of(VEHICLE_FIBER, flags_lane, NULL);

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(reports_of(VEHICLE_FIBER, flags_lane, NULL), first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_each_vehicle),
		cmocka_unit_test(test_the_same_reports_again),
	};

	engine_init();
	kern_init();
	random_strategy_init(&random_walk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
