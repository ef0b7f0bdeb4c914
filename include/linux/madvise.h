/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/madvise.h - madvise(2). */
#ifndef _LINUX_MADVISE_H
#define _LINUX_MADVISE_H

#include <linux/mm_types.h>

enum madvise_behaviors { MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT };
/*
 * mmap_lock is held for reading. -ENOMEM: some of the range is not mapped; what is has been dealt with. Other errors come from the
 * first VMA that takes no such advice, and what lies behind it has not been touched.
 */
int do_madvise(struct mm_struct *mm, unsigned long start, unsigned long len, enum madvise_behaviors behavior);

#endif
