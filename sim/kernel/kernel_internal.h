/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_internal.h - lockdep's interface to the locks. All of sim/kernel but list.c is compiled without
 * instrumentation, like the engine: the state of a lock is the simulator's, and what TSan may
 * know of it is announced with edge_acquire() and edge_release().
 */
#ifndef KERNEL_INTERNAL_H
#define KERNEL_INTERNAL_H

#include <foliofuzz/kernel.h>

void __tsan_acquire(void *addr) __attribute__((weak));
void __tsan_release(void *addr) __attribute__((weak));
#define edge_acquire(p)                                                        \
	do {                                                                   \
		if (unlikely(__tsan_acquire != NULL))                          \
			__tsan_acquire((void *)(uintptr_t)(p));                \
	} while (0)
#define edge_release(p)                                                        \
	do {                                                                   \
		if (unlikely(__tsan_release != NULL))                          \
			__tsan_release((void *)(uintptr_t)(p));                \
	} while (0)

enum { ACQUIRE_TRY = 1, ACQUIRE_SHARED = 2, ACQUIRE_BIT = 4, ACQUIRE_SLEEPS = 8 };

/* Before waiting: recursion, order against what is held, context. */
void lockdep_check(const struct site *s, const volatile void *lock,
		   const struct lock_class *class, unsigned flags);
void lockdep_acquired(const struct site *s, const volatile void *lock,
		      const struct lock_class *class, unsigned flags);
/*
 * Before releasing. Returns false when nobody is known to hold a bit lock (adopted); a lock held by another CPU
 * or by none is a find.
 */
bool lockdep_release(const volatile void *lock, unsigned flags);
void sleeping_allowed(const char *what);

#endif
