// SPDX-License-Identifier: GPL-2.0-only
/*
 * khugepaged.c - a table full of small anonymous pages becomes one huge page: khugepaged looks for what is worth it, MADV_COLLAPSE asks for it. Files:
 * khugepaged_file.c.
 *
 * Lock order: mmap_lock for writing, anon_vma's root for writing, PMD's lock, table's lock; folio locks are only tried inside. The table is
 * taken out of the PMD first, so that nobody can come by it; then every page must be explained by its mappings alone, and is locked
 * and isolated, so that nobody comes by the folio either. kernel-facts.md: P25.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/khugepaged.h>
#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlb.h>
#include <linux/tlbflush.h>
#include <linux/userfaultfd_k.h>
#include <foliofuzz/bug.h>

/* pte_none_or_zero() - v7.1. Fidelity: same. */
static bool pte_none_or_zero(pte_t pte)
{
	return pte_none(pte) || (pte_present(pte) && is_zero_pfn(pte_pfn(pte)));
}

/* vm_normal_page() - v7.1, mm/memory.c. Fidelity: same; NULL: special. */
static struct page *normal_page(pte_t pte)
{
	return pte_special(pte) ? NULL : pte_page(pte);
}

static bool test_lazyfree(struct folio *folio)
{
	return folio_test_anon(folio) && !folio_test_swapbacked(folio);
}

/* Is the folio explained by its mappings and caches? Racy where the caller has not locked and unmapped enough. */
static bool only_expected_refs(struct folio *folio)
{
	int expected = folio_expected_ref_count(folio);

	return folio_ref_count(folio) == expected;
}

/* Young, in whatever way it is known. */
static bool collapse_referenced(struct folio *folio, pte_t pteval)
{
	return pte_young(pteval) || folio_test_young(folio) || folio_test_referenced(folio);
}

/* release_pte_folio() - v7.1. Fidelity: same. */
static void release_pte_folio(struct folio *folio)
{
	node_stat_isolated(folio, -1);
	folio_unlock(folio);
	folio_putback_lru(folio);
}

/* release_pte_pages() - v7.1. Fidelity: same. What [pte, _pte) maps is locked and isolated; large folios are on the list. */
static void release_pte_pages(pte_t *pte, pte_t *_pte, struct list_head *compound_pagelist)
{
	struct folio *folio, *tmp;

	while (--_pte >= pte) {
		pte_t pteval = ptep_get(_pte);

		if (pte_none_or_zero(pteval))
			continue;
		folio = page_folio(pte_page(pteval));
		if (!folio_test_large(folio))
			release_pte_folio(folio);
	}
	list_for_each_entry_safe(folio, tmp, compound_pagelist, lru) {
		list_del(&folio->lru);
		release_pte_folio(folio);
	}
}

static bool on_compound_pagelist(struct folio *folio, struct list_head *compound_pagelist)
{
	struct folio *f;

	list_for_each_entry(f, compound_pagelist, lru)
		if (f == folio)
			return true;
	return false;
}

/* One folio of __collapse_huge_page_isolate(): locked, without references that nobody can explain, and off the LRU. */
static enum scan_result collapse_isolate_folio(struct folio *folio, struct list_head *compound_pagelist)
{
	/* The lock keeps splits out; nothing can free the folio, for it is mapped here. */
	if (!folio_trylock(folio))
		return SCAN_PAGE_LOCK;
	/*
	 * Pins of this mm cannot come any more: its table is out of reach. Through another mm's mapping they can, but that mm cannot write, only
	 * copy. Other mms zap and fork meanwhile: a map count from before a zap, and references from after it, explain a reference of ours. The
	 * pins of a large folio have a count of their own. (Bug collapse-overlooks-pin, as in v7.1: that is not looked at.) A pin of a small one is
	 * too many references to be hidden so; a plain reference may be, and its holder is left with the old page.
	 */
	if (!only_expected_refs(folio)) {
		accepted_race(3, folio);
		folio_unlock(folio);
		return SCAN_PAGE_COUNT;
	}
	if (folio_test_large(folio) && !bug_enabled(collapse_overlooks_pin) && folio_maybe_dma_pinned(folio)) {
		folio_unlock(folio);
		return SCAN_PAGE_COUNT;
	}
	if (!folio_isolate_lru(folio)) {
		folio_unlock(folio);
		return SCAN_DEL_PAGE_LRU;
	}
	node_stat_isolated(folio, 1);
	if (folio_test_large(folio))
		list_add_tail(&folio->lru, compound_pagelist);
	return SCAN_SUCCEED;
}

/*
 * __collapse_huge_page_isolate() - v7.1. Fidelity: same, no VM_DROPPABLE. The table is out of the PMD and its lock held; mmap_lock and the root's
 * rwsem are held for writing. On failure everything is back on the LRU.
 */
static enum scan_result __collapse_huge_page_isolate(struct vm_area_struct *vma, pte_t *pte,
						     struct collapse_control *cc,
						     struct list_head *compound_pagelist)
{
	int none_or_zero = 0, shared = 0, referenced = 0;
	enum scan_result result = SCAN_FAIL;
	pte_t *_pte;

	for (_pte = pte; _pte < pte + HPAGE_PMD_NR; _pte++) {
		pte_t pteval = ptep_get(_pte);
		struct folio *folio;
		struct page *page;

		if (pte_none_or_zero(pteval)) {
			++none_or_zero;
			if (!userfaultfd_armed(vma) &&
			    (!cc->is_khugepaged || none_or_zero <= khugepaged_max_ptes_none()))
				continue;
			result = SCAN_EXCEED_NONE_PTE;
			goto out;
		}
		if (!pte_present(pteval)) {
			result = SCAN_PTE_NON_PRESENT;
			goto out;
		}
		if (pte_uffd_wp(pteval)) {
			result = SCAN_PTE_UFFD_WP;
			goto out;
		}
		page = normal_page(pteval);
		if (!page || is_device_private_page(page)) {
			result = SCAN_PAGE_NULL;
			goto out;
		}
		folio = page_folio(page);
		VM_BUG_ON_FOLIO(!folio_test_anon(folio), folio);
		if (cc->is_khugepaged && test_lazyfree(folio) && !pte_dirty(pteval)) {
			result = SCAN_PAGE_LAZYFREE;
			goto out;
		}
		if (folio_maybe_mapped_shared(folio) && ++shared > khugepaged_max_ptes_shared && cc->is_khugepaged) {
			result = SCAN_EXCEED_SHARED_PTE;
			goto out;
		}
		if (!folio_test_large(folio) || !on_compound_pagelist(folio, compound_pagelist)) {
			result = collapse_isolate_folio(folio, compound_pagelist);
			if (result != SCAN_SUCCEED)
				goto out;
		}
		if (cc->is_khugepaged && collapse_referenced(folio, pteval))
			referenced++;
	}
	if (!cc->is_khugepaged || referenced)
		return SCAN_SUCCEED;
	result = SCAN_LACK_REFERENCED_PAGE;
out:
	release_pte_pages(pte, _pte, compound_pagelist);
	return result;
}

/*
 * __collapse_huge_page_copy_succeeded() - v7.1. Fidelity: same. The old pages go: entry, map count, reference; a large one is unlocked and put back
 * when all its pages here have gone, since others may map the rest of it. What was none counts as memory of the mm from now on.
 */
static void __collapse_huge_page_copy_succeeded(pte_t *pte, struct vm_area_struct *vma, unsigned long address,
						spinlock_t *ptl, struct list_head *compound_pagelist)
{
	struct mm_struct *mm = vma->vm_mm;
	struct folio *src, *tmp;
	int nr_ptes;

	for (int i = 0; i < HPAGE_PMD_NR; i += nr_ptes) {
		pte_t pteval = ptep_get(pte + i);
		struct page *src_page;

		nr_ptes = 1;
		if (pte_none_or_zero(pteval)) {
			inc_mm_counter(mm, MM_ANONPAGES);
			if (pte_none(pteval))
				continue;
			spin_lock(ptl);
			set_pte_at(mm, address + i * PAGE_SIZE, pte + i, __pte(0));
			spin_unlock(ptl);
			continue;
		}
		src_page = pte_page(pteval);
		src = page_folio(src_page);
		if (folio_test_large(src))
			nr_ptes = folio_pte_batch(src, pte + i, pteval, HPAGE_PMD_NR - i);
		else
			release_pte_folio(src);
		spin_lock(ptl);
		for (int n = 0; n < nr_ptes; n++)
			set_pte_at(mm, address + (i + n) * PAGE_SIZE, pte + i + n, __pte(0));
		folio_remove_rmap_ptes(src, src_page, nr_ptes, vma);
		spin_unlock(ptl);
		free_swap_cache(src);
		if (folio_ref_sub_and_test(src, nr_ptes))
			__folio_put(src);
	}

	list_for_each_entry_safe(src, tmp, compound_pagelist, lru) {
		list_del(&src->lru);
		node_stat_isolated(src, -1);
		folio_unlock(src);
		free_swap_cache(src);
		folio_putback_lru(src);
	}
}

/* The table goes back where it was. The root's rwsem is not needed: its pages are locked. */
static void collapse_restore_table(struct mm_struct *mm, pmd_t *pmd, pgtable_t pgtable)
{
	spinlock_t *pmd_ptl = pmd_lock(mm, pmd);

	BUG_ON(!pmd_none(pmdp_get(pmd)));
	pmd_populate(mm, pmd, pgtable);
	spin_unlock(pmd_ptl);
}

/*
 * __collapse_huge_page_copy() - v7.1. Fidelity: same. Nobody can write to the old pages, and nobody has the new one. A page that turns out to be
 * poisoned fails it all, and everything is as it was.
 */
static enum scan_result __collapse_huge_page_copy(pte_t *pte, struct folio *folio, pmd_t *pmd, pgtable_t pgtable,
						  struct vm_area_struct *vma, unsigned long address,
						  spinlock_t *ptl, struct list_head *compound_pagelist)
{
	for (int i = 0; i < HPAGE_PMD_NR; i++) {
		struct page *page = folio_page(folio, i);
		pte_t pteval = ptep_get(pte + i);

		if (pte_none_or_zero(pteval)) {
			clear_highpage(page);
			continue;
		}
		if (copy_mc_highpage(page, pte_page(pteval))) {
			/* Before the pages are released: whoever finds one finds its mapping. */
			collapse_restore_table(vma->vm_mm, pmd, pgtable);
			release_pte_pages(pte, pte + HPAGE_PMD_NR, compound_pagelist);
			return SCAN_COPY_MC;
		}
	}
	__collapse_huge_page_copy_succeeded(pte, vma, address, ptl, compound_pagelist);
	return SCAN_SUCCEED;
}

/*
 * thp_vma_allowable_order(), __thp_vma_allowable_orders() - v7.1, mm/huge_memory.c. Fidelity: adapted: as a collapse asks; no settings of the VMA,
 * and its size is the caller's to look at. Without an anon_vma there is nothing to be collapsed but zeroes. mmap_lock is held; a fault may set it.
 */
static bool thp_vma_allowable_order(struct vm_area_struct *vma)
{
	return vma_is_anonymous(vma) ? plain_read_racy(vma->anon_vma) != NULL : file_thp_enabled(vma);
}

/* hugepage_vma_revalidate() - v7.1. Fidelity: same, no settings of the VMA. mmap_lock is held. */
static enum scan_result hugepage_vma_revalidate(struct mm_struct *mm, unsigned long address, bool expect_anon,
						struct vm_area_struct **vmap)
{
	struct vm_area_struct *vma = vma_lookup(mm, address);

	*vmap = vma;
	if (!vma)
		return SCAN_VMA_NULL;
	if (!thp_vma_suitable_order(vma, address, HPAGE_PMD_ORDER))
		return SCAN_ADDRESS_RANGE;
	if (!thp_vma_allowable_order(vma))
		return SCAN_VMA_CHECK;
	if (expect_anon && (!vma_is_anonymous(vma) || !plain_read_racy(vma->anon_vma)))
		return SCAN_PAGE_ANON;
	return SCAN_SUCCEED;
}

/* check_pmd_state() - v7.1. Fidelity: same. */
enum scan_result check_pmd_state(pmd_t *pmd)
{
	pmd_t pmde = pmdp_get_lockless(pmd);

	if (pmd_none(pmde))
		return SCAN_NO_PTE_TABLE;
	/* being moved or split, or of the device */
	if (!pmd_present(pmde))
		return pmd_is_migration_entry(pmde) ? SCAN_PMD_MAPPED : SCAN_NO_PTE_TABLE;
	return pmd_trans_huge(pmde) ? SCAN_PMD_MAPPED : SCAN_SUCCEED;
}

/* find_pmd_or_thp_or_none() - v7.1. Fidelity: same. */
enum scan_result find_pmd_or_thp_or_none(struct mm_struct *mm, unsigned long address, pmd_t **pmd)
{
	*pmd = mm_find_pmd(mm, address);
	return check_pmd_state(*pmd);
}

/*
 * __collapse_huge_page_swapin() - v7.1. Fidelity: adapted: a fault that wants to be tried again has kept mmap_lock here, so every failure drops it;
 * it waits for a folio's lock, where v7.1 drops mmap_lock and fails. An entry that has been waited for, of a migration or of a device, counts as read
 * back: what is there then is looked at with the table out of reach. mmap_lock is held for reading; not after a failure.
 */
static enum scan_result __collapse_huge_page_swapin(struct mm_struct *mm, struct vm_area_struct *vma,
						    unsigned long start_addr, pmd_t *pmd)
{
	bool swapped_in = false;

	for (unsigned long addr = start_addr; addr < start_addr + HPAGE_PMD_SIZE; addr += PAGE_SIZE) {
		struct vm_fault vmf = {
			.vma = vma, .address = addr, .pgoff = linear_page_index(vma, addr), .pmd = pmd,
		};
		pmd_t pmdval;
		vm_fault_t ret;
		pte_t *pte = pte_offset_map_rw_nolock(mm, pmd, addr, &pmdval, &vmf.ptl);

		if (!pte) {
			mmap_read_unlock(mm);
			return SCAN_NO_PTE_TABLE;
		}
		vmf.orig_pte = ptep_get_lockless(pte);
		pte_unmap(pte);
		if (pte_none(vmf.orig_pte) || pte_present(vmf.orig_pte))
			continue;
		ret = do_swap_page(&vmf);
		/* so that a fault begins anew; v7.1 says 0 and lets the instruction do that */
		if (softleaf_is_migration(softleaf_from_pte(vmf.orig_pte)))
			ret &= ~(vm_fault_t)VM_FAULT_RETRY;
		if (ret & (VM_FAULT_RETRY | VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_HWPOISON | VM_FAULT_SIGSEGV)) {
			mmap_read_unlock(mm);
			return ret & VM_FAULT_RETRY ? SCAN_PAGE_LOCK : SCAN_FAIL;
		}
		swapped_in = true;
	}
	/* The batches' references would be in the way. */
	if (swapped_in)
		lru_add_drain();
	return SCAN_SUCCEED;
}

/* collapse_find_target_node() - v7.1. Fidelity: same, for two nodes, ties go to the first. */
static int collapse_find_target_node(const struct collapse_control *cc)
{
	return cc->node_load[1] > cc->node_load[0];
}

/* alloc_charge_folio() - v7.1. Fidelity: same. */
enum scan_result alloc_charge_folio(struct folio **foliop, struct mm_struct *mm, struct collapse_control *cc)
{
	struct folio *folio = folio_alloc_node(GFP_TRANSHUGE, HPAGE_PMD_ORDER, collapse_find_target_node(cc));

	*foliop = NULL;
	if (!folio)
		return SCAN_ALLOC_HUGE_PAGE_FAIL;
	if (mem_cgroup_charge(folio, mm, GFP_TRANSHUGE)) {
		folio_put(folio);
		return SCAN_CGROUP_CHARGE_FAIL;
	}
	*foliop = folio;
	return SCAN_SUCCEED;
}

/* map_anon_folio_pmd_nopf() - v7.1, mm/huge_memory.c. Fidelity: same; RSS has been settled page by page. The PMD's lock is held. */
static void collapse_map_folio(struct folio *folio, pmd_t *pmd, struct vm_area_struct *vma, unsigned long haddr)
{
	pmd_t entry = pmd_mkdirty(folio_mk_pmd(folio, vma->vm_page_prot));

	if (vma->vm_flags & VM_WRITE)
		entry = pmd_mkwrite(entry, vma);
	folio_add_new_anon_rmap(folio, vma, haddr, RMAP_EXCLUSIVE);
	folio_add_lru_vma(folio, vma);
	set_pmd_at(vma->vm_mm, haddr, pmd, entry);
	deferred_split_folio(folio, false);
}

/*
 * pmdp_collapse_flush() - v7.1, mm/pgtable-generic.c. Fidelity: same. After it no CPU walks the table any more but for those that do so with
 * interrupts off, which tlb_remove_table_sync_one() waits for. The PMD's lock is held.
 */
pmd_t pmdp_collapse_flush(struct vm_area_struct *vma, unsigned long address, pmd_t *pmd)
{
	pmd_t old = pmdp_huge_get_and_clear(vma->vm_mm, address, pmd);

	VM_BUG_ON(pmd_trans_huge(old));
	flush_tlb_range(vma, address, address + HPAGE_PMD_SIZE);
	return old;
}

/*
 * collapse_huge_page() - v7.1. Fidelity: same. P25. mmap_lock is held for reading, and not any more afterwards. `unmapped`: so many
 * entries are not present.
 */
static enum scan_result collapse_huge_page(struct mm_struct *mm, unsigned long address, int unmapped,
					   struct collapse_control *cc)
{
	struct mmu_notifier_range range;
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	enum scan_result result;
	spinlock_t *pmd_ptl, *pte_ptl;
	struct folio *folio;
	pgtable_t pgtable;
	pmd_t *pmd, _pmd;
	pte_t *pte;
	LIST_HEAD(compound_pagelist);

	/* The allocation may take long: what was seen so far is looked at again. */
	mmap_read_unlock(mm);
	result = alloc_charge_folio(&folio, mm, cc);
	if (result != SCAN_SUCCEED)
		goto out_nolock;

	mmap_read_lock(mm);
	result = hugepage_vma_revalidate(mm, address, true, &vma);
	if (result == SCAN_SUCCEED)
		result = find_pmd_or_thp_or_none(mm, address, &pmd);
	if (result != SCAN_SUCCEED) {
		mmap_read_unlock(mm);
		goto out_nolock;
	}
	if (unmapped) {
		result = __collapse_huge_page_swapin(mm, vma, address, pmd);
		if (result != SCAN_SUCCEED)
			goto out_nolock;
	}
	mmap_read_unlock(mm);

	/* No fault, no zap, no fork; rmap walks and GUP-fast are still there. */
	mmap_write_lock(mm);
	result = hugepage_vma_revalidate(mm, address, true, &vma);
	if (result != SCAN_SUCCEED)
		goto out_up_write;
	/* faults under the VMA's own lock, which mmap_lock does not keep out */
	vma_start_write(vma);
	result = find_pmd_or_thp_or_none(mm, address, &pmd); /* check_pmd_still_valid() */
	if (result != SCAN_SUCCEED)
		goto out_up_write;

	anon_vma = plain_read(vma->anon_vma);
	if (!bug_enabled(collapse_retract_wrong_locks))
		anon_vma_lock_write(anon_vma);

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, address, address + HPAGE_PMD_SIZE);
	if (!bug_enabled(collapse_skips_mmu_notifier))
		mmu_notifier_invalidate_range_start(&range);
	pmd_ptl = pmd_lock(mm, pmd);
	_pmd = pmdp_collapse_flush(vma, address, pmd);
	spin_unlock(pmd_ptl);
	if (!bug_enabled(collapse_skips_mmu_notifier))
		mmu_notifier_invalidate_range_end(&range);
	if (!bug_enabled(collapse_frees_table_under_gup_fast))
		tlb_remove_table_sync_one();

	/* pte_offset_map_lock() of a PMD that is nowhere but here. */
	rcu_read_lock();
	pgtable = pmd_ptdesc(_pmd);
	pte = pgtable_ptes(pgtable);
	pte_ptl = &pgtable->ptl;
	spin_lock(pte_ptl);
	result = __collapse_huge_page_isolate(vma, pte, cc, &compound_pagelist);
	spin_unlock(pte_ptl);
	if (result != SCAN_SUCCEED) {
		pte_unmap(pte);
		collapse_restore_table(mm, pmd, pgtable);
		if (!bug_enabled(collapse_retract_wrong_locks))
			anon_vma_unlock_write(anon_vma);
		goto out_up_write;
	}
	/* All folios are locked and isolated: no rmap walk can come here. */
	if (!bug_enabled(collapse_retract_wrong_locks))
		anon_vma_unlock_write(anon_vma);

	result = __collapse_huge_page_copy(pte, folio, pmd, pgtable, vma, address, pte_ptl, &compound_pagelist);
	pte_unmap(pte);
	if (result != SCAN_SUCCEED)
		goto out_up_write;

	/* The content before the flag, the flag before the PMD. */
	__folio_mark_uptodate(folio);
	spin_lock(pmd_ptl);
	BUG_ON(!pmd_none(pmdp_get(pmd)));
	pgtable_trans_huge_deposit(mm, pmd, pgtable);
	collapse_map_folio(folio, pmd, vma, address);
	spin_unlock(pmd_ptl);
	folio = NULL;
out_up_write:
	mmap_write_unlock(mm);
out_nolock:
	if (folio)
		folio_put(folio);
	return result;
}

/* What collapse_scan_pmd() thinks of one present entry; all looks are racy, and made again later. The table's lock is held. */
static enum scan_result scan_present_pte(pte_t pteval, struct collapse_control *cc, int *shared, int *referenced)
{
	struct page *page = normal_page(pteval);
	struct folio *folio;

	if (pte_uffd_wp(pteval))
		return SCAN_PTE_UFFD_WP;
	if (!page || is_device_private_page(page))
		return SCAN_PAGE_NULL;
	folio = page_folio(page);
	if (cc->is_khugepaged && test_lazyfree(folio) && !pte_dirty(pteval))
		return SCAN_PAGE_LAZYFREE;
	if (!folio_test_anon(folio))
		return SCAN_PAGE_ANON;
	if (folio_maybe_mapped_shared(folio) && ++*shared > khugepaged_max_ptes_shared && cc->is_khugepaged)
		return SCAN_EXCEED_SHARED_PTE;
	cc->node_load[folio_nid(folio)]++;
	if (!folio_test_lru(folio))
		return SCAN_PAGE_LRU;
	if (folio_test_locked(folio))
		return SCAN_PAGE_LOCK;
	/* Counts that are read one after the other may differ though nobody holds it. */
	if (!only_expected_refs(folio))
		return SCAN_PAGE_COUNT;
	if (cc->is_khugepaged && collapse_referenced(folio, pteval))
		++*referenced;
	return SCAN_SUCCEED;
}

/*
 * collapse_scan_pmd() - v7.1 (before: hpage_collapse_scan_pmd()). Fidelity: same, no distance of nodes. mmap_lock is held for reading;
 * *lock_dropped: not any more.
 */
static enum scan_result collapse_scan_pmd(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start_addr,
					  bool *lock_dropped, struct collapse_control *cc)
{
	int none_or_zero = 0, shared = 0, referenced = 0, unmapped = 0;
	enum scan_result result;
	pmd_t *pmd;
	spinlock_t *ptl;
	pte_t *pte;

	result = find_pmd_or_thp_or_none(mm, start_addr, &pmd);
	if (result != SCAN_SUCCEED)
		return result;
	cc->node_load[0] = cc->node_load[1] = 0;
	pte = pte_offset_map_lock(mm, pmd, start_addr, &ptl);
	if (!pte)
		return SCAN_NO_PTE_TABLE;

	for (int i = 0; i < HPAGE_PMD_NR && result == SCAN_SUCCEED; i++) {
		pte_t pteval = ptep_get(pte + i);

		if (pte_none_or_zero(pteval)) {
			++none_or_zero;
			if (userfaultfd_armed(vma) ||
			    (cc->is_khugepaged && none_or_zero > khugepaged_max_ptes_none()))
				result = SCAN_EXCEED_NONE_PTE;
		} else if (!pte_present(pteval)) {
			++unmapped;
			if (cc->is_khugepaged && unmapped > khugepaged_max_ptes_swap)
				result = SCAN_EXCEED_SWAP_PTE;
			else if (pte_swp_uffd_wp(pteval))
				result = SCAN_PTE_UFFD_WP;
		} else {
			result = scan_present_pte(pteval, cc, &shared, &referenced);
		}
	}
	if (result == SCAN_SUCCEED && cc->is_khugepaged &&
	    (!referenced || (unmapped && referenced < HPAGE_PMD_NR / 2)))
		result = SCAN_LACK_REFERENCED_PAGE;
	pte_unmap_unlock(pte, ptl);
	if (result == SCAN_SUCCEED) {
		result = collapse_huge_page(mm, start_addr, unmapped, cc);
		*lock_dropped = true;
	}
	return result;
}

/* madvise_collapse_errno() - v7.1. Fidelity: same. */
static int madvise_collapse_errno(enum scan_result r)
{
	switch (r) {
	case SCAN_ALLOC_HUGE_PAGE_FAIL:
		return -ENOMEM;
	case SCAN_CGROUP_CHARGE_FAIL:
	case SCAN_EXCEED_NONE_PTE:
		return -EBUSY;
	case SCAN_PAGE_COUNT:
	case SCAN_PAGE_LOCK:
	case SCAN_PAGE_LRU:
	case SCAN_DEL_PAGE_LRU:
	case SCAN_PAGE_FILLED:
	case SCAN_PAGE_DIRTY_OR_WRITEBACK:
		return -EAGAIN;
	default:
		return -EINVAL;
	}
}

/* collapse_single_pmd() - v7.1. Fidelity: same. mmap_lock is held for reading; *lock_dropped: not any more. */
static enum scan_result collapse_single_pmd(unsigned long addr, struct vm_area_struct *vma, bool *lock_dropped,
					    struct collapse_control *cc)
{
	if (!vma_is_anonymous(vma)) {
		*lock_dropped = true;
		return collapse_single_file_pmd(addr, vma, cc);
	}
	return collapse_scan_pmd(vma->vm_mm, vma, addr, lock_dropped, cc);
}

/* madvise_collapse() - v7.1. Fidelity: same. See linux/khugepaged.h. */
int madvise_collapse(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool *lock_dropped)
{
	struct collapse_control cc = { .is_khugepaged = false };
	struct mm_struct *mm = vma->vm_mm;
	enum scan_result last_fail = SCAN_FAIL;
	unsigned long hstart = start, hend = end, addr;
	bool mmap_unlocked = false;
	int thps = 0;

	BUG_ON(vma->vm_start > start);
	BUG_ON(vma->vm_end < end);
	if (!thp_vma_suitable_order(vma, start, HPAGE_PMD_ORDER) || !thp_vma_allowable_order(vma))
		return -EINVAL;
	lru_add_drain_all();

	for (addr = hstart; addr < hend; addr += HPAGE_PMD_SIZE) {
		enum scan_result result;

		if (mmap_unlocked) {
			cond_resched();
			mmap_read_lock(mm);
			mmap_unlocked = false;
			*lock_dropped = true;
			result = hugepage_vma_revalidate(mm, addr, false, &vma);
			if (result != SCAN_SUCCEED) {
				last_fail = result;
				goto out_nolock;
			}
			if (hend > (vma->vm_end & HPAGE_PMD_MASK))
				hend = vma->vm_end & HPAGE_PMD_MASK;
		}
		result = collapse_single_pmd(addr, vma, &mmap_unlocked, &cc);
		if (result == SCAN_SUCCEED || result == SCAN_PMD_MAPPED)
			++thps;
		else
			last_fail = result;
	}
	if (mmap_unlocked) {
		*lock_dropped = true;
		mmap_read_lock(mm);
	}
out_nolock:
	return thps == (int)((hend - hstart) / HPAGE_PMD_SIZE) ? 0 : madvise_collapse_errno(last_fail);
}

/*
 * khugepaged_do_scan(), collapse_scan_mm_slot() - v7.1. Fidelity: adapted: one scan of one mm, which the caller keeps, from its beginning; no
 * list of mms, no sleeping after a failed allocation.
 */
unsigned int khugepaged_scan_mm(struct mm_struct *mm)
{
	struct collapse_control cc = { .is_khugepaged = true };
	unsigned int collapsed = 0;

	lru_add_drain_all();
	for (unsigned long addr = 0; addr < TASK_SIZE; addr += HPAGE_PMD_SIZE) {
		struct vm_area_struct *vma;
		bool lock_dropped = false;

		mmap_read_lock(mm);
		if (hugepage_vma_revalidate(mm, addr, false, &vma) == SCAN_SUCCEED &&
		    collapse_single_pmd(addr, vma, &lock_dropped, &cc) == SCAN_SUCCEED)
			collapsed++;
		if (!lock_dropped)
			mmap_read_unlock(mm);
		cond_resched();
	}
	return collapsed;
}
