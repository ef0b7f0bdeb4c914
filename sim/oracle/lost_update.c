/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 1: a plain store to a flags word takes back no bit that another CPU changed since the load before it.
 *
 * A shadow word follows what each operation means to do: atomic operations leave it equal to the word; a plain store
 * is meant to clear and set the bits it names and no other, so wherever word and shadow differ after it an update
 * has been lost.
 *
 * Not reported, only counted: PG_hwpoison lost to a store by the word's sole owner. memory_failure() sets it before
 * it has any reference, so the kernel accepts that an owner whose folio has no reference (being freed, or frozen) or was
 * never mapped or on the LRU (new) may overwrite it. Whoever changes a bit of a folio that is in use holds a reference, or the lock
 * of a table that maps it, and then there is no exemption.
 */
#include "oracle_internal.h"
#include <string.h>

struct shadow {
	u64 word;
	const struct site *last; /* last operation that meant to change it; NULL: none since the page was allocated */
};
static struct shadow shadows[MAX_PFN]; /* of each page's flags */

void lost_update_begin(void)
{
	memset(shadows, 0, sizeof(shadows));
}

void lost_update_page_allocated(u32 pfn, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		shadows[pfn + i].last = NULL;
}

void lost_update_save(struct snapshot *s)
{
	snapshot_add_pages(s, shadows, sizeof(shadows[0]));
}

static const char *bit_name(unsigned bit, bool second_page)
{
	switch (bit) {
	case PG_hwpoison: return "PG_hwpoison";
	case PG_anon_exclusive: return "PG_anon_exclusive";
	case PG_locked: return "PG_locked";
	case PG_lru: return "PG_lru";
	case PG_dirty: return "PG_dirty";
	case PG_swapbacked: return "PG_swapbacked";
	case PG_active: return second_page ? "PG_has_hwpoisoned" : "PG_active";
	case PG_workingset: return second_page ? "PG_large_rmappable" : "PG_workingset";
	case PG_reclaim: return second_page ? "PG_partially_mapped" : "PG_reclaim";
	default: return "a flag";
	}
}

/* The page belongs to nobody but the CPU that writes: its folio has no reference, or nobody else has seen it yet. */
static bool sole_owner(u32 pfn)
{
	u32 head = oracle_head_of(pfn);
	const struct folio *folio = oracle_folio(head);

	if (folio->_refcount.counter == 0)
		return true;
	return !oracle.pages[head].published && !(folio->flags & BIT(PG_lru));
}

static void report(const struct event *ev, u64 bits, const struct shadow *s)
{
	u32 pfn, offset;
	bool in_page = oracle_page_of(ev->object, &pfn, &offset);
	bool second = in_page && (machine->memmap[pfn].compound_head & 1);

	if (in_page && bits == BIT(PG_hwpoison) && sole_owner(pfn)) {
		oracle_benign_met(BENIGN_HWPOISON_LOST);
		if (!oracle.options.strict_hwpoison)
			return;
	}
	engine_find(VERDICT_LOST_UPDATE, bit_name((unsigned)__builtin_ctzll(bits), second),
		    s->last ? s->last->function : NULL,
		    "%s stored a word that it had loaded before the change; lost bits %#llx",
		    ev->site->function, (unsigned long long)bits);
}

void lost_update_written(const struct event *ev, u32 pfn)
{
	struct shadow *s = &shadows[pfn];
	u64 word = *(const volatile u64 *)ev->object, meant;

	if (ev->kind == EVENT_BIT_STORE && s->last) {
		meant = (s->word & ~ev->clear) | ev->set;
		s->word = word;
		if (unlikely(meant != word))
			report(ev, meant ^ word, s);
	}
	s->word = word;
	s->last = ev->site;
}
