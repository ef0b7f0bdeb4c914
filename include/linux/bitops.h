/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/bitops.h - bits of an unsigned long. The atomic ones are one point; __set_bit and __clear_bit are
 * two, load and store, as a compiler may make them. `nr` should be the bit's enum name: it
 * is what a trace shows.
 */
#ifndef _LINUX_BITOPS_H
#define _LINUX_BITOPS_H

#include <linux/compiler.h>

#define BIT(nr) (1ul << (nr))

#define bit_change_(prim, nrstr, str, nr, addr, make_set, order)               \
	({                                                                     \
		unsigned long *addr_ = (unsigned long *)(addr);                \
		const unsigned long mask_ = 1ul << (nr);                       \
		engine_point_bits(SITE(prim, nrstr, str), addr_,               \
				  EVENT_BIT_RMW, (make_set) ? 0 : mask_,       \
				  (make_set) ? mask_ : 0);                     \
		unsigned long was_ =                                           \
			(make_set) ? access_fetch_or(addr_, mask_, order) :    \
				     access_fetch_and(addr_, ~mask_, order);   \
		(was_ & mask_) != 0;                                           \
	})
#define bit_change_plain_(prim, nrstr, str, nr, addr, make_set)                \
	do {                                                                   \
		unsigned long *addr_ = (unsigned long *)(addr);                \
		const unsigned long mask_ = 1ul << (nr);                       \
		engine_point(SITE(prim " load", nrstr, str), addr_,            \
			     EVENT_BIT_LOAD);                                  \
		unsigned long old_ = *addr_;                                   \
		engine_point_bits(SITE(prim " store", nrstr, str), addr_,      \
				  EVENT_BIT_STORE, (make_set) ? 0 : mask_,     \
				  (make_set) ? mask_ : 0);                     \
		*addr_ = (make_set) ? old_ | mask_ : old_ & ~mask_;            \
	} while (0)

/* By the word's sole owner, as plain_rmw_bits_owned() of linux/compiler.h. */
#define bit_change_owned_(prim, nrstr, str, nr, addr, make_set)                \
	do {                                                                   \
		unsigned long *addr_ = (unsigned long *)(addr);                \
		const unsigned long mask_ = 1ul << (nr);                       \
		engine_point(SITE(prim " load", nrstr, str), addr_,            \
			     EVENT_BIT_LOAD);                                  \
		unsigned long old_ = access_load(addr_, __ATOMIC_RELAXED);     \
		engine_point_bits(SITE(prim " store", nrstr, str), addr_,      \
				  EVENT_BIT_STORE, (make_set) ? 0 : mask_,     \
				  (make_set) ? mask_ : 0);                     \
		access_store(addr_, (make_set) ? old_ | mask_ : old_ & ~mask_, \
			     __ATOMIC_RELAXED);                                \
	} while (0)
#define __set_bit_owned(nr, addr) bit_change_owned_("__set_bit", #nr, #addr, nr, addr, 1)
#define __clear_bit_owned(nr, addr) bit_change_owned_("__clear_bit", #nr, #addr, nr, addr, 0)

#define set_bit(nr, addr) ((void)bit_change_("set_bit", #nr, #addr, nr, addr, 1, __ATOMIC_RELAXED))
#define clear_bit(nr, addr) ((void)bit_change_("clear_bit", #nr, #addr, nr, addr, 0, __ATOMIC_RELAXED))
#define clear_bit_unlock(nr, addr) ((void)bit_change_("clear_bit_unlock", #nr, #addr, nr, addr, 0, __ATOMIC_RELEASE))
#define test_and_set_bit(nr, addr) bit_change_("test_and_set_bit", #nr, #addr, nr, addr, 1, __ATOMIC_ACQ_REL)
#define test_and_set_bit_lock(nr, addr) bit_change_("test_and_set_bit_lock", #nr, #addr, nr, addr, 1, __ATOMIC_ACQUIRE)
#define test_and_clear_bit(nr, addr) bit_change_("test_and_clear_bit", #nr, #addr, nr, addr, 0, __ATOMIC_ACQ_REL)
#define __set_bit(nr, addr) bit_change_plain_("__set_bit", #nr, #addr, nr, addr, 1)
#define __clear_bit(nr, addr) bit_change_plain_("__clear_bit", #nr, #addr, nr, addr, 0)
#define test_bit(nr, addr)                                                     \
	({                                                                     \
		const unsigned long *addr_ = (const unsigned long *)(addr);    \
		engine_point(SITE("test_bit", #nr, #addr), addr_, EVENT_READ); \
		((access_load(addr_, __ATOMIC_RELAXED) >> (nr)) & 1) != 0;     \
	})
#define test_bit_acquire(nr, addr)                                             \
	({                                                                     \
		const unsigned long *addr_ = (const unsigned long *)(addr);    \
		engine_point(SITE("test_bit_acquire", #nr, #addr), addr_,      \
			     EVENT_READ);                                      \
		((access_load(addr_, __ATOMIC_ACQUIRE) >> (nr)) & 1) != 0;     \
	})

#endif
