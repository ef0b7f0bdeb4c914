/* SPDX-License-Identifier: GPL-2.0-only */
/* Reader/writer semaphores; see linux/rwsem.h for what the missing queue hides. */
#include "kernel_internal.h"
#include <linux/rwsem.h>

static bool no_writer(const volatile void *p)
{
	return ((const struct rw_semaphore *)(uintptr_t)p)->writer == 0;
}

static bool nobody(const volatile void *p)
{
	const struct rw_semaphore *sem = (const struct rw_semaphore *)(uintptr_t)p;

	return sem->writer == 0 && sem->readers == 0;
}

static void read_taken(const struct site *s, struct rw_semaphore *sem, unsigned flags)
{
	sem->readers++;
	edge_acquire(&sem->writer);
	lockdep_acquired(s, sem, sem->class, flags | ACQUIRE_SLEEPS | ACQUIRE_SHARED);
}

static void write_taken(const struct site *s, struct rw_semaphore *sem, const struct lock_class *class,
			unsigned flags)
{
	sem->writer = engine_cpu() + 1;
	edge_acquire(&sem->writer);
	edge_acquire(&sem->readers);
	lockdep_acquired(s, sem, class, flags | ACQUIRE_SLEEPS);
}

void down_read_at(const struct site *s, struct rw_semaphore *sem)
{
	lockdep_check(s, sem, sem->class, ACQUIRE_SLEEPS | ACQUIRE_SHARED);
	engine_wait(s, sem, EVENT_LOCK, no_writer, sem);
	read_taken(s, sem, 0);
}

bool down_read_trylock_at(const struct site *s, struct rw_semaphore *sem)
{
	bool refuse = engine_fault(s);

	engine_point(s, sem, EVENT_TRYLOCK);
	if (refuse || !no_writer(sem))
		return false;
	read_taken(s, sem, ACQUIRE_TRY);
	return true;
}

void up_read_at(const struct site *s, struct rw_semaphore *sem)
{
	engine_point(s, sem, EVENT_UNLOCK);
	lockdep_release(sem, ACQUIRE_SLEEPS);
	edge_release(&sem->readers);
	sem->readers--;
}

void down_write_at(const struct site *s, struct rw_semaphore *sem, const struct lock_class *class)
{
	if (!class)
		class = sem->class;
	lockdep_check(s, sem, class, ACQUIRE_SLEEPS);
	engine_wait(s, sem, EVENT_LOCK, nobody, sem);
	write_taken(s, sem, class, 0);
}

bool down_write_trylock_at(const struct site *s, struct rw_semaphore *sem)
{
	bool refuse = engine_fault(s);

	engine_point(s, sem, EVENT_TRYLOCK);
	if (refuse || !nobody(sem))
		return false;
	write_taken(s, sem, sem->class, ACQUIRE_TRY);
	return true;
}

void up_write_at(const struct site *s, struct rw_semaphore *sem)
{
	engine_point(s, sem, EVENT_UNLOCK);
	lockdep_release(sem, ACQUIRE_SLEEPS);
	edge_release(&sem->writer);
	sem->writer = 0;
}

void downgrade_write_at(const struct site *s, struct rw_semaphore *sem)
{
	engine_point(s, sem, EVENT_UNLOCK);
	lockdep_release(sem, ACQUIRE_SLEEPS);
	edge_release(&sem->writer);
	sem->writer = 0;
	read_taken(s, sem, ACQUIRE_TRY);
}
