/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/userfaultfd_k.h - faults that user space answers: missing pages, write protection. */
#ifndef _LINUX_USERFAULTFD_K_H
#define _LINUX_USERFAULTFD_K_H

#include <linux/mm_types.h>

#define userfaultfd_missing(vma) (((vma)->vm_flags & VM_UFFD_MISSING) != 0)
#define userfaultfd_wp(vma) (((vma)->vm_flags & VM_UFFD_WP) != 0)
#define userfaultfd_armed(vma) (((vma)->vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP)) != 0)
#define userfaultfd_pte_wp(vma, pte) (userfaultfd_wp(vma) && pte_uffd_wp(pte))
#define userfaultfd_huge_pmd_wp(vma, pmd) (userfaultfd_wp(vma) && pmd_uffd_wp(pmd))
/* Tells the monitor and lets the caller fault again: VM_FAULT_RETRY. Nobody answers in the simulation but programs. */
vm_fault_t handle_userfault(struct vm_fault *vmf, unsigned long reason);

#endif
