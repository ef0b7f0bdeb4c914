/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/khugepaged.h - small pages become a huge one. */
#ifndef _LINUX_KHUGEPAGED_H
#define _LINUX_KHUGEPAGED_H

#include <linux/mm.h>

/*
 * madvise(MADV_COLLAPSE) of [start, end), whole PMDs of the VMA. mmap_lock is held for reading, before and after; *lock_dropped: not all the
 * time, and the VMA may be gone. 0: all are huge now.
 */
int madvise_collapse(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool *lock_dropped);
/* One scan of the address space by khugepaged; how many PMDs it has collapsed. */
unsigned int khugepaged_scan_mm(struct mm_struct *mm);

#endif
