/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/lockdep.h - assertions about held locks, and telling of locks that are made of something else (linux/mmap_lock.h); the
 * checks themselves are in sim/kernel/lockdep.c.
 */
#ifndef _LINUX_LOCKDEP_H
#define _LINUX_LOCKDEP_H

#include <linux/spinlock.h>

/* Not points. A shared one is only ever tried for. */
void lock_acquire_shared_at(const struct site *s, const volatile void *lock, const struct lock_class *class);
void lock_acquire_exclusive_at(const struct site *s, const volatile void *lock, const struct lock_class *class);
void lock_release_at(const volatile void *lock);
#define lock_acquire_shared(lock, name) \
	lock_acquire_shared_at(SITE("lock_acquire_shared", "", name), lock, LOCK_CLASS(name, 0))
#define lock_acquire_exclusive(lock, name) \
	lock_acquire_exclusive_at(SITE("lock_acquire_exclusive", "", name), lock, LOCK_CLASS(name, 0))
#define lock_release(lock) lock_release_at(lock)

#endif
