// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmap_unmap.c - taking every mapping of a folio away: for reclaim, for poison, for the split of a file's folio. mm/rmap.c's
 * try_to_unmap().
 *
 * Lock order: folio lock, rmap lock, page table lock, then the swap cluster's and mmlist_lock. What an entry stood for is settled under
 * its table's lock before the reference goes: swap count up first, exclusive bit shared with the entry already cleared, RSS moved, the
 * entry stored, map count down, reference last. kernel-facts.md: P13.
 */
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlbflush.h>
#include <linux/userfaultfd_k.h>
#include <foliofuzz/bug.h>

/* One walk of try_to_unmap_one(), and the entries that it has in hand. */
struct unmap_walk {
	struct folio *folio;
	struct vm_area_struct *vma;
	struct page_vma_mapped_walk pvmw;
	enum ttu_flags flags;
	int ptes;            /* of an mlocked VMA, seen so far */
	/* in hand: */
	struct page *subpage;
	int nr_pages;
	bool anon_exclusive;
	pte_t pteval;        /* what was there */
};
/* What comes after one hit of the walk. */
enum unmap_step { UNMAP_NEXT, UNMAP_DISCARD, UNMAP_ABORT, UNMAP_DONE };

/* mm_counter() - v7.1, include/linux/mm.h. Fidelity: same. */
static int unmap_counter(struct folio *folio)
{
	if (folio_test_anon(folio))
		return MM_ANONPAGES;
	return folio_test_swapbacked(folio) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

/* should_defer_flush() - v7.1. Fidelity: adapted: worth it always. */
static bool should_defer_flush(enum ttu_flags flags)
{
	return flags & TTU_BATCH_FLUSH;
}

/*
 * A lazily freed folio is in nobody's use but the mappings': the caller's reference and one for each. The entry is cleared, so that
 * a fast GUP that comes later sees that, and one that came before is seen here; the caller reads the dirty bit after the counts, since
 * whoever had a reference dirtied before it was dropped.
 */
static bool lazyfree_unused(struct folio *folio)
{
	int ref_count, map_count;

	smp_mb();
	ref_count = folio_ref_count(folio);
	map_count = folio_mapcount(folio);
	smp_rmb();
	return ref_count == 1 + map_count;
}

/*
 * unmap_huge_pmd_locked(), __discard_anon_folio_pmd_locked() - v7.1, mm/huge_memory.c. Fidelity: adapted: invalidated, and
 * cleared once it is sure to go: zap_pmd_range() skips a PMD that is none, without the lock. No droppable VMAs. The PMD's lock is held,
 * and the folio's. True: gone. False: wanted again (swapbacked now), or in use; mapped as it was.
 */
static bool unmap_huge_pmd_locked(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp, struct folio *folio)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t orig_pmd = pmdp_get(pmdp);
	bool unused;

	VM_WARN_ON_FOLIO(!folio_test_pmd_mappable(folio), folio);
	VM_WARN_ON_FOLIO(folio_test_swapbacked(folio), folio);
	if (pmd_dirty(orig_pmd))
		folio_set_dirty(folio);
	if (folio_test_dirty(folio)) {
		folio_set_swapbacked(folio);
		return false;
	}

	if (bug_enabled(lazyfree_pmd_cleared)) {
		orig_pmd = pmdp_huge_get_and_clear(mm, addr, pmdp);
		flush_tlb_range(vma, addr, addr + HPAGE_PMD_SIZE);
	} else {
		orig_pmd = pmdp_invalidate(vma, addr, pmdp);
	}
	unused = lazyfree_unused(folio);
	if (pmd_dirty(orig_pmd))
		folio_set_dirty(folio);
	if (folio_test_dirty(folio)) {
		folio_set_swapbacked(folio);
		set_pmd_at(mm, addr, pmdp, orig_pmd);
		return false;
	}
	if (!unused) {
		set_pmd_at(mm, addr, pmdp, orig_pmd);
		return false;
	}

	if (!bug_enabled(lazyfree_pmd_cleared))
		pmd_clear(pmdp);
	folio_remove_rmap_pmd(folio, pmd_page(orig_pmd), vma);
	pte_free(mm, pgtable_trans_huge_withdraw(mm, pmdp));
	mm_dec_nr_ptes(mm);
	add_mm_counter(mm, MM_ANONPAGES, -HPAGE_PMD_NR);
	if (plain_read_racy(vma->vm_flags) & VM_LOCKED)
		mlock_drain_local();
	folio_put(folio);
	return true;
}

/*
 * folio_unmap_pte_batch() - v7.1. Fidelity: same: lazily freed and file folios only. Not across the table or the VMA; entries that
 * differ in what is given back when it fails (writable, soft-dirty) are no batch.
 */
static int folio_unmap_pte_batch(struct unmap_walk *w)
{
	const unsigned long ignored = _PAGE_ACCESSED | _PAGE_DIRTY;
	unsigned long end_addr = pmd_addr_end(w->pvmw.address, w->vma->vm_end);
	int max_nr = (int)((end_addr - w->pvmw.address) >> PAGE_SHIFT), left, nr = 1;

	if (bug_enabled(rmap_batch_oob))
		max_nr = (int)folio_nr_pages(w->folio);
	if (w->flags & TTU_HWPOISON || !folio_test_large(w->folio))
		return 1;
	if (folio_test_anon(w->folio) && folio_test_swapbacked(w->folio))
		return 1;
	if (userfaultfd_wp_racy(w->vma))
		return 1;
	left = (int)(folio_page(w->folio, folio_nr_pages(w->folio)) - w->subpage);
	for (; nr < left && nr < max_nr; nr++) {
		unsigned long next = pte_val(ptep_get(w->pvmw.pte + nr)) & ~ignored;

		if (next != (pte_val(w->pteval) & ~ignored) + ((unsigned long)nr << PFN_SHIFT))
			break;
	}
	return nr;
}

/* set_ptes() - v7.1: as it was. The table's lock is held. */
static void restore_ptes(struct unmap_walk *w)
{
	for (int i = 0; i < w->nr_pages; i++)
		set_pte_at(w->vma->vm_mm, w->pvmw.address + (unsigned long)i * PAGE_SIZE, w->pvmw.pte + i,
			   __pte(pte_val(w->pteval) + ((unsigned long)i << PFN_SHIFT)));
}

/*
 * get_and_clear_ptes() and what follows - v7.1. Fidelity: same. The entries go first, all of them; what hardware has noted in any of them
 * counts for the batch. Others may write through a translation that they still have until the flush, which may be put off.
 */
static void clear_ptes(struct unmap_walk *w)
{
	struct mm_struct *mm = w->vma->vm_mm;
	unsigned long address = w->pvmw.address, end_addr;

	if (!pte_present(w->pteval)) {
		set_pte_at(mm, address, w->pvmw.pte, __pte(0));
		return;
	}
	w->nr_pages = folio_unmap_pte_batch(w);
	end_addr = address + (unsigned long)w->nr_pages * PAGE_SIZE;
	w->pteval = ptep_get_and_clear(mm, address, w->pvmw.pte);
	for (int i = 1; i < w->nr_pages; i++) {
		pte_t next = ptep_get_and_clear(mm, address + (unsigned long)i * PAGE_SIZE, w->pvmw.pte + i);

		w->pteval = __pte(pte_val(w->pteval) | (pte_val(next) & (_PAGE_ACCESSED | _PAGE_DIRTY)));
	}
	if (should_defer_flush(w->flags))
		set_tlb_ubc_flush_pending(mm, w->pteval, address, end_addr);
	else
		flush_tlb_range(w->vma, address, end_addr);
	if (pte_dirty(w->pteval))
		folio_mark_dirty(w->folio);
}

/*
 * pte_install_uffd_wp_if_needed() - v7.1, include/linux/mm_inline.h. Fidelity: same: a file's page comes back by its index, and would come
 * back without the protection. Anonymous memory keeps it in the swap entry. The table's lock is held, the entry is none.
 */
static void install_uffd_wp_marker(struct unmap_walk *w)
{
	bool wp = pte_present(w->pteval) ? pte_uffd_wp(w->pteval) : pte_swp_uffd_wp(w->pteval);

	if (vma_is_anonymous(w->vma) || !userfaultfd_wp_racy(w->vma) || !wp)
		return;
	for (int i = 0; i < w->nr_pages; i++)
		set_pte_at(w->vma->vm_mm, w->pvmw.address + (unsigned long)i * PAGE_SIZE, w->pvmw.pte + i,
			   swp_entry_to_pte(make_pte_marker(PTE_MARKER_UFFD_WP)));
}

/* A page that its owner no longer wants - try_to_unmap_one(), v7.1. Fidelity: same, no droppable VMAs. */
static enum unmap_step unmap_lazyfree(struct unmap_walk *w)
{
	bool unused = lazyfree_unused(w->folio);

	if (folio_test_dirty(w->folio)) {
		/* wanted again: written to by its mapping, or by somebody who held it */
		restore_ptes(w);
		folio_set_swapbacked(w->folio);
		return UNMAP_ABORT;
	}
	if (!unused && !bug_enabled(madv_free_vs_dio_pin)) {
		restore_ptes(w);
		return UNMAP_ABORT;
	}
	add_mm_counter(w->vma->vm_mm, MM_ANONPAGES, -w->nr_pages);
	return UNMAP_DISCARD;
}

/*
 * swapoff finds the mm by the list, which it is on before its first swap entry is in a table. Looked at without the lock: nobody but
 * swapoff takes an mm off, when no entry is left.
 */
static void mmlist_add(struct mm_struct *mm)
{
	if (!list_empty(&mm->mmlist))
		return;
	spin_lock(&machine->mmlist_lock);
	if (list_empty(&mm->mmlist))
		list_add(&mm->mmlist, &machine->mmlist);
	spin_unlock(&machine->mmlist_lock);
}

/* One page of a folio in the swap cache becomes an entry for its slot - try_to_unmap_one(), v7.1. Fidelity: same. */
static enum unmap_step unmap_to_swap(struct unmap_walk *w)
{
	struct mm_struct *mm = w->vma->vm_mm;
	bool present = pte_present(w->pteval);
	pte_t swp_pte;

	if (folio_dup_swap(w->folio, w->subpage) < 0) {
		restore_ptes(w);
		return UNMAP_ABORT;
	}
	/* only with the entry cleared can a pin be ruled out */
	if (w->anon_exclusive && folio_try_share_anon_rmap_pte(w->folio, w->subpage)) {
		folio_put_swap(w->folio, w->subpage);
		restore_ptes(w);
		return UNMAP_ABORT;
	}
	mmlist_add(mm);
	dec_mm_counter(mm, MM_ANONPAGES);
	inc_mm_counter(mm, MM_SWAPENTS);
	swp_pte = swp_entry_to_pte(folio_page_swap(w->folio, w->subpage));
	if (w->anon_exclusive)
		swp_pte = pte_swp_mkexclusive(swp_pte);
	if (present ? pte_soft_dirty(w->pteval) : pte_swp_soft_dirty(w->pteval))
		swp_pte = pte_swp_mksoft_dirty(swp_pte);
	if (present ? pte_uffd_wp(w->pteval) : pte_swp_uffd_wp(w->pteval))
		swp_pte = pte_swp_mkuffd_wp(swp_pte);
	set_pte_at(mm, w->pvmw.address, w->pvmw.pte, swp_pte);
	return UNMAP_DISCARD;
}

/*
 * The entries in hand are cleared: what takes their place - try_to_unmap_one(), v7.1. Fidelity: same. After the warning nothing does: the
 * entries stay cleared, with map count and reference as they were.
 */
static enum unmap_step unmap_replace(struct unmap_walk *w)
{
	struct mm_struct *mm = w->vma->vm_mm;
	int counter;

	if ((w->flags & TTU_HWPOISON) && PageHWPoison(w->subpage)) {
		counter = unmap_counter(w->folio);
		dec_mm_counter(mm, counter);
		set_pte_at(mm, w->pvmw.address, w->pvmw.pte, swp_entry_to_pte(make_hwpoison_entry(w->subpage)));
		return UNMAP_DISCARD;
	}
	if (!folio_test_anon(w->folio)) {
		counter = unmap_counter(w->folio);
		add_mm_counter(mm, counter, -w->nr_pages);
		return UNMAP_DISCARD;
	}
	if (WARN_ON_ONCE(folio_test_swapbacked(w->folio) != folio_test_swapcache(w->folio)))
		return UNMAP_ABORT;
	if (!folio_test_swapbacked(w->folio))
		return unmap_lazyfree(w);
	return unmap_to_swap(w);
}

/*
 * A VMA that is locked in memory - try_to_unmap_one(), v7.1. Fidelity: same. The walk goes on, to see whether the VMA maps the folio as a
 * whole, with its table locked all the time; then the mlock that was missed is made up for.
 */
static enum unmap_step unmap_mlocked(struct unmap_walk *w)
{
	w->ptes++;
	if (w->pvmw.pte && w->ptes != (int)w->pvmw.nr_pages)
		return UNMAP_NEXT;
	if (!(w->pvmw.flags & PVMW_PGTABLE_CROSSED))
		mlock_vma_folio(w->folio, w->vma);
	return UNMAP_DONE;
}

/* A PMD maps the folio - try_to_unmap_one(), v7.1. Fidelity: same. */
static enum unmap_step unmap_pmd(struct unmap_walk *w)
{
	if (folio_test_lazyfree(w->folio)) {
		if (unmap_huge_pmd_locked(w->vma, w->pvmw.address, w->pvmw.pmd, w->folio))
			return UNMAP_DONE;
		return UNMAP_ABORT;
	}
	VM_BUG_ON_FOLIO(!(w->flags & TTU_SPLIT_HUGE_PMD), w->folio);
	split_huge_pmd_locked(w->vma, w->pvmw.address, w->pvmw.pmd, false);
	w->flags &= ~TTU_SPLIT_HUGE_PMD;
	page_vma_mapped_walk_restart(&w->pvmw);
	return UNMAP_NEXT;
}

/* One entry, or one batch of them - try_to_unmap_one(), v7.1. Fidelity: same, no hugetlb. The table's lock is held. */
static enum unmap_step unmap_ptes(struct unmap_walk *w)
{
	enum unmap_step step;
	unsigned long pfn;

	/* an entry may map a page without being present: a device has it for itself */
	w->pteval = ptep_get(w->pvmw.pte);
	pfn = pte_present(w->pteval) ? pte_pfn(w->pteval) : softleaf_to_pfn(softleaf_from_pte(w->pteval));
	w->subpage = folio_page(w->folio, pfn - folio_pfn(w->folio));
	w->anon_exclusive = folio_test_anon(w->folio) && PageAnonExclusive(w->subpage);
	w->nr_pages = 1;
	clear_ptes(w);
	install_uffd_wp_marker(w);

	step = unmap_replace(w);
	if (step != UNMAP_DISCARD)
		return step;
	folio_remove_rmap_ptes(w->folio, w->subpage, w->nr_pages, w->vma);
	if (plain_read_racy(w->vma->vm_flags) & VM_LOCKED)
		mlock_drain_local();
	folio_put_refs(w->folio, w->nr_pages);
	/* a batch of all its pages: there is no more of it here */
	return w->nr_pages == (int)folio_nr_pages(w->folio) ? UNMAP_DONE : UNMAP_NEXT;
}

/*
 * try_to_unmap_one() - v7.1. Fidelity: same, no hugetlb, no unused entries of guests. The caller holds the folio lock, a reference, and
 * the rmap lock. False: some mapping stays.
 */
static bool try_to_unmap_one(struct folio *folio, struct vm_area_struct *vma, unsigned long address, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	struct unmap_walk w = { .folio = folio, .vma = vma, .pvmw = pvmw, .flags = (enum ttu_flags)(long)arg };
	struct mmu_notifier_range range;
	enum unmap_step step = UNMAP_NEXT;
	bool ret = true;

	/* A zap clears its entries first and lowers the map count later: who relies on the count waits for that. */
	if ((w.flags & TTU_SYNC) && !bug_enabled(split_unmap_no_sync))
		w.pvmw.flags = PVMW_SYNC;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, address, vma_address_end(&w.pvmw));
	mmu_notifier_invalidate_range_start(&range);
	while (page_vma_mapped_walk(&w.pvmw)) {
		if (!(w.flags & TTU_IGNORE_MLOCK) && (plain_read_racy(vma->vm_flags) & VM_LOCKED)) {
			ret = false;
			step = unmap_mlocked(&w);
		} else if (!w.pvmw.pte) {
			step = unmap_pmd(&w);
		} else {
			step = unmap_ptes(&w);
		}
		if (step == UNMAP_NEXT)
			continue;
		if (step != UNMAP_DONE)
			ret = false;
		page_vma_mapped_walk_done(&w.pvmw);
		break;
	}
	mmu_notifier_invalidate_range_end(&range);
	return ret;
}

static int folio_not_mapped(struct folio *folio)
{
	return !folio_mapped(folio);
}

/*
 * try_to_unmap() - v7.1, mm/rmap.c. Fidelity: same. Caller holds the folio lock and a reference, and with TTU_RMAP_LOCKED the rmap lock.
 * Look at folio_mapped() afterwards.
 */
void try_to_unmap(struct folio *folio, enum ttu_flags flags)
{
	struct rmap_walk_control rwc = {
		.arg = (void *)(long)flags,
		.rmap_one = try_to_unmap_one,
		.done = folio_not_mapped,
		.anon_lock = folio_lock_anon_vma_read,
	};

	if (flags & TTU_RMAP_LOCKED)
		rmap_walk_locked(folio, &rwc);
	else
		rmap_walk(folio, &rwc);
	rmap_unmapped_note(folio, flags, &rwc);
}
