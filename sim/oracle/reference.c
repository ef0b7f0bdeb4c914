/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 4: references. At each step: the count is never negative, does not leave zero but by its allocation or by
 * the CPU that froze it, and covers the mappings: mapcount - (PMD splits between adding the PTE rmaps and removing
 * the PMD rmap) <= refcount, while it is not zero. At quiescence it is exactly what mappings, page cache and swap cache (one
 * for each page), batches and held references explain; at the end every page is free.
 *
 * Poisoned pages are explained by the reference that memory_failure() keeps for good: one for each, if at all.
 */
#include "oracle_internal.h"
#include <linux/fs.h>

static s32 mapcount_of(const struct folio *folio)
{
	return oracle_is_large(folio) ? folio->_large_mapcount.counter + 1 : folio->_mapcount.counter + 1;
}

void reference_page_allocated(u32 pfn, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		oracle.pages[pfn + i].refcount = machine->memmap[pfn + i]._refcount.counter;
}

static void find_underflow(u32 pfn, s32 now)
{
	engine_find(VERDICT_BAD_REFERENCE, "refcount underflow", NULL, "page %u has %d references", pfn, now);
}

static void refcount_changed(const struct event *ev, u32 pfn)
{
	struct ghost_page *g = &oracle.pages[pfn];
	s32 now = machine->memmap[pfn]._refcount.counter, was = g->refcount;

	if (now == was)
		return; /* nobody got one */
	g->refcount = now;
	if (now - was == (1 << oracle_order(oracle_folio(pfn))) - 1)
		g->pmd_refs |= (u8)(1u << ev->cpu);
	else
		g->pmd_refs &= (u8)~(1u << ev->cpu);
	if (unlikely(now < 0))
		find_underflow(pfn, now);
	if (was == 0 && now > 0 && ev->kind == EVENT_RMW && g->frozen_by != ev->cpu + 1 &&
	    g->allocated)
		engine_find(VERDICT_BAD_REFERENCE, "get from zero", NULL,
			    "page %u had no reference, and this CPU did not freeze it", pfn);
	if (was == 0 && now > 0 && ev->kind == EVENT_WRITE)
		publish_unfrozen(ev, pfn);
	if (was > 0 && now == 0)
		g->frozen_by = (u8)(ev->cpu + 1);
	else if (now > 0)
		g->frozen_by = 0;
}

/* Of all pages: a part that is split off later has been seen as well. */
static void published(u32 head, const struct folio *folio)
{
	for (u32 i = 0; i < 1u << oracle_order(folio); i++)
		oracle.pages[head + i].published = 1;
}

/*
 * The total of a large folio changed: a PMD split adds all PTE mappings at once while the PMD mapping is still there, which the same CPU
 * removes next. It has taken one reference less for them, the PMD's: who maps as many pages otherwise, as a fork, has one for each. Other CPUs
 * may split the folio's other mappings meanwhile.
 */
static void mapcount_changed(const struct event *ev, u32 head, struct folio *folio)
{
	struct ghost_page *g = &oracle.pages[head];
	s32 now = mapcount_of(folio), was = g->mapcount;

	g->mapcount = now;
	if (now > was)
		rmap_audit_mapping(g, ev->cpu);
	if (now > 0 && !g->published)
		published(head, folio);
	if (!oracle_is_large(folio))
		return;
	if (now - was == 1 << oracle_order(folio) && folio->_entire_mapcount.counter >= 0 && g->pmd_refs >> ev->cpu & 1) {
		g->pmd_splits |= (u8)(1u << ev->cpu);
	} else if (now - was == -1) {
		g->pmd_splits &= (u8)~(1u << ev->cpu);
	}
}

static void check_cover(u32 head, struct folio *folio)
{
	struct ghost_page *g = &oracle.pages[head];
	s32 ref = folio->_refcount.counter, twice = __builtin_popcount(g->pmd_splits);

	if (ref > 0 && unlikely(g->mapcount - twice > ref))
		engine_find(VERDICT_BAD_REFERENCE, "fewer references than mappings", NULL,
			    "folio at page %u: %d mappings, %d references", head, g->mapcount, ref);
	if (ref == 0 && unlikely(g->mapcount > 0))
		engine_find(VERDICT_BAD_REFERENCE, "mapped without a reference", NULL,
			    "folio at page %u: %d mappings", head, g->mapcount);
}

void reference_written(const struct event *ev, u32 pfn, u32 offset)
{
	u32 head = oracle_head_of(pfn);
	struct folio *folio = oracle_folio(head);

	if (!oracle.pages[pfn].allocated) {
		if (offset == offsetof(struct page, _refcount) && unlikely(machine->memmap[pfn]._refcount.counter < 0))
			find_underflow(pfn, machine->memmap[pfn]._refcount.counter);
		return;
	}
	if (offset == offsetof(struct page, _refcount)) {
		refcount_changed(ev, pfn);
	} else if (pfn == head && offset == offsetof(struct page, _mapcount) && !oracle_is_large(folio)) {
		mapcount_changed(ev, head, folio);
	} else if (pfn == head + 1 && (void *)(uintptr_t)ev->object == &folio->_large_mapcount) {
		mapcount_changed(ev, head, folio);
	} else {
		return;
	}
	check_cover(head, folio);
}

/* ---- quiescent ---- */

static s32 batch_references(const struct folio *folio)
{
	s32 n = 0;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct folio_batch *batches[] = { &machine->lru_add[cpu], &machine->lru_lazyfree[cpu],
							&machine->lru_deactivate[cpu], &machine->mlock_batch[cpu] };

		for (unsigned b = 0; b < ARRAY_SIZE(batches); b++)
			for (unsigned i = 0; i < batches[b]->nr; i++)
				n += mlock_batch_folio(batches[b]->folios[i]) == folio;
	}
	return n;
}

enum { PIN_BIAS = 1024 }; /* a small folio has no count of its pins */

/* The shared page of zeroes is pinned without being counted. */
static s32 held_references(u32 head)
{
	s32 n = 0;

	if (head == ZERO_PFN)
		return 0;

	for (unsigned i = 0; i < NR_REFS; i++)
		if (machine->refs[i] && oracle_head_of((u32)page_to_pfn(machine->refs[i])) == head)
			n += machine->refs_pinned[i] && !oracle_is_large(oracle_folio(head)) ? PIN_BIAS : 1;
	return n;
}

/* One for each page of a folio in a cache, and the huge zero folio's own. */
static s32 cache_references(const struct folio *folio)
{
	s32 nr = 1 << oracle_order(folio);

	return (oracle_in_swapcache(folio) ? nr : 0) + (oracle_in_pagecache(folio) ? nr : 0) +
	       (folio->flags & BIT(PG_private) ? 1 : 0) + (folio == machine->huge_zero_folio ? 1 : 0);
}

s32 reference_explained(u32 head)
{
	const struct folio *folio = oracle_folio(head);

	return mapcount_of(folio) + cache_references(folio) + batch_references(folio) + held_references(head);
}

s32 reference_mapcount(u32 head)
{
	return mapcount_of(oracle_folio(head));
}

static bool check_exact(u32 head)
{
	struct folio *folio = oracle_folio(head);
	s32 ref = folio->_refcount.counter, explained = reference_explained(head);
	s32 most = explained + (s32)oracle_poisoned_pages(head);

	if (folio->flags & BIT(PG_locked)) {
		engine_report(VERDICT_LOCK_RULE, "folio left locked", "quiescence", NULL, "folio at page %u", head);
		return false;
	}
	if (ref >= explained && ref <= most)
		return true;
	engine_report(VERDICT_BAD_REFERENCE, ref > most ? "unexplained reference" : "missing reference",
		      "quiescence", NULL, "folio at page %u: %d references, %d explained", head, ref, explained);
	return false;
}

bool reference_can_move(u32 head)
{
	const struct folio *folio = oracle_folio(head);

	return folio->_refcount.counter == mapcount_of(folio) + cache_references(folio) + batch_references(folio);
}

/* What is pinned to be written to for long is nobody's to write back: no page of the regular file. */
static bool check_longterm(unsigned ref)
{
	const struct address_space *mapping;

	if (!machine->refs[ref] || machine->refs_pinned[ref] != 3)
		return true;
	mapping = oracle_folio(oracle_head_of((u32)page_to_pfn(machine->refs[ref])))->mapping;
	for (unsigned i = 0; i < NR_FILES; i++)
		if (mapping == &machine->mappings[i] && !shmem_mapping(mapping)) {
			engine_report(VERDICT_BAD_REFERENCE, "a file's page is pinned for long", "quiescence", NULL, "g%u, f%u", ref, i);
			return false;
		}
	return true;
}

bool reference_quiescent(void)
{
	for (unsigned ref = 0; ref < NR_REFS; ref++)
		if (!check_longterm(ref))
			return false;
	for_each_touched_pfn(pfn) {
		if (!oracle.pages[pfn].allocated || oracle_head_of(pfn) != pfn)
			continue;
		if (!check_exact(pfn))
			return false;
	}
	return true;
}

bool reference_end(void)
{
	for_each_touched_pfn(pfn) {
		if (!oracle.pages[pfn].allocated || oracle.pages[pfn].poisoned_by)
			continue;
		engine_report(VERDICT_BAD_REFERENCE, "page leaked", "teardown", NULL, "page %u has %d references",
			      pfn, machine->memmap[pfn]._refcount.counter);
		return false;
	}
	return true;
}
