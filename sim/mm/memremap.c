// SPDX-License-Identifier: GPL-2.0-only
/*
 * memremap.c - device memory: its pages and their life. P22.
 *
 * A page of the device has a struct page but no allocator: it idles at a reference count of zero with its owner, the driver. The pgmap's
 * reference counts pages in use, and one for the device itself, so that the device goes last. A folio and its LRU link share a slot
 * with ->pgmap: device memory is on no LRU.
 */
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

/* Boot: the device is there, none of its pages is in use. Nobody runs yet. */
void device_boot(void)
{
	struct dev_pagemap *pgmap = &machine->pgmap;

	*pgmap = (struct dev_pagemap){ .owner = &machine->dmirror };
	pgmap->ref.counter = 1;
	dmirror_boot();
}

/*
 * free_zone_device_folio() - v7.1. Fidelity: adapted: device-private memory only; the pages are told of as free before the driver hears of it,
 * which may hand them out at once. The reference count is zero. How many pages there were is read before: afterwards the folio is
 * the driver's, or already somebody else's, and so is its ->pgmap.
 */
void free_zone_device_folio(struct folio *folio)
{
	struct dev_pagemap *pgmap = page_pgmap(&folio->page);
	unsigned int order = folio_order(folio);

	if (WARN_ON_ONCE(!pgmap))
		return;
	mem_cgroup_uncharge(folio);
	if (folio_test_anon(folio)) {
		for (unsigned int i = 0; i < 1u << order; i++)
			__ClearPageAnonExclusive(folio_page(folio, i));
		if (!bug_enabled(zone_device_free_keeps_nr_anon))
			mod_mthp_stat(order, MTHP_STAT_NR_ANON, -1);
	}
	/* it may have been in an mlocked VMA that forgot it (MREMAP_DONTUNMAP of a part): free_pages_prepare() sees to that, for other memory */
	if (!bug_enabled(zone_device_free_keeps_mlocked) && folio_test_mlocked(folio)) {
		__folio_clear_mlocked(folio);
		lruvec_stat_mod_folio(folio, NR_MLOCK, -(1l << order));
	}
	plain_write_racy(folio->mapping, NULL);
	page_free_note(&folio->page, order);
	pgmap->ops->folio_free(folio);
	if (generation_is(GENERATION_V6_19))
		atomic_sub(1 << order, &page_pgmap(&folio->page)->ref);
	else
		atomic_sub(1 << order, &pgmap->ref);
}

/*
 * zone_device_page_init() - v7.1. Fidelity: same, less the 32-bit order field. The driver has taken the pages off its lists. Whatever a
 * former life of any order left in each of them is wiped page by page: the order in page 1's word, the head mark, the compound
 * link (->pgmap takes its place). Once the reference count is set a walk by page frame finds the folio, and may have its lock first.
 */
void zone_device_folio_init(struct folio *folio, struct dev_pagemap *pgmap, unsigned int order)
{
	page_alloc_note(&folio->page, order);
	for (unsigned int i = 0; i < 1u << order; i++) {
		struct folio *new_folio = (struct folio *)folio_page(folio, i);

		if (!bug_enabled(zone_device_stale_tail_metadata))
			plain_rmw_bits_owned(new_folio->flags, FOLIO_ORDER_MASK, 0);
		plain_write_racy(new_folio->mapping, NULL);
		plain_write_racy(new_folio->pgmap, pgmap);
		VM_WARN_ON_FOLIO(folio_ref_count(new_folio), new_folio);
	}
	WARN_ON_ONCE(!atomic_add_unless(&pgmap->ref, 1 << order, 0));
	set_page_count(&folio->page, 1);
	folio_lock_new(folio);
	if (order) {
		prep_compound_page(&folio->page, order);
		folio_set_large_rmappable(folio);
	}
}

/*
 * memunmap_pages() - v7.1. Fidelity: adapted: kill, wait for the last page, exit; struct pages stay as they are. Sleeps. The driver has nothing
 * given out: what is waited for are folios between their driver's free callback and the pgmap's reference.
 */
void memunmap_pages(struct dev_pagemap *pgmap)
{
	WRITE_ONCE(pgmap->dead, true);
	atomic_dec(&pgmap->ref);
	while (!bug_enabled(device_owner_freed_before_pages) && atomic_read(&pgmap->ref))
		cpu_relax();
}
