/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/mmu_notifier.h - telling the device that a range of an address space is about to change, and has changed. */
#ifndef _LINUX_MMU_NOTIFIER_H
#define _LINUX_MMU_NOTIFIER_H

#include <linux/mm_types.h>
#include <linux/mutex.h>

enum mmu_notifier_event { MMU_NOTIFY_UNMAP, MMU_NOTIFY_CLEAR, MMU_NOTIFY_PROTECTION_VMA, MMU_NOTIFY_PROTECTION_PAGE,
			  MMU_NOTIFY_MIGRATE, MMU_NOTIFY_EXCLUSIVE };
struct mmu_notifier_range {
	struct mm_struct *mm;
	unsigned long start, end;
	enum mmu_notifier_event event;
	void *owner; /* MMU_NOTIFY_MIGRATE, MMU_NOTIFY_EXCLUSIVE: who does it, and may not need to be told */
	struct mmu_notifier_subscription *subscription; /* who was told of the start, and will be of the end */
};

/*
 * The one mirror of an address space, and its device page table. Stands for mmu_notifier_subscriptions with one interval, over the whole
 * address space, and for the driver's struct dmirror. Made at the device's first use of the mm, freed with the mm.
 */
struct mmu_notifier_subscription {
	struct mm_struct *mm;
	spinlock_t itree_lock;        /* subscriptions->lock */
	unsigned long invalidate_seq; /* of the subscriptions; odd while some range is being invalidated; lock */
	unsigned long active_invalidate_ranges; /* lock */
	unsigned long interval_seq;   /* mmu_interval_notifier::invalidate_seq */
	struct mutex mirror_mutex;    /* dmirror->mutex: the device's page table; a leaf under all locks of the mm */
	unsigned long pt[32];         /* by virtual page: DPT_* | pfn << DPT_PFN_SHIFT; mutex */
};
#define mmu_notifier_range_init(range, event_, flags_, mm_, start_, end_) \
	((void)(*(range) = (struct mmu_notifier_range){ .mm = (mm_), .start = (start_), .end = (end_), .event = (event_) }))
#define mmu_notifier_range_init_owner(range, event_, flags_, mm_, start_, end_, owner_) \
	((void)(*(range) = (struct mmu_notifier_range){                        \
		.mm = (mm_), .start = (start_), .end = (end_), .event = (event_), .owner = (owner_) }))
/* May sleep: no spinlock is held. Nothing happens where nobody subscribed. */
void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range);
void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range);
/* Subscribes, once; 0 or -ENOMEM. Takes mmap_lock for writing. */
int mmu_notifier_register(struct mm_struct *mm);
/* The mm goes, and nobody walks to it any more. */
void mmu_notifier_subscriptions_destroy(struct mm_struct *mm);
/* Waits until nothing is being invalidated. What is read of the page tables after it is good if read_retry() says so, under the mutex. */
unsigned long mmu_interval_read_begin(struct mmu_notifier_subscription *sub);
bool mmu_interval_read_retry(struct mmu_notifier_subscription *sub, unsigned long seq);
#define mmu_interval_set_seq(sub, cur_seq) WRITE_ONCE((sub)->interval_seq, cur_seq)

#endif
