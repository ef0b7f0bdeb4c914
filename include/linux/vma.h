/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/vma.h - VMAs: made, linked, split, merged, copied. The caller of everything here holds mmap_lock for writing, unless it says
 * otherwise.
 */
#ifndef _LINUX_VMA_H
#define _LINUX_VMA_H

#include <linux/mm.h>

/* Detached and in no address space. NULL: no memory. */
struct vm_area_struct *vm_area_alloc(struct mm_struct *mm);
struct vm_area_struct *vm_area_dup(struct vm_area_struct *orig);
void vm_area_free(struct vm_area_struct *vma);
/* Into the address space, and its file's i_mmap. -ENOMEM: nothing has happened. */
int vma_link(struct mm_struct *mm, struct vm_area_struct *vma);
/* Out of the tree: nobody finds them any more. */
void vma_iter_clear(struct mm_struct *mm, unsigned long start, unsigned long end);
void vma_array_remove(struct mm_struct *mm, struct vm_area_struct *vma);
/* Any VMA with a page of [start, end), the last VMA that ends at or before start. mmap_lock is held. */
struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, unsigned long start, unsigned long end);
struct vm_area_struct *find_vma_before(struct mm_struct *mm, unsigned long start);
/* The part below addr, or the part from addr on, becomes a VMA of its own. */
int __split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below);
/*
 * The VMA that is [start, end) alone and may take these flags, or the one that [start, end) has been merged into. The flags are
 * still to be set. ERR_PTR.
 */
struct vm_area_struct *vma_modify_flags(struct vm_area_struct *vma, unsigned long start, unsigned long end,
					unsigned long vm_flags);
struct vm_area_struct *vma_modify_flags_uffd(struct vm_area_struct *vma, unsigned long start, unsigned long end,
					     unsigned long vm_flags, struct userfaultfd_ctx *ctx);
/* A new range, where nothing is mapped, as part of a neighbour; NULL: it has to be a VMA of its own. */
struct vm_area_struct *vma_merge_new(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long vm_flags,
				     struct file *file, pgoff_t pgoff);
/* mremap: *vmap's pages from pgoff on get a VMA at addr as well; *vmap may have been merged away. NULL: no memory. */
struct vm_area_struct *copy_vma(struct vm_area_struct **vmap, unsigned long addr, unsigned long len, pgoff_t pgoff,
				bool *need_rmap_locks);
/* vm_page_prot, from vm_flags. */
void vma_set_page_prot(struct vm_area_struct *vma);
pgprot_t vm_get_page_prot(unsigned long vm_flags);
/* As many VMAs as a system call may leave behind. */
#define sysctl_max_map_count VMAS_PER_MM

/*
 * What a maple tree has where a fork has failed: no pointer, and not to be followed. Up to v6.19 the child's tree is a copy of its
 * parent's, whose VMAs are replaced one by one; the marker stands where that ended.
 */
#define XA_ZERO_ENTRY ((void *)(257ul << 2 | 2))
/* What an iterator over the mm's VMAs comes by: the marker, too. mmap_lock. */
static inline unsigned int vma_tree_entries(const struct mm_struct *mm)
{
	return mm->map_count + (mm->map_count < VMAS_PER_MM && mm->vmas[mm->map_count] == XA_ZERO_ENTRY);
}

#endif
