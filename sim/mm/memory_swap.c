// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_swap.c - faults on entries that are not present.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/userfaultfd_k.h>


/* pte_marker_clear() - v7.1. Fidelity: same. The marker has no meaning any more. */
static vm_fault_t pte_marker_clear(struct vm_fault *vmf)
{
	pte_t ptent;

	vmf->pte = pte_offset_map_lock(vmf->vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (!vmf->pte)
		return 0;
	/* it may have been filled meanwhile, or its protection lifted */
	ptent = ptep_get(vmf->pte);
	if (pte_same(vmf->orig_pte, ptent))
		(void)ptep_get_and_clear(vmf->vma->vm_mm, vmf->address, vmf->pte);
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	return 0;
}

/* handle_pte_marker(), pte_marker_handle_uffd_wp() - v7.1. Fidelity: same, no guard markers. */
static vm_fault_t handle_pte_marker(struct vm_fault *vmf)
{
	unsigned long marker = softleaf_to_marker(softleaf_from_pte(vmf->orig_pte));

	if (VM_WARN_ON_ONCE(!marker))
		return VM_FAULT_SIGBUS;
	if (marker & PTE_MARKER_POISONED)
		return VM_FAULT_HWPOISON;
	if (!userfaultfd_wp(vmf->vma))
		return pte_marker_clear(vmf);
	return vma_is_anonymous(vmf->vma) ? do_anonymous_page(vmf) : do_fault(vmf);
}

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
