/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/mremap.h - moving a range of an address space to another address. */
#ifndef _LINUX_MREMAP_H
#define _LINUX_MREMAP_H

#include <linux/mm.h>

struct vma_remap_struct {
	struct vm_area_struct *vma;
	unsigned long addr, new_addr, len;
	bool dontunmap;
};
int do_mremap(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long new_addr, bool dontunmap,
	      bool *target_gone);

#endif
