// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect.c - changing protections: mprotect, NUMA hints, userfaultfd write protection.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>


int change_huge_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr,
		    pgprot_t newprot, unsigned long cp_flags)
{
	(void)tlb; (void)vma; (void)pmd; (void)addr; (void)newprot; (void)cp_flags;
	return 0;
}
