/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 15: what migrate_pages() promises. It returns 0 exactly when its list is empty, so that whoever puts back what is left only when
 * told to loses no isolated folio; what is left is isolated and referenced. And a folio that has moved is the same: every flag that
 * is part of what it is, and every page's content as it is now, with the old one out of everybody's reach: while the new one takes its
 * place, nothing maps it. That holds for what a driver moves, too.
 *
 * Not reported: flags that somebody sets in the old folio while it moves (they may come too late), and PG_mlocked, which the new mappings
 * set again. That isolated folios are put back is the statistic oracle's (NR_ISOLATED).
 */
#include "oracle_internal.h"

#define FLAGS_OF_THE_FOLIO                                                     \
	(BIT(PG_referenced) | BIT(PG_uptodate) | BIT(PG_dirty) | BIT(PG_active) | BIT(PG_workingset) | \
	 BIT(PG_swapbacked) | BIT(PG_unevictable))

static u32 pfn_of(const volatile void *folio)
{
	return (u32)page_to_pfn((const struct page *)(uintptr_t)folio);
}

void migrate_contract_migrating(const volatile void *src)
{
	oracle.pages[pfn_of(src)].flags_before = machine->memmap[pfn_of(src)].flags & FLAGS_OF_THE_FOLIO;
}

/* Also of what a driver moves, or puts in: then it is one folio's memory, and who still maps the old one has another. */
void migrate_contract_replaced(const volatile void *src, const volatile void *dst)
{
	const struct folio *folio = oracle_folio(pfn_of(src));
	s32 mappings = 1 + (oracle_is_large(folio) ? folio->_large_mapcount.counter : folio->_mapcount.counter);

	if (unlikely(mappings > 0))
		engine_find(VERDICT_BAD_STATE, "migrated while it is mapped", NULL, "page %u to page %u: %d mappings",
			    pfn_of(src), pfn_of(dst), mappings);
}

void migrate_contract_migrated(const volatile void *src, const volatile void *dst)
{
	u32 from = pfn_of(src), to = pfn_of(dst), nr = 1u << oracle_order(oracle_folio(to));
	unsigned long lost = oracle.pages[from].flags_before & ~machine->memmap[to].flags;

	if (unlikely(lost))
		engine_find(VERDICT_BAD_STATE, "flags lost in migration", NULL, "page %u to page %u: flags %#lx", from, to, lost);
	for (u32 i = 0; i < nr; i++)
		if (unlikely(machine->content[from + i] != machine->content[to + i]))
			engine_find(VERDICT_BAD_CONTENT, "content lost in migration", NULL, "page %u to page %u", from + i,
				    to + i);
}

void migrate_contract_returned(const volatile void *list, long rc)
{
	const struct list_head *head = (const struct list_head *)(uintptr_t)list;

	if (unlikely(!rc && head->next != head))
		engine_find(VERDICT_BAD_STATE, "migrate_pages returns 0 with folios left", NULL, "page %u",
			    pfn_of(container_of(head->next, struct folio, lru)));
	if (unlikely(rc && head->next == head))
		engine_find(VERDICT_BAD_STATE, "migrate_pages fails with none left", NULL, "%ld", rc);
	for (const struct list_head *p = head->next; p != head; p = p->next) {
		u32 pfn = pfn_of(container_of((struct list_head *)(uintptr_t)p, struct folio, lru));

		if (unlikely(machine->memmap[pfn]._refcount.counter < 1 || (machine->memmap[pfn].flags & BIT(PG_lru))))
			engine_find(VERDICT_BAD_STATE, "migrate_pages leaves what is not isolated", NULL, "page %u", pfn);
	}
}
