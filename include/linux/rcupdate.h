/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/rcupdate.h - read-copy-update. A grace period ends when every CPU that was in a read section when
 * it began has left it; when after that a callback runs is a choice (a pseudo-CPU runs them).
 */
#ifndef _LINUX_RCUPDATE_H
#define _LINUX_RCUPDATE_H

#include <linux/compiler.h>

void rcu_read_lock_at(const struct site *s);
void rcu_read_unlock_at(const struct site *s);
bool rcu_read_lock_held(void);
void synchronize_rcu_at(const struct site *s);
void call_rcu_at(const struct site *s, struct rcu_head *head,
		 void (*func)(struct rcu_head *));

#define rcu_read_lock() rcu_read_lock_at(SITE("rcu_read_lock", "", ""))
#define rcu_read_unlock() rcu_read_unlock_at(SITE("rcu_read_unlock", "", ""))
#define synchronize_rcu() synchronize_rcu_at(SITE("synchronize_rcu", "", ""))
#define call_rcu(head, func) call_rcu_at(SITE("call_rcu", "", #head), head, func)
/* The address dependency that the kernel relies on is an acquire to TSan. */
#define rcu_dereference(p)                                                     \
	({                                                                     \
		__typeof__(&(p)) p_ = &(p);                                    \
		engine_point(SITE("rcu_dereference", "", #p), p_, EVENT_READ); \
		access_load(p_, __ATOMIC_ACQUIRE);                             \
	})
#define rcu_assign_pointer(p, val)                                             \
	do {                                                                   \
		__typeof__(&(p)) p_ = &(p);                                    \
		__typeof__(p) val_ = (val);                                    \
		engine_point(SITE("rcu_assign_pointer", "", #p), p_,           \
			     EVENT_WRITE);                                     \
		access_store(p_, val_, __ATOMIC_RELEASE);                      \
	} while (0)

#endif
