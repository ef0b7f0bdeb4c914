// SPDX-License-Identifier: GPL-2.0-only
/*
 * pagewalk.c - walking the page tables of a VMA for whoever wants to look at, or change, what is mapped.
 *
 * A PMD is looked at without its lock; what it is then is for the walker to find out with the lock held.
 */
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/pgtable.h>

/*
 * walk_page_range_vma(), walk_pmd_range() - v7.1. Fidelity: adapted: walkers have a pmd_entry of their own for tables, so there is no
 * descent to single entries. Caller holds mmap_lock.
 */
int walk_page_range_vma(struct vm_area_struct *vma, unsigned long start, unsigned long end, const struct mm_walk_ops *ops,
			void *private)
{
	struct mm_walk walk = { .ops = ops, .vma = vma, .private = private };
	unsigned long next;
	int err = 0;

	for (unsigned long addr = start; addr != end && !err; addr = next) {
		pmd_t *pmd = pmd_offset(vma->vm_mm, addr);

		next = pmd_addr_end(addr, end);
		do {
			walk.action = ACTION_SUBTREE;
			if (pmd_none(pmdp_get_lockless(pmd))) {
				if (ops->pte_hole)
					err = ops->pte_hole(addr, next, &walk);
				break;
			}
			err = ops->pmd_entry(pmd, addr, next, &walk);
		} while (!err && walk.action == ACTION_AGAIN);
	}
	return err;
}
