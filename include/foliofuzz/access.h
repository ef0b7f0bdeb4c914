/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * access.h - the loads and stores behind the primitives, and nothing else: the one place a
 * memory model would change. Under TSan they are __atomic builtins with the order that the kernel
 * gives the primitive, so that TSan sees the replica's own edges; elsewhere only one
 * simulated CPU runs at a time and a plain volatile access is the same thing, faster.
 */
#ifndef FOLIOFUZZ_ACCESS_H
#define FOLIOFUZZ_ACCESS_H

#include <foliofuzz/point.h>

#define access_volatile(p) (*(volatile __typeof__(*(p)) *)(p))
/* Wraps like the kernel's atomics do, without signed overflow. */
#define access_sum(a, b)                                                       \
	((__typeof__(a))((unsigned long)(a) + (unsigned long)(b)))

#ifdef FOLIOFUZZ_TSAN
#define access_load(p, order) __atomic_load_n(p, order)
#define access_store(p, v, order) __atomic_store_n(p, v, order)
#define access_add_fetch(p, i, order) __atomic_add_fetch(p, i, order)
#define access_fetch_or(p, m, order) __atomic_fetch_or(p, m, order)
#define access_fetch_and(p, m, order) __atomic_fetch_and(p, m, order)
#define access_xchg(p, v, order) __atomic_exchange_n(p, v, order)
#define access_cmpxchg(p, oldp, v, order)                                      \
	__atomic_compare_exchange_n(p, oldp, v, 0, order, __ATOMIC_RELAXED)
#else
#define access_load(p, order) access_volatile(p)
#define access_store(p, v, order) ((void)(access_volatile(p) = (v)))
#define access_add_fetch(p, i, order)                                          \
	(access_volatile(p) = access_sum(access_volatile(p), i))
#define access_fetch_or(p, m, order)                                           \
	({                                                                     \
		__typeof__(*(p)) old_ = access_volatile(p);                    \
		access_volatile(p) = old_ | (m);                               \
		old_;                                                          \
	})
#define access_fetch_and(p, m, order)                                          \
	({                                                                     \
		__typeof__(*(p)) old_ = access_volatile(p);                    \
		access_volatile(p) = old_ & (m);                               \
		old_;                                                          \
	})
#define access_xchg(p, v, order)                                               \
	({                                                                     \
		__typeof__(*(p)) old_ = access_volatile(p);                    \
		access_volatile(p) = (v);                                      \
		old_;                                                          \
	})
#define access_cmpxchg(p, oldp, v, order)                                      \
	({                                                                     \
		__typeof__(*(p)) seen_ = access_volatile(p);                   \
		bool same_ = seen_ == *(oldp);                                 \
		if (same_)                                                     \
			access_volatile(p) = (v);                              \
		else                                                           \
			*(oldp) = seen_;                                       \
		same_;                                                         \
	})
#endif

#endif
