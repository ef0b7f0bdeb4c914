// SPDX-License-Identifier: GPL-2.0-only
/*
 * compaction.c - moves what is movable of a node together, so that large blocks become free. The migrate scanner goes by frame number:
 * it looks at pages that it has no reference to, and that may be anybody's or nobody's by the time it has one.
 *
 * Lock order: lru_lock is held from one isolated folio to the next, and dropped before anything is put: the last put takes it.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

#define COMPACT_CLUSTER_MAX 8 /* pages; kernel: 32 */

struct compact_control {
	struct list_head *migratepages;
	unsigned long migrate_pfn, end_pfn;
	unsigned int nr_migratepages;
	int nid;
	enum migrate_mode mode;
};

/* folio_get_nontail_page() - v7.1, include/linux/mm.h. Fidelity: same. NULL: free, frozen, or a tail. */
static struct folio *folio_get_nontail_page(struct page *page)
{
	struct folio *folio = (struct folio *)page; /* a tail's count is always zero */

	return folio_try_get(folio) ? folio : NULL;
}

/*
 * What isolate_migratepages_block() asks of one folio that it has a reference to. v7.1, mm/compaction.c. Fidelity: adapted: mappings all
 * migrate, none is inaccessible, __GFP_FS is always there. True: off the LRU in all but the list.
 */
static bool compact_takes_folio(struct compact_control *cc, struct folio *folio)
{
	struct address_space *mapping = folio_mapping(folio);
	bool unevictable, dirty;

	/* Pinned, surely: an anonymous one has no other references, but for the swap cache's. Racy: maybe it is only being mapped. */
	if (!mapping) {
		int extra = folio_ref_count(folio) - 1;

		if (extra > folio_mapcount(folio))
			return false;
	}
	if (!folio_test_lru(folio))
		return false;
	unevictable = folio_test_unevictable(folio);
	if (cc->mode == MIGRATE_ASYNC && folio_test_writeback(folio))
		return false;
	dirty = folio_test_dirty(folio);
	if ((cc->mode == MIGRATE_ASYNC && dirty) || (mapping && unevictable)) {
		/* The mapping, which is asked whether it migrates dirty folios, stays only with the lock. */
		if (!folio_trylock(folio))
			return false;
		mapping = folio_mapping(folio);
		folio_unlock(folio);
	}
	return folio_test_clear_lru(folio);
}

/*
 * isolate_migratepages_block() - v7.1, mm/compaction.c. Fidelity: adapted: no hugetlb, movable_ops, skip hints or contention; scans on until a
 * cluster is full or the range ends.
 */
static void isolate_migratepages_block(struct compact_control *cc)
{
	struct lruvec *locked = NULL;
	unsigned long flags = 0, low_pfn = cc->migrate_pfn;

	for (; low_pfn < cc->end_pfn; low_pfn++) {
		struct page *page = pfn_to_page(low_pfn);
		struct folio *folio;

		/* PageBuddy() and buddy_order_unsafe(): without the zone's lock the order is a guess. */
		accepted_race(8, page);
		if (plain_read_racy(page->page_type) == PGTY_buddy) {
			unsigned long order = plain_read_racy(page->private);

			if (order <= MAX_ORDER_)
				low_pfn += (1ul << order) - 1;
			continue;
		}
		if (!PageLRU(page))
			continue;
		folio = folio_get_nontail_page(page);
		if (!folio)
			continue;
		if (!compact_takes_folio(cc, folio)) {
			if (locked) {
				spin_unlock_irqrestore(&locked->lru_lock, flags);
				locked = NULL;
			}
			folio_put(folio);
			continue;
		}
		if (!locked)
			locked = folio_lruvec_lock_irqsave(folio, &flags);

		if (folio_test_large(folio))
			low_pfn += (unsigned long)folio_nr_pages(folio) - 1;
		lruvec_del_folio(locked, folio);
		node_stat_isolated(folio, 1);
		list_add(&folio->lru, cc->migratepages);
		cc->nr_migratepages += (unsigned int)folio_nr_pages(folio);
		if (cc->nr_migratepages >= COMPACT_CLUSTER_MAX) {
			low_pfn++;
			break;
		}
	}
	if (locked)
		spin_unlock_irqrestore(&locked->lru_lock, flags);
	cc->migrate_pfn = low_pfn;
}

/*
 * compaction_alloc() - v7.1, mm/compaction.c. Fidelity: adapted: the free scanner is the allocator's free lists of the same node, not a walk from
 * its end: hides the race of the two scanners, and that memory gets together.
 */
static struct folio *compaction_alloc(struct folio *src, unsigned long data)
{
	struct compact_control *cc = (struct compact_control *)data;

	return folio_alloc_node(folio_test_large(src) ? GFP_NOWAIT | __GFP_COMP : GFP_NOWAIT, folio_order(src), cc->nid);
}

/* compaction_free() - v7.1, mm/compaction.c. Fidelity: adapted: back to the allocator at once. */
static void compaction_free(struct folio *dst, unsigned long data)
{
	(void)data;
	folio_put(dst);
}

/*
 * compact_zone(), compact_node() - v7.1, mm/compaction.c. Fidelity: adapted: one sweep over what was ever used of the zone. With full
 * synchrony (the user's request) all LRU batches are drained first.
 */
int compact_node(int nid, enum migrate_mode mode)
{
	LIST_HEAD(migratepages);
	struct zone *zone = &NODE_DATA(nid)->zone;
	struct compact_control cc = {
		.migratepages = &migratepages, .nid = nid, .mode = mode,
		.migrate_pfn = (unsigned long)nid * NODE_PAGES,
	};
	int ret = -ENOENT;

	if (mode == MIGRATE_SYNC)
		lru_add_drain_all();
	cc.end_pfn = plain_read_racy(zone->untouched);
	while (cc.migrate_pfn < cc.end_pfn) {
		unsigned int nr_succeeded = 0;
		int err;

		isolate_migratepages_block(&cc);
		if (list_empty(&migratepages))
			continue;
		err = migrate_pages(&migratepages, compaction_alloc, compaction_free, (unsigned long)&cc, cc.mode,
				    MR_COMPACTION, &nr_succeeded);
		cc.nr_migratepages = 0;
		if (nr_succeeded)
			ret = 0;
		if (err) {
			putback_movable_pages(&migratepages);
			if (err == -ENOMEM)
				return -ENOMEM;
		}
	}
	return ret;
}
