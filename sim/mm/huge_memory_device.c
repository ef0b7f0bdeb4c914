// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory_device.c - huge PMDs of device memory.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>


vm_fault_t do_huge_pmd_device_private(struct vm_fault *vmf) { (void)vmf; return VM_FAULT_SIGBUS; }
