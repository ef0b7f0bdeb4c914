/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 3: no CPU writes to a free page's struct, but for: the allocator's marks under the zone's lock, a try-get (which
 * leaves the count at zero), and setting or clearing PG_hwpoison, which memory_failure() does without a
 * reference. And who knows a folio by nothing but a slot of the page cache that it has looked at without the lock does not even read it, but
 * for the count, before it has got a reference: RCU keeps the array and not what it leads to. Whether the page has become somebody else's by then
 * is not looked at, nor who goes by frame number or page table: a PFN walker's reads are legal. Content is content.c's.
 */
#include "oracle_internal.h"
#include <string.h>

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

static u8 *state_of(u32 pfn)
{
	return &arena_state[arena_offset(&machine->memmap[pfn]) >> ARENA_GRAIN_SHIFT];
}

void freed_page_begin(void)
{
	memset(state_of(0), 0, MAX_PFN);
	memset(oracle.found, 0, sizeof(oracle.found));
}

/* Freed, or given out. Who frees it had a reference, whatever it had found before. */
void freed_page_note(u32 pfn, u32 nr, bool free)
{
	struct found_entries *found = &oracle.found[engine_cpu()];

	memset(state_of(pfn), free ? PAGE_FREE : 0, nr);
	for (u32 i = pfn; free && i < pfn + nr; i++)
		found->pages[i / 64] &= ~(1ull << i % 64);
}

void freed_page_found(const volatile void *entry)
{
	struct found_entries *found = &oracle.found[engine_cpu()];
	const struct cpu_context *c = &kern->cpu[engine_cpu()];
	u32 pfn, offset;

	if (!c->rcu_nesting || !oracle_page_of(entry, &pfn, &offset))
		return;
	if (found->section != c->rcu_sections)
		*found = (struct found_entries){ .section = c->rcu_sections };
	found->pages[pfn / 64] |= 1ull << pfn % 64;
}

void freed_page_touched(const struct event *ev)
{
	const struct found_entries *found = &oracle.found[engine_cpu()];
	const struct cpu_context *c = &kern->cpu[engine_cpu()];
	u32 pfn, offset;

	if (!c->rcu_nesting || found->section != c->rcu_sections || !oracle_page_of(ev->object, &pfn, &offset))
		return;
	if (!(found->pages[pfn / 64] >> pfn % 64 & 1) || offset == offsetof(struct page, _refcount) || zone_lock_held(pfn))
		return;
	engine_find(VERDICT_USE_AFTER_FREE, "folio found without a reference", NULL, "%s of %s of page %u, which is free",
		    event_verb((enum event_kind)ev->kind), ev->site->field, pfn);
}
