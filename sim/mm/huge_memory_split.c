// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory_split.c - a large folio becomes small ones: the split half of the kernel's
 * mm/huge_memory.c.
 *
 * Order of locks: folio lock (the caller's), anon_vma root for writing or i_mmap for reading, then
 * with interrupts off i_pages (files), the deferred split queue for a moment, the swap cluster
 * (swap cache), the lruvec. The folio is unmapped (anonymous memory into migration entries), frozen
 * (reference count to zero, which is the proof that nobody else has one), cut, and mapped again. A
 * failed freeze maps it again as it was, but by PTEs.
 * kernel-facts.md: P7, P8, P9. What differs between releases is said at each place.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/vmstat.h>
#include <linux/xarray.h>
#include <foliofuzz/bug.h>

/*
 * What a new folio takes over from the old one's flags word. The rest belongs to the head
 * alone.
 */
#define SPLIT_FLAGS_COPIED                                                     \
	(BIT(PG_referenced) | BIT(PG_swapbacked) | BIT(PG_swapcache) |         \
	 BIT(PG_mlocked) | BIT(PG_uptodate) | BIT(PG_active) |                 \
	 BIT(PG_workingset) | BIT(PG_locked) | BIT(PG_unevictable) |           \
	 BIT(PG_dirty) | BIT(PG_dropbehind))

/* What one split is about, from its checks to the freeze. */
struct split {
	unsigned int old_order, new_order;
	enum split_type type;
	struct page *split_at;
	struct list_head *list;
	struct address_space *mapping; /* NULL: anonymous */
	struct xa_state *xas;
	pgoff_t end; /* of the file, in pages: what lies behind is dropped */
	bool do_lru;
	long nr_shmem_dropped;
};

/*
 * unmap_folio() - v7.1. Fidelity: same. The rmap lock is held. With TTU_SYNC, zaps in flight have ended
 * when it returns. The pages of a file need no migration entries: they are found again in the cache.
 */
static void unmap_folio(struct folio *folio)
{
	enum ttu_flags flags = TTU_RMAP_LOCKED | TTU_SYNC | TTU_BATCH_FLUSH;

	VM_BUG_ON_FOLIO(!folio_test_large(folio), folio);
	if (folio_test_pmd_mappable(folio))
		flags |= TTU_SPLIT_HUGE_PMD;
	if (folio_test_anon(folio))
		try_to_migrate(folio, flags);
	else
		try_to_unmap(folio, flags | TTU_IGNORE_MLOCK);
	try_to_unmap_flush();
}

/* remap_page() - v7.1. Fidelity: same. All folios are locked, and the root's rwsem is held. */
static void remap_page(struct folio *folio, int nr, enum ttu_flags flags)
{
	struct page *page = &folio->page;

	if (!folio_test_anon(folio))
		return;
	for (int i = 0; i < nr; i += folio_nr_pages(folio)) {
		folio = (struct folio *)(page + i);
		remove_migration_ptes(folio, folio, TTU_RMAP_LOCKED | flags);
	}
}

/*
 * lru_add_split_folio() - v7.1. Fidelity: same. The lruvec's lock is held; the old folio is frozen and
 * was on that LRU, or is isolated by the caller, who then gets each new one with a reference.
 */
static void lru_add_split_folio(struct folio *folio, struct folio *new_folio,
				struct lruvec *lruvec, struct list_head *list)
{
	lockdep_assert_held(&lruvec->lru_lock);
	VM_BUG_ON_FOLIO(folio_test_lru(new_folio), folio);
	if (folio_is_device_private(folio))
		return;
	VM_WARN_ON(folio_test_lru(folio) == (list != NULL));
	if (list) {
		folio_get(new_folio);
		list_add_tail(&new_folio->lru, list);
		return;
	}
	if (!folio_test_unevictable(folio))
		list_add_tail(&new_folio->lru, &folio->lru);
	else
		new_folio->mlock_count = 0; /* on no list, only counted */
	folio_set_lru(new_folio);
}

/* page_range_has_hwpoisoned() - v7.1. Fidelity: same. */
static bool page_range_has_hwpoisoned(struct page *page, long nr_pages)
{
	const struct page *end = page + nr_pages;

	while (page < end && !PageHWPoison(page))
		page++;
	return page < end;
}

/*
 * The flags word of a new folio, while it is a tail of a frozen one. Plain: a reference would
 * be needed to change it. But memory_failure() marks the page before it has one; the poison
 * mark survives the masking, and may fall between this load and this store. (The kernel masks
 * and copies in two statements; a compiler may make them one.)
 */
static void split_copy_flags(struct folio *folio, struct folio *new_folio)
{
	unsigned long copied = plain_read_racy(folio->flags) & SPLIT_FLAGS_COPIED;

	plain_rmw_bits_owned(new_folio->flags, PAGE_FLAGS_CHECK_AT_PREP, copied);
}

/*
 * The tail is none any more. Of device memory the same word is ->pgmap then: v6.19 to v7.1 clear it, and leave it to the driver's callback to
 * set it, while hmm_range_fault(), which reads page tables without their locks, may follow it.
 */
static void split_clear_compound_head(struct folio *folio, struct folio *new_folio)
{
	if (folio_is_device_private(folio) && !bug_enabled(device_split_clears_pgmap)) {
		struct dev_pagemap *pgmap = plain_read(folio->pgmap);

		WRITE_ONCE(new_folio->pgmap, pgmap);
		return;
	}
	clear_compound_head(&new_folio->page);
}

/*
 * One tail becomes a folio, still frozen: v7.1's loop body of __split_folio_to_order(), v6.12's
 * __split_huge_page_tail() up to the unfreeze. Fidelity: same, but for split_clear_compound_head(). The flags before the link to the head:
 * whoever sees a page that is no tail must see it locked.
 */
static void split_prepare_tail(struct folio *folio, unsigned int i, unsigned int new_order,
			       bool handle_hwpoison)
{
	struct page *new_head = folio_page(folio, i);
	/* No folio yet: until clear_compound_head() its page leads to the old one. */
	struct folio *new_folio = (struct folio *)new_head;
	pgoff_t index = plain_read(folio->index);
	bool poisoned;

	VM_BUG_ON_PAGE(atomic_read(&new_head->_mapcount) != -1, new_head);

	if (!bug_enabled(split_tail_flags_after_unfreeze) && !bug_enabled(split_migration_entry_tail_flag_order))
		split_copy_flags(folio, new_folio);
	poisoned = handle_hwpoison && page_range_has_hwpoisoned(new_head, 1l << new_order);
	if (poisoned && bug_enabled(split_hwpoison_before_head)) {
		VM_BUG_ON_PAGE(PageTail(new_head), new_head);
		folio_set_has_hwpoisoned(new_folio);
	}
	plain_write_racy(new_folio->mapping, plain_read(folio->mapping)); /* smaps looks, by a migration entry */
	if (new_order || !bug_enabled(split_index_mapping_after_unfreeze))
		plain_write(new_folio->index, index + i);
	if (folio_test_swapcache(folio)) {
		unsigned long val = plain_read(folio->swap.val);

		plain_write_racy(new_folio->swap.val, val + ((unsigned long)i << SOFTLEAF_PFN_SHIFT));
	}
	smp_wmb();
	split_clear_compound_head(folio, new_folio);
	if (bug_enabled(split_migration_entry_tail_flag_order))
		split_copy_flags(folio, new_folio);
	if (new_order) {
		/* Who waits for a migration entry finds the new folio by its frame from here on, and marks it (PG_waiters). */
		if (bug_enabled(split_head_mark_loses_waiters)) {
			prep_compound_page(new_head, new_order);
		} else {
			set_bit(PG_head, &new_head->flags);
			prep_compound_tails(new_head, new_order);
		}
		folio_set_large_rmappable(new_folio);
	}
	if (poisoned && !bug_enabled(split_hwpoison_before_head))
		folio_set_has_hwpoisoned(new_folio);
}

/* folio_cache_ref_count() - v7.1. Fidelity: same. References of the page cache or the swap cache. */
static int folio_cache_ref_count(struct folio *folio)
{
	if (folio_test_anon(folio) && !folio_test_swapcache(folio))
		return 0;
	return (int)folio_nr_pages(folio);
}

/*
 * From here on the new folio can be found and referenced. One reference more than the cache's: the
 * caller of the split drops it, or keeps it.
 */
static void split_publish_tail(struct folio *folio, struct folio *new_folio)
{
	folio_ref_unfreeze(new_folio, folio_cache_ref_count(new_folio) + 1);
	if (bug_enabled(split_tail_flags_after_unfreeze))
		split_copy_flags(folio, new_folio);
	if (bug_enabled(split_index_mapping_after_unfreeze) && !folio_test_large(new_folio)) {
		pgoff_t index = plain_read(folio->index);

		plain_write(new_folio->index, index + (pgoff_t)(&new_folio->page - &folio->page));
	}
}

/* The head is what is left. Its page 1 may be marked poisoned meanwhile by who has no reference. */
static void split_shrink_head(struct folio *folio, unsigned int new_order)
{
	if (new_order)
		plain_rmw_bits_owned(folio->_flags_1, FOLIO_ORDER_MASK, new_order);
	else
		clear_bit(PG_head, &folio->flags);
}

/*
 * __split_folio_to_order() - v7.1. Fidelity: same, no idle and young bits. The folio is frozen, and so is
 * all that becomes of it.
 */
static void __split_folio_to_order(struct folio *folio, unsigned int old_order, unsigned int new_order)
{
	/* The mark of a folio says of some page that it is poisoned: look which part has it now. */
	const bool handle_hwpoison = folio_test_has_hwpoisoned(folio) && new_order;

	folio_clear_has_hwpoisoned(folio);
	if (handle_hwpoison && page_range_has_hwpoisoned(&folio->page, 1l << new_order))
		folio_set_has_hwpoisoned(folio);
	for (unsigned int i = 1u << new_order; i < 1u << old_order; i += 1u << new_order) {
		split_prepare_tail(folio, i, new_order, handle_hwpoison);
		plain_write(folio_page(folio, i)->memcg_data, plain_read(folio->memcg_data));
	}
	split_shrink_head(folio, new_order);
}

/*
 * __split_unmapped_folio() - v7.1. Fidelity: same. The folio is frozen; all of it is cut before any part
 * is published. Around a page it is halved again and again, anonymous memory not into two pages. The
 * cache's slots lead to the old, frozen folio until each part is published: a reader that finds it there
 * fails to get it and looks again. -ENOMEM: not cut as far as it was to be.
 */
static int __split_unmapped_folio(struct folio *folio, struct split *split)
{
	const bool is_anon = folio_test_anon(folio);
	int new_order = (int)split->new_order, old_order = (int)split->old_order;
	int order = split->type == SPLIT_TYPE_UNIFORM ? new_order : old_order - 1;
	struct folio *old_folio = folio;

	for (; order >= new_order; order--) {
		if (is_anon && order == 1)
			continue;
		if (split->mapping && split->type == SPLIT_TYPE_UNIFORM) {
			xas_split(split->xas, old_folio, (unsigned int)old_order);
		} else if (split->mapping) {
			xas_set_order(split->xas, plain_read(folio->index), (unsigned int)order);
			xas_try_split(split->xas, bug_enabled(split_nonuniform_xarray_misplaced) ? folio : old_folio,
				      (unsigned int)old_order);
			if (xas_error(split->xas))
				return xas_error(split->xas);
		}
		folio_split_memcg_refs(folio, (unsigned int)old_order, (unsigned int)order);
		__split_folio_to_order(folio, (unsigned int)old_order, (unsigned int)order);
		if (is_anon) {
			mod_mthp_stat((unsigned int)old_order, MTHP_STAT_NR_ANON, -1);
			mod_mthp_stat((unsigned int)order, MTHP_STAT_NR_ANON, 1l << (old_order - order));
		}
		folio = page_folio(split->split_at);
		old_order = order;
	}
	return 0;
}

/*
 * The frozen folio leaves its queue; the queue's lock is held. v6.19 settles the flag whether it
 * is linked or not; v6.12 only if it is linked, and so leaves a flag behind for a folio that a
 * scanner had dropped. v6.8 leaves the link as it falls: page 2 becomes a folio, and reuses it.
 */
static void split_unqueue(struct folio *folio, unsigned int order,
			  struct deferred_split *queue)
{
	bool linked;

	if (order <= 1 || !queue)
		return;
	linked = !list_empty(&folio->_deferred_list);
	if (generation_at_least(GENERATION_V6_19) && !bug_enabled(split_flag_only_if_linked)) {
		if (linked) {
			plain_rmw_racy(queue->split_queue_len, old_ - 1);
			list_del_init(&folio->_deferred_list);
		}
		if (folio_test_partially_mapped(folio)) {
			folio_clear_partially_mapped(folio);
			mod_mthp_stat(order, MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, -1);
		}
		return;
	}
	if (!linked)
		return;
	plain_rmw_racy(queue->split_queue_len, old_ - 1);
	if (!generation_at_least(GENERATION_V6_12)) {
		list_del(&folio->_deferred_list);
		return;
	}
	if (folio_test_partially_mapped(folio)) {
		folio_clear_partially_mapped(folio);
		mod_mthp_stat(order, MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, -1);
	}
	list_del_init(&folio->_deferred_list);
}

/* Mainline has no lock for a folio that is never queued. */
static void split_queue_unlock(struct deferred_split *queue)
{
	if (queue)
		spin_unlock(&queue->split_queue_lock);
}

/* Out of the cache, since it lies behind the end of the file; the cache's references with it. */
static void split_drop_beyond_eof(struct folio *new_folio, struct split *split)
{
	int nr = (int)folio_nr_pages(new_folio);

	if (shmem_mapping(split->mapping))
		split->nr_shmem_dropped += nr;
	else
		(void)folio_test_clear_dirty(new_folio);
	__filemap_remove_folio(new_folio, NULL);
	if (bug_enabled(split_eof_refs_large_piece))
		nr = 1;
	folio_put_refs(new_folio, nr);
}

/* A published part takes its place in the cache. i_pages' lock is held. */
static void split_store_file(struct folio *new_folio, struct split *split)
{
	pgoff_t index = plain_read(new_folio->index);

	if (index < split->end)
		__xa_store(&split->mapping->i_pages, index, new_folio, 0);
	else
		split_drop_beyond_eof(new_folio, split);
}

/*
 * A new part's slots lead to it. Stores to the xarray that was the swap cache of the releases with the bug were one for a part, at its
 * first slot: enough for single pages. The cluster's lock is held.
 */
static void split_store_swap(struct swap_cluster_info *ci, struct folio *folio, struct folio *new_folio)
{
	unsigned int off = swp_offset(folio_swap_entry(new_folio)) % SWAPFILE_CLUSTER;

	if (bug_enabled(split_swapcache_nonzero_order)) {
		unsigned long old_tb = __swap_table_get(ci, off);

		__swap_table_set(ci, off, pfn_to_swp_tb(folio_pfn(new_folio), swp_tb_get_count(old_tb)));
		return;
	}
	__swap_cache_replace_folio(ci, folio, new_folio);
}

/*
 * The frozen folio falls apart. v7.1 (__folio_freeze_and_split_unmapped() after the freeze).
 * Fidelity: same. Interrupts are off. All parts are made first, then the new ones are published in the
 * order of their addresses, and the old one last: until then whoever finds it in a slot cannot get it.
 */
static int split_frozen_v7_1(struct folio *folio, struct split *split)
{
	struct page *end = folio_page(folio, 1l << split->old_order), *next;
	struct swap_cluster_info *ci = NULL;
	struct lruvec *lruvec = NULL;
	int ret;

	if (folio_test_swapcache(folio)) {
		/* The kernel returns -EINVAL with the folio frozen: it takes this for impossible. */
		VM_BUG_ON_FOLIO(split->mapping, folio);
		ci = swap_cluster_get_and_lock(folio);
	}
	if (split->do_lru)
		lruvec = folio_lruvec_lock(folio);

	ret = __split_unmapped_folio(folio, split);
	for (struct page *page = &folio_next(folio)->page; page != end; page = next) {
		struct folio *new_folio = (struct folio *)page;

		next = &folio_next(new_folio)->page;
		zone_device_private_split_cb(folio, new_folio);
		split_publish_tail(folio, new_folio);
		if (split->do_lru)
			lru_add_split_folio(folio, new_folio, lruvec, split->list);
		if (ci)
			split_store_swap(ci, folio, new_folio);
		else if (split->mapping)
			split_store_file(new_folio, split);
	}
	zone_device_private_split_cb(folio, NULL);
	folio_ref_unfreeze(folio, folio_cache_ref_count(folio) + 1);
	if (split->do_lru)
		lruvec_unlock(lruvec);
	if (ci)
		swap_cluster_unlock(ci);
	return ret;
}

/*
 * The same of v6.12 (__split_huge_page()): the tails from the last to the first, each published
 * before the next is made; the head gets its references back by addition and after the lruvec's
 * lock has been dropped. Fidelity: as split_frozen_v7_1(), but that the swap cache's lock is the
 * cluster's, not its xarray's. Uniform only.
 */
static int split_frozen_v6_12(struct folio *folio, struct split *split)
{
	const bool is_anon = folio_test_anon(folio), swapcache = folio_test_swapcache(folio);
	unsigned int order = split->old_order, new_nr = 1u << split->new_order;
	struct swap_cluster_info *ci = NULL;
	struct lruvec *lruvec;

	if (is_anon) {
		mod_mthp_stat(order, MTHP_STAT_NR_ANON, -1);
		mod_mthp_stat(split->new_order, MTHP_STAT_NR_ANON, 1l << (order - split->new_order));
	}
	if (split->mapping)
		xas_split(split->xas, folio, order);
	folio_split_memcg_refs(folio, order, split->new_order);
	for (unsigned int i = 1; i < 1u << order; i++) {
		struct page *page = folio_page(folio, i);

		if (!(i % new_nr))
			plain_write(page->memcg_data, plain_read(folio->memcg_data));
	}
	if (is_anon && swapcache)
		ci = swap_cluster_get_and_lock(folio);

	lruvec = folio_lruvec_lock(folio);
	folio_clear_has_hwpoisoned(folio);
	for (unsigned int i = (1u << order) - new_nr; i >= new_nr; i -= new_nr) {
		struct folio *new_folio = (struct folio *)folio_page(folio, i);

		split_prepare_tail(folio, i, split->new_order, false);
		zone_device_private_split_cb(folio, new_folio);
		split_publish_tail(folio, new_folio);
		lru_add_split_folio(folio, new_folio, lruvec, split->list);
		if (ci)
			split_store_swap(ci, folio, new_folio);
		else if (split->mapping)
			split_store_file(new_folio, split);
	}
	zone_device_private_split_cb(folio, NULL);
	split_shrink_head(folio, split->new_order);
	lruvec_unlock(lruvec);
	if (is_anon && !swapcache)
		folio_ref_inc(folio);
	else
		folio_ref_add(folio, 1 + (int)new_nr);
	if (ci)
		swap_cluster_unlock(ci);
	return 0;
}

/* A huge folio of a file is none any more. i_pages' lock is held. */
static void split_file_statistic(struct folio *folio, struct split *split)
{
	if (!split->mapping || !folio_test_pmd_mappable(folio) || split->new_order >= HPAGE_PMD_ORDER)
		return;
	if (folio_test_swapbacked(folio)) {
		lruvec_stat_mod_folio(folio, NR_SHMEM_THPS, -folio_nr_pages(folio));
	} else {
		lruvec_stat_mod_folio(folio, NR_FILE_THPS, -folio_nr_pages(folio));
		filemap_nr_thps_dec(split->mapping);
	}
}

/*
 * Where the file ends, in pages: what lies behind leaves the cache. A file grows without the folio's lock, and a folio of shared memory may be
 * mapped behind the end: a store there is no fault, nor is one through a pin. So v7.1, which looks before it unmaps, may drop what has been stored
 * behind an end that was the file's no longer. Ours looks when the folio is frozen: there is no mapping and no reference that a store could go
 * through, and whoever has made one has seen the file grow before. That is a load with i_pages' lock held, for which i_size has to be one
 * word: with 32 bits it is read in a loop that may not be entered there.
 */
static void split_note_end(struct split *split)
{
	struct inode *inode = split->mapping->host;

	split->end = (i_size_read(inode) + PAGE_SIZE - 1) >> PAGE_SHIFT;
	if (shmem_mapping(split->mapping) && !bug_enabled(split_keepsize_fallocate))
		split->end = shmem_fallocend(inode, split->end);
}

/*
 * __folio_freeze_and_split_unmapped() - v7.1; v6.12: part of split_huge_page_to_list_to_order().
 * Fidelity: same, but for split_note_end(). Interrupts are off, and a file's i_pages is locked. The queue's lock is taken before the
 * freeze, or a scanner could take the zero for a folio that is being freed.
 */
static int __folio_freeze_and_split_unmapped(struct folio *folio, struct split *split)
{
	struct deferred_split *queue = folio_split_queue_lock(folio);

	if (!folio_ref_freeze(folio, folio_cache_ref_count(folio) + 1)) {
		accepted_race(3, folio);
		split_queue_unlock(queue);
		return -EAGAIN;
	}
	if (!bug_enabled(split_unqueue_without_lock))
		split_unqueue(folio, split->old_order, queue);
	split_queue_unlock(queue);
	if (bug_enabled(split_unqueue_without_lock))
		split_unqueue(folio, split->old_order, queue);

	if (split->mapping && !bug_enabled(split_eof_before_freeze))
		split_note_end(split);
	split_file_statistic(folio, split);
	if (generation_at_least(GENERATION_V6_18))
		return split_frozen_v7_1(folio, split);
	return split_frozen_v6_12(folio, split);
}

/*
 * folio_check_splittable() - v7.1; v6.12: at the head of split_huge_page_to_list_to_order(), which splits shared
 * memory to single pages only (v6.8: all memory). Fidelity: same. Caller holds the folio lock. A truncated folio comes first: nothing about its
 * file may be asked.
 */
int folio_check_splittable(struct folio *folio, unsigned int new_order, enum split_type split_type)
{
	bool anon;

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);

	anon = folio_test_anon(folio);
	if (!bug_enabled(split_null_mapping_check_order) && !plain_read(folio->mapping) && !anon)
		return -EBUSY;
	if (anon && new_order == 1)
		return -EINVAL;
	if (!generation_at_least(GENERATION_V6_18)) {
		if (split_type == SPLIT_TYPE_NON_UNIFORM)
			return -EINVAL;
		if (new_order && !generation_at_least(GENERATION_V6_12)) /* parts of several pages: since v6.9 */
			return -EINVAL;
		if (!anon && new_order && shmem_mapping(folio_mapping(folio)))
			return -EINVAL;
	}
	/* A huge folio that the file system knows nothing of is split into what it knows. */
	if (!anon && (split_type == SPLIT_TYPE_NON_UNIFORM || new_order) && assert_read(folio->mapping) &&
	    !mapping_large_folio_support((struct address_space *)assert_read(folio->mapping)))
		return -EINVAL;
	/* Entries of the swap cache are single pages. */
	if ((split_type == SPLIT_TYPE_NON_UNIFORM || new_order) && folio_test_swapcache(folio) &&
	    !bug_enabled(split_swapcache_nonzero_order))
		return -EINVAL;
	if (is_huge_zero_folio(folio))
		return -EINVAL;
	if (folio_test_writeback(folio))
		return -EBUSY;
	return 0;
}

/* filemap_release_folio() is left out: no file has private data, so that a split never waits for its file system. */
static __follows_null int split_lock_file(struct folio *folio, struct split *split)
{
	struct address_space *mapping = plain_read(folio->mapping);

	split->mapping = mapping;
	if (split->new_order < mapping_min_folio_order(mapping))
		return -EINVAL;
	if (folio_test_private(folio))
		return -EBUSY;
	split->xas->xa = &mapping->i_pages;
	if (split->type == SPLIT_TYPE_UNIFORM) {
		xas_set_order(split->xas, plain_read(folio->index), split->new_order);
		xas_split_alloc(split->xas, folio, split->old_order, GFP_KERNEL);
		if (xas_error(split->xas))
			return xas_error(split->xas);
	} else {
		xas_set(split->xas, plain_read(folio->index));
	}
	i_mmap_lock_read(mapping);
	if (bug_enabled(split_eof_before_freeze))
		split_note_end(split);
	return 0;
}

/* Interrupts are off from here to the end of the cut. -EAGAIN: not in the cache any more, or somebody has a reference. */
static int split_unmapped(struct folio *folio, struct split *split)
{
	int ret = -EAGAIN;

	local_irq_disable();
	if (split->mapping) {
		xas_lock(split->xas);
		xas_reset(split->xas);
		if (xas_load(split->xas) == folio)
			ret = __folio_freeze_and_split_unmapped(folio, split);
		xas_unlock(split->xas);
	} else {
		ret = __folio_freeze_and_split_unmapped(folio, split);
	}
	local_irq_enable();
	return ret;
}

/* All parts but that of lock_at are let go: their last reference, if they were not mapped. */
static void split_release(struct folio *folio, unsigned int old_order, struct page *lock_at)
{
	struct page *end = folio_page(folio, 1l << old_order), *next;

	for (struct page *page = &folio->page; page != end; page = next) {
		struct folio *new_folio = (struct folio *)page;

		next = &folio_next(new_folio)->page;
		if (page_folio(lock_at) == new_folio)
			continue;
		folio_unlock(new_folio);
		free_swap_cache(new_folio);
		folio_put(new_folio);
	}
}

/*
 * __folio_split() - v7.1; v6.12: split_huge_page_to_list_to_order(). Fidelity: same, but for file systems' private
 * data. Caller holds the folio lock and one reference; both go to the folio of `lock_at`. The rmap lock is held
 * to the end (mainline lets i_mmap go before the parts).
 */
static int __folio_split(struct folio *folio, unsigned int new_order, struct page *split_at,
			 struct page *lock_at, struct list_head *list, enum split_type split_type)
{
	XA_STATE(xas, NULL, 0);
	struct split split = {
		.old_order = folio_order(folio), .new_order = new_order, .type = split_type,
		.split_at = split_at, .list = list, .xas = &xas, .do_lru = true,
	};
	bool is_anon = folio_test_anon(folio), i_mmap_locked = false;
	struct anon_vma *anon_vma = NULL;
	enum ttu_flags ttu_flags = 0;
	int expected, ret;

	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(!folio_test_large(folio), folio);

	ret = -EINVAL;
	if (folio != page_folio(split_at) || folio != page_folio(lock_at))
		goto out;
	if (new_order >= split.old_order)
		goto out;
	ret = folio_check_splittable(folio, new_order, split_type);
	if (ret) {
		VM_WARN_ON_ONCE(ret == -EINVAL);
		goto out;
	}

	if (is_anon) {
		/*
		 * Nobody may have the mm: the reference keeps the anon_vma, and the lock keeps other
		 * splits and walks out.
		 */
		ret = -EBUSY;
		anon_vma = folio_get_anon_vma(folio);
		if (!anon_vma)
			goto out;
		anon_vma_lock_write(anon_vma);
	} else {
		ret = split_lock_file(folio, &split);
		if (ret)
			goto out;
		i_mmap_locked = true;
	}

	/* Both counts move meanwhile: this only spares PMDs that would be split in vain. */
	ret = -EAGAIN;
	expected = folio_expected_ref_count(folio);
	if (expected != folio_ref_count(folio) - 1) {
		accepted_race(3, folio); /* somebody's transient reference */
		goto out_unlock;
	}

	unmap_folio(folio);
	ret = split_unmapped(folio, &split);
	if (split.nr_shmem_dropped)
		shmem_uncharge(split.mapping->host, split.nr_shmem_dropped);

	if (!ret && is_anon && !folio_is_device_private(folio) && generation_at_least(GENERATION_V6_12))
		ttu_flags = TTU_USE_SHARED_ZEROPAGE;
	remap_page(folio, 1 << split.old_order, ttu_flags);
	if (i_mmap_locked && generation_at_least(GENERATION_MAINLINE)) {
		i_mmap_unlock_read(split.mapping);
		i_mmap_locked = false;
	}
	split_release(folio, split.old_order, lock_at);

out_unlock:
	if (anon_vma) {
		anon_vma_unlock_write(anon_vma);
		put_anon_vma(anon_vma);
	}
	if (i_mmap_locked)
		i_mmap_unlock_read(split.mapping);
out:
	if (split.xas->xa && !bug_enabled(split_xas_node_leak))
		xas_destroy(&xas);
	mod_mthp_stat(split.old_order, ret ? MTHP_STAT_SPLIT_FAILED : MTHP_STAT_SPLIT, 1);
	return ret;
}

/*
 * folio_split_unmapped() - v7.1 (since v6.19). Fidelity: same. P9. Anonymous, system or device memory; locked, unmapped and off the
 * LRU, one reference of the caller's. mmap_lock is held, the anon_vma's rwsem is not. The parts stay locked, unmapped and off the LRU, with one
 * reference each.
 */
int folio_split_unmapped(struct folio *folio, unsigned int new_order)
{
	struct split split = {
		.old_order = folio_order(folio), .new_order = new_order, .type = SPLIT_TYPE_UNIFORM,
		.split_at = &folio->page,
	};
	int expected, ret;

	VM_WARN_ON_ONCE_FOLIO(folio_mapped(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(!folio_test_large(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(!folio_test_anon(folio), folio);

	expected = folio_expected_ref_count(folio);
	if (expected != folio_ref_count(folio) - 1)
		return -EAGAIN;
	ret = split_unmapped(folio, &split);
	if (!ret && bug_enabled(seed0_split_mid_migration_remaps))
		for (int i = 0; i < HPAGE_PMD_NR; i++) {
			struct folio *part = (struct folio *)folio_page(folio, i);

			remove_migration_ptes(part, part, 0);
		}
	if (!ret && bug_enabled(seed0_split_unlocks_tails))
		split_release(folio, split.old_order, &folio->page);
	return ret;
}

/* split_huge_page_to_list_to_order() - v7.1. Fidelity: same. */
int split_huge_page_to_list_to_order(struct page *page, struct list_head *list,
				     unsigned int new_order)
{
	struct folio *folio = page_folio(page);

	return __folio_split(folio, new_order, &folio->page, page, list, SPLIT_TYPE_UNIFORM);
}

/* folio_split() - v7.1. Fidelity: same. */
int folio_split(struct folio *folio, unsigned int new_order, struct page *split_at, struct list_head *list)
{
	return __folio_split(folio, new_order, split_at, &folio->page, list, SPLIT_TYPE_NON_UNIFORM);
}

/*
 * min_order_for_split() - v7.1. Fidelity: same: a truncated folio is for the split to refuse. Here every caller holds the folio lock. In v7.1
 * memory_failure() and soft offline ask before they take it, and the mapping, which is read twice, may be gone at the second time: not shown here.
 */
unsigned int min_order_for_split(struct folio *folio)
{
	struct address_space *mapping;

	if (folio_test_anon(folio))
		return 0;
	mapping = folio_mapping(folio);
	return mapping ? mapping_min_folio_order(mapping) : 0;
}

/* split_folio_to_list() - v7.1. Fidelity: same. */
int split_folio_to_list(struct folio *folio, struct list_head *list)
{
	return split_huge_page_to_list_to_order(&folio->page, list, 0);
}
