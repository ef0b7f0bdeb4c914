/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 18: publish after init. When a split lets the references of a part leave zero, the part is whole: no tail any more, with its mapping,
 * its index and its lock; whoever gets a reference from then on may believe them. Until its caches' slots lead to it, they lead to the frozen
 * original. So nobody may change what leads back from a folio in the cache but under its lock and i_pages', and a slot and its
 * folio agree at quiescence; a folio has one entry there, whose other slots are its siblings.
 */
#include "oracle_internal.h"
#include <linux/fs.h>
#include <linux/xarray.h>

static bool is_folio_entry(const void *entry)
{
	return entry && !((unsigned long)entry & 3);
}

/* The folio in the slot of a file's page; NULL: none. Siblings are followed. */
static const struct folio *folio_at(const struct address_space *mapping, unsigned index)
{
	const void *entry = mapping->i_pages.slots[index];

	for (unsigned i = 0; xa_is_sibling(entry) && i < FILE_PAGES; i++)
		entry = mapping->i_pages.slots[xa_to_sibling(entry) % FILE_PAGES];
	return is_folio_entry(entry) && !xa_is_sibling(entry) ? entry : NULL;
}

static const struct address_space *mapping_of(const struct folio *folio)
{
	for (unsigned i = 0; i < NR_FILES; i++)
		if (folio->mapping == &machine->mappings[i])
			return &machine->mappings[i];
	return NULL;
}

/*
 * The count left zero by a store, which no try-get is: an allocation, or an unfreeze. Locked, it is a part of a split, or was frozen for
 * another reason and has not changed.
 */
void publish_unfrozen(const struct event *ev, u32 pfn)
{
	const struct folio *folio = oracle_folio(pfn);

	oracle.pages[pfn].unfrozen_by = 0;
	if (!(folio->flags & BIT(PG_locked)))
		return;
	if (unlikely(folio->page.compound_head & 1))
		engine_find(VERDICT_BAD_STATE, "folio published before it is whole", NULL, "page %u is still a tail", pfn);
	oracle.pages[pfn].unfrozen_by = (u8)(ev->cpu + 1);
}

/* Until it unlocks it, the CPU that published a part may only take it out of its file. */
void publish_written(const struct event *ev, u32 pfn, u32 offset)
{
	struct ghost_page *g = &oracle.pages[pfn];

	if (likely(!g->unfrozen_by))
		return;
	if (ev->kind == EVENT_BIT_UNLOCK || machine->memmap[pfn]._refcount.counter == 0 ||
	    (machine->memmap[pfn].compound_head & 1)) {
		g->unfrozen_by = 0;
		return;
	}
	if (ev->kind != EVENT_PLAIN_WRITE || g->unfrozen_by != ev->cpu + 1)
		return;
	if (offset == offsetof(struct page, index) ||
	    (offset == offsetof(struct page, mapping) && machine->memmap[pfn].mapping))
		engine_find(VERDICT_BAD_STATE, "folio changed after it was published", NULL, "folio at page %u, its %s", pfn,
			    offset == offsetof(struct page, index) ? "index" : "mapping");
}

static bool check_slot(unsigned file, unsigned index)
{
	const struct address_space *mapping = &machine->mappings[file];
	const struct folio *folio = folio_at(mapping, index);
	u32 pfn, offset;

	if (!folio)
		return true;
	if (!oracle_page_of(folio, &pfn, &offset) || offset || !oracle.pages[pfn].allocated) {
		engine_report(VERDICT_USE_AFTER_FREE, "free page in the page cache", "quiescence", NULL, "f%u page %u", file, index);
		return false;
	}
	if (folio->mapping == mapping && folio->index <= index && index < folio->index + (1u << oracle_order(folio)))
		return true;
	engine_report(VERDICT_BAD_STATE, "page cache slot and folio disagree", "quiescence", NULL,
		      "f%u page %u: folio at page %u, whose index is %lu", file, index, pfn, folio->index);
	return false;
}

bool publish_quiescent(void)
{
	for (unsigned file = 0; file < NR_FILES; file++)
		for (unsigned index = 0; index < FILE_PAGES; index++)
			if (!check_slot(file, index))
				return false;
	for_each_touched_pfn(pfn) {
		const struct folio *folio = oracle_folio(pfn);
		const struct address_space *mapping;

		if (!oracle.pages[pfn].allocated || oracle_head_of(pfn) != pfn)
			continue;
		mapping = mapping_of(folio);
		if (!mapping)
			continue;
		for (u32 i = 0; i < 1u << oracle_order(folio); i++) {
			if (i && folio->index + i < FILE_PAGES && !xa_is_sibling(mapping->i_pages.slots[folio->index + i])) {
				engine_report(VERDICT_BAD_STATE, "large folio has more than one entry", "quiescence", NULL,
					      "folio at page %u, index %lu + %u", pfn, folio->index, i);
				return false;
			}
			if (folio->index + i < FILE_PAGES && folio_at(mapping, (unsigned)(folio->index + i)) == folio)
				continue;
			engine_report(VERDICT_BAD_STATE, "folio is not in its file's cache", "quiescence", NULL,
				      "folio at page %u, index %lu", pfn, folio->index);
			return false;
		}
	}
	return true;
}
