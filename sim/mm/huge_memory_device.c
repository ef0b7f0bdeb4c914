// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory_device.c - faults on huge PMDs of device memory: the device part of the kernel's mm/huge_memory.c.
 */
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/swapops.h>
#include <foliofuzz/bug.h>

/*
 * do_huge_pmd_device_private() - v7.1. Fidelity: same. mmap_lock is held for reading. Under the PMD's lock the entry keeps the folio; the
 * folio lock is tried first, because a reference alone would make every other attempt to migrate it fail. Who cannot lock it faults
 * again. Lock and reference are given back to the folio that was locked, even if it has been split meanwhile: both stay with the head.
 */
vm_fault_t do_huge_pmd_device_private(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	vm_fault_t ret = 0;
	struct folio *folio;
	struct page *page;
	spinlock_t *ptl;

	if (vmf->flags & FAULT_FLAG_VMA_LOCK)
		return VM_FAULT_RETRY;
	if (bug_enabled(seed2_fault_devpriv_pmd_without_ref)) {
		vmf->page = softleaf_to_page(softleaf_from_pmd(vmf->orig_pmd));
		vmf->pte = NULL;
		return page_pgmap(vmf->page)->ops->migrate_to_ram(vmf);
	}

	ptl = pmd_lock(vma->vm_mm, vmf->pmd);
	if (!pmd_same(pmdp_get(vmf->pmd), vmf->orig_pmd)) {
		spin_unlock(ptl);
		return 0;
	}
	page = softleaf_to_page(softleaf_from_pmd(vmf->orig_pmd));
	folio = page_folio(page);
	vmf->page = page;
	vmf->pte = NULL;
	if (!folio_trylock(folio)) {
		spin_unlock(ptl);
		return 0;
	}
	folio_get(folio);
	spin_unlock(ptl);
	ret = page_pgmap(page)->ops->migrate_to_ram(vmf);
	folio_unlock(folio);
	folio_put(folio);
	return ret;
}
