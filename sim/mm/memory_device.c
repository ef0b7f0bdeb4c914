// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_device.c - faults on memory that a device has.
 */
#include <linux/mm.h>

/* stubs */
vm_fault_t do_device_private_page(struct vm_fault *vmf) { (void)vmf; return VM_FAULT_SIGBUS; }
vm_fault_t remove_device_exclusive_entry(struct vm_fault *vmf) { (void)vmf; return VM_FAULT_SIGBUS; }
