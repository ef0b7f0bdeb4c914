/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine on toys without any mm: same input same hash on both vehicles, blocking, deadlock,
 * livelock, abandoned executions, schedules written down and replayed.
 */
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <linux/atomic.h>
#include <linux/bit_spinlock.h>
#include <linux/bitops.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

struct toy_state {
	unsigned long flags;
	atomic_t a, started;
	int c;
	spinlock_t lock, other;
	struct mutex mutex;
	struct rcu_head rcu;
	int freed;
};
#define toy ((struct toy_state *)(arena_memory + KERN_BYTES))

static void toy_boot(void)
{
	kern_reset();
	memset(toy, 0, sizeof(*toy));
	spin_lock_init(&toy->lock);
	spin_lock_init(&toy->other);
	mutex_init(&toy->mutex);
}

/* These toys race on purpose; what TSan says of races is tsan_test.c's matter. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}

static struct random_strategy random_walk;

static u64 run(enum vehicle vehicle, u64 seed, unsigned lanes, lane_fn fn, struct strategy *s, bool record)
{
	struct engine_config c = {
		.vehicle = vehicle, .seed = seed, .steps_max = 5000, .record = record,
		.strategy = s ? s : &random_walk.strategy,
	};

	toy_boot();
	engine_begin(&c);
	engine_phase(lanes, fn, NULL);
	engine_end();
	return engine_stats()->hash;
}

static void w1_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		set_bit(0, &toy->flags);
		set_bit(1, &toy->flags);
		set_bit(2, &toy->flags);
	} else {
		__set_bit(8, &toy->flags);
		__set_bit(9, &toy->flags);
		__set_bit(10, &toy->flags);
	}
}

static void w3_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	for (int i = 0; i < 25; i++) {
		atomic_inc(&toy->a);
		spin_lock(&toy->lock);
		plain_write(toy->c, toy->c + 1);
		spin_unlock(&toy->lock);
	}
}

static void test_same_hash_twice_and_on_both_vehicles(void **state)
{
	unsigned different = 0;
	u64 last = 0;

	(void)state;
	for (u64 seed = 0; seed < 200; seed++) {
		lane_fn fn = seed & 1 ? w1_lane : w3_lane;
		unsigned lanes = seed & 1 ? 2 : 4;
		u64 a = run(VEHICLE_FIBER, seed, lanes, fn, NULL, false);
		u64 b = run(VEHICLE_FIBER, seed, lanes, fn, NULL, true);
		u64 c = run(VEHICLE_PTHREAD, seed, lanes, fn, NULL, false);

		assert_true(a == b);
		assert_true(a == c);
		different += a != last;
		last = a;
	}
	assert_true(different > 150);
}

static void test_lost_flag_is_found_and_lock_holds(void **state)
{
	unsigned lost = 0;

	(void)state;
	for (u64 seed = 0; seed < 1000; seed++) {
		run(VEHICLE_FIBER, seed, 2, w1_lane, NULL, false);
		assert_int_equal(engine_stats()->points, 9 + 2);
		lost += toy->flags != 0x707;
		run(VEHICLE_FIBER, seed, 4, w3_lane, NULL, false);
		assert_int_equal(toy->c, 100);
		assert_int_equal(toy->a.counter, 100);
	}
	assert_in_range(lost, 500, 700);
}

static void deadlock_lane(void *arg, unsigned cpu)
{
	(void)arg;
	/* trylocks are outside the order rule, so only a real deadlock can be reported */
	if (cpu == 0) {
		mutex_lock(&toy->mutex);
		bit_wait(3, &toy->flags);
		mutex_unlock(&toy->mutex);
	} else {
		set_bit(3, &toy->flags);
		mutex_lock(&toy->mutex);
		clear_bit(3, &toy->flags);
		mutex_unlock(&toy->mutex);
	}
}

static void test_deadlock_is_reported_and_leaves_no_mark(void **state)
{
	unsigned dead = 0, fine = 0;

	(void)state;
	for (unsigned v = 0; v < 2; v++)
		for (u64 seed = 0; seed < 100; seed++) {
			u64 clean = run((enum vehicle)v, 7, 2, w1_lane, NULL, false);

			run((enum vehicle)v, seed, 2, deadlock_lane, NULL, false);
			if (engine_verdict()->verdict == VERDICT_DEADLOCK) {
				dead++;
				assert_non_null(strstr(engine_verdict()->message, "waits in deadlock_lane"));
			} else {
				assert_int_equal(engine_verdict()->verdict, VERDICT_CLEAN);
				fine++;
			}
			assert_true(run((enum vehicle)v, 7, 2, w1_lane, NULL, false) == clean);
		}
	assert_true(dead > 20 && fine > 20);
}

static const struct site *op_site(void)
{
	return SITE("op", "", "");
}

static void spin_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	engine_op_begin(op_site(), 0, 0);
	while (!test_bit(5, &toy->flags))
		cpu_relax();
	engine_op_end(op_site());
}

static void endless_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	for (;;) {
		engine_op_begin(op_site(), 0, 0);
		atomic_inc(&toy->a);
		engine_op_end(op_site());
	}
}

/* One operation that is longer than the budget and the fair phase's least, and that nothing is wrong with. */
static void long_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	engine_op_begin(op_site(), 0, 0);
	for (unsigned i = 0; i < 30000; i++)
		atomic_inc(&toy->a);
	engine_op_end(op_site());
}

static void test_livelock_is_a_find_and_the_budget_alone_is_not(void **state)
{
	(void)state;
	run(VEHICLE_FIBER, 1, 2, spin_lane, NULL, false);
	assert_int_equal(engine_verdict()->verdict, VERDICT_LIVELOCK);
	run(VEHICLE_FIBER, 1, 2, endless_lane, NULL, false);
	assert_int_equal(engine_verdict()->verdict, VERDICT_INCONCLUSIVE);
	run(VEHICLE_FIBER, 1, 2, long_lane, NULL, false);
	assert_int_equal(engine_verdict()->verdict, VERDICT_INCONCLUSIVE);
	assert_false(verdict_is_find(VERDICT_INCONCLUSIVE));
}

static void handoff_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		while (!test_bit(5, &toy->flags))
			cpu_relax();
	} else {
		set_bit(5, &toy->flags);
	}
}

static void test_spinning_yields(void **state)
{
	(void)state;
	for (u64 seed = 0; seed < 50; seed++) {
		run(VEHICLE_FIBER, seed, 2, handoff_lane, NULL, false);
		assert_int_equal(engine_verdict()->verdict, VERDICT_CLEAN);
		assert_true(engine_stats()->points < 20);
	}
}

static void rcu_free(struct rcu_head *head)
{
	(void)head;
	toy->freed = 1;
}

static void rcu_toy_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		rcu_read_lock();
		if (!atomic_read(&toy->started)) {
			atomic_inc(&toy->a);
			if (toy->freed)
				engine_find(VERDICT_USE_AFTER_FREE, "freed inside a section", NULL, "-");
		}
		rcu_read_unlock();
	} else {
		atomic_set(&toy->started, 1);
		call_rcu(&toy->rcu, rcu_free);
	}
}

static void test_grace_period_waits_for_readers(void **state)
{
	(void)state;
	for (u64 seed = 0; seed < 2000; seed++) {
		run(VEHICLE_FIBER, seed, 2, rcu_toy_lane, NULL, false);
		assert_int_equal(engine_verdict()->verdict, VERDICT_CLEAN);
		assert_int_equal(toy->freed, 1);
	}
}

static void w1_op_lane(void *arg, unsigned cpu)
{
	engine_op_begin(op_site(), 0, 0);
	w1_lane(arg, cpu);
	engine_op_end(op_site());
}

static void test_schedule_is_written_down_and_replayed(void **state)
{
	static struct prog_sched sched;
	static struct replay_strategy replay;

	(void)state;
	for (u64 seed = 0; seed < 300; seed++) {
		u64 hash = run(VEHICLE_FIBER, seed, 2, w1_op_lane, NULL, true);

		sched.kind = SCHED_DEVIATIONS;
		sched.deviation_count = (u16)deviations_from_run(sched.deviations, PROG_DEVIATIONS_MAX);
		assert_in_range(sched.deviation_count, 0, PROG_DEVIATIONS_MAX);
		replay_strategy_init(&replay, &sched);
		assert_true(run(VEHICLE_FIBER, 0, 2, w1_op_lane, &replay.strategy, false) == hash);
		assert_int_equal(replay.applied, sched.deviation_count);
		assert_true(run(VEHICLE_PTHREAD, 0, 2, w1_op_lane, &replay.strategy, false) == hash);
	}
}

static void long_op_lane(void *arg, unsigned cpu)
{
	(void)arg;
	engine_op_begin(op_site(), 0, 0);
	for (int i = 0; i < 100; i++)
		w1_lane(NULL, cpu);
	engine_op_end(op_site());
}

static void test_a_long_schedule_is_replayed_from_a_list(void **state)
{
	static struct prog_deviation at[DEVIATION_LIST_MAX];
	static struct replay_strategy replay;
	u64 hash = run(VEHICLE_FIBER, 1, 2, long_op_lane, NULL, true);
	struct deviation_list list = { deviations_from_run(at, DEVIATION_LIST_MAX), at };

	(void)state;
	assert_in_range(list.count, PROG_DEVIATIONS_MAX + 1, DEVIATION_LIST_MAX);
	replay_strategy_init_list(&replay, &list);
	assert_true(run(VEHICLE_FIBER, 0, 2, long_op_lane, &replay.strategy, false) == hash);
	assert_int_equal(replay.applied, list.count);
	list.count /= 2;
	replay_strategy_init_list(&replay, &list);
	assert_false(run(VEHICLE_FIBER, 0, 2, long_op_lane, &replay.strategy, false) == hash);
}

static void failing_lane(void *arg, unsigned cpu)
{
	(void)arg;
	engine_op_begin(op_site(), 0, cpu + 1);
	for (int i = 0; i < 4; i++)
		if (engine_fault(op_site()))
			toy->c += i;
	engine_op_end(op_site());
}

static void test_the_nth_ask_fails(void **state)
{
	(void)state;
	run(VEHICLE_FIBER, 0, 4, failing_lane, NULL, false);
	assert_int_equal(toy->c, 0 + 1 + 2 + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_hash_twice_and_on_both_vehicles),
		cmocka_unit_test(test_lost_flag_is_found_and_lock_holds),
		cmocka_unit_test(test_deadlock_is_reported_and_leaves_no_mark),
		cmocka_unit_test(test_livelock_is_a_find_and_the_budget_alone_is_not),
		cmocka_unit_test(test_spinning_yields),
		cmocka_unit_test(test_grace_period_waits_for_readers),
		cmocka_unit_test(test_schedule_is_written_down_and_replayed),
		cmocka_unit_test(test_a_long_schedule_is_replayed_from_a_list),
		cmocka_unit_test(test_the_nth_ask_fails),
	};

	engine_init();
	kern_init();
	random_strategy_init(&random_walk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
