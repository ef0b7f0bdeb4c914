/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/vma.h - changing VMAs. The caller holds mmap_lock for writing. */
#ifndef _LINUX_VMA_H
#define _LINUX_VMA_H

#include <linux/mm.h>

/*
 * The VMA that is [start, end) alone and may take these flags, or the one that [start, end) has been merged into. The flags are
 * still to be set. ERR_PTR.
 */
struct vm_area_struct *vma_modify_flags(struct vm_area_struct *vma, unsigned long start, unsigned long end,
					unsigned long vm_flags);
struct vm_area_struct *vma_modify_flags_uffd(struct vm_area_struct *vma, unsigned long start, unsigned long end,
					     unsigned long vm_flags, struct userfaultfd_ctx *ctx);

#endif
