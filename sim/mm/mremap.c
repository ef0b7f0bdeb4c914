// SPDX-License-Identifier: GPL-2.0-only
/*
 * mremap.c - moving page tables.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>


bool move_huge_pmd(struct vm_area_struct *vma, unsigned long old_addr, unsigned long new_addr, pmd_t *old_pmd,
		   pmd_t *new_pmd)
{
	(void)vma; (void)old_addr; (void)new_addr; (void)old_pmd; (void)new_pmd;
	return false;
}
