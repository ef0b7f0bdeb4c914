// SPDX-License-Identifier: GPL-2.0-only
/* Memory is let go: by advice (dontneed, madv_free, madv_cold, madv_pageout), or taken (oom_reap). */
#include "ops_internal.h"
#include <linux/madvise.h>
#include <linux/oom.h>

/* The first page of [vpn, end) that is mapped by a VMA, or that is not; `end` if there is none. mmap_lock is held. */
static unsigned int next_vpn(struct mm_struct *mm, unsigned int vpn, unsigned int end, bool mapped)
{
	while (vpn < end && (vma_lookup(mm, vpn_to_addr(vpn)) != NULL) != mapped)
		vpn++;
	return vpn;
}

/* The first page of [vpn, end) that takes no advice to be discarded: nor does what lies behind it. */
static unsigned int first_locked(struct mm_struct *mm, unsigned int vpn, unsigned int end)
{
	for (; vpn < end; vpn++) {
		struct vm_area_struct *vma = vma_lookup(mm, vpn_to_addr(vpn));

		if (vma && (vma->vm_flags & VM_LOCKED))
			break;
	}
	return vpn;
}

/*
 * What is told of is what has a VMA now: pages of a munmap() that goes on at the same time may still be there afterwards. Of a
 * range with holes, all may be discarded, and up to the first hole surely is.
 */
static int discard_op(const u8 *args, enum madvise_behaviors behavior)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long len = nr_to_len(args[1], args[2]);
	unsigned int first, hole, end = args[1] + (unsigned int)(len >> PAGE_SHIFT);
	int err;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	end = first_locked(mm, args[1], end);
	first = next_vpn(mm, args[1], end, true);
	hole = next_vpn(mm, first, end, false);
	if (first < end)
		user_discard_begin(args[0], first, (next_vpn(mm, hole, end, true) < end ? end : hole) - first);
	err = do_madvise(mm, vpn_to_addr(args[1]), len, behavior);
	if (first < end)
		user_discard_end(args[0], first, hole - first, behavior == MADV_FREE ? 2 : 1);
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}

int op_dontneed(const u8 *args)
{
	return discard_op(args, MADV_DONTNEED);
}

int op_madv_free(const u8 *args)
{
	return discard_op(args, MADV_FREE);
}

static int advise(const u8 *args, enum madvise_behaviors behavior)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	err = do_madvise(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]), behavior);
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}

int op_madv_cold(const u8 *args)
{
	return advise(args, MADV_COLD);
}

int op_madv_pageout(const u8 *args)
{
	return advise(args, MADV_PAGEOUT);
}

/* How often the reaper tries to get mmap_lock. */
#define OOM_REAP_RETRIES 3

/*
 * oom_reap_task() - v7.1, mm/oom_kill.c: the reaper keeps the struct, and is no user of the address space, which may exit meanwhile.
 * Whatever was there may be gone from now on, and cannot be had again.
 */
int op_oom_reap(const u8 *args)
{
	struct mm_struct *mm;
	bool reaped = false;

	spin_lock(&machine->mmlist_lock);
	mm = machine->mms[args[0]];
	if (mm)
		mmgrab(mm);
	spin_unlock(&machine->mmlist_lock);
	if (!mm)
		return -ESRCH;
	user_discard_begin(args[0], 0, PROG_VPNS);
	for (int i = 0; i < OOM_REAP_RETRIES && !reaped; i++) {
		reaped = oom_reap_task_mm(mm);
		if (!reaped)
			cpu_relax();
	}
	user_discard_end(args[0], 0, PROG_VPNS, 2);
	mmdrop(mm);
	return reaped ? 0 : -EAGAIN;
}
