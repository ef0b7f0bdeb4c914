/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * No invariant: the state of each folio at quiescence, coarsely, for a fuzzer that looks for states which it has not seen
 * (algorithms.md 4.6: state digests). Counts are classes, so that one mapping more is no news; who owns what is left out.
 */
#include "oracle_internal.h"

/* 0, 1, 2, 3 to 4, 5 to 8, more. */
static unsigned class_of(long n)
{
	if (n < 0)
		return 7;
	if (n <= 2)
		return (unsigned)n;
	return n <= 4 ? 3 : n <= 8 ? 4 : 5;
}

static unsigned kind_of(u32 head, const struct folio *folio)
{
	if (oracle_is_device(head))
		return 3;
	if (oracle_is_anon(folio))
		return 1;
	return folio->mapping ? 2 : 0;
}

/* Of the pages behind the head, together. */
static unsigned tail_flags(u32 head, unsigned order)
{
	unsigned long all = 0;

	for (u32 i = 1; i < 1u << order; i++)
		all |= machine->memmap[head + i].flags;
	return (all & BIT(PG_hwpoison) ? 1 : 0) | (all & BIT(PG_anon_exclusive) ? 2 : 0);
}

/* References that mappings do not explain; a PMD mapping is one of either. */
static u64 counts_of(u32 head, const struct folio *folio, unsigned order)
{
	const struct ghost_page *g = &oracle.pages[head];
	u64 counts = class_of(g->mapcount) | (u64)class_of(g->refcount - g->mapcount) << 3;

	if (!order)
		return counts;
	counts |= (u64)class_of(folio->_entire_mapcount.counter + 1) << 6 | (u64)class_of(folio->_pincount.counter) << 9;
	/* all its pages are mapped as often, or some less */
	return counts | (u64)(g->mapcount % (1 << order) != 0) << 12;
}

static u64 state_of(u32 head)
{
	const struct ghost_page *g = &oracle.pages[head];
	const struct folio *folio = oracle_folio(head);
	unsigned order = oracle_order(folio);
	u64 state = hash_mix(folio->flags & PAGEFLAGS_MASK, order | kind_of(head, folio) << 4);

	state = hash_mix(state, counts_of(head, folio, order));
	state = hash_mix(state, (u64)(g->home != NULL) | (u64)(g->lru_home != NULL) << 1 | (u64)(folio->memcg_data != 0) << 2);
	if (order)
		state = hash_mix(state, (folio->_flags_1 & ~(unsigned long)FOLIO_ORDER_MASK & PAGEFLAGS_MASK) << 2 | tail_flags(head, order));
	return state;
}

void oracle_folio_states(void (*see)(void *arg, u64 state), void *arg)
{
	for_each_touched_pfn(pfn)
		if (oracle.pages[pfn].allocated && oracle_head_of(pfn) == pfn)
			see(arg, state_of(pfn));
}
