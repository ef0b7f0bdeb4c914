/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * access.h - the loads and stores behind the primitives, and nothing else: the one place a
 * memory model would change. Under TSan they are __atomic builtins with the order that the kernel
 * gives the primitive, so that TSan sees the replica's own edges; and so they are on the free vehicle (sim/free), where
 * CPUs are threads and a read-modify-write has to be one; elsewhere only one
 * simulated CPU runs at a time and a plain volatile access is the same thing, faster.
 */
#ifndef FOLIOFUZZ_ACCESS_H
#define FOLIOFUZZ_ACCESS_H

#include <foliofuzz/point.h>

#define access_volatile(p) (*(volatile __typeof__(*(p)) *)(p))
/* Wraps like the kernel's atomics do, without signed overflow. */
#define access_sum(a, b)                                                       \
	((__typeof__(a))((unsigned long)(a) + (unsigned long)(b)))

#if defined(FOLIOFUZZ_TSAN) || defined(FOLIOFUZZ_FREE)
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

/*
 * What is one step of a controlled CPU and more than one access: other CPUs stand at their points meanwhile. Free ones do not.
 *  access_add_if(p, i, seen, cond, order): adds i if `cond`, an expression of the value `seen` that is there; whether it did.
 *  access_update(p, seen, expr): `expr`, of the value `seen`, is there instead; the former value. Relaxed.
 *  access_hardware_mark(p, seen, bits): the page walker sets bits of an entry in which it found `seen`; false: look again.
 *  access_fence(order): of all locations. gcc's TSan does not take it.
 *  access_step_begin(n), access_step_end(n): what stands between them for the same n, 0 to ENGINE_LANES_MAX - 1, is one step: no point in it but at its beginning.
 */
#ifdef FOLIOFUZZ_FREE
#define access_add_if(p, i, seen, cond, order)                                 \
	({                                                                     \
		__typeof__(p) at_ = (p);                                       \
		__typeof__(*(p)) seen = access_load(at_, __ATOMIC_RELAXED);    \
		bool added_;                                                   \
		do                                                             \
			added_ = (cond);                                       \
		while (added_ && !access_cmpxchg(at_, &seen, access_sum(seen, i), order)); \
		added_;                                                        \
	})
#define access_update(p, seen, expr)                                           \
	({                                                                     \
		__typeof__(p) at_ = (p);                                       \
		__typeof__(*(p)) seen = access_load(at_, __ATOMIC_RELAXED);    \
		while (!access_cmpxchg(at_, &seen, expr, __ATOMIC_RELAXED))    \
			;                                                      \
		seen;                                                          \
	})
bool access_hardware_mark(unsigned long *p, unsigned long seen, unsigned long bits);
#if defined(FOLIOFUZZ_TSAN) && !defined(__clang__)
#define access_fence(order) ((void)(order))
#else
#define access_fence(order) __atomic_thread_fence(order)
#endif
void access_step_begin(unsigned n);
void access_step_end(unsigned n);
#else
#define access_add_if(p, i, seen, cond, order)                                 \
	({                                                                     \
		__typeof__(p) at_ = (p);                                       \
		__typeof__(*(p)) seen = access_load(at_, __ATOMIC_RELAXED);    \
		bool added_ = (cond);                                          \
		if (added_)                                                    \
			(void)access_add_fetch(at_, i, order);                 \
		added_;                                                        \
	})
#define access_update(p, seen, expr)                                           \
	({                                                                     \
		__typeof__(p) at_ = (p);                                       \
		__typeof__(*(p)) seen = access_load(at_, __ATOMIC_RELAXED);    \
		access_store(at_, expr, __ATOMIC_RELAXED);                     \
		seen;                                                          \
	})
#define access_hardware_mark(p, seen, bits) ((void)(seen), access_volatile(p) |= (bits), true)
#define access_fence(order) ((void)(order))
#define access_step_begin(n) ((void)(n))
#define access_step_end(n) ((void)(n))
#endif

#endif
