// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_wp.c - write faults on mapped pages: reuse, copy, share.
 */
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
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
	struct mmu_notifier_range range;
	struct folio *folio;
	vm_fault_t ret;
	pte_t entry;

	ret = vmf_anon_prepare(vmf);
	if (ret)
		return ret;
	folio = folio_prealloc(vma->vm_mm, vma, vmf->address);
	if (!folio)
		return VM_FAULT_OOM;
	__folio_mark_uptodate(folio);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, vmf->address, vmf->address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
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
		mmu_notifier_invalidate_range_end(&range);
		return 0;
	}
	if (vmf->pte)
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	mmu_notifier_invalidate_range_end(&range);
	folio_put(folio);
	return 0;
}

/*
 * wp_page_copy() of a page of a file, for a private mapping - v7.1. Fidelity: same. The caller's reference to the old folio is dropped. New entry,
 * then the old one's map count, then its reference.
 */
static vm_fault_t wp_file_page_copy(struct vm_fault *vmf, struct folio *old_folio)
{
	struct vm_area_struct *vma = vmf->vma;
	struct page *old = pte_page(vmf->orig_pte);
	struct folio *folio = NULL;
	bool copied = false;

	if (!anon_vma_prepare(vma))
		folio = folio_prealloc(vma->vm_mm, vma, vmf->address);
	if (!folio) {
		folio_put(old_folio);
		return VM_FAULT_OOM;
	}
	access_store(&machine->content[folio_pfn(folio)], READ_ONCE(machine->content[page_to_pfn(old)]), __ATOMIC_RELAXED);
	__folio_mark_uptodate(folio);
	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (vmf->pte && pte_same(ptep_get(vmf->pte), vmf->orig_pte)) {
		pte_t entry = mk_pte(&folio->page, vma->vm_page_prot);

		dec_mm_counter(vma->vm_mm, mm_counter_file(old_folio));
		inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
		entry = maybe_mkwrite(pte_mkdirty(pte_mkyoung(entry)), vma);
		(void)ptep_clear_flush(vma, vmf->address, vmf->pte);
		folio_add_new_anon_rmap(folio, vma, vmf->address, RMAP_EXCLUSIVE);
		folio_add_lru_vma(folio, vma);
		set_pte_at(vma->vm_mm, vmf->address, vmf->pte, entry);
		folio_remove_rmap_pte(old_folio, old, vma);
		copied = true;
	}
	if (vmf->pte)
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	folio_put(copied ? old_folio : folio);
	folio_put(old_folio);
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
	struct folio *folio;

	if (pte_special(vmf->orig_pte)) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return wp_page_copy(vmf);
	}
	folio = page_folio(pte_page(vmf->orig_pte));
	if (vmf->vma->vm_flags & VM_SHARED)
		return wp_page_shared(vmf, folio);
	if (!folio_test_anon(folio)) {
		folio_get(folio);
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return wp_file_page_copy(vmf, folio);
	}
	if (PageAnonExclusive(pte_page(vmf->orig_pte))) {
		wp_page_reuse(vmf);
		return 0;
	}
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	return VM_FAULT_OOM;
}

