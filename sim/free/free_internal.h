/* SPDX-License-Identifier: GPL-2.0-only */
/* free_internal.h - waiting, guards and what the files of sim/free tell each other. */
#ifndef FREE_INTERNAL_H
#define FREE_INTERNAL_H

#include <foliofuzz/free.h>
#include <foliofuzz/kernel.h>
#include <linux/compiler.h>
#include <sched.h>

/* A turn of a loop that waits for another thread: *turns counts them, and after some the core is given away. */
enum { TURNS_BEFORE_YIELD = 64 };
static inline void free_relax(unsigned *turns)
{
	if (++*turns % TURNS_BEFORE_YIELD == 0)
		sched_yield();
#if defined(__x86_64__)
	else
		__builtin_ia32_pause();
#endif
}

/* A lock of the simulator's own, for a few instructions without a point. 0: free. */
struct free_guard {
	u32 taken;
} __attribute__((aligned(64)));
static inline void guard_lock(struct free_guard *g)
{
	unsigned turns = 0;

	while (__atomic_exchange_n(&g->taken, 1, __ATOMIC_ACQUIRE))
		free_relax(&turns);
}
static inline void guard_unlock(struct free_guard *g)
{
	__atomic_store_n(&g->taken, 0, __ATOMIC_RELEASE);
}

/* For files that TSan does not see into. */
void __tsan_acquire(void *addr) __attribute__((weak));
void __tsan_release(void *addr) __attribute__((weak));
static inline void free_edge_acquire(void *p)
{
	if (__tsan_acquire)
		__tsan_acquire(p);
}
static inline void free_edge_release(void *p)
{
	if (__tsan_release)
		__tsan_release(p);
}

/* rcu.c: the thread that runs callbacks. It never returns. */
_Noreturn void free_rcu_main(void);
/* Until all callbacks have been called. */
void free_rcu_barrier(void);

#endif
