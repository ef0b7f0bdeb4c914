// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_wp.c - write faults on mapped pages: reuse, copy, share.
 *
 * A page that is exclusive is written to in place: nobody else can have it. One that is not is made exclusive if every reference is
 * explained by this mm's mappings; else it is copied, and the old mapping goes last. Under the same rules a page is "unshared" for a
 * pin that only wants to read. P16.
 */
#include <linux/bit_spinlock.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/userfaultfd_k.h>
#include <foliofuzz/bug.h>

/*
 * wp_page_reuse() - v7.1. Fidelity: same. The table's lock is held, and dropped. `folio` is NULL for what has no folio, never the zero page.
 */
static void wp_page_reuse(struct vm_fault *vmf, struct folio *folio)
{
	pte_t entry = maybe_mkwrite(pte_mkdirty(pte_mkyoung(vmf->orig_pte)), vmf->vma);

	VM_WARN_ON(!vmf->write);
	VM_WARN_ON(is_zero_pfn(pte_pfn(vmf->orig_pte)));
	if (folio)
		VM_WARN_ON_FOLIO(folio_test_anon(folio) && !PageAnonExclusive(vmf->page), folio);
	ptep_set_access_flags(vmf, entry, true);
	pte_unmap_unlock(vmf->pte, vmf->ptl);
}

/*
 * What wp_page_copy() puts in place of vmf->orig_pte. The old entry is cleared and flushed before the new one is there, so that no two
 * CPUs use different pages. The old page's map count falls last: until then nobody else may think that the page is theirs alone.
 * The table's lock is held.
 */
static void wp_page_switch(struct vm_fault *vmf, struct folio *new_folio, struct folio *old_folio)
{
	const bool unshare = vmf->flags & FAULT_FLAG_UNSHARE;
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	pte_t entry;

	if (!old_folio) {
		inc_mm_counter(mm, MM_ANONPAGES);
	} else if (!folio_test_anon(old_folio)) {
		dec_mm_counter(mm, mm_counter_file(old_folio));
		inc_mm_counter(mm, MM_ANONPAGES);
	}
	entry = pte_mkyoung(mk_pte(&new_folio->page, vma->vm_page_prot));
	if (!unshare)
		entry = maybe_mkwrite(pte_mkdirty(entry), vma);
	if (unshare && pte_soft_dirty(vmf->orig_pte))
		entry = pte_mksoft_dirty(entry);
	if (unshare && pte_uffd_wp(vmf->orig_pte))
		entry = pte_mkuffd_wp(entry);
	(void)ptep_clear_flush(vma, vmf->address, vmf->pte);
	folio_add_new_anon_rmap(new_folio, vma, vmf->address, RMAP_EXCLUSIVE);
	folio_add_lru_vma(new_folio, vma);
	BUG_ON(unshare && pte_write(entry));
	set_pte_at(mm, vmf->address, vmf->pte, entry);
	if (old_folio)
		folio_remove_rmap_pte(old_folio, vmf->page, vma);
}

/*
 * wp_page_copy() - v7.1. Fidelity: same, no delay accounting. Caller holds mmap_lock for reading or the VMA's lock, no table lock, and
 * a reference to the old folio, which is dropped. The content is copied without a lock: what a thread writes by a translation that it
 * no longer has is flushed by who took it away, before the entry could be what it is.
 */
static vm_fault_t wp_page_copy(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	struct folio *old_folio = vmf->page ? page_folio(vmf->page) : NULL;
	struct folio *new_folio;
	struct mmu_notifier_range range;
	bool page_copied = false;
	vm_fault_t ret = vmf_anon_prepare(vmf);

	if (ret)
		goto out;
	new_folio = folio_prealloc(mm, vma, vmf->address);
	if (!new_folio) {
		ret = VM_FAULT_OOM;
		goto out;
	}
	if (old_folio && copy_mc_user_highpage(&new_folio->page, vmf->page)) {
		folio_put(new_folio);
		ret = VM_FAULT_HWPOISON;
		goto out;
	}
	__folio_mark_uptodate(new_folio);

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, vmf->address, vmf->address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	vmf->pte = pte_offset_map_lock(mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (vmf->pte && pte_same(ptep_get(vmf->pte), vmf->orig_pte)) {
		wp_page_switch(vmf, new_folio, old_folio);
		new_folio = old_folio; /* the mapping's reference */
		page_copied = true;
	}
	if (vmf->pte)
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	mmu_notifier_invalidate_range_end(&range);

	if (new_folio)
		folio_put(new_folio);
	if (old_folio && page_copied)
		free_swap_cache(old_folio);
out:
	if (old_folio)
		folio_put(old_folio);
	return ret;
}

#define folio_lock_large_mapcount(folio) bit_spin_lock(FOLIO_MM_IDS_LOCK_BITNUM, &(folio)->_mm_ids)
#define folio_unlock_large_mapcount(folio) bit_spin_unlock(FOLIO_MM_IDS_LOCK_BITNUM, &(folio)->_mm_ids)

/* The test under the bit lock, which keeps map counts, and so who maps the folio, as they are. */
static bool large_folio_is_ours(struct folio *folio, struct vm_area_struct *vma)
{
	VM_WARN_ON_FOLIO(folio_large_mapcount(folio) > folio_ref_count(folio), folio);
	if (test_bit(FOLIO_MM_IDS_SHARED_BITNUM, &folio->_mm_ids))
		return false;
	if (folio_large_mapcount(folio) != folio_ref_count(folio))
		return false;
	VM_WARN_ON_FOLIO(folio_large_mapcount(folio) > folio_nr_pages(folio), folio);
	VM_WARN_ON_FOLIO(folio_entire_mapcount(folio), folio);
	VM_WARN_ON_ONCE((folio->_mm_ids & MM_ID_MASK) != vma->vm_mm->mm_id &&
			((folio->_mm_ids >> MM_ID_BITS) & MM_ID_MASK) != vma->vm_mm->mm_id);
	return true;
}

/*
 * __wp_can_reuse_large_anon_folio() - v7.1 (until v6.14 a large folio is never reused). Fidelity: same. The table's lock is held. Every
 * mapping has a reference, taken before and dropped after: where there are as many references as mappings, and all mappings are this
 * mm's, nobody else has the folio. That one page of it is left mapped is no reason to keep the rest.
 */
static bool __wp_can_reuse_large_anon_folio(struct folio *folio, struct vm_area_struct *vma)
{
	bool exclusive;

	if (!generation_at_least(GENERATION_V6_18))
		return false;
	if (folio_large_mapcount(folio) <= 1)
		return false;
	if (test_bit(FOLIO_MM_IDS_SHARED_BITNUM, &folio->_mm_ids))
		return false;
	if (folio_test_swapcache(folio)) {
		if (!folio_trylock(folio))
			return false;
		folio_free_swap(folio);
		folio_unlock(folio);
	}
	if (folio_large_mapcount(folio) != folio_ref_count(folio))
		return false;

	folio_lock_large_mapcount(folio);
	exclusive = large_folio_is_ours(folio, vma);
	folio_unlock_large_mapcount(folio);
	return exclusive;
}

/*
 * wp_can_reuse_anon_folio() - v7.1. Fidelity: same, no KSM. The table's lock is held. The first looks, without the folio lock, only save
 * the trouble; a batch of another CPU may still hold its reference, and then the page is copied for it.
 */
static bool wp_can_reuse_anon_folio(struct folio *folio, struct vm_area_struct *vma)
{
	int extra;

	if (folio_test_large(folio))
		return __wp_can_reuse_large_anon_folio(folio, vma);
	if (folio_ref_count(folio) > 3)
		return false;
	if (!folio_test_lru(folio))
		lru_add_drain();
	extra = folio_test_swapcache(folio);
	if (folio_ref_count(folio) > 1 + extra)
		return false;
	if (!folio_trylock(folio))
		return false;
	if (folio_test_swapcache(folio))
		folio_free_swap(folio);
	if (folio_ref_count(folio) != 1) {
		folio_unlock(folio);
		return false;
	}
	/* The mapping's is the only reference, and nobody can get at the folio but through it. */
	folio_move_anon_rmap(folio, vma);
	folio_unlock(folio);
	return true;
}

/*
 * do_wp_page() - v7.1. Fidelity: same, no asynchronous userfaultfd. The table's lock is held, and dropped. Caller holds mmap_lock for
 * reading, or the VMA's lock. Whose write protection by userfaultfd is not flushed yet may still write to the page that is copied here.
 */
vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	const bool unshare = vmf->flags & FAULT_FLAG_UNSHARE;
	struct vm_area_struct *vma = vmf->vma;
	struct folio *folio = NULL;

	if (!unshare && userfaultfd_pte_wp(vma, ptep_get(vmf->pte))) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return handle_userfault(vmf, VM_UFFD_WP);
	}
	if (!unshare && userfaultfd_wp(vma) && mm_tlb_flush_pending(vma->vm_mm))
		flush_tlb_page(vma, vmf->address);
	vmf->page = pte_special(vmf->orig_pte) ? NULL : pte_page(vmf->orig_pte);
	if (vmf->page)
		folio = page_folio(vmf->page);

	if (vma->vm_flags & VM_SHARED) {
		if (folio)
			return wp_page_shared(vmf, folio);
		wp_page_reuse(vmf, NULL);
		return 0;
	}
	if (folio && folio_test_anon(folio) &&
	    (PageAnonExclusive(vmf->page) || wp_can_reuse_anon_folio(folio, vma))) {
		if (!PageAnonExclusive(vmf->page))
			SetPageAnonExclusive(vmf->page);
		if (unshare) {
			pte_unmap_unlock(vmf->pte, vmf->ptl);
			return 0;
		}
		wp_page_reuse(vmf, folio);
		return 0;
	}
	if (folio)
		folio_get(folio);
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	return wp_page_copy(vmf);
}
