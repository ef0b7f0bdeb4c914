// SPDX-License-Identifier: GPL-2.0-only
/*
 * madvise.c - advice about ranges of memory: gone (MADV_DONTNEED), may go (MADV_FREE), seldom used (MADV_COLD), out (MADV_PAGEOUT).
 *
 * Walks run under mmap_lock for reading. A large folio that the range covers in part is split, which needs its lock and sleeps: the
 * page table's lock is dropped for it, with a reference to the folio instead, and the walk goes on with what it then finds.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/madvise.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/pgtable.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlb.h>
#include <linux/tlbflush.h>
#include <foliofuzz/bug.h>

struct madvise_walk_private {
	struct mmu_gather *tlb;
	bool pageout;
};

/* madvise_folio_pte_batch() - v7.1. Fidelity: same. *ptentp gathers young and dirty of all entries. The table's lock is held. */
static int madvise_folio_pte_batch(unsigned long addr, unsigned long end, struct folio *folio, pte_t *ptep, pte_t *ptentp)
{
	return folio_pte_batch_flags(folio, NULL, ptep, ptentp, (int)((end - addr) >> PAGE_SHIFT), FPB_MERGE_YOUNG_DIRTY);
}

/* clear_young_dirty_ptes() - v7.1, include/linux/pgtable.h. Fidelity: same. The table's lock is held; the hardware sets bits meanwhile. */
static void clear_young_dirty_ptes(struct vm_area_struct *vma, unsigned long addr, pte_t *pte, int nr, bool dirty)
{
	for (int i = 0; i < nr; i++, pte++, addr += PAGE_SIZE) {
		pte_t ptent;

		if (!dirty) {
			(void)ptep_test_and_clear_young(vma, addr, pte);
			continue;
		}
		ptent = ptep_get_and_clear(vma->vm_mm, addr, pte);
		set_pte_at(vma->vm_mm, addr, pte, pte_mkclean(pte_mkold(ptent)));
	}
}

/*
 * The large folio at *ptep is only partly in the range: it is split, if it can be locked at once. The table's lock is held, and held
 * again afterwards, on another table maybe: *ptep is NULL if there is none any more. Returns how many entries to go on: 0 after a
 * split, so that the page is looked at as a folio of its own.
 */
static int madvise_split_folio(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr, struct folio *folio, pte_t **ptep,
			       spinlock_t **ptlp, int nr)
{
	int err;

	if (folio_maybe_mapped_shared(folio))
		return nr;
	if (!folio_trylock(folio))
		return nr;
	folio_get(folio);
	pte_unmap_unlock(*ptep, *ptlp);
	err = split_folio(folio);
	folio_unlock(folio);
	folio_put(folio);
	*ptep = pte_offset_map_lock(vma->vm_mm, pmd, addr, ptlp);
	if (*ptep && !bug_enabled(tlb_batched_pending_no_recheck))
		flush_tlb_batched_pending(vma->vm_mm);
	return err ? nr : 0;
}

/* ------------------------------------------------------------------ MADV_FREE ---- */

/*
 * madvise_free_huge_pmd() - v7.1, mm/huge_memory.c. Fidelity: same. True: done; false: to be looked at as a table. v7.1 takes a PMD that
 * is not present for a migration entry and asserts it, and device memory is met there as well (D16); here that is just left alone.
 */
static bool madvise_free_huge_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr,
				  unsigned long next)
{
	spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);
	struct folio *folio;
	bool ret = false;
	pmd_t orig_pmd;

	if (!ptl)
		return false;
	orig_pmd = pmdp_get(pmd);
	if (is_huge_zero_pmd(orig_pmd))
		goto out;
	if (!pmd_present(orig_pmd)) {
		VM_BUG_ON(!pmd_is_migration_entry(orig_pmd) && !pmd_is_device_private_entry(orig_pmd));
		goto out;
	}
	folio = page_folio(pmd_page(orig_pmd));
	/* All who map it would have to let it go. */
	if (folio_maybe_mapped_shared(folio))
		goto out;
	if (!folio_trylock(folio))
		goto out;
	if (next - addr != HPAGE_PMD_SIZE) {
		folio_get(folio);
		spin_unlock(ptl);
		split_folio(folio);
		folio_unlock(folio);
		folio_put(folio);
		return false;
	}
	if (folio_test_dirty(folio))
		folio_clear_dirty(folio);
	folio_unlock(folio);

	/* A store that the hardware makes in between is one that the advice may lose. */
	if (pmd_young(orig_pmd) || pmd_dirty(orig_pmd)) {
		(void)pmdp_invalidate(vma, addr, pmd);
		set_pmd_at(vma->vm_mm, addr, pmd, pmd_mkclean(pmd_mkold(orig_pmd)));
		tlb_remove_pmd_tlb_entry(tlb, pmd, addr);
	}
	folio_mark_lazyfree(folio);
	ret = true;
out:
	spin_unlock(ptl);
	return ret;
}

/* An entry that is not present: swap goes at once, and poison; the rest stays. The table's lock is held. */
static void madvise_free_nonpresent(struct mm_struct *mm, unsigned long addr, pte_t *pte, pte_t ptent)
{
	softleaf_t entry = softleaf_from_pte(ptent);

	if (softleaf_is_swap(entry)) {
		swap_put_entries_direct(entry, 1);
		(void)ptep_get_and_clear(mm, addr, pte);
		dec_mm_counter(mm, MM_SWAPENTS);
	} else if (softleaf_is_hwpoison(entry) ||
		   (softleaf_is_marker(entry) && (softleaf_to_marker(entry) & PTE_MARKER_POISONED))) {
		(void)ptep_get_and_clear(mm, addr, pte);
	}
}

/* What is dirty, or in the swap cache, is made clean first: false if that cannot be. `folio` is mapped whole, the table is locked. */
static bool madvise_free_clean_folio(struct folio *folio)
{
	bool swapcache = folio_test_swapcache(folio);

	if (!swapcache && !folio_test_dirty(folio))
		return true;
	if (!folio_trylock(folio))
		return false;
	if (folio_mapcount(folio) != folio_nr_pages(folio))
		goto keep;
	if (folio_test_swapcache(folio) && !folio_free_swap(folio))
		goto keep;
	folio_clear_dirty(folio);
	folio_unlock(folio);
	return true;
keep:
	folio_unlock(folio);
	return false;
}

/* madvise_free_pte_range() - v7.1. Fidelity: same; swap entries one at a time, not as a batch. mmap_lock is held. */
static int madvise_free_pte_range(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct mmu_gather *tlb = walk->private;
	struct vm_area_struct *vma = walk->vma;
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *ptl;
	pte_t *pte;
	int nr;

	if (pmd_trans_huge(pmdp_get(pmd)) && madvise_free_huge_pmd(tlb, vma, pmd, addr, end))
		return 0;
	pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!pte)
		return 0;
	flush_tlb_batched_pending(mm);
	for (; addr != end; pte += nr, addr += PAGE_SIZE * (unsigned long)nr) {
		pte_t ptent = ptep_get(pte);
		struct folio *folio;

		nr = 1;
		if (pte_none(ptent) || (pte_present(ptent) && pte_special(ptent)))
			continue;
		if (!pte_present(ptent)) {
			madvise_free_nonpresent(mm, addr, pte, ptent);
			continue;
		}
		folio = page_folio(pte_page(ptent));
		if (folio_is_zone_device(folio))
			continue;
		if (folio_test_large(folio)) {
			nr = madvise_folio_pte_batch(addr, end, folio, pte, &ptent);
			if (nr < folio_nr_pages(folio)) {
				nr = madvise_split_folio(vma, pmd, addr, folio, &pte, &ptl, nr);
				if (!pte)
					return 0;
				continue;
			}
		}
		if (!madvise_free_clean_folio(folio))
			continue;
		if (pte_young(ptent) || pte_dirty(ptent)) {
			clear_young_dirty_ptes(vma, addr, pte, nr, true);
			tlb_remove_tlb_entries(tlb, pte, nr, addr);
		}
		folio_mark_lazyfree(folio);
	}
	/* one behind the last: the table is the same */
	pte_unmap_unlock(pte - 1, ptl);
	cond_resched();
	return 0;
}

/* madvise_free_single_vma() - v7.1. Fidelity: same. mmap_lock is held. */
static int madvise_free_single_vma(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	static const struct mm_walk_ops free_walk_ops = { .pmd_entry = madvise_free_pte_range };
	struct mmu_notifier_range range;

	if (!vma_is_anonymous(vma))
		return -EINVAL;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, start, end);
	lru_add_drain();
	mmu_notifier_invalidate_range_start(&range);
	walk_page_range_vma(vma, start, end, &free_walk_ops, tlb);
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}

/* ------------------------------------------------------------------ MADV_COLD, MADV_PAGEOUT ---- */

/* The folio is marked as not used lately; for MADV_PAGEOUT isolated, onto `list`. A page table that maps it is locked. */
static void cold_or_isolate(struct folio *folio, bool pageout, struct list_head *list)
{
	folio_clear_referenced(folio);
	(void)folio_test_clear_young(folio);
	if (folio_test_active(folio))
		folio_set_workingset(folio);
	if (!pageout) {
		folio_deactivate(folio);
	} else if (folio_isolate_lru(folio)) {
		if (folio_test_unevictable(folio))
			folio_putback_lru(folio);
		else
			list_add(&folio->lru, list);
	}
}

/*
 * The huge half of madvise_cold_or_pageout_pte_range() - v7.1. Fidelity: same. True: done; false: the PMD is a table, or its folio has
 * been split. v7.1 writes back the PMD as it was read first, and so loses the dirty bit that the hardware may have set until the PMD
 * was invalid. v7.1 takes each PMD that is not present for a migration's, and would stop at a device's; here that is left alone, too.
 */
static bool madvise_cold_huge_pmd(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk,
				  struct list_head *list)
{
	struct madvise_walk_private *private = walk->private;
	struct vm_area_struct *vma = walk->vma;
	spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);
	struct folio *folio;
	pmd_t orig_pmd, old_pmd;
	int err;

	if (!ptl)
		return true;
	orig_pmd = pmdp_get(pmd);
	if (is_huge_zero_pmd(orig_pmd))
		goto unlock;
	if (!pmd_present(orig_pmd)) {
		VM_BUG_ON(!pmd_is_migration_entry(orig_pmd) && !pmd_is_device_private_entry(orig_pmd));
		goto unlock;
	}
	folio = page_folio(pmd_page(orig_pmd));
	if (folio_maybe_mapped_shared(folio))
		goto unlock;
	if (end - addr != HPAGE_PMD_SIZE) {
		folio_get(folio);
		spin_unlock(ptl);
		folio_lock(folio);
		err = split_folio(folio);
		folio_unlock(folio);
		folio_put(folio);
		return err != 0;
	}
	if (!private->pageout && pmd_young(orig_pmd)) {
		old_pmd = pmdp_invalidate(vma, addr, pmd);
		if (!bug_enabled(madvise_cold_loses_pmd_dirty))
			orig_pmd = old_pmd;
		set_pmd_at(vma->vm_mm, addr, pmd, pmd_mkold(orig_pmd));
		tlb_remove_pmd_tlb_entry(private->tlb, pmd, addr);
	}
	cold_or_isolate(folio, private->pageout, list);
unlock:
	spin_unlock(ptl);
	return true;
}

/* madvise_cold_or_pageout_pte_range() - v7.1. Fidelity: same, no batches of entries between looks at the scheduler. mmap_lock is held. */
static int madvise_cold_or_pageout_pte_range(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct madvise_walk_private *private = walk->private;
	struct vm_area_struct *vma = walk->vma;
	struct mm_struct *mm = vma->vm_mm;
	LIST_HEAD(folio_list);
	spinlock_t *ptl;
	pte_t *pte;
	int nr;

	if (pmd_trans_huge(pmdp_get(pmd)) && madvise_cold_huge_pmd(pmd, addr, end, walk, &folio_list))
		goto reclaim;
	pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!pte)
		return 0;
	flush_tlb_batched_pending(mm);
	for (; addr != end; pte += nr, addr += PAGE_SIZE * (unsigned long)nr) {
		pte_t ptent = ptep_get(pte);
		struct folio *folio;

		nr = 1;
		if (!pte_present(ptent) || pte_special(ptent))
			continue;
		folio = page_folio(pte_page(ptent));
		if (folio_is_zone_device(folio))
			continue;
		if (folio_test_large(folio)) {
			nr = madvise_folio_pte_batch(addr, end, folio, pte, &ptent);
			if (nr < folio_nr_pages(folio)) {
				nr = madvise_split_folio(vma, pmd, addr, folio, &pte, &ptl, nr);
				if (!pte)
					goto reclaim;
				continue;
			}
		}
		/* Mapped whole here, so that as many mappings as pages are these. */
		if (!folio_test_lru(folio))
			continue;
		if (folio_mapcount(folio) != folio_nr_pages(folio))
			continue;
		if (!private->pageout && pte_young(ptent)) {
			clear_young_dirty_ptes(vma, addr, pte, nr, false);
			tlb_remove_tlb_entries(private->tlb, pte, nr, addr);
		}
		cold_or_isolate(folio, private->pageout, &folio_list);
	}
	pte_unmap_unlock(pte - 1, ptl);
reclaim:
	if (private->pageout)
		reclaim_pages(&folio_list);
	cond_resched();
	return 0;
}

/* madvise_cold(), madvise_pageout() - v7.1. Fidelity: same, no permissions of files. mmap_lock is held. */
static int madvise_cold_or_pageout(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool pageout)
{
	static const struct mm_walk_ops cold_walk_ops = { .pmd_entry = madvise_cold_or_pageout_pte_range };
	struct madvise_walk_private private = { .pageout = pageout };
	struct mmu_gather tlb;

	if (vma->vm_flags & VM_LOCKED)
		return -EINVAL;
	lru_add_drain();
	tlb_gather_mmu(&tlb, vma->vm_mm);
	private.tlb = &tlb;
	walk_page_range_vma(vma, start, end, &cold_walk_ops, &private);
	tlb_finish_mmu(&tlb);
	return 0;
}

/* ------------------------------------------------------------------ madvise(2) ---- */

/* madvise_vma_behavior(), madvise_dontneed_free() - v7.1. Fidelity: same, no userfaultfd events of the range going. mmap_lock is held. */
static int madvise_vma_behavior(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start, unsigned long end,
				enum madvise_behaviors behavior)
{
	if (behavior == MADV_COLD || behavior == MADV_PAGEOUT)
		return madvise_cold_or_pageout(vma, start, end, behavior == MADV_PAGEOUT);
	if (vma->vm_flags & VM_LOCKED)
		return -EINVAL;
	if (behavior == MADV_FREE)
		return madvise_free_single_vma(tlb, vma, start, end);
	zap_vma_range_batched(tlb, vma, start, end - start);
	return 0;
}

/*
 * madvise_batch_tlb_flush() - v7.1. Fidelity: same. The others gather for each VMA, if at all: one gather around theirs would make each of
 * them flush everything.
 */
static bool madvise_batch_tlb_flush(enum madvise_behaviors behavior)
{
	return behavior == MADV_DONTNEED || behavior == MADV_FREE;
}

/*
 * do_madvise(), madvise_walk_vmas() - v7.1. Fidelity: adapted: mmap_lock, no per-VMA lock, and no reclaim of empty tables. Caller holds
 * mmap_lock for reading. What all VMAs of the range let go of is freed last.
 */
int do_madvise(struct mm_struct *mm, unsigned long start, unsigned long len, enum madvise_behaviors behavior)
{
	unsigned long end = start + len;
	struct mmu_gather tlb;
	int unmapped = 0, err = 0;

	lockdep_assert_held(&mm->mmap_lock);
	if (madvise_batch_tlb_flush(behavior))
		tlb_gather_mmu(&tlb, mm);
	for (unsigned int i = 0; i < mm->map_count && !err; i++) {
		struct vm_area_struct *vma = mm->vmas[i];
		unsigned long from = vma->vm_start > start ? vma->vm_start : start;
		unsigned long to = vma->vm_end < end ? vma->vm_end : end;

		if (from >= to)
			continue;
		if (start < from)
			unmapped = -ENOMEM;
		err = madvise_vma_behavior(&tlb, vma, from, to, behavior);
		start = to;
	}
	if (start < end)
		unmapped = -ENOMEM;
	if (madvise_batch_tlb_flush(behavior))
		tlb_finish_mmu(&tlb);
	return err ?: unmapped;
}
