/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks that block. The words are the simulated ones, taken by compare-exchange; who waits spins, and gives its core away. Nothing is
 * checked (no lockdep, no contexts), but that what is unlocked was locked, which the kernel asserts as well. Fairness there is none: hides
 * what needs the order of a queue, as the controlled locks do.
 */
#include "free_internal.h"
#include <linux/spinlock.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>

char smp_fence;

static bool owner_take(u32 *owner)
{
	u32 nobody = 0;

	return __atomic_compare_exchange_n(owner, &nobody, engine_cpu() + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void owner_wait(u32 *owner)
{
	unsigned turns = 0;

	while (!owner_take(owner))
		while (__atomic_load_n(owner, __ATOMIC_RELAXED))
			free_relax(&turns);
}

static bool owner_try(const struct site *s, u32 *owner)
{
	bool refuse = engine_fault(s);

	engine_point(s, owner, EVENT_TRYLOCK);
	return !refuse && owner_take(owner);
}

static void owner_release(const struct site *s, u32 *owner)
{
	engine_point(s, owner, EVENT_UNLOCK);
	__atomic_store_n(owner, 0, __ATOMIC_RELEASE);
}

/* ---- spinlocks and mutexes ---- */

void spin_lock_at(const struct site *s, spinlock_t *lock, const struct lock_class *class)
{
	(void)class;
	engine_point(s, lock, EVENT_LOCK);
	owner_wait(&lock->owner);
}

bool spin_trylock_at(const struct site *s, spinlock_t *lock, const struct lock_class *class)
{
	(void)class;
	return owner_try(s, &lock->owner);
}

void spin_unlock_at(const struct site *s, spinlock_t *lock)
{
	owner_release(s, &lock->owner);
}

void mutex_lock_at(const struct site *s, struct mutex *lock)
{
	engine_point(s, lock, EVENT_LOCK);
	owner_wait(&lock->owner);
}

bool mutex_trylock_at(const struct site *s, struct mutex *lock)
{
	return owner_try(s, &lock->owner);
}

void mutex_unlock_at(const struct site *s, struct mutex *lock)
{
	owner_release(s, &lock->owner);
}

/* ---- reader/writer semaphores: both words are one of 64 bits ---- */

struct rwsem_words {
	u32 writer, readers;
} __attribute__((aligned(8), may_alias));
_Static_assert(offsetof(struct rw_semaphore, writer) == 0 && offsetof(struct rw_semaphore, readers) == 4, "struct rwsem_words");

/* From what may_take() accepts to what is then there. */
static bool rwsem_try(struct rw_semaphore *sem, bool write)
{
	struct rwsem_words *words = (struct rwsem_words *)sem, seen, next;

	__atomic_load(words, &seen, __ATOMIC_RELAXED);
	do {
		if (seen.writer || (write && seen.readers))
			return false;
		next = seen;
		if (write)
			next.writer = engine_cpu() + 1;
		else
			next.readers++;
	} while (!__atomic_compare_exchange(words, &seen, &next, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

static void rwsem_wait(const struct site *s, struct rw_semaphore *sem, bool write)
{
	unsigned turns = 0;

	engine_point(s, sem, EVENT_LOCK);
	while (!rwsem_try(sem, write))
		free_relax(&turns);
}

static bool rwsem_trylock(const struct site *s, struct rw_semaphore *sem, bool write)
{
	bool refuse = engine_fault(s);

	engine_point(s, sem, EVENT_TRYLOCK);
	return !refuse && rwsem_try(sem, write);
}

/* A writer goes and `readers` come in its place, or, without a writer, -1: one goes. */
static void rwsem_release(const struct site *s, struct rw_semaphore *sem, int readers)
{
	struct rwsem_words *words = (struct rwsem_words *)sem, seen, next;

	engine_point(s, sem, EVENT_UNLOCK);
	__atomic_load(words, &seen, __ATOMIC_RELAXED);
	do {
		next = seen;
		if (readers >= 0)
			next.writer = 0;
		next.readers += (u32)readers;
	} while (!__atomic_compare_exchange(words, &seen, &next, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

void down_read_at(const struct site *s, struct rw_semaphore *sem)
{
	rwsem_wait(s, sem, false);
}

bool down_read_trylock_at(const struct site *s, struct rw_semaphore *sem)
{
	return rwsem_trylock(s, sem, false);
}

void up_read_at(const struct site *s, struct rw_semaphore *sem)
{
	rwsem_release(s, sem, -1);
}

void down_write_at(const struct site *s, struct rw_semaphore *sem, const struct lock_class *class)
{
	(void)class;
	rwsem_wait(s, sem, true);
}

bool down_write_trylock_at(const struct site *s, struct rw_semaphore *sem)
{
	return rwsem_trylock(s, sem, true);
}

void up_write_at(const struct site *s, struct rw_semaphore *sem)
{
	rwsem_release(s, sem, 0);
}

void downgrade_write_at(const struct site *s, struct rw_semaphore *sem)
{
	rwsem_release(s, sem, 1);
}

/* ---- what lockdep would check ---- */

bool lock_is_held_(const volatile void *lock)
{
	(void)lock;
	return true;
}

_Noreturn void lock_not_held_at(const struct site *s)
{
	engine_find(VERDICT_LOCK_RULE, "lock not held", s->function, "%s", s->expr);
}

void lock_acquire_shared_at(const struct site *s, const volatile void *lock, const struct lock_class *class)
{
	(void)s;
	(void)lock;
	(void)class;
}

void lock_acquire_exclusive_at(const struct site *s, const volatile void *lock, const struct lock_class *class)
{
	(void)s;
	(void)lock;
	(void)class;
}

void lock_release_at(const volatile void *lock)
{
	(void)lock;
}

void kern_init(void)
{
}
