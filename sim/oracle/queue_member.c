/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 7: conservation of queue membership. A partially mapped folio is linked at quiescence, and every departure
 * from a queue is closed by a cause: queued again; split or freed; no reference to be had (the folio was frozen or
 * dying: accepted); or, for one that is not partially mapped, the scanner's verdict, which is that it read
 * the pages and found them in use, or that it took the folio's lock and tried to split. A folio that migrates hands its place on. An unclosed departure is a
 * folio that reclaim has lost sight of.
 */
#include "oracle_internal.h"

void queue_member_added(u32 head, struct list_head *home)
{
	struct ghost_page *g = &oracle.pages[head];

	g->home = home;
	/* on the scanner's private list it is still on its way */
	if (g->queue && home == &g->queue->split_queue)
		g->departed = 0;
}

static void departs(struct ghost_page *g)
{
	g->departed = (u8)(engine_cpu() + 1);
	g->scanned_in = 0;
	g->excused = CAUSE_NONE;
	g->scan_zero = g->scan_filled = 0;
	g->order = (u8)oracle_order(oracle_folio((u32)(g - oracle.pages)));
}

/* A split would keep its zeroes. Before, nobody asked. */
static bool scanner_leaves_mlocked(void)
{
	return generation_at_least(GENERATION_V6_19);
}

/* Whoever scans for a verdict does so in the operation that has taken the folio off. */
static bool scan_goes_on(const struct ghost_page *g)
{
	return g->departed && g->scanned_in == oracle.op_number[g->departed - 1];
}

void queue_member_deleted(u32 head)
{
	struct ghost_page *g = &oracle.pages[head];
	bool from_queue = g->queue && g->home == &g->queue->split_queue;

	g->home = NULL;
	if (from_queue || !g->departed)
		departs(g);
	if (from_queue && g->migrating == engine_cpu() + 1)
		g->left_by_migration = true;
	if (scanner_leaves_mlocked() && machine->memmap[head].flags & BIT(PG_mlocked))
		g->excused = CAUSE_MLOCKED;
	if (machine->memmap[head]._refcount.counter == 0)
		g->excused = CAUSE_NO_REFERENCE;
	else /* nobody but a scanner unlinks a folio that has references */
		g->scanned_in = oracle.op_number[engine_cpu()];
}

void queue_member_migrating(const volatile void *src)
{
	struct ghost_page *g = &oracle.pages[page_to_pfn((const struct page *)(uintptr_t)src)];

	g->migrating = (u8)(engine_cpu() + 1);
	g->left_by_migration = false;
}

/*
 * The source's place is the new folio's. One in the swap cache is on its way out and has none; and up to v6.19 migration loses it, by design:
 * whoever is unmapped in part next is queued again.
 */
void queue_member_migrated(const volatile void *src, const volatile void *dst)
{
	struct ghost_page *from = &oracle.pages[page_to_pfn((const struct page *)(uintptr_t)src)];
	u32 head = (u32)page_to_pfn((const struct page *)(uintptr_t)dst);
	struct ghost_page *g = &oracle.pages[head];

	from->migrating = 0;
	if (!from->left_by_migration || oracle_in_swapcache(oracle_folio(head)))
		return;
	g->queue = from->queue;
	departs(g);
	if (!generation_at_least(GENERATION_V7_1))
		g->excused = CAUSE_MIGRATED;
}

/* Another CPU's scan has taken it off its queue, and is not over. */
static bool in_other_hands(const struct event *ev, u32 head)
{
	const struct ghost_page *g = &oracle.pages[head];

	return scan_goes_on(g) && g->departed != ev->cpu + 1;
}

/* The taker locks the folio: it is going to try to split it. */
void queue_member_written(const struct event *ev, u32 pfn, u32 offset)
{
	struct ghost_page *g = &oracle.pages[pfn];

	if (pfn && (ev->set & BIT(PG_partially_mapped)) && oracle_head_of(pfn) == pfn - 1 && in_other_hands(ev, pfn - 1))
		oracle_benign_met(BENIGN_PARTIAL_AFTER_SCAN);
	if (!scan_goes_on(g))
		return;
	if (ev->kind == EVENT_BIT_TRYLOCK && g->departed == ev->cpu + 1 && lock_is_held_(ev->object))
		g->excused = CAUSE_SPLIT_TRIED;
	if (offset == 0 && (ev->set & BIT(PG_mlocked)) && !g->excused && scanner_leaves_mlocked())
		g->excused = CAUSE_MLOCKED;
	if (in_other_hands(ev, pfn))
		oracle_benign_met(BENIGN_PRIVATE_LIST);
}

/* The taker looks into a page. */
void queue_member_content_read(u32 pfn)
{
	struct ghost_page *g = &oracle.pages[oracle_head_of(pfn)];

	if (g->departed != engine_cpu() + 1 || !scan_goes_on(g) || g->excused)
		return;
	if (machine->content[pfn])
		g->scan_filled++;
	else
		g->scan_zero++;
	if (g->scan_filled >= HPAGE_PMD_NR / 2)
		g->excused = CAUSE_NOT_UNDERUSED;
}

static bool check_member(u32 head)
{
	struct ghost_page *g = &oracle.pages[head];
	struct folio *folio = oracle_folio(head);
	bool linked, flagged;

	if (oracle_order(folio) < 2)
		return true;
	linked = folio->_deferred_list.next != &folio->_deferred_list;
	flagged = folio->_flags_1 & BIT(PG_partially_mapped);
	if (linked || (!flagged && !g->departed))
		return true;
	/* split into large parts since then, which nobody queues */
	if (!flagged && g->order != oracle_order(folio))
		return true;
	/* known to be poisoned: its pages are not for reading, so the scanner's verdict is that it is in use */
	if (!flagged && (folio->_flags_1 & BIT(PG_has_hwpoisoned) || folio->flags & BIT(PG_hwpoison)))
		return true;
	if (g->excused == CAUSE_NO_REFERENCE || (!flagged && g->excused != CAUSE_NONE))
		return true;
	/* never queued: a folio on its way to swap is not, and none of order 2 or more is otherwise flagged */
	engine_report(VERDICT_LOST_QUEUE, flagged ? "partially mapped folio not queued" : "underused folio forgotten",
		      "quiescence", NULL, "folio at page %u, taken off by cpu%d", head, (int)g->departed - 1);
	return false;
}

bool queue_member_quiescent(void)
{
	for_each_touched_pfn(pfn) {
		if (!oracle.pages[pfn].allocated || oracle_head_of(pfn) != pfn)
			continue;
		if (!check_member(pfn))
			return false;
	}
	return true;
}
