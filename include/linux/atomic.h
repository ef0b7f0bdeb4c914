/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/atomic.h - atomic_t and atomic_long_t. One point each; orders as the kernel documents them: void
 * operations and failed conditional ones are relaxed, value-returning ones full unless suffixed.
 */
#ifndef _LINUX_ATOMIC_H
#define _LINUX_ATOMIC_H

#include <linux/compiler.h>

#define ATOMIC_INIT(i) { (i) }

#define atomic_load_(prim, str, v, order)                                      \
	({                                                                     \
		__typeof__(v) v_ = (v);                                        \
		engine_point(SITE(prim, "", str), v_, EVENT_READ);             \
		access_load(&v_->counter, order);                              \
	})
#define atomic_store_(prim, str, v, i, order)                                  \
	do {                                                                   \
		__typeof__(v) v_ = (v);                                        \
		__typeof__(v_->counter) i_ = (i);                              \
		engine_point(SITE(prim, "", str), v_, EVENT_WRITE);            \
		access_store(&v_->counter, i_, order);                         \
	} while (0)
#define atomic_sum_(prim, str, v, i, order)                                    \
	({                                                                     \
		__typeof__(v) v_ = (v);                                        \
		__typeof__(v_->counter) i_ = (i);                              \
		engine_point(SITE(prim, "", str), v_, EVENT_RMW);              \
		access_add_fetch(&v_->counter, i_, order);                     \
	})
#define atomic_xchg_(prim, str, v, i, order)                                   \
	({                                                                     \
		__typeof__(v) v_ = (v);                                        \
		__typeof__(v_->counter) i_ = (i);                              \
		engine_point(SITE(prim, "", str), v_, EVENT_RMW);              \
		access_xchg(&v_->counter, i_, order);                          \
	})
#define atomic_try_cmpxchg_(prim, str, v, oldp, new, order)                    \
	({                                                                     \
		__typeof__(v) v_ = (v);                                        \
		__typeof__(&v_->counter) oldp_ = (oldp);                       \
		__typeof__(v_->counter) new_ = (new);                          \
		engine_point(SITE(prim, "", str), v_, EVENT_RMW);              \
		access_cmpxchg(&v_->counter, oldp_, new_, order);              \
	})
#define atomic_cmpxchg_(prim, str, v, old, new, order)                         \
	({                                                                     \
		__typeof__(v) v_ = (v);                                        \
		__typeof__(v_->counter) seen__ = (old), new_ = (new);          \
		engine_point(SITE(prim, "", str), v_, EVENT_RMW);              \
		(void)access_cmpxchg(&v_->counter, &seen__, new_, order);      \
		seen__;                                                        \
	})
/*
 * Adds unless the counter is `u`; true if it did. One step: the kernel's compare-exchange
 * loop has no effect that another CPU could see before it succeeds.
 */
#define atomic_add_unless_(prim, str, v, i, u, order)                          \
	({                                                                     \
		__typeof__(v) v_ = (v);                                        \
		__typeof__(v_->counter) i_ = (i), u_ = (u);                    \
		engine_point(SITE(prim, "", str), v_, EVENT_RMW);              \
		access_add_if(&v_->counter, i_, seen_, seen_ != u_, order);    \
	})


/* ---- atomic_t ---- */
#define atomic_read(v) \
	atomic_load_("atomic_read", #v, v, __ATOMIC_RELAXED)
#define atomic_read_acquire(v) \
	atomic_load_("atomic_read_acquire", #v, v, __ATOMIC_ACQUIRE)
#define atomic_set(v, i) \
	atomic_store_("atomic_set", #v, v, i, __ATOMIC_RELAXED)
#define atomic_set_release(v, i) \
	atomic_store_("atomic_set_release", #v, v, i, __ATOMIC_RELEASE)
#define atomic_inc(v) \
	((void)atomic_sum_("atomic_inc", #v, v, 1, __ATOMIC_RELAXED))
#define atomic_inc_return(v) \
	atomic_sum_("atomic_inc_return", #v, v, 1, __ATOMIC_ACQ_REL)
#define atomic_inc_return_relaxed(v) \
	atomic_sum_("atomic_inc_return_relaxed", #v, v, 1, __ATOMIC_RELAXED)
#define atomic_inc_return_acquire(v) \
	atomic_sum_("atomic_inc_return_acquire", #v, v, 1, __ATOMIC_ACQUIRE)
#define atomic_inc_return_release(v) \
	atomic_sum_("atomic_inc_return_release", #v, v, 1, __ATOMIC_RELEASE)
#define atomic_dec(v) \
	((void)atomic_sum_("atomic_dec", #v, v, -1, __ATOMIC_RELAXED))
#define atomic_dec_return(v) \
	atomic_sum_("atomic_dec_return", #v, v, -1, __ATOMIC_ACQ_REL)
#define atomic_dec_return_relaxed(v) \
	atomic_sum_("atomic_dec_return_relaxed", #v, v, -1, __ATOMIC_RELAXED)
#define atomic_dec_return_acquire(v) \
	atomic_sum_("atomic_dec_return_acquire", #v, v, -1, __ATOMIC_ACQUIRE)
#define atomic_dec_return_release(v) \
	atomic_sum_("atomic_dec_return_release", #v, v, -1, __ATOMIC_RELEASE)
#define atomic_add(i, v) \
	((void)atomic_sum_("atomic_add", #v, v, (i), __ATOMIC_RELAXED))
#define atomic_add_return(i, v) \
	atomic_sum_("atomic_add_return", #v, v, (i), __ATOMIC_ACQ_REL)
#define atomic_add_return_relaxed(i, v) \
	atomic_sum_("atomic_add_return_relaxed", #v, v, (i), __ATOMIC_RELAXED)
#define atomic_add_return_acquire(i, v) \
	atomic_sum_("atomic_add_return_acquire", #v, v, (i), __ATOMIC_ACQUIRE)
#define atomic_add_return_release(i, v) \
	atomic_sum_("atomic_add_return_release", #v, v, (i), __ATOMIC_RELEASE)
#define atomic_sub(i, v) \
	((void)atomic_sum_("atomic_sub", #v, v, -(i), __ATOMIC_RELAXED))
#define atomic_sub_return(i, v) \
	atomic_sum_("atomic_sub_return", #v, v, -(i), __ATOMIC_ACQ_REL)
#define atomic_sub_return_relaxed(i, v) \
	atomic_sum_("atomic_sub_return_relaxed", #v, v, -(i), __ATOMIC_RELAXED)
#define atomic_sub_return_acquire(i, v) \
	atomic_sum_("atomic_sub_return_acquire", #v, v, -(i), __ATOMIC_ACQUIRE)
#define atomic_sub_return_release(i, v) \
	atomic_sum_("atomic_sub_return_release", #v, v, -(i), __ATOMIC_RELEASE)
#define atomic_fetch_add(i, v) \
	(atomic_sum_("atomic_fetch_add", #v, v, i, __ATOMIC_ACQ_REL) - (i))
#define atomic_fetch_sub(i, v) \
	(atomic_sum_("atomic_fetch_sub", #v, v, -(i), __ATOMIC_ACQ_REL) + (i))
#define atomic_xchg(v, i) \
	atomic_xchg_("atomic_xchg", #v, v, i, __ATOMIC_ACQ_REL)
#define atomic_cmpxchg(v, old, new) \
	atomic_cmpxchg_("atomic_cmpxchg", #v, v, old, new, __ATOMIC_ACQ_REL)
#define atomic_try_cmpxchg(v, oldp, new) \
	atomic_try_cmpxchg_("atomic_try_cmpxchg", #v, v, oldp, new, __ATOMIC_ACQ_REL)
#define atomic_fetch_add_relaxed(i, v) \
	(atomic_sum_("atomic_fetch_add_relaxed", #v, v, i, __ATOMIC_RELAXED) - (i))
#define atomic_fetch_sub_relaxed(i, v) \
	(atomic_sum_("atomic_fetch_sub_relaxed", #v, v, -(i), __ATOMIC_RELAXED) + (i))
#define atomic_xchg_relaxed(v, i) \
	atomic_xchg_("atomic_xchg_relaxed", #v, v, i, __ATOMIC_RELAXED)
#define atomic_cmpxchg_relaxed(v, old, new) \
	atomic_cmpxchg_("atomic_cmpxchg_relaxed", #v, v, old, new, __ATOMIC_RELAXED)
#define atomic_try_cmpxchg_relaxed(v, oldp, new) \
	atomic_try_cmpxchg_("atomic_try_cmpxchg_relaxed", #v, v, oldp, new, __ATOMIC_RELAXED)
#define atomic_fetch_add_acquire(i, v) \
	(atomic_sum_("atomic_fetch_add_acquire", #v, v, i, __ATOMIC_ACQUIRE) - (i))
#define atomic_fetch_sub_acquire(i, v) \
	(atomic_sum_("atomic_fetch_sub_acquire", #v, v, -(i), __ATOMIC_ACQUIRE) + (i))
#define atomic_xchg_acquire(v, i) \
	atomic_xchg_("atomic_xchg_acquire", #v, v, i, __ATOMIC_ACQUIRE)
#define atomic_cmpxchg_acquire(v, old, new) \
	atomic_cmpxchg_("atomic_cmpxchg_acquire", #v, v, old, new, __ATOMIC_ACQUIRE)
#define atomic_try_cmpxchg_acquire(v, oldp, new) \
	atomic_try_cmpxchg_("atomic_try_cmpxchg_acquire", #v, v, oldp, new, __ATOMIC_ACQUIRE)
#define atomic_fetch_add_release(i, v) \
	(atomic_sum_("atomic_fetch_add_release", #v, v, i, __ATOMIC_RELEASE) - (i))
#define atomic_fetch_sub_release(i, v) \
	(atomic_sum_("atomic_fetch_sub_release", #v, v, -(i), __ATOMIC_RELEASE) + (i))
#define atomic_xchg_release(v, i) \
	atomic_xchg_("atomic_xchg_release", #v, v, i, __ATOMIC_RELEASE)
#define atomic_cmpxchg_release(v, old, new) \
	atomic_cmpxchg_("atomic_cmpxchg_release", #v, v, old, new, __ATOMIC_RELEASE)
#define atomic_try_cmpxchg_release(v, oldp, new) \
	atomic_try_cmpxchg_("atomic_try_cmpxchg_release", #v, v, oldp, new, __ATOMIC_RELEASE)
#define atomic_dec_and_test(v) \
	(atomic_sum_("atomic_dec_and_test", #v, v, -1, __ATOMIC_ACQ_REL) == 0)
#define atomic_inc_and_test(v) \
	(atomic_sum_("atomic_inc_and_test", #v, v, 1, __ATOMIC_ACQ_REL) == 0)
#define atomic_sub_and_test(i, v) \
	(atomic_sum_("atomic_sub_and_test", #v, v, -(i), __ATOMIC_ACQ_REL) == 0)
#define atomic_add_negative(i, v) \
	(atomic_sum_("atomic_add_negative", #v, v, i, __ATOMIC_ACQ_REL) < 0)
#define atomic_add_unless(v, i, u) \
	atomic_add_unless_("atomic_add_unless", #v, v, i, u, __ATOMIC_ACQ_REL)
#define atomic_inc_not_zero(v) \
	atomic_add_unless_("atomic_inc_not_zero", #v, v, 1, 0, __ATOMIC_ACQ_REL)

/* ---- atomic_long_t ---- */
#define atomic_long_read(v) \
	atomic_load_("atomic_long_read", #v, v, __ATOMIC_RELAXED)
#define atomic_long_read_acquire(v) \
	atomic_load_("atomic_long_read_acquire", #v, v, __ATOMIC_ACQUIRE)
#define atomic_long_set(v, i) \
	atomic_store_("atomic_long_set", #v, v, i, __ATOMIC_RELAXED)
#define atomic_long_set_release(v, i) \
	atomic_store_("atomic_long_set_release", #v, v, i, __ATOMIC_RELEASE)
#define atomic_long_inc(v) \
	((void)atomic_sum_("atomic_long_inc", #v, v, 1, __ATOMIC_RELAXED))
#define atomic_long_inc_return(v) \
	atomic_sum_("atomic_long_inc_return", #v, v, 1, __ATOMIC_ACQ_REL)
#define atomic_long_inc_return_relaxed(v) \
	atomic_sum_("atomic_long_inc_return_relaxed", #v, v, 1, __ATOMIC_RELAXED)
#define atomic_long_inc_return_acquire(v) \
	atomic_sum_("atomic_long_inc_return_acquire", #v, v, 1, __ATOMIC_ACQUIRE)
#define atomic_long_inc_return_release(v) \
	atomic_sum_("atomic_long_inc_return_release", #v, v, 1, __ATOMIC_RELEASE)
#define atomic_long_dec(v) \
	((void)atomic_sum_("atomic_long_dec", #v, v, -1, __ATOMIC_RELAXED))
#define atomic_long_dec_return(v) \
	atomic_sum_("atomic_long_dec_return", #v, v, -1, __ATOMIC_ACQ_REL)
#define atomic_long_dec_return_relaxed(v) \
	atomic_sum_("atomic_long_dec_return_relaxed", #v, v, -1, __ATOMIC_RELAXED)
#define atomic_long_dec_return_acquire(v) \
	atomic_sum_("atomic_long_dec_return_acquire", #v, v, -1, __ATOMIC_ACQUIRE)
#define atomic_long_dec_return_release(v) \
	atomic_sum_("atomic_long_dec_return_release", #v, v, -1, __ATOMIC_RELEASE)
#define atomic_long_add(i, v) \
	((void)atomic_sum_("atomic_long_add", #v, v, (i), __ATOMIC_RELAXED))
#define atomic_long_add_return(i, v) \
	atomic_sum_("atomic_long_add_return", #v, v, (i), __ATOMIC_ACQ_REL)
#define atomic_long_add_return_relaxed(i, v) \
	atomic_sum_("atomic_long_add_return_relaxed", #v, v, (i), __ATOMIC_RELAXED)
#define atomic_long_add_return_acquire(i, v) \
	atomic_sum_("atomic_long_add_return_acquire", #v, v, (i), __ATOMIC_ACQUIRE)
#define atomic_long_add_return_release(i, v) \
	atomic_sum_("atomic_long_add_return_release", #v, v, (i), __ATOMIC_RELEASE)
#define atomic_long_sub(i, v) \
	((void)atomic_sum_("atomic_long_sub", #v, v, -(i), __ATOMIC_RELAXED))
#define atomic_long_sub_return(i, v) \
	atomic_sum_("atomic_long_sub_return", #v, v, -(i), __ATOMIC_ACQ_REL)
#define atomic_long_sub_return_relaxed(i, v) \
	atomic_sum_("atomic_long_sub_return_relaxed", #v, v, -(i), __ATOMIC_RELAXED)
#define atomic_long_sub_return_acquire(i, v) \
	atomic_sum_("atomic_long_sub_return_acquire", #v, v, -(i), __ATOMIC_ACQUIRE)
#define atomic_long_sub_return_release(i, v) \
	atomic_sum_("atomic_long_sub_return_release", #v, v, -(i), __ATOMIC_RELEASE)
#define atomic_long_fetch_add(i, v) \
	(atomic_sum_("atomic_long_fetch_add", #v, v, i, __ATOMIC_ACQ_REL) - (i))
#define atomic_long_fetch_sub(i, v) \
	(atomic_sum_("atomic_long_fetch_sub", #v, v, -(i), __ATOMIC_ACQ_REL) + (i))
#define atomic_long_xchg(v, i) \
	atomic_xchg_("atomic_long_xchg", #v, v, i, __ATOMIC_ACQ_REL)
#define atomic_long_cmpxchg(v, old, new) \
	atomic_cmpxchg_("atomic_long_cmpxchg", #v, v, old, new, __ATOMIC_ACQ_REL)
#define atomic_long_try_cmpxchg(v, oldp, new) \
	atomic_try_cmpxchg_("atomic_long_try_cmpxchg", #v, v, oldp, new, __ATOMIC_ACQ_REL)
#define atomic_long_fetch_add_relaxed(i, v) \
	(atomic_sum_("atomic_long_fetch_add_relaxed", #v, v, i, __ATOMIC_RELAXED) - (i))
#define atomic_long_fetch_sub_relaxed(i, v) \
	(atomic_sum_("atomic_long_fetch_sub_relaxed", #v, v, -(i), __ATOMIC_RELAXED) + (i))
#define atomic_long_xchg_relaxed(v, i) \
	atomic_xchg_("atomic_long_xchg_relaxed", #v, v, i, __ATOMIC_RELAXED)
#define atomic_long_cmpxchg_relaxed(v, old, new) \
	atomic_cmpxchg_("atomic_long_cmpxchg_relaxed", #v, v, old, new, __ATOMIC_RELAXED)
#define atomic_long_try_cmpxchg_relaxed(v, oldp, new) \
	atomic_try_cmpxchg_("atomic_long_try_cmpxchg_relaxed", #v, v, oldp, new, __ATOMIC_RELAXED)
#define atomic_long_fetch_add_acquire(i, v) \
	(atomic_sum_("atomic_long_fetch_add_acquire", #v, v, i, __ATOMIC_ACQUIRE) - (i))
#define atomic_long_fetch_sub_acquire(i, v) \
	(atomic_sum_("atomic_long_fetch_sub_acquire", #v, v, -(i), __ATOMIC_ACQUIRE) + (i))
#define atomic_long_xchg_acquire(v, i) \
	atomic_xchg_("atomic_long_xchg_acquire", #v, v, i, __ATOMIC_ACQUIRE)
#define atomic_long_cmpxchg_acquire(v, old, new) \
	atomic_cmpxchg_("atomic_long_cmpxchg_acquire", #v, v, old, new, __ATOMIC_ACQUIRE)
#define atomic_long_try_cmpxchg_acquire(v, oldp, new) \
	atomic_try_cmpxchg_("atomic_long_try_cmpxchg_acquire", #v, v, oldp, new, __ATOMIC_ACQUIRE)
#define atomic_long_fetch_add_release(i, v) \
	(atomic_sum_("atomic_long_fetch_add_release", #v, v, i, __ATOMIC_RELEASE) - (i))
#define atomic_long_fetch_sub_release(i, v) \
	(atomic_sum_("atomic_long_fetch_sub_release", #v, v, -(i), __ATOMIC_RELEASE) + (i))
#define atomic_long_xchg_release(v, i) \
	atomic_xchg_("atomic_long_xchg_release", #v, v, i, __ATOMIC_RELEASE)
#define atomic_long_cmpxchg_release(v, old, new) \
	atomic_cmpxchg_("atomic_long_cmpxchg_release", #v, v, old, new, __ATOMIC_RELEASE)
#define atomic_long_try_cmpxchg_release(v, oldp, new) \
	atomic_try_cmpxchg_("atomic_long_try_cmpxchg_release", #v, v, oldp, new, __ATOMIC_RELEASE)
#define atomic_long_dec_and_test(v) \
	(atomic_sum_("atomic_long_dec_and_test", #v, v, -1, __ATOMIC_ACQ_REL) == 0)
#define atomic_long_inc_and_test(v) \
	(atomic_sum_("atomic_long_inc_and_test", #v, v, 1, __ATOMIC_ACQ_REL) == 0)
#define atomic_long_sub_and_test(i, v) \
	(atomic_sum_("atomic_long_sub_and_test", #v, v, -(i), __ATOMIC_ACQ_REL) == 0)
#define atomic_long_add_negative(i, v) \
	(atomic_sum_("atomic_long_add_negative", #v, v, i, __ATOMIC_ACQ_REL) < 0)
#define atomic_long_add_unless(v, i, u) \
	atomic_add_unless_("atomic_long_add_unless", #v, v, i, u, __ATOMIC_ACQ_REL)
#define atomic_long_inc_not_zero(v) \
	atomic_add_unless_("atomic_long_inc_not_zero", #v, v, 1, 0, __ATOMIC_ACQ_REL)

#endif
