/* SPDX-License-Identifier: GPL-2.0-only */
/* Mutexes. */
#include "kernel_internal.h"
#include <linux/mutex.h>

static bool mutex_is_free(const volatile void *lock)
{
	return ((const struct mutex *)(uintptr_t)lock)->owner == 0;
}

void mutex_lock_at(const struct site *s, struct mutex *lock)
{
	lockdep_check(s, lock, lock->class, ACQUIRE_SLEEPS);
	engine_wait(s, lock, EVENT_LOCK, mutex_is_free, lock);
	lock->owner = engine_cpu() + 1;
	edge_acquire(lock);
	lockdep_acquired(s, lock, lock->class, ACQUIRE_SLEEPS);
}

bool mutex_trylock_at(const struct site *s, struct mutex *lock)
{
	bool refuse = engine_fault(s);

	engine_point(s, lock, EVENT_TRYLOCK);
	if (lock->owner || refuse)
		return false;
	lock->owner = engine_cpu() + 1;
	edge_acquire(lock);
	lockdep_acquired(s, lock, lock->class, ACQUIRE_SLEEPS | ACQUIRE_TRY);
	return true;
}

void mutex_unlock_at(const struct site *s, struct mutex *lock)
{
	engine_point(s, lock, EVENT_UNLOCK);
	lockdep_release(lock, ACQUIRE_SLEEPS);
	edge_release(lock);
	lock->owner = 0;
}
