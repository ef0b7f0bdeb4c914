// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmscan.c - reclaim.
 */
#include <linux/mm.h>
#include <linux/swap.h>


unsigned int shrink_folio_list(struct list_head *l, int nid) { (void)l; (void)nid; return 0; }
unsigned int reclaim_pages(struct list_head *l)
{
	while (!list_empty(l)) {
		struct folio *folio = list_first_entry(l, struct folio, lru);

		list_del(&folio->lru);
		folio_putback_lru(folio);
	}
	return 0;
}
