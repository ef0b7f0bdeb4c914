/* SPDX-License-Identifier: GPL-2.0-only */
/* Spinlocks. The waiter is disabled, not spinning: it can do nothing that another CPU could see. */
#include "kernel_internal.h"
#include <linux/spinlock.h>

char smp_fence;

static bool spin_is_free(const volatile void *lock)
{
	return ((const spinlock_t *)(uintptr_t)lock)->owner == 0;
}

static void taken(const struct site *s, spinlock_t *lock, const struct lock_class *class, unsigned flags)
{
	lock->owner = engine_cpu() + 1;
	this_cpu()->preempt++;
	edge_acquire(lock);
	lockdep_acquired(s, lock, class, flags);
}

void spin_lock_at(const struct site *s, spinlock_t *lock, const struct lock_class *class)
{
	if (!class)
		class = lock->class;
	if (unlikely(!class))
		engine_find(VERDICT_LOCK_RULE, "uninitialised lock", s->function, "%s", s->expr);
	lockdep_check(s, lock, class, 0);
	engine_wait(s, lock, EVENT_LOCK, spin_is_free, lock);
	taken(s, lock, class, 0);
}

bool spin_trylock_at(const struct site *s, spinlock_t *lock, const struct lock_class *class)
{
	bool refuse = engine_fault(s);

	if (!class)
		class = lock->class;
	lockdep_check(s, lock, class, ACQUIRE_TRY);
	engine_point(s, lock, EVENT_TRYLOCK);
	if (lock->owner || refuse) {
		engine_touch(0, TOUCH_WROTE_NOTHING);
		return false;
	}
	taken(s, lock, class, ACQUIRE_TRY);
	return true;
}

void spin_unlock_at(const struct site *s, spinlock_t *lock)
{
	engine_point(s, lock, EVENT_UNLOCK);
	lockdep_release(lock, 0);
	edge_release(lock);
	lock->owner = 0;
	this_cpu()->preempt--;
	engine_kick();
}
