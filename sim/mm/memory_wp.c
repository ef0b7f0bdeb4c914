// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_wp.c - write faults on mapped pages: reuse, copy, share.
 */
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>

/*
 * wp_page_copy() - v7.1. Fidelity: adapted: of the zero page, the only shared page there is without fork. Caller holds mmap_lock
 * for reading, no table lock.
 */
static vm_fault_t wp_page_copy(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct folio *folio;
	pte_t entry;

	if (anon_vma_prepare(vma))
		return VM_FAULT_OOM;
	folio = folio_prealloc(vma->vm_mm, vma, vmf->address);
	if (!folio)
		return VM_FAULT_OOM;
	__folio_mark_uptodate(folio);
	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (vmf->pte && pte_same(ptep_get(vmf->pte), vmf->orig_pte)) {
		inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
		entry = mk_pte(&folio->page, vma->vm_page_prot);
		entry = maybe_mkwrite(pte_mkdirty(pte_mkyoung(entry)), vma);
		(void)ptep_clear_flush(vma, vmf->address, vmf->pte);
		folio_add_new_anon_rmap(folio, vma, vmf->address, RMAP_EXCLUSIVE);
		folio_add_lru_vma(folio, vma);
		set_pte_at(vma->vm_mm, vmf->address, vmf->pte, entry);
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return 0;
	}
	if (vmf->pte)
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	folio_put(folio);
	return 0;
}

/* wp_page_reuse() - v7.1. Fidelity: same. The table's lock is held, and dropped. */
static void wp_page_reuse(struct vm_fault *vmf)
{
	pte_t entry = maybe_mkwrite(pte_mkdirty(pte_mkyoung(vmf->orig_pte)), vmf->vma);

	ptep_set_access_flags(vmf, entry, true);
	pte_unmap_unlock(vmf->pte, vmf->ptl);
}

/*
 * do_wp_page() - v7.1. Fidelity: adapted: without fork every anonymous page is exclusive; one that is not is given up. The
 * table's lock is held, and dropped.
 */
vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	if (pte_special(vmf->orig_pte)) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return wp_page_copy(vmf);
	}
	if (PageAnonExclusive(pte_page(vmf->orig_pte))) {
		wp_page_reuse(vmf);
		return 0;
	}
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	return VM_FAULT_OOM;
}

