/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/bit_spinlock.h - one bit of a word as a lock. The spinning form (bit_spin_*) and the sleeping form
 * that the folio lock is made of (bit_lock and friends).
 *
 * The word may be a flags word, so taking and releasing are bit changes like any other. A sleeping bit lock
 * may be released by a CPU that did not take it only if nobody did (a folio born locked, or the tails of a
 * split, which are locked by a copy of the head's word).
 */
#ifndef _LINUX_BIT_SPINLOCK_H
#define _LINUX_BIT_SPINLOCK_H

#include <linux/bitops.h>
#include <linux/spinlock.h>

void bit_lock_at(const struct site *s, int nr, unsigned long *addr,
		 const struct lock_class *class, bool sleeps);
bool bit_trylock_at(const struct site *s, int nr, unsigned long *addr,
		    const struct lock_class *class, bool sleeps);
void bit_unlock_at(const struct site *s, int nr, unsigned long *addr, bool sleeps);
void bit_wait_at(const struct site *s, int nr, unsigned long *addr);

#define bit_spin_lock(nr, addr) bit_lock_at(SITE("bit_spin_lock", #nr, #addr), nr, addr, LOCK_CLASS(#nr, 0), false)
#define bit_spin_trylock(nr, addr) bit_trylock_at(SITE("bit_spin_trylock", #nr, #addr), nr, addr, LOCK_CLASS(#nr, 0), false)
#define bit_spin_unlock(nr, addr) bit_unlock_at(SITE("bit_spin_unlock", #nr, #addr), nr, addr, false)

/* Sleeping forms; class_name a string literal. A failing trylock is also an injected fault. */
#define bit_lock(nr, addr, class_name) bit_lock_at(SITE("bit_lock", #nr, #addr), nr, addr, LOCK_CLASS(class_name, 0), true)
#define bit_trylock(nr, addr, class_name) bit_trylock_at(SITE("bit_trylock", #nr, #addr), nr, addr, LOCK_CLASS(class_name, 0), true)
#define bit_unlock(nr, addr, class_name) bit_unlock_at(SITE("bit_unlock", #nr, #addr), nr, addr, true)
#define bit_wait(nr, addr) bit_wait_at(SITE("bit_wait", #nr, #addr), nr, addr)

#endif
