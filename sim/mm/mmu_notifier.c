// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmu_notifier.c - telling the device that page tables change: it drops its own entries at the start, and does not trust what it reads
 * of the process's tables until the end.
 *
 * One subscription with one interval for each mm, over all of it. The sequence count: odd while a range is being invalidated. A device
 * page table is filled from a walk that began at an even count which has not moved by the time the driver's mutex is held.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>

/*
 * dmirror_interval_invalidate() - v7.1, lib/test_hmm.c. Fidelity: adapted: migrations of the driver's own are not left out: the kernel's
 * test driver leaves them out, and may then keep an entry to a page that has gone; this one drops it here. May sleep.
 */
static void dmirror_interval_invalidate(struct mmu_notifier_subscription *sub,
					const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	/* the driver that makes a page its own alone is told by nobody, or it would begin again for ever */
	if (range->event == MMU_NOTIFY_EXCLUSIVE && range->owner == machine->pgmap.owner)
		return;
	mutex_lock(&sub->mirror_mutex);
	mmu_interval_set_seq(sub, cur_seq);
	for (unsigned long addr = range->start & PAGE_MASK; addr < range->end && addr < TASK_SIZE; addr += PAGE_SIZE)
		sub->pt[addr >> PAGE_SHIFT] = 0;
	mutex_unlock(&sub->mirror_mutex);
}

/*
 * __mmu_notifier_invalidate_range_start(), mn_itree_inv_start_range() - v7.1. Fidelity: same, one interval. May sleep: the callback takes the
 * driver's mutex. Without a subscriber it is no step at all.
 */
void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range)
{
	struct mm_struct *mm = range->mm;
	struct mmu_notifier_subscription *sub = access_load(&mm->notifier_subscriptions, __ATOMIC_ACQUIRE);
	unsigned long seq;

	might_sleep();
	range->subscription = sub;
	if (!sub) {
		(void)access_add_fetch(&mm->notifier_ranges, 1, __ATOMIC_RELAXED);
		return;
	}
	spin_lock(&sub->itree_lock);
	sub->active_invalidate_ranges++;
	seq = plain_read(sub->invalidate_seq) | 1;
	WRITE_ONCE(sub->invalidate_seq, seq);
	spin_unlock(&sub->itree_lock);
	dmirror_interval_invalidate(sub, range, seq);
}

/* __mmu_notifier_invalidate_range_end(), mn_itree_inv_end() - v7.1. Fidelity: same. The last one to end makes the count even. */
void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range)
{
	struct mmu_notifier_subscription *sub = range->subscription;

	if (!sub) {
		(void)access_add_fetch(&range->mm->notifier_ranges, -1, __ATOMIC_RELAXED);
		return;
	}
	spin_lock(&sub->itree_lock);
	if (!--sub->active_invalidate_ranges)
		WRITE_ONCE(sub->invalidate_seq, plain_read(sub->invalidate_seq) + 1);
	spin_unlock(&sub->itree_lock);
}

/*
 * mmu_interval_read_begin() - v7.1. Fidelity: adapted: waits by looking again. The interval's own count is that of the invalidation that
 * last met it: equal to the subscriptions' only while that one goes on. Sleeps; no lock of the mm is held.
 */
unsigned long mmu_interval_read_begin(struct mmu_notifier_subscription *sub)
{
	bool is_invalidating;
	unsigned long seq;

	spin_lock(&sub->itree_lock);
	seq = READ_ONCE(sub->interval_seq);
	is_invalidating = seq == plain_read(sub->invalidate_seq);
	spin_unlock(&sub->itree_lock);
	while (is_invalidating && READ_ONCE(sub->invalidate_seq) == seq)
		cpu_relax();
	return seq;
}

/* mmu_interval_read_retry() - v7.1, include/linux/mmu_notifier.h. Fidelity: same. The driver's mutex is held, which the callback takes. */
bool mmu_interval_read_retry(struct mmu_notifier_subscription *sub, unsigned long seq)
{
	return READ_ONCE(sub->interval_seq) != seq;
}

/*
 * mmu_notifier_register(), mmu_interval_notifier_insert() - v7.1. Fidelity: adapted: mm_take_all_locks(), which keeps everybody out who is between
 * start and end, is a wait until nobody is. Takes mmap_lock for writing, under which there is no fault or zap.
 */
int mmu_notifier_register(struct mm_struct *mm)
{
	struct mmu_notifier_subscription *sub;

	if (access_load(&mm->notifier_subscriptions, __ATOMIC_ACQUIRE))
		return 0;
	sub = kmem_cache_alloc(&machine->mmu_notifier_cache, GFP_KERNEL);
	if (!sub)
		return -ENOMEM;
	sub->mm = mm;
	spin_lock_init(&sub->itree_lock);
	mutex_init(&sub->mirror_mutex);
	sub->invalidate_seq = 2;
	sub->interval_seq = sub->invalidate_seq - 1;

	mmap_write_lock(mm);
	while (access_load(&mm->notifier_ranges, __ATOMIC_RELAXED))
		cpu_relax(); /* an rmap walk needs no mmap_lock */
	if (!access_load(&mm->notifier_subscriptions, __ATOMIC_RELAXED)) {
		access_store(&mm->notifier_subscriptions, sub, __ATOMIC_RELEASE);
		sub = NULL;
	}
	mmap_write_unlock(mm);
	if (sub)
		kmem_cache_free(&machine->mmu_notifier_cache, sub);
	return 0;
}

/* mmu_notifier_subscriptions_destroy() - v7.1, from mmdrop(). Fidelity: same. Page tables and VMAs are gone, and so is every walk. */
void mmu_notifier_subscriptions_destroy(struct mm_struct *mm)
{
	struct mmu_notifier_subscription *sub = mm->notifier_subscriptions;

	if (!sub)
		return;
	VM_WARN_ON(sub->active_invalidate_ranges);
	kmem_cache_free(&machine->mmu_notifier_cache, sub);
}
