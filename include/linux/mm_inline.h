/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/mm_inline.h - LRU list edits and the VMAs of an anon_vma. */
#ifndef _LINUX_MM_INLINE_H
#define _LINUX_MM_INLINE_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/vmstat.h>

/* Who is on the LRU changes this bit under lru_lock only, so a look is no step. Unevictable folios are on no list: mlock_count is there. */
#define lru_unevictable(folio) ((assert_read((folio)->flags) & BIT(PG_unevictable)) != 0)
/* lru_lock is held. */
static inline void lruvec_add_folio(struct lruvec *lruvec, struct folio *folio)
{
	bool unevictable = lru_unevictable(folio);

	lruvec_stat_mod_folio(folio, unevictable ? NR_UNEVICTABLE : NR_LRU_PAGES, folio_nr_pages(folio));
	if (!unevictable)
		list_add(&folio->lru, &lruvec->list);
}
static inline void lruvec_del_folio(struct lruvec *lruvec, struct folio *folio)
{
	bool unevictable = lru_unevictable(folio);

	(void)lruvec;
	lruvec_stat_mod_folio(folio, unevictable ? NR_UNEVICTABLE : NR_LRU_PAGES, -folio_nr_pages(folio));
	if (!unevictable)
		list_del(&folio->lru);
}
/* The rest, mappings that are unevictable as a whole, is left out. Takes no lock: PG_mlocked may change at once. */
#define folio_evictable(folio) (!folio_test_mlocked(folio))

/*
 * __folio_clear_lru_flags() - v7.1. Fidelity: adapted: three plain updates of the word are one here, since what falls between
 * them falls between its load and store as well. The folio was on the LRU, and its reference count is zero.
 */
static inline void __folio_clear_lru_flags(struct folio *folio)
{
	unsigned long flags = assert_read(folio->flags), both = BIT(PG_active) | BIT(PG_unevictable);

	VM_BUG_ON_FOLIO(!(flags & BIT(PG_lru)), folio);
	/* having both is a bug, and left for the allocator to find */
	plain_rmw_bits_owned(folio->flags, BIT(PG_lru) | ((flags & both) == both ? 0 : both), 0);
}

/*
 * Stands for the interval tree: chains in the order of their VMA's pgoff. The root's rwsem is held; a VMA's bounds change
 * with it held for writing.
 */
void anon_vma_interval_tree_insert(struct anon_vma_chain *avc, struct anon_vma *anon_vma);
void anon_vma_interval_tree_remove(struct anon_vma_chain *avc, struct anon_vma *anon_vma);
struct anon_vma_chain *anon_vma_interval_tree_next(struct anon_vma_chain *avc, pgoff_t first,
						   pgoff_t last);
#define anon_vma_interval_tree_init(av) ((void)((av)->rb_root = NULL))
#define anon_vma_interval_tree_empty(av) ((av)->rb_root == NULL)
#define anon_vma_interval_tree_foreach(avc, av, first, last)                   \
	for (avc = anon_vma_interval_tree_next((av)->rb_root, first, last); avc; \
	     avc = anon_vma_interval_tree_next(avc->rb_next, first, last))

#endif
