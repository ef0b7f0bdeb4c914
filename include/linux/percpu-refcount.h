/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/percpu-refcount.h - a count of users that can be killed: from then on nobody new comes in, and whoever killed it waits for
 * the last to leave. One counter instead of one for each CPU; getting is one step, as the kernel's is for all that others see.
 */
#ifndef _LINUX_PERCPU_REFCOUNT_H
#define _LINUX_PERCPU_REFCOUNT_H

#include <linux/atomic.h>
#include <linux/sched.h>

struct percpu_ref {
	atomic_t count; /* users; bit 30: killed */
};
#define PERCPU_REF_DEAD (1 << 30)

#define percpu_ref_init(ref) plain_init((ref)->count.counter, 0)
/* True: one user more. False: killed. */
#define percpu_ref_tryget_live(ref)                                            \
	({                                                                     \
		int *ref_ = &(ref)->count.counter;                             \
		engine_point(SITE("percpu_ref_tryget_live", "", #ref), ref_, EVENT_RMW); \
		access_add_if(ref_, 1, seen_, !(seen_ & PERCPU_REF_DEAD), __ATOMIC_ACQ_REL); \
	})
#define percpu_ref_put(ref) ((void)atomic_dec_return(&(ref)->count))
#define percpu_ref_kill(ref) ((void)atomic_add_return(PERCPU_REF_DEAD, &(ref)->count))
/* Alive again, as after its init. Nobody has it. */
#define percpu_ref_resurrect(ref) atomic_set_release(&(ref)->count, 0)
/* Killed, and the last user has gone. An assertion's look: no point. */
#define percpu_ref_is_zero(ref) (assert_read((ref)->count.counter) == PERCPU_REF_DEAD)
static inline bool percpu_ref_no_users(const volatile void *count)
{
	return access_load((int *)(uintptr_t)count, __ATOMIC_ACQUIRE) == PERCPU_REF_DEAD;
}
/* The kernel's completion in ->release. Sleeps. */
#define percpu_ref_wait_zero(ref)                                              \
	do {                                                                   \
		int *ref_ = &(ref)->count.counter;                             \
		might_sleep();                                                 \
		engine_wait(SITE("wait_for_completion", "", #ref), ref_, EVENT_WAIT, percpu_ref_no_users, ref_); \
		(void)access_load(ref_, __ATOMIC_ACQUIRE);                     \
	} while (0)

#endif
