/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/spinlock.h - spinlocks. A CPU that waits is disabled until the lock is free; taking, trying and
 * releasing are one point each. Rules are checked on every execution (sim/kernel/lockdep.c).
 */
#ifndef _LINUX_SPINLOCK_H
#define _LINUX_SPINLOCK_H

#include <linux/irqflags.h>
#include <foliofuzz/kernel.h>

typedef struct spinlock {
	u32 owner; /* cpu + 1, 0 = free */
	const struct lock_class *class;
} spinlock_t;

void spin_lock_at(const struct site *s, spinlock_t *lock, const struct lock_class *class);
bool spin_trylock_at(const struct site *s, spinlock_t *lock, const struct lock_class *class);
void spin_unlock_at(const struct site *s, spinlock_t *lock);

#define spin_lock_init(l)                                                      \
	do {                                                                   \
		spinlock_t *l_ = (l);                                          \
		l_->owner = 0;                                                 \
		l_->class = LOCK_CLASS(#l, 0);                                 \
	} while (0)
#define spin_lock(l) spin_lock_at(SITE("spin_lock", "", #l), l, NULL)
#define SINGLE_DEPTH_NESTING 1
/* A second lock of the same class: its order against the first is the caller's to keep. */
#define spin_lock_nested(l, sub) spin_lock_at(SITE("spin_lock_nested", "", #l), l, LOCK_CLASS(#l, 1))
#define SINGLE_DEPTH_NESTING 1
#define spin_trylock(l) spin_trylock_at(SITE("spin_trylock", "", #l), l, NULL)
#define spin_unlock(l) spin_unlock_at(SITE("spin_unlock", "", #l), l)
#define spin_lock_irq(l)                                                       \
	do {                                                                   \
		local_irq_disable();                                           \
		spin_lock_at(SITE("spin_lock_irq", "", #l), l, NULL);          \
	} while (0)
#define spin_unlock_irq(l)                                                     \
	do {                                                                   \
		spin_unlock_at(SITE("spin_unlock_irq", "", #l), l);            \
		local_irq_enable();                                            \
	} while (0)
#define spin_lock_irqsave(l, flags)                                            \
	do {                                                                   \
		local_irq_save(flags);                                         \
		spin_lock_at(SITE("spin_lock_irqsave", "", #l), l, NULL);      \
	} while (0)
#define spin_unlock_irqrestore(l, flags)                                       \
	do {                                                                   \
		spin_unlock_at(SITE("spin_unlock_irqrestore", "", #l), l);     \
		local_irq_restore(flags);                                      \
	} while (0)
static inline bool spin_is_locked(const spinlock_t *lock)
{
	return access_load(&lock->owner, __ATOMIC_RELAXED) != 0;
}

bool lock_is_held_(const volatile void *lock);
_Noreturn void lock_not_held_at(const struct site *s);
/* Works for every lock type; held by this CPU in any mode. */
#define lockdep_assert_held(l)                                                 \
	do {                                                                   \
		if (unlikely(!lock_is_held_(l)))                               \
			lock_not_held_at(SITE("lockdep_assert_held", "", #l)); \
	} while (0)

/* A local lock keeps the task on its CPU; one lane is one CPU, so it has no other effect. */
typedef struct {
	char unused;
} local_lock_t;
#define local_lock(l) ((void)(l), preempt_disable())
#define local_unlock(l) ((void)(l), preempt_enable())

#endif
