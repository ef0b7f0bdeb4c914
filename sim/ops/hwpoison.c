/* SPDX-License-Identifier: GPL-2.0-only */
/* A memory error: in the page that is mapped at an address now, or in a frame, whoever owns it. */
#include "ops_internal.h"
#include <linux/memory-failure.h>
#include <linux/pgtable.h>

/* The frame behind an address, as the machine check handler knows it: no reference, and maybe stale at once. */
static bool pfn_at(struct mm_struct *mm, unsigned long addr, unsigned long *pfn)
{
	pmd_t pmdval = pmdp_get_lockless(pmd_offset(mm, addr));
	spinlock_t *ptl;
	pte_t *pte, ptent;

	if (pmd_trans_huge(pmdval)) {
		*pfn = pmd_pfn(pmdval) + pte_index(addr);
		return true;
	}
	pte = pte_offset_map_rw_nolock(mm, pmd_offset(mm, addr), addr, &pmdval, &ptl);
	if (!pte)
		return false;
	ptent = ptep_get_lockless(pte);
	pte_unmap(pte);
	*pfn = pte_pfn(ptent);
	return pte_present(ptent) && !pte_special(ptent);
}

int op_memory_failure(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long pfn;
	bool found;

	if (!mm)
		return -ESRCH;
	found = pfn_at(mm, vpn_to_addr(args[1]), &pfn);
	mm_unpin(mm);
	if (!found)
		return -EFAULT;
	return memory_failure(pfn, 0);
}

/* hwpoison_inject() - v7.1, mm/hwpoison-inject.c: corrupt-pfn of debugfs. */
int op_hwpoison_frame(const u8 *args)
{
	unsigned long pfn = HPAGE_PMD_NR + args[0];

	zone_touch(pfn);
	return memory_failure(pfn, MF_SW_SIMULATED);
}

/* hwpoison_unpoison() - v7.1: unpoison-pfn of debugfs. */
int op_unpoison(const u8 *args)
{
	unsigned long pfn = HPAGE_PMD_NR + args[0];

	zone_touch(pfn);
	return unpoison_memory(pfn);
}

/* madvise_inject_error() - v7.1, mm/madvise.c: for one page. The reference is memory_failure()'s. */
int op_madv_hwpoison(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	struct vm_area_struct *vma;
	struct page *page;
	int err;

	if (!mm)
		return -ESRCH;
	err = fault_in(mm, args[1], 0, false);
	if (err) {
		mm_unpin(mm);
		return err;
	}
	mmap_read_lock(mm);
	vma = vma_lookup(mm, vpn_to_addr(args[1]));
	page = vma ? follow_page_get(vma, vpn_to_addr(args[1])) : NULL;
	mmap_read_unlock(mm);
	mm_unpin(mm);
	if (!page)
		return -EFAULT;
	return memory_failure(page_to_pfn(page), MF_ACTION_REQUIRED | MF_COUNT_INCREASED | MF_SW_SIMULATED);
}
