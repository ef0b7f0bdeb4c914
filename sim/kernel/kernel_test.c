/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The primitives' own checks bite: each misuse is reported with its words, and the proper use next to it is not.
 */
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <linux/atomic.h>
#include <linux/bit_spinlock.h>
#include <linux/bug.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <setjmp.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

/* Not about the replica's races: lanes here are stopped in deadlocks, and what they say shares a buffer. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}

struct toy_state {
	spinlock_t a, b;
	struct mutex mutex;
	struct rw_semaphore sem;
	unsigned long flags;
	struct list_head head, x, y;
	struct kmem_cache cache, typesafe;
	void *object;
	struct rcu_head rcu;
	int ran;
};
#define toy ((struct toy_state *)(arena_memory + KERN_BYTES))

static void toy_boot(void)
{
	arena_reset();
	kern_reset();
	memset(toy, 0, sizeof(*toy));
	spin_lock_init(&toy->a);
	spin_lock_init(&toy->b);
	mutex_init(&toy->mutex);
	init_rwsem(&toy->sem);
	toy->head.next = toy->head.prev = &toy->head;
	toy->x.next = toy->x.prev = &toy->x;
	toy->y.next = toy->y.prev = &toy->y;
	kmem_cache_init(&toy->cache, "toys", 40, 0);
	kmem_cache_init(&toy->typesafe, "typesafe toys", 40, SLAB_TYPESAFE_BY_RCU);
}

static void dead_object(const struct event *ev, u8 state)
{
	(void)ev;
	if (state == SLAB_FREE)
		return;
	engine_find(VERDICT_USE_AFTER_FREE, "freed object", NULL, "-");
}

static const struct engine_verdict *run_lanes(unsigned lanes, lane_fn fn, u64 seed)
{
	static struct random_strategy walk;
	static const struct engine_hooks hooks = { .dead = dead_object, .locks_held = kern_locks_held };
	struct engine_config c = { .steps_max = 2000, .strategy = &walk.strategy, .hooks = &hooks, .seed = seed };

	random_strategy_init(&walk);
	toy_boot();
	engine_begin(&c);
	engine_phase(lanes, fn, NULL);
	engine_end();
	return engine_verdict();
}

static void (*body)(void);
static void body_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	body();
	kern_check_idle("body");
}

static void expect(void (*fn)(void), enum verdict verdict, const char *invariant)
{
	const struct engine_verdict *v;

	body = fn;
	v = run_lanes(1, body_lane, 0);
	assert_int_equal(v->verdict, verdict);
	if (invariant)
		assert_string_equal(v->invariant, invariant);
}

static void order_ab_ba(void)
{
	spin_lock(&toy->a);
	spin_lock(&toy->b);
	spin_unlock(&toy->b);
	spin_unlock(&toy->a);
	spin_lock(&toy->b);
	spin_lock(&toy->a);
	spin_unlock(&toy->a);
	spin_unlock(&toy->b);
}

static void order_with_trylock(void)
{
	spin_lock(&toy->a);
	spin_lock(&toy->b);
	spin_unlock(&toy->b);
	spin_unlock(&toy->a);
	spin_lock(&toy->b);
	if (spin_trylock(&toy->a))
		spin_unlock(&toy->a);
	spin_unlock(&toy->b);
}

static void recursive(void)
{
	spin_lock(&toy->a);
	spin_lock(&toy->a);
}

static void sleeps_under_spinlock(void)
{
	spin_lock(&toy->a);
	mutex_lock(&toy->mutex);
}

static void sleeps_in_rcu(void)
{
	rcu_read_lock();
	down_read(&toy->sem);
}

static void leaves_lock(void)
{
	spin_lock(&toy->a);
}

static void leaves_section(void)
{
	rcu_read_lock();
}

static void unlocks_free_lock(void)
{
	spin_unlock(&toy->a);
}

static void unlocks_free_bit(void)
{
	bit_unlock(3, &toy->flags, "folio");
}

static void unlocks_adopted_bit(void)
{
	toy->flags = 8;
	bit_unlock(3, &toy->flags, "folio");
}

static void interrupt_and_irqs_on(void)
{
	spin_lock(&toy->a);
	spin_unlock(&toy->a);
	this_cpu()->in_irq = 1;
	spin_lock(&toy->a);
	spin_unlock(&toy->a);
}

static void interrupt_and_irqs_off(void)
{
	unsigned long flags;

	spin_lock_irqsave(&toy->a, flags);
	spin_unlock_irqrestore(&toy->a, flags);
	this_cpu()->in_irq = 1;
	spin_lock(&toy->a);
	spin_unlock(&toy->a);
	this_cpu()->in_irq = 0;
}

static void test_lock_rules(void **state)
{
	(void)state;
	expect(order_ab_ba, VERDICT_LOCK_RULE, "lock order");
	expect(order_with_trylock, VERDICT_CLEAN, NULL);
	expect(recursive, VERDICT_LOCK_RULE, "recursive locking");
	expect(sleeps_under_spinlock, VERDICT_LOCK_RULE, "sleeping while atomic");
	expect(sleeps_in_rcu, VERDICT_LOCK_RULE, "sleeping while atomic");
	expect(leaves_lock, VERDICT_LOCK_RULE, "lock held at exit");
	expect(leaves_section, VERDICT_LOCK_RULE, "section open at exit");
	expect(unlocks_free_lock, VERDICT_LOCK_RULE, "unlock by another");
	expect(unlocks_free_bit, VERDICT_LOCK_RULE, "unlock of an unlocked bit");
	expect(unlocks_adopted_bit, VERDICT_CLEAN, NULL);
	expect(interrupt_and_irqs_on, VERDICT_LOCK_RULE, "irq-unsafe lock");
	expect(interrupt_and_irqs_off, VERDICT_CLEAN, NULL);
}

static void list_normal(void)
{
	LIST_HEAD(local);

	list_add_tail(&toy->x, &toy->head);
	list_add(&toy->y, &toy->head);
	if (list_first_entry(&toy->head, struct toy_state, y) != (void *)toy)
		BUG();
	list_splice_init(&toy->head, &local);
	BUG_ON(!list_empty(&toy->head));
	BUG_ON(toy->y.next != &toy->x);
	list_del_init(&toy->x);
	list_move_tail(&toy->y, &toy->head);
	BUG_ON(!list_empty(&local));
	list_del(&toy->y);
}

static void list_double_add(void)
{
	list_add(&toy->x, &toy->head);
	list_add(&toy->x, &toy->head);
}

static void list_asked_after_del(void)
{
	list_add(&toy->x, &toy->head);
	list_del(&toy->x);
	if (!list_empty(&toy->x))
		list_del(&toy->x);
}

static void list_double_del(void)
{
	list_add(&toy->x, &toy->head);
	list_del(&toy->x);
	list_del(&toy->x);
}

static void list_broken(void)
{
	list_add(&toy->x, &toy->head);
	list_add(&toy->y, &toy->head);
	toy->x.prev = &toy->x;
	list_del(&toy->y);
}

static void test_list_checks(void **state)
{
	(void)state;
	expect(list_normal, VERDICT_CLEAN, NULL);
	expect(list_double_add, VERDICT_LIST_CORRUPTION, "double add");
	expect(list_double_del, VERDICT_LIST_CORRUPTION, "deletion of a deleted entry");
	expect(list_asked_after_del, VERDICT_LIST_CORRUPTION, "deleted entry asked whether it is linked");
	expect(list_broken, VERDICT_LIST_CORRUPTION, "next->prev is not the entry");
}

static void slab_use_after_free(void)
{
	int *p = kmem_cache_alloc(&toy->cache, GFP_KERNEL);

	kmem_cache_free(&toy->cache, p);
	WRITE_ONCE(*p, 1);
}

static void slab_double_free(void)
{
	int *p = kmem_cache_alloc(&toy->cache, GFP_KERNEL);

	kmem_cache_free(&toy->cache, p);
	kmem_cache_free(&toy->cache, p);
}

static void slab_typesafe_reuse(void)
{
	int *p = kmem_cache_alloc(&toy->typesafe, GFP_KERNEL), *q;

	WRITE_ONCE(*p, 5);
	kmem_cache_free(&toy->typesafe, p);
	BUG_ON(READ_ONCE(*p) != 5);
	q = kmem_cache_alloc(&toy->typesafe, GFP_KERNEL);
	BUG_ON(p != q);
	BUG_ON(READ_ONCE(*q) != 5);
	kmem_cache_free(&toy->typesafe, q);
}

static void test_slab(void **state)
{
	(void)state;
	expect(slab_use_after_free, VERDICT_USE_AFTER_FREE, "freed object");
	expect(slab_double_free, VERDICT_USE_AFTER_FREE, NULL);
	expect(slab_typesafe_reuse, VERDICT_CLEAN, NULL);
}

static void rwsem_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		down_write(&toy->sem);
		plain_write(toy->ran, 1);
		plain_write(toy->ran, 0);
		up_write(&toy->sem);
	} else {
		down_read(&toy->sem);
		if (plain_read(toy->ran))
			engine_find(VERDICT_BAD_STATE, "reader beside writer", NULL, "-");
		up_read(&toy->sem);
	}
}

static void test_rwsem_excludes(void **state)
{
	(void)state;
	for (u64 seed = 0; seed < 500; seed++)
		assert_int_equal(run_lanes(3, rwsem_lane, seed)->verdict, VERDICT_CLEAN);
}

static void rcu_ran(struct rcu_head *head)
{
	(void)head;
	toy->ran = 1;
}

static void sync_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		call_rcu(&toy->rcu, rcu_ran);
		synchronize_rcu();
	} else {
		rcu_read_lock();
		rcu_read_unlock();
	}
}

static void test_rcu_ends(void **state)
{
	(void)state;
	for (u64 seed = 0; seed < 500; seed++) {
		assert_int_equal(run_lanes(2, sync_lane, seed)->verdict, VERDICT_CLEAN);
		assert_int_equal(toy->ran, 1);
	}
}

/* ---- what nothing goes on at ---- */
static const struct site *op_site(void)
{
	return SITE("op", "", "");
}

static void a_try(void)
{
	rcu_read_lock();
	rcu_read_unlock();
	spin_lock(&toy->a);
	spin_unlock(&toy->a);
}

static void goes_round(void)
{
	mutex_lock(&toy->mutex);
	a_try();
	mutex_unlock(&toy->mutex);
	rcu_read_lock();
	rcu_read_unlock();
}

static void round_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	engine_op_begin(op_site(), 0, 0);
	for (;;)
		goes_round();
}

/* Of two that are called in each round it is the one that is called with the fewest locks held; the operation has no part in it. */
static void test_livelock_is_named_by_what_is_taken(void **state)
{
	(void)state;
	for (u64 seed = 0; seed < 10; seed++)
		for (unsigned lanes = 1; lanes <= 2; lanes++) {
			const struct engine_verdict *v = run_lanes(lanes, round_lane, seed);

			assert_int_equal(v->verdict, VERDICT_LIVELOCK);
			assert_string_equal(v->function, "goes_round");
		}
}

static void waits_for_bit(void)
{
	set_bit(3, &toy->flags);
	mutex_lock(&toy->mutex);
	bit_wait(3, &toy->flags);
	mutex_unlock(&toy->mutex);
}

static void waits_for_mutex(void)
{
	down_read(&toy->sem);
	mutex_lock(&toy->mutex);
	mutex_unlock(&toy->mutex);
	up_read(&toy->sem);
}

static void stands_behind(void)
{
	down_write(&toy->sem);
	up_write(&toy->sem);
}

static void deadlock_lane(void *arg, unsigned cpu)
{
	static void (*const bodies[])(void) = { waits_for_bit, waits_for_mutex, stands_behind };

	(void)arg;
	bodies[cpu]();
}

static void test_deadlock_is_named_by_who_holds_and_waits(void **state)
{
	unsigned both = 0;

	(void)state;
	for (u64 seed = 0; seed < 50; seed++) {
		const struct engine_verdict *v = run_lanes(3, deadlock_lane, seed);

		assert_int_equal(v->verdict, VERDICT_DEADLOCK);
		assert_string_not_equal(v->function, "stands_behind");
		both += v->other && !strcmp(v->function, "waits_for_bit") && !strcmp(v->other, "waits_for_mutex");
	}
	assert_true(both > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_rules),    cmocka_unit_test(test_list_checks),
		cmocka_unit_test(test_slab),          cmocka_unit_test(test_rwsem_excludes),
		cmocka_unit_test(test_rcu_ends),      cmocka_unit_test(test_livelock_is_named_by_what_is_taken),
		cmocka_unit_test(test_deadlock_is_named_by_who_holds_and_waits),
	};

	engine_init();
	kern_init();
	arena_world(KERN_BYTES + sizeof(struct toy_state));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
