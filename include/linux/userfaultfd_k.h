/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/userfaultfd_k.h - faults that user space answers: missing pages, write protection. */
#ifndef _LINUX_USERFAULTFD_K_H
#define _LINUX_USERFAULTFD_K_H

#include <linux/mm_types.h>
#include <linux/swapops.h>

#define userfaultfd_missing(vma) (((vma)->vm_flags & VM_UFFD_MISSING) != 0)
#define userfaultfd_wp(vma) (((vma)->vm_flags & VM_UFFD_WP) != 0)
/* The same from a walk of rmap or of a file's VMAs, which comes without mmap_lock. */
#define userfaultfd_missing_racy(vma) ((plain_read_racy((vma)->vm_flags) & VM_UFFD_MISSING) != 0)
#define userfaultfd_wp_racy(vma) ((plain_read_racy((vma)->vm_flags) & VM_UFFD_WP) != 0)
#define userfaultfd_armed(vma) (((vma)->vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP)) != 0)
#define userfaultfd_pte_wp(vma, pte) (userfaultfd_wp(vma) && pte_uffd_wp(pte))
#define userfaultfd_huge_pmd_wp(vma, pmd) (userfaultfd_wp(vma) && pmd_uffd_wp(pmd))
#define __VM_UFFD_FLAGS (VM_UFFD_MISSING | VM_UFFD_WP)
/* An entry without a page that remembers its write protection. */
static inline bool pte_is_uffd_wp_marker(pte_t pte)
{
	softleaf_t entry = softleaf_from_pte(pte);

	return softleaf_is_marker(entry) && (softleaf_to_marker(entry) & PTE_MARKER_UFFD_WP);
}
/*
 * pte_is_uffd_marker() - v7.1, include/linux/leafops.h. Fidelity: same. An entry without a page that userfaultfd has put there, write protection
 * or poison: it may put a page in its place.
 */
static inline bool pte_is_uffd_marker(pte_t pte)
{
	softleaf_t entry = softleaf_from_pte(pte);

	return softleaf_is_marker(entry) && (softleaf_to_marker(entry) & (PTE_MARKER_UFFD_WP | PTE_MARKER_POISONED));
}
/* A VMA that was copied or moved has no userfaultfd any more: fork without its event, mremap without its. mmap_lock is held for writing. */
void userfaultfd_reset_ctx(struct vm_area_struct *vma);

/*
 * ---- the monitor's system calls; each takes mmap_lock. One userfaultfd for an address space, so the mm stands for its context. ----
 */
/* VM_UFFD_* for [start, start + len); none: unregister. */
int userfaultfd_register_range(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned long vm_flags);
enum mfill_atomic_mode { MFILL_ATOMIC_COPY, MFILL_ATOMIC_ZEROPAGE, MFILL_ATOMIC_POISON };
/* Bytes filled, or an error. `token`: what is copied, into every page. wp: write-protected from the start. */
long mfill_atomic(struct mm_struct *mm, unsigned long dst_start, unsigned long len, enum mfill_atomic_mode mode, u64 token,
		  bool wp);
long uffd_wp_range(struct vm_area_struct *vma, unsigned long start, unsigned long len, bool enable_wp);
int mwriteprotect_range(struct mm_struct *mm, unsigned long start, unsigned long len, bool enable_wp);
/* Bytes moved, or an error. */
long move_pages(struct mm_struct *mm, unsigned long dst_start, unsigned long src_start, unsigned long len, bool allow_src_holes);

/* Tells the monitor and lets the caller fault again: VM_FAULT_RETRY. Nobody answers in the simulation but programs. */
vm_fault_t handle_userfault(struct vm_fault *vmf, unsigned long reason);

#endif
