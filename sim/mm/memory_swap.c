// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_swap.c - faults on entries that are not present.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/userfaultfd_k.h>


/* do_swap_page() - v7.1. Fidelity: stub: migration and hwpoison entries. */
vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	softleaf_t entry = softleaf_from_pte(vmf->orig_pte);

	if (softleaf_is_migration(entry)) {
		migration_entry_wait(vmf->vma->vm_mm, vmf->pmd, vmf->address);
		return VM_FAULT_RETRY;
	}
	if (softleaf_is_marker(entry))
		return handle_pte_marker(vmf);
	if (softleaf_is_hwpoison(entry))
		return VM_FAULT_HWPOISON;
	return VM_FAULT_SIGBUS;
}
