// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_fork.c - fork: the tables of the child.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/rmap.h>


int copy_page_range(struct vm_area_struct *d, struct vm_area_struct *s) { (void)d; (void)s; return 0; }
int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm) { (void)mm; (void)oldmm; return -ENOMEM; }
int copy_huge_pmd(struct mm_struct *dst_mm, struct mm_struct *src_mm, pmd_t *dst_pmd, pmd_t *src_pmd,
		  unsigned long addr, struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma)
{
	(void)dst_mm; (void)src_mm; (void)dst_pmd; (void)src_pmd; (void)addr; (void)dst_vma; (void)src_vma;
	return 0;
}
