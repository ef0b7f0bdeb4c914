/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the quiescent and end oracles need to know of an execution on the free vehicle (include/foliofuzz/free.h), where nobody is told of a step: which
 * pages are in use, which are poisoned, and which folios left their queue because no reference was to be had. All of it is the page's owner's to
 * say, or said under its queue's lock. No invariant of a step is judged here, nor the content of memory, nor a promise of fallocate(2).
 */
#include "oracle_internal.h"

static void mark(const volatile void *page, unsigned order, bool allocated)
{
	u32 pfn = (u32)page_to_pfn((const struct page *)(uintptr_t)page);

	for (u32 i = 0; i < 1u << order; i++) {
		oracle.pages[pfn + i].allocated = allocated;
		oracle.pages[pfn + i].excused = CAUSE_NONE;
	}
}

/* As queue_member_deleted(): it was frozen or dying. */
static void deleted(const volatile void *entry)
{
	u32 pfn, offset;

	if (oracle_page_of(entry, &pfn, &offset) && offset != offsetof(struct page, lru))
		oracle.pages[pfn - 2].excused =
			__atomic_load_n(&machine->memmap[pfn - 2]._refcount.counter, __ATOMIC_RELAXED) ? CAUSE_NONE : CAUSE_NO_REFERENCE;
}

static void on_note(enum note note, const volatile void *a, const volatile void *b)
{
	if (note == NOTE_PAGE_ALLOCATED || note == NOTE_PAGE_FREED)
		mark(a, (unsigned)(uintptr_t)b, note == NOTE_PAGE_ALLOCATED);
	else if (note == NOTE_LIST_DELETED)
		deleted(a);
}

/* Bits are about to be changed. The mark of a page that nobody owns is set under memory_failure()'s mutex, and taken back under it. */
static void on_bits(const struct event *ev)
{
	u32 pfn, offset;

	if (likely(ev->set != BIT(PG_hwpoison) && ev->clear != BIT(PG_hwpoison)))
		return;
	if (oracle_page_of(ev->object, &pfn, &offset) && offset == offsetof(struct page, flags))
		oracle.pages[pfn].poisoned_by = ev->set ? (u8)(ev->cpu + 1) : 0;
}

const struct engine_hooks oracle_free_hooks = { .written = on_bits, .note = on_note };
