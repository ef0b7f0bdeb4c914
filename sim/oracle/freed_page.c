/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 3: no CPU writes to a free page's struct, but for: the allocator's marks under the zone's lock, a try-get (which
 * leaves the count at zero), and setting or clearing PG_hwpoison, which memory_failure() does without a
 * reference. A PFN walker's reads are legal and not looked at. Content is content.c's.
 */
#include "oracle_internal.h"

static bool zone_lock_held(u32 pfn)
{
	const void *lock = &machine->nodes[page_to_nid(&machine->memmap[pfn])].zone.lock;

	return lock_is_held_(lock);
}

/* In a free block; take_page_off_buddy() takes a page out of one without giving it to anybody. */
static bool in_allocator(u32 pfn)
{
	for (unsigned order = 0; order < NR_ORDERS; order++) {
		const struct page *head = &machine->memmap[pfn & ~((1u << order) - 1)];

		if (head->page_type == PGTY_buddy && head->private >= order)
			return true;
	}
	return oracle_is_device(pfn) || pfn >= machine->nodes[page_to_nid(&machine->memmap[pfn])].zone.untouched;
}

void freed_page_written(const struct event *ev, u32 pfn, u32 offset)
{
	if (likely(oracle.pages[pfn].allocated) || pfn == ZERO_PFN)
		return;
	if (offset == offsetof(struct page, _refcount)) {
		/* memory_failure() owns what it took off the free list */
		if (machine->memmap[pfn]._refcount.counter == 0 || !in_allocator(pfn))
			return;
		engine_find(VERDICT_BAD_REFERENCE, "get from zero", NULL, "page %u is free and now has %d references",
			    pfn, machine->memmap[pfn]._refcount.counter);
	}
	if (ev->kind == EVENT_BIT_RMW && ((ev->set | ev->clear) & ~BIT(PG_hwpoison)) == 0)
		return;
	if ((offset == offsetof(struct page, private) || offset == offsetof(struct page, page_type)) &&
	    zone_lock_held(pfn))
		return;
	engine_find(VERDICT_USE_AFTER_FREE, "free page", NULL, "%s writes %s of page %u, which is free",
		    ev->site->function, ev->site->field, pfn);
}
