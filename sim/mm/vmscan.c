// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmscan.c - reclaim: takes folios off the LRU, unmaps them, writes them out and frees them.
 *
 * Lock order: the folio lock is only tried for; under it the rmap locks, the page tables', the cluster's or the page cache's. lru_lock is
 * held with interrupts off, without a folio lock. An isolated folio is off the LRU, and has one reference of the isolation. A folio
 * is freed with its count frozen from exactly the isolation's and the cache's references, so that nobody can get it back. kernel-facts.md:
 * P23, P24.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/memory-failure.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/tlbflush.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

/* lru_to_folio() - v7.1: the oldest. */
#define lru_to_folio(head) list_last_entry(head, struct folio, lru)

/* folio_is_file_lru() - v7.1, include/linux/mm_inline.h. Fidelity: same. */
static bool folio_is_file_lru(struct folio *folio)
{
	return !folio_test_swapbacked(folio);
}

static bool folio_cached(struct folio *folio)
{
	return folio_test_swapcache(folio) || folio_mapping(folio);
}

/* ------------------------------------------------------------------ one folio ---- */

/*
 * __remove_mapping() - v7.1. Fidelity: same; no shadows, no inode lists. The folio is locked and isolated. True: out of its cache and
 * frozen. First the references, then the dirty bit: who had a reference dirties before dropping it.
 */
static bool __remove_mapping(struct address_space *mapping, struct folio *folio)
{
	int refcount = 1 + (int)folio_nr_pages(folio);
	struct swap_cluster_info *ci = NULL;

	if (folio_test_swapcache(folio))
		ci = swap_cluster_get_and_lock_irq(folio);
	else
		xa_lock_irq(&mapping->i_pages);

	if (!folio_ref_freeze(folio, refcount))
		goto cannot_free;
	if (folio_test_dirty(folio)) {
		folio_ref_unfreeze(folio, refcount);
		goto cannot_free;
	}
	if (ci) {
		swp_entry_t swap = folio_swap_entry(folio);

		mem_cgroup_swapout(folio, swap);
		__swap_cache_del_folio(ci, folio, swap, NULL);
		swap_cluster_unlock_irq(ci);
	} else {
		__filemap_remove_folio(folio, NULL);
		xa_unlock_irq(&mapping->i_pages);
	}
	return true;
cannot_free:
	if (ci)
		swap_cluster_unlock_irq(ci);
	else
		xa_unlock_irq(&mapping->i_pages);
	return false;
}

/* What pageout() did. Locked still, but for PAGE_SUCCESS. */
enum pageout { PAGE_KEEP, PAGE_ACTIVATE, PAGE_SUCCESS, PAGE_CLEAN };

/* pageout(), writeout() - v7.1. Fidelity: same, PG_reclaim is not kept. Locked, isolated, not mapped. */
static enum pageout pageout(struct folio *folio, struct address_space *mapping, struct list_head *folio_list)
{
	bool anon = folio_test_anon(folio);
	int res;

	if (folio_ref_count(folio) != 1 + (int)folio_nr_pages(folio))
		return PAGE_KEEP;
	if (!folio_cached(folio))
		return PAGE_KEEP;
	if (mapping && !anon && !shmem_mapping(mapping))
		return PAGE_ACTIVATE;
	/* folio_clear_dirty_for_io(): the mappings are gone, and neither cache counts its dirty folios */
	if (!folio_test_clear_dirty(folio))
		return PAGE_CLEAN;
	if (mapping && !anon)
		res = shmem_writeout(folio, folio_list);
	else
		res = swap_writeout(folio);
	return res == AOP_WRITEPAGE_ACTIVATE ? PAGE_ACTIVATE : PAGE_SUCCESS;
}

/* What becomes of a folio: where it goes in shrink_folio_list(). */
enum fate {
	FATE_GO_ON,
	FATE_GONE,            /* dealt with, nothing is held */
	FATE_FREE,            /* frozen and unlocked: to be freed */
	FATE_ACTIVATE_LOCKED, /* in use, or nothing to be done */
	FATE_KEEP_LOCKED,
	FATE_KEEP,            /* unlocked already */
};

/*
 * Anonymous memory gets slots: shrink_folio_list(), v7.1. Fidelity: same. A large folio goes as a whole if it can; one that is partially
 * mapped is split first, since parts of it need no I/O; parts of a split come back by folio_list.
 */
static enum fate shrink_alloc_swap(struct folio *folio, struct list_head *folio_list)
{
	if (folio_maybe_dma_pinned(folio))
		return FATE_KEEP_LOCKED;
	if (folio_test_large(folio)) {
		int expected = folio_expected_ref_count(folio);

		/* somebody else uses it: it could not be split */
		if (expected != folio_ref_count(folio) - 1)
			return FATE_ACTIVATE_LOCKED;
		/* flag and link are looked at without the queue's lock: stale is a split too many, or one too few */
		if (folio_order(folio) > 1 && !data_race(1, folio, list_empty(&folio->_deferred_list)) &&
		    folio_test_partially_mapped(folio) && split_folio_to_list(folio, folio_list))
			return FATE_ACTIVATE_LOCKED;
	}
	if (folio_alloc_swap(folio)) {
		if (!folio_test_large(folio))
			return FATE_ACTIVATE_LOCKED;
		if (split_folio_to_list(folio, folio_list))
			return FATE_ACTIVATE_LOCKED;
		if (folio_alloc_swap(folio))
			return FATE_ACTIVATE_LOCKED;
	}
	/* MADV_FREE cleans the entries without a lock against this: what it leaves swapbacked must be written all the same */
	folio_mark_dirty(folio);
	return FATE_GO_ON;
}

/*
 * Unmaps it: shrink_folio_list(), v7.1. Fidelity: same. Of a large folio no entry may be passed over without its table's lock: it might
 * just be none for a moment, and the folio would stay mapped in part.
 */
static enum fate shrink_unmap(struct folio *folio)
{
	enum ttu_flags flags = TTU_BATCH_FLUSH;

	if (!folio_mapped(folio))
		return FATE_GO_ON;
	if (folio_test_pmd_mappable(folio))
		flags |= TTU_SPLIT_HUGE_PMD;
	if (folio_test_large(folio))
		flags |= TTU_SYNC;
	try_to_unmap(folio, flags);
	if (!folio_mapped(folio))
		return FATE_GO_ON;
	accepted_race(9, folio);
	return FATE_ACTIVATE_LOCKED;
}

/*
 * Writes it out: shrink_folio_list(), v7.1. Fidelity: same. Whoever still has a writable translation must lose it before the I/O begins.
 * The folio comes back unlocked; it is worth going on with only if nobody has been at it.
 */
static enum fate shrink_pageout(struct folio *folio, struct list_head *folio_list)
{
	if (!folio_test_dirty(folio))
		return FATE_GO_ON;
	if (folio_is_file_lru(folio))
		return FATE_ACTIVATE_LOCKED;
	try_to_unmap_flush_dirty();
	switch (pageout(folio, folio_mapping(folio), folio_list)) {
	case PAGE_KEEP:
		return FATE_KEEP_LOCKED;
	case PAGE_ACTIVATE:
		return FATE_ACTIVATE_LOCKED;
	case PAGE_CLEAN:
		return FATE_GO_ON;
	case PAGE_SUCCESS:
		break;
	}
	if (folio_test_writeback(folio))
		return FATE_KEEP;
	if (folio_test_dirty(folio))
		return FATE_KEEP;
	if (!folio_trylock(folio))
		return FATE_KEEP;
	if (folio_test_dirty(folio) || folio_test_writeback(folio))
		return FATE_KEEP_LOCKED;
	return FATE_GO_ON;
}

/*
 * A poisoned folio: shrink_folio_list(), v7.1 (6.15 and later). Fidelity: same. A large one cannot be unmapped page by page: it is left to
 * memory_failure().
 */
static enum fate shrink_hwpoison(struct folio *folio)
{
	if (folio_test_large(folio))
		return FATE_KEEP_LOCKED;
	unmap_poisoned_folio(folio, false);
	folio_unlock(folio);
	folio_put(folio);
	return FATE_GONE;
}

/*
 * folio_check_references() - v7.1. Fidelity: adapted: what has been used once, or twice, since the last look is marked so and is taken all the same, as
 * if it had not been used before the next look: one pass stands for the passes of falling priority that reclaim makes. Locked, isolated.
 */
static enum fate folio_check_references(struct folio *folio)
{
	unsigned long vm_flags;
	int referenced_ptes = folio_referenced(folio, &vm_flags);

	if (vm_flags & VM_LOCKED)
		return FATE_ACTIVATE_LOCKED;
	if (referenced_ptes == -1)
		return FATE_KEEP_LOCKED;
	(void)folio_test_clear_referenced(folio);
	if (referenced_ptes)
		folio_set_referenced(folio);
	return FATE_GO_ON;
}

/*
 * One folio of shrink_folio_list() - v7.1. Fidelity: adapted: no demotion, no throttling, no buffers. Isolated, and locked.
 */
static enum fate shrink_folio_locked(struct folio *folio, struct list_head *folio_list, bool ignore_references)
{
	enum fate fate;

	if (!bug_enabled(hwpoison_reclaim_swapcache) && folio_contain_hwpoisoned_page(folio))
		return shrink_hwpoison(folio);
	VM_BUG_ON_FOLIO(folio_test_active(folio), folio);
	if (!folio_evictable(folio))
		return FATE_ACTIVATE_LOCKED;
	if (folio_test_writeback(folio))
		return FATE_ACTIVATE_LOCKED;
	if (!ignore_references) {
		fate = folio_check_references(folio);
		if (fate != FATE_GO_ON)
			return fate;
	}

	if (folio_test_anon(folio) && folio_test_swapbacked(folio) && !folio_test_swapcache(folio)) {
		fate = shrink_alloc_swap(folio, folio_list);
		if (fate != FATE_GO_ON)
			return fate;
	}
	fate = shrink_unmap(folio);
	if (fate != FATE_GO_ON)
		return fate;
	/* not mapped, so nobody can newly pin it */
	if (folio_maybe_dma_pinned(folio))
		return FATE_ACTIVATE_LOCKED;
	fate = shrink_pageout(folio, folio_list);
	if (fate != FATE_GO_ON)
		return fate;

	if (folio_test_lazyfree(folio)) {
		if (!folio_ref_freeze(folio, 1))
			return FATE_KEEP_LOCKED;
	} else {
		struct address_space *mapping = folio_mapping(folio);

		if (!mapping && !folio_test_swapcache(folio))
			return FATE_KEEP_LOCKED;
		if (!__remove_mapping(mapping, folio))
			return FATE_KEEP_LOCKED;
	}
	folio_unlock(folio);
	return FATE_FREE;
}

/* mem_cgroup_uncharge_folios() and free_unref_folios() - v7.1: no translation may lead to a page that is free. */
static void free_batch(struct folio_batch *folios)
{
	for (unsigned int i = 0; i < folios->nr; i++)
		mem_cgroup_uncharge(folios->folios[i]);
	try_to_unmap_flush();
	free_unref_folios(folios);
}

/*
 * shrink_folio_list() - v7.1. Fidelity: adapted, as its one folio above. The list is of isolated folios of one node; what cannot be reclaimed
 * is on it afterwards. Nothing is held. Returns pages.
 */
static unsigned int shrink_folio_list(struct list_head *folio_list, int nid, bool ignore_references)
{
	struct folio_batch free_folios;
	unsigned int nr_reclaimed = 0;
	LIST_HEAD(ret_folios);

	(void)nid;
	folio_batch_init(&free_folios);
	while (!list_empty(folio_list)) {
		struct folio *folio = lru_to_folio(folio_list);
		enum fate fate = FATE_KEEP;

		cond_resched();
		list_del(&folio->lru);
		if (folio_trylock(folio))
			fate = shrink_folio_locked(folio, folio_list, ignore_references);
		switch (fate) {
		case FATE_GONE:
			continue;
		case FATE_FREE:
			nr_reclaimed += (unsigned int)folio_nr_pages(folio);
			folio_unqueue_deferred_split(folio);
			if (!folio_batch_add(&free_folios, folio))
				free_batch(&free_folios);
			continue;
		case FATE_ACTIVATE_LOCKED:
			/* not to be had: its slots may be of better use */
			if (folio_test_swapcache(folio) && (mem_cgroup_swap_full(folio) || folio_test_mlocked(folio)))
				folio_free_swap(folio);
			VM_BUG_ON_FOLIO(folio_test_active(folio), folio);
			if (!folio_test_mlocked(folio))
				folio_set_active(folio);
			fallthrough;
		case FATE_GO_ON:
		case FATE_KEEP_LOCKED:
			folio_unlock(folio);
			fallthrough;
		case FATE_KEEP:
			break;
		}
		list_add(&folio->lru, &ret_folios);
		VM_BUG_ON_FOLIO(folio_test_lru(folio) || folio_test_unevictable(folio), folio);
	}
	if (free_folios.nr)
		free_batch(&free_folios);
	else
		try_to_unmap_flush();
	list_splice(&ret_folios, folio_list);
	return nr_reclaimed;
}

/* ------------------------------------------------------------------ the LRU ---- */

/*
 * isolate_lru_folios() - v7.1. Fidelity: same, one list and no zones. lru_lock is held. A folio that is being freed has no reference to
 * give, and waits for the lock to take itself off; PG_lru is cleared only with a reference in hand.
 */
static unsigned long isolate_lru_folios(unsigned long nr_to_scan, struct lruvec *lruvec, struct list_head *dst)
{
	struct list_head *src = &lruvec->list;
	unsigned long nr_taken = 0, scan = 0;

	while (scan < nr_to_scan && !list_empty(src)) {
		struct folio *folio = lru_to_folio(src);
		struct list_head *move_to = src;
		long nr_pages;

		nr_pages = folio_nr_pages(folio);
		scan += (unsigned long)nr_pages;
		if (!folio_test_lru(folio))
			goto move;
		if (!folio_try_get(folio))
			goto move;
		if (!folio_test_clear_lru(folio)) {
			/* somebody else is isolating it, and has a reference; so this is not the last */
			folio_put(folio);
			goto move;
		}
		nr_taken += (unsigned long)nr_pages;
		lruvec_stat_mod_folio(folio, NR_LRU_PAGES, -nr_pages);
		move_to = dst;
move:
		list_move(&folio->lru, move_to);
	}
	return nr_taken;
}

/*
 * move_folios_to_lru() - v7.1. Fidelity: same. The isolation's reference is dropped with the folio flagged as on the LRU, and the lock held
 * in which it is going to be linked: if it was the last, the folio is freed from here; if another CPU drops the last one, it sees
 * the flag and waits for the lock.
 */
static void move_folios_to_lru(struct list_head *list, struct lruvec *lruvec)
{
	struct folio_batch free_folios;

	folio_batch_init(&free_folios);
	spin_lock_irq(&lruvec->lru_lock);
	while (!list_empty(list)) {
		struct folio *folio = lru_to_folio(list);

		VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);
		list_del(&folio->lru);
		if (!folio_evictable(folio)) {
			spin_unlock_irq(&lruvec->lru_lock);
			folio_putback_lru(folio);
			spin_lock_irq(&lruvec->lru_lock);
			continue;
		}
		folio_set_lru(folio);
		if (folio_put_testzero(folio)) {
			__folio_clear_lru_flags(folio);
			folio_unqueue_deferred_split(folio);
			if (!folio_batch_add(&free_folios, folio)) {
				spin_unlock_irq(&lruvec->lru_lock);
				free_batch(&free_folios);
				spin_lock_irq(&lruvec->lru_lock);
			}
			continue;
		}
		lruvec_add_folio(lruvec, folio);
	}
	spin_unlock_irq(&lruvec->lru_lock);
	if (free_folios.nr)
		free_batch(&free_folios);
}

/*
 * shrink_lruvec(), shrink_inactive_list() - v7.1. Fidelity: adapted: one list, on which what was in use at the last pass is as old as the
 * rest; one pass. Returns pages.
 */
unsigned long shrink_lruvec(int nid, unsigned long nr_to_scan)
{
	struct lruvec *lruvec = &NODE_DATA(nid)->lruvec;
	unsigned long nr_taken, nr_reclaimed;
	LIST_HEAD(folio_list);
	struct folio *folio;

	lru_add_drain();
	spin_lock_irq(&lruvec->lru_lock);
	nr_taken = isolate_lru_folios(nr_to_scan, lruvec, &folio_list);
	spin_unlock_irq(&lruvec->lru_lock);
	if (!nr_taken)
		return 0;
	list_for_each_entry(folio, &folio_list, lru)
		folio_clear_active(folio);
	nr_reclaimed = shrink_folio_list(&folio_list, nid, false);
	move_folios_to_lru(&folio_list, lruvec);
	return nr_reclaimed;
}

/* reclaim_folio_list() - v7.1. Fidelity: same. */
static unsigned int reclaim_folio_list(struct list_head *folio_list, int nid)
{
	unsigned int nr_reclaimed = shrink_folio_list(folio_list, nid, true);

	while (!list_empty(folio_list)) {
		struct folio *folio = lru_to_folio(folio_list);

		list_del(&folio->lru);
		folio_putback_lru(folio);
	}
	return nr_reclaimed;
}

/* reclaim_pages() - v7.1. Fidelity: same. For madvise(MADV_PAGEOUT): folios that the caller has isolated, of any node. */
unsigned int reclaim_pages(struct list_head *folio_list)
{
	unsigned int nr_reclaimed = 0;
	LIST_HEAD(node_folio_list);
	int nid;

	if (list_empty(folio_list))
		return 0;
	nid = folio_nid(lru_to_folio(folio_list));
	do {
		struct folio *folio = lru_to_folio(folio_list);

		if (folio_nid(folio) != nid) {
			nr_reclaimed += reclaim_folio_list(&node_folio_list, nid);
			nid = folio_nid(folio);
		} else {
			folio_clear_active(folio);
			list_move(&folio->lru, &node_folio_list);
		}
	} while (!list_empty(folio_list));
	return nr_reclaimed + reclaim_folio_list(&node_folio_list, nid);
}
