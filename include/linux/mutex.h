/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/mutex.h - sleeping locks. */
#ifndef _LINUX_MUTEX_H
#define _LINUX_MUTEX_H

#include <linux/spinlock.h>

struct mutex {
	u32 owner; /* cpu + 1 */
	const struct lock_class *class;
};

void mutex_lock_at(const struct site *s, struct mutex *lock);
bool mutex_trylock_at(const struct site *s, struct mutex *lock);
void mutex_unlock_at(const struct site *s, struct mutex *lock);

#define mutex_init(l)                                                          \
	do {                                                                   \
		struct mutex *l_ = (l);                                        \
		l_->owner = 0;                                                 \
		l_->class = LOCK_CLASS(#l, 0);                                 \
	} while (0)
#define mutex_lock(l) mutex_lock_at(SITE("mutex_lock", "", #l), l)
#define mutex_trylock(l) mutex_trylock_at(SITE("mutex_trylock", "", #l), l)
#define mutex_unlock(l) mutex_unlock_at(SITE("mutex_unlock", "", #l), l)

#endif
