/* SPDX-License-Identifier: GPL-2.0-only */
/* Taking mappings away in part: dontneed, split_pmd. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/pgtable.h>

/* The first page of [vpn, end) that is mapped by a VMA, or that is not; `end` if there is none. mmap_lock is held. */
static unsigned int next_vpn(struct mm_struct *mm, unsigned int vpn, unsigned int end, bool mapped)
{
	while (vpn < end && (vma_lookup(mm, vpn_to_addr(vpn)) != NULL) != mapped)
		vpn++;
	return vpn;
}

/*
 * What is told of is what has a VMA now: pages of a munmap() that goes on at the same time may still be there afterwards. Of a
 * range with holes, all may be discarded, and up to the first hole surely is.
 */
int op_dontneed(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long len = nr_to_len(args[1], args[2]);
	unsigned int first, hole, end = args[1] + (unsigned int)(len >> PAGE_SHIFT);
	int err;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	first = next_vpn(mm, args[1], end, true);
	hole = next_vpn(mm, first, end, false);
	if (first < end)
		user_discard_begin(args[0], first, (next_vpn(mm, hole, end, true) < end ? end : hole) - first);
	err = madvise_dontneed(mm, vpn_to_addr(args[1]), len);
	if (first < end)
		user_discard_end(args[0], first, hole - first, true);
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}

int op_split_pmd(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long addr = vpn_to_addr(args[1]);
	struct vm_area_struct *vma;
	int err = -ENOENT;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma && pmd_is_huge(pmdp_get_lockless(pmd_offset(mm, addr)))) {
		split_huge_pmd_address(vma, addr, false);
		err = 0;
	}
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}
