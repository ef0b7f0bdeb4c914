// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect.c - changing protections: mprotect, NUMA hints, userfaultfd write protection.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/pgtable.h>
#include <linux/swapops.h>
#include <linux/userfaultfd_k.h>


int change_huge_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr,
		    pgprot_t newprot, unsigned long cp_flags)
{
	(void)tlb; (void)vma; (void)pmd; (void)addr; (void)newprot; (void)cp_flags;
	return 0;
}

/* change_protection() - v7.1. Fidelity: stub: write protection by userfaultfd, and huge mappings are split. */
long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start, unsigned long end,
		       unsigned long cp_flags)
{
	struct mm_struct *mm = vma->vm_mm;
	bool wp = cp_flags & MM_CP_UFFD_WP;
	spinlock_t *ptl;
	pte_t *pte;

	(void)tlb;
	for (unsigned long addr = start; addr != end; addr += PAGE_SIZE) {
		pmd_t *pmd = pmd_offset(mm, addr);
		pte_t ptent;

		split_huge_pmd(vma, pmd, addr);
		pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
		if (!pte)
			continue;
		ptent = ptep_get(pte);
		if (pte_none(ptent)) {
			if (wp)
				set_pte_at(mm, addr, pte, swp_entry_to_pte(make_pte_marker(PTE_MARKER_UFFD_WP)));
		} else if (pte_present(ptent)) {
			ptent = ptep_get_and_clear(mm, addr, pte);
			set_pte_at(mm, addr, pte, wp ? pte_mkuffd_wp(ptent) : pte_clear_uffd_wp(ptent));
		} else if (softleaf_is_marker(softleaf_from_pte(ptent))) {
			if (!wp && pte_is_uffd_wp_marker(ptent))
				set_pte_at(mm, addr, pte, __pte(0));
		} else {
			set_pte_at(mm, addr, pte, wp ? pte_swp_mkuffd_wp(ptent) : pte_swp_clear_uffd_wp(ptent));
		}
		pte_unmap_unlock(pte, ptl);
	}
	return 0;
}
