/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/mmu_notifier.h - telling the device that a range of an address space is about to change, and has changed. */
#ifndef _LINUX_MMU_NOTIFIER_H
#define _LINUX_MMU_NOTIFIER_H

#include <linux/mm_types.h>

enum mmu_notifier_event { MMU_NOTIFY_UNMAP, MMU_NOTIFY_CLEAR, MMU_NOTIFY_PROTECTION_VMA, MMU_NOTIFY_MIGRATE, MMU_NOTIFY_EXCLUSIVE };
struct mmu_notifier_range {
	struct mm_struct *mm;
	unsigned long start, end;
	enum mmu_notifier_event event;
	void *owner; /* MMU_NOTIFY_MIGRATE: who migrates, and need not be told */
};
#define mmu_notifier_range_init(range, event_, flags_, mm_, start_, end_) 	((void)(*(range) = (struct mmu_notifier_range){ .mm = (mm_), .start = (start_), .end = (end_), .event = (event_) }))
#define mmu_notifier_range_init_owner(range, event_, flags_, mm_, start_, end_, owner_) 	((void)(*(range) = (struct mmu_notifier_range){ .mm = (mm_), .start = (start_), .end = (end_), .event = (event_), .owner = (owner_) }))
/* May sleep: no spinlock is held. Nothing happens where nobody subscribed. */
void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range);
void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range);

#endif
