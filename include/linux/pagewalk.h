/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/pagewalk.h - a walk over the page tables of a VMA, PMD by PMD. */
#ifndef _LINUX_PAGEWALK_H
#define _LINUX_PAGEWALK_H

#include <linux/mm_types.h>

struct mm_walk;
enum page_walk_action { ACTION_SUBTREE, ACTION_CONTINUE, ACTION_AGAIN };
struct mm_walk_ops {
	/* Of a PMD that was not none when it was looked at, without a lock. Sets walk->action to ACTION_AGAIN if it changed too much. */
	int (*pmd_entry)(pmd_t *pmd, unsigned long addr, unsigned long next, struct mm_walk *walk);
	/* Nothing is mapped there; may be NULL. */
	int (*pte_hole)(unsigned long addr, unsigned long next, struct mm_walk *walk);
};
struct mm_walk {
	const struct mm_walk_ops *ops;
	struct vm_area_struct *vma;
	enum page_walk_action action;
	void *private;
};
/* [start, end) lies in the VMA; mmap_lock, or the VMA's lock, is held. What an operation returns that is not zero ends the walk. */
int walk_page_range_vma(struct vm_area_struct *vma, unsigned long start, unsigned long end, const struct mm_walk_ops *ops,
			void *private);

#endif
