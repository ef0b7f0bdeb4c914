// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory_split.c - a large folio becomes small ones: the split half of the kernel's
 * mm/huge_memory.c.
 *
 * Order of locks: folio lock (the caller's), anon_vma root for writing, then with interrupts
 * off first the deferred split queue alone, and after it the lruvec. The folio is unmapped into
 * migration entries, frozen (reference count to zero, which is the proof that nobody else has
 * one), cut, and mapped again. A failed freeze maps it again as it was, but by PTEs.
 * kernel-facts.md: P7, P8. What differs between releases is said at each place.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
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

/*
 * unmap_folio() - v7.1. Fidelity: same, anonymous folios only. The root's rwsem is held. With
 * TTU_SYNC, zaps in flight have ended when it returns.
 */
static void unmap_folio(struct folio *folio)
{
	enum ttu_flags flags = TTU_RMAP_LOCKED | TTU_SYNC | TTU_BATCH_FLUSH;

	if (folio_test_pmd_mappable(folio))
		flags |= TTU_SPLIT_HUGE_PMD;
	try_to_migrate(folio, flags);
	try_to_unmap_flush();
}

/* remap_page() - v7.1. Fidelity: same. All folios are locked, and the root's rwsem is held. */
static void remap_page(struct folio *folio, int nr, enum ttu_flags flags)
{
	struct page *page = &folio->page;

	for (int i = 0; i < nr; i += folio_nr_pages(folio)) {
		folio = (struct folio *)(page + i);
		remove_migration_ptes(folio, folio, TTU_RMAP_LOCKED | flags);
	}
}

/*
 * lru_add_split_folio() - v7.1. Fidelity: same, no unevictable list. The lruvec's lock is held;
 * the old folio is frozen and was on that LRU, or is isolated by the caller, who then gets each
 * new one with a reference.
 */
static void lru_add_split_folio(struct folio *folio, struct folio *new_folio,
				struct lruvec *lruvec, struct list_head *list)
{
	VM_BUG_ON_FOLIO(folio_test_lru(new_folio), folio);
	lockdep_assert_held(&lruvec->lru_lock);

	if (list) {
		VM_WARN_ON(folio_test_lru(folio));
		folio_get(new_folio);
		list_add_tail(&new_folio->lru, list);
	} else {
		VM_WARN_ON(!folio_test_lru(folio));
		list_add_tail(&new_folio->lru, &folio->lru);
		folio_set_lru(new_folio);
	}
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
 * One tail becomes a folio, still frozen: v7.1's loop body of __split_folio_to_order(), v6.12's
 * __split_huge_page_tail() up to the unfreeze. Fidelity: same, to order 0, no swapcache. The
 * flags before the link to the head: whoever sees a page that is no tail must see it locked.
 */
static void split_prepare_tail(struct folio *folio, unsigned int i)
{
	struct page *new_head = folio_page(folio, i);
	/* No folio yet: until clear_compound_head() its page leads to the old one. */
	struct folio *new_folio = (struct folio *)new_head;
	pgoff_t index = plain_read(folio->index);

	VM_BUG_ON_PAGE(atomic_read(&new_head->_mapcount) != -1, new_head);

	if (!bug_enabled(split_tail_flags_after_unfreeze))
		split_copy_flags(folio, new_folio);
	plain_write(new_folio->mapping, plain_read(folio->mapping));
	plain_write(new_folio->index, index + i);
	smp_wmb();
	clear_compound_head(new_head);
}

/*
 * From here on the new folio can be found and referenced. One reference: the caller of the
 * split drops it, or keeps it.
 */
static void split_publish_tail(struct folio *folio, struct folio *new_folio)
{
	folio_ref_unfreeze(new_folio, 1);
	if (bug_enabled(split_tail_flags_after_unfreeze))
		split_copy_flags(folio, new_folio);
}

/*
 * __split_unmapped_folio() and its __split_folio_to_order() - v7.1. Fidelity: adapted: uniform,
 * to order 0, no swapcache. The folio is frozen; all of it is cut before any part is published.
 */
static void __split_unmapped_folio(struct folio *folio, unsigned int old_order)
{
	folio_split_memcg_refs(folio, old_order, 0);
	folio_clear_has_hwpoisoned(folio);
	for (unsigned int i = 1; i < 1u << old_order; i++) {
		struct page *page = folio_page(folio, i);

		split_prepare_tail(folio, i);
		plain_write(page->memcg_data, plain_read(folio->memcg_data));
	}
	clear_bit(PG_head, &folio->flags);
	mod_mthp_stat(old_order, MTHP_STAT_NR_ANON, -1);
	mod_mthp_stat(0, MTHP_STAT_NR_ANON, 1 << old_order);
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
	if (folio_test_partially_mapped(folio)) {
		folio_clear_partially_mapped(folio);
		mod_mthp_stat(order, MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, -1);
	}
	if (generation_is(GENERATION_V6_8))
		list_del(&folio->_deferred_list);
	else
		list_del_init(&folio->_deferred_list);
}

/* Mainline has no lock for a folio that is never queued. */
static void split_queue_unlock(struct deferred_split *queue)
{
	if (queue)
		spin_unlock(&queue->split_queue_lock);
}

/*
 * The frozen folio falls apart. v7.1 (__folio_freeze_and_split_unmapped() after the freeze).
 * Fidelity: same, anonymous, no swapcache. Interrupts are off. All parts are made first, then
 * the new ones are published in the order of their addresses, and the old one last.
 */
static void split_frozen_v7_1(struct folio *folio, unsigned int order,
			      struct list_head *list)
{
	struct lruvec *lruvec = folio_lruvec_lock(folio);

	__split_unmapped_folio(folio, order);
	for (unsigned int i = 1; i < 1u << order; i++) {
		struct folio *new_folio = (struct folio *)folio_page(folio, i);

		split_publish_tail(folio, new_folio);
		lru_add_split_folio(folio, new_folio, lruvec, list);
	}
	folio_ref_unfreeze(folio, 1);
	lruvec_unlock(lruvec);
}

/*
 * The same of v6.12 (__split_huge_page()): the tails from the last to the first, each published
 * before the next is made; the head gets its reference back by addition and after the lruvec's
 * lock has been dropped. Fidelity: as split_frozen_v7_1().
 */
static void split_frozen_v6_12(struct folio *folio, unsigned int order,
			       struct list_head *list)
{
	struct lruvec *lruvec;

	mod_mthp_stat(order, MTHP_STAT_NR_ANON, -1);
	mod_mthp_stat(0, MTHP_STAT_NR_ANON, 1 << order);
	folio_split_memcg_refs(folio, order, 0);
	for (unsigned int i = 1; i < 1u << order; i++) {
		struct page *page = folio_page(folio, i);

		plain_write(page->memcg_data, plain_read(folio->memcg_data));
	}

	lruvec = folio_lruvec_lock(folio);
	folio_clear_has_hwpoisoned(folio);
	for (unsigned int i = (1u << order) - 1; i >= 1; i--) {
		struct folio *new_folio = (struct folio *)folio_page(folio, i);

		split_prepare_tail(folio, i);
		split_publish_tail(folio, new_folio);
		lru_add_split_folio(folio, new_folio, lruvec, list);
	}
	clear_bit(PG_head, &folio->flags);
	lruvec_unlock(lruvec);
	folio_ref_inc(folio);
}

/*
 * __folio_freeze_and_split_unmapped() - v7.1; v6.12: part of
 * split_huge_page_to_list_to_order(). Fidelity: adapted: anonymous, no swapcache, to order 0.
 * Interrupts are off. The queue's lock is taken before the freeze, or a scanner could take the
 * zero for a folio that is being freed.
 */
static int __folio_freeze_and_split_unmapped(struct folio *folio, unsigned int order,
					     struct list_head *list)
{
	struct deferred_split *queue = folio_split_queue_lock(folio);

	if (!folio_ref_freeze(folio, 1)) {
		split_queue_unlock(queue);
		accepted_race(3);
		return -EAGAIN;
	}
	if (!bug_enabled(split_unqueue_without_lock))
		split_unqueue(folio, order, queue);
	split_queue_unlock(queue);
	if (bug_enabled(split_unqueue_without_lock))
		split_unqueue(folio, order, queue);

	if (generation_at_least(GENERATION_V6_19))
		split_frozen_v7_1(folio, order, list);
	else
		split_frozen_v6_12(folio, order, list);
	return 0;
}

/*
 * folio_check_splittable() - v7.1. Fidelity: adapted: anonymous folios, order 0 only. Caller
 * holds the folio lock.
 */
int folio_check_splittable(struct folio *folio, unsigned int new_order)
{
	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);

	/* Free, or on its way: not a folio of anybody's memory. */
	if (!folio_test_anon(folio))
		return -EBUSY;
	if (new_order)
		return -EINVAL;
	if (folio_test_writeback(folio))
		return -EBUSY;
	return 0;
}

/*
 * __folio_split() - v7.1; v6.12: split_huge_page_to_list_to_order(). Fidelity: adapted:
 * uniform, anonymous, no swapcache, to order 0. Caller holds the folio lock and one reference;
 * both go to the folio of `lock_at`.
 */
static int __folio_split(struct folio *folio, unsigned int new_order,
			 struct page *lock_at, struct list_head *list)
{
	enum ttu_flags ttu_flags = 0;
	struct anon_vma *anon_vma;
	unsigned int old_order;
	int nr, expected, ret;

	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_ONCE_FOLIO(!folio_test_large(folio), folio);

	old_order = folio_order(folio);
	nr = 1 << old_order;
	if (new_order >= old_order) {
		ret = -EINVAL;
		goto out;
	}
	ret = folio_check_splittable(folio, new_order);
	if (ret)
		goto out;

	/*
	 * Nobody may have the mm: the reference keeps the anon_vma, and the lock keeps other
	 * splits and walks out.
	 */
	anon_vma = folio_get_anon_vma(folio);
	if (!anon_vma) {
		ret = -EBUSY;
		goto out;
	}
	anon_vma_lock_write(anon_vma);

	/* Both counts move meanwhile: this only spares PMDs that would be split in vain. */
	expected = folio_expected_ref_count(folio);
	if (expected != folio_ref_count(folio) - 1) {
		accepted_race(3); /* somebody's transient reference */
		ret = -EAGAIN;
		goto out_unlock;
	}

	unmap_folio(folio);

	local_irq_disable();
	ret = __folio_freeze_and_split_unmapped(folio, old_order, list);
	local_irq_enable();

	if (!ret && generation_at_least(GENERATION_V6_12))
		ttu_flags = TTU_USE_SHARED_ZEROPAGE;
	remap_page(folio, nr, ttu_flags);

	if (!ret) {
		for (int i = 0; i < nr; i++) {
			struct page *page = folio_page(folio, i);

			if (page == lock_at)
				continue;
			folio_unlock((struct folio *)page);
			/* The last reference, if the page was not mapped. */
			folio_put((struct folio *)page);
		}
	}

out_unlock:
	anon_vma_unlock_write(anon_vma);
	put_anon_vma(anon_vma);
out:
	mod_mthp_stat(old_order, ret ? MTHP_STAT_SPLIT_FAILED : MTHP_STAT_SPLIT, 1);
	return ret;
}

/* split_huge_page_to_list_to_order() - v7.1. Fidelity: adapted: to order 0 only. */
int split_huge_page_to_list_to_order(struct page *page, struct list_head *list,
				     unsigned int new_order)
{
	return __folio_split(page_folio(page), new_order, page, list);
}

/* split_folio_to_list() - v7.1. Fidelity: same; an anonymous folio's smallest order is 0. */
int split_folio_to_list(struct folio *folio, struct list_head *list)
{
	return split_huge_page_to_list_to_order(&folio->page, list, 0);
}
