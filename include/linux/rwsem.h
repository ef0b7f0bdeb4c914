/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/rwsem.h - reader/writer semaphores. A reader gets in whenever no writer holds the lock, queued
 * writers or not: that allows more interleavings than the kernel's queue, and hides deadlocks that
 * need a reader to wait behind a queued writer; lockdep's recursion rule reports those.
 */
#ifndef _LINUX_RWSEM_H
#define _LINUX_RWSEM_H

#include <linux/spinlock.h>

struct rw_semaphore {
	u32 writer;  /* cpu + 1 */
	u32 readers;
	const struct lock_class *class;
};

void down_read_at(const struct site *s, struct rw_semaphore *sem);
bool down_read_trylock_at(const struct site *s, struct rw_semaphore *sem);
void up_read_at(const struct site *s, struct rw_semaphore *sem);
void down_write_at(const struct site *s, struct rw_semaphore *sem, const struct lock_class *class);
bool down_write_trylock_at(const struct site *s, struct rw_semaphore *sem);
void up_write_at(const struct site *s, struct rw_semaphore *sem);
void downgrade_write_at(const struct site *s, struct rw_semaphore *sem);

#define init_rwsem(sem)                                                        \
	do {                                                                   \
		struct rw_semaphore *s_ = (sem);                               \
		s_->writer = s_->readers = 0;                                  \
		s_->class = LOCK_CLASS(#sem, 0);                               \
	} while (0)
#define down_read(sem) down_read_at(SITE("down_read", "", #sem), sem)
#define down_read_trylock(sem) down_read_trylock_at(SITE("down_read_trylock", "", #sem), sem)
#define up_read(sem) up_read_at(SITE("up_read", "", #sem), sem)
#define down_write(sem) down_write_at(SITE("down_write", "", #sem), sem, NULL)
#define down_write_nested(sem, sub) down_write_at(SITE("down_write_nested", "", #sem), sem, LOCK_CLASS(#sem, 1))
#define down_write_trylock(sem) down_write_trylock_at(SITE("down_write_trylock", "", #sem), sem)
#define up_write(sem) up_write_at(SITE("up_write", "", #sem), sem)
#define downgrade_write(sem) downgrade_write_at(SITE("downgrade_write", "", #sem), sem)
/* Racy by nature: a point. */
#define rwsem_is_locked(sem)                                                   \
	({                                                                     \
		struct rw_semaphore *s_ = (sem);                               \
		engine_point(SITE("rwsem_is_locked", "", #sem), s_, EVENT_READ); \
		access_load(&s_->writer, __ATOMIC_RELAXED) != 0 || access_load(&s_->readers, __ATOMIC_RELAXED) != 0; \
	})

#endif
