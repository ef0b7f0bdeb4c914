// SPDX-License-Identifier: GPL-2.0-only
/*
 * userfaultfd.c - faults that user space answers.
 */
#include <linux/mm.h>
#include <linux/userfaultfd_k.h>


vm_fault_t handle_userfault(struct vm_fault *vmf, unsigned long reason) { (void)vmf; (void)reason; return VM_FAULT_RETRY; }
