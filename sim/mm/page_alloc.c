// SPDX-License-Identifier: GPL-2.0-only
/*
 * page_alloc.c - the buddy allocator: two zones of 128 pages, orders 0 to 3, and the checks of what is freed.
 *
 * The zone's lock covers the free lists and the buddy marks. Freed blocks are used again first, so that
 * what is touched too late soon belongs to somebody else. P23.
 */
#include <linux/fault.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

static struct zone *page_zone(const struct page *page)
{
	return &NODE_DATA(page_to_nid(page))->zone;
}

/* Marks and lists of free blocks: the zone's lock is held. is_free_buddy_page() looks at the marks without it: benign row 8. */
static void set_buddy(struct page *page, unsigned int order)
{
	plain_write_racy(page->private, order);
	plain_write_racy(page->page_type, PGTY_buddy);
}

static void clear_buddy(struct page *page)
{
	plain_write_racy(page->page_type, ~0u);
	plain_write_racy(page->private, 0);
}

static bool page_is_buddy(const struct page *page, unsigned int order)
{
	/* a neighbour in use may change its map counts meanwhile; no value of them looks like the mark */
	return assert_read(page->page_type) == PGTY_buddy && assert_read(page->private) == order;
}

static void free_list_add(struct zone *zone, struct page *page, unsigned int order)
{
	s16 pfn = (s16)page_to_pfn(page), next = zone->free_head[order];

	machine->free_prev[pfn] = -1;
	machine->free_next[pfn] = next;
	if (next >= 0)
		machine->free_prev[next] = pfn;
	zone->free_head[order] = pfn;
	set_buddy(page, order);
}

static void free_list_del(struct zone *zone, struct page *page, unsigned int order)
{
	s16 pfn = (s16)page_to_pfn(page);
	s16 next = machine->free_next[pfn], prev = machine->free_prev[pfn];

	if (prev >= 0)
		machine->free_next[prev] = next;
	else
		zone->free_head[order] = next;
	if (next >= 0)
		machine->free_prev[next] = prev;
	clear_buddy(page);
}

/* __free_one_page() - v7.1. Fidelity: same, one migrate type. The zone's lock is held. */
static void __free_one_page(struct zone *zone, struct page *page, unsigned int order)
{
	unsigned long pfn = page_to_pfn(page);

	zone->nr_free += 1u << order;
	while (order < MAX_ORDER_) {
		unsigned long buddy_pfn = pfn ^ (1ul << order);
		struct page *buddy = pfn_to_page(buddy_pfn);

		if (buddy_pfn >= zone->untouched || !page_is_buddy(buddy, order))
			break;
		free_list_del(zone, buddy, order);
		pfn &= buddy_pfn;
		order++;
	}
	free_list_add(zone, pfn_to_page(pfn), order);
}

/* expand() - v7.1. Fidelity: same. Gives back the upper halves of a block that is larger than asked for. */
static void expand(struct zone *zone, struct page *page, unsigned int low, unsigned int high)
{
	while (high > low) {
		high--;
		free_list_add(zone, page + (1u << high), high);
	}
}

/* __rmqueue() - v7.1. Fidelity: same, one migrate type. The zone's lock is held. */
static struct page *__rmqueue(struct zone *zone, unsigned int order)
{
	for (unsigned int high = order; high < NR_ORDERS; high++) {
		struct page *page;

		if (zone->free_head[high] < 0)
			continue;
		page = pfn_to_page(zone->free_head[high]);
		free_list_del(zone, page, high);
		expand(zone, page, order, high);
		zone->nr_free -= 1u << order;
		return page;
	}
	if (zone->untouched < zone->end) {
		struct page *page = pfn_to_page(zone->untouched);

		access_store(&zone->untouched, (u16)(zone->untouched + (1u << MAX_ORDER_)), __ATOMIC_RELAXED);
		expand(zone, page, order, MAX_ORDER_);
		zone->nr_free -= 1u << order;
		return page;
	}
	return NULL;
}

/* page_expected_state(), page_bad_reason() - v7.1. Fidelity: same. NULL: as a page must be that nobody has. */
static const char *page_bad_reason(struct page *page, unsigned long check_flags, const char *flags_reason)
{
	if (assert_read(page->_mapcount.counter) != -1)
		return "nonzero mapcount";
	if (assert_read(page->mapping))
		return "non-NULL mapping";
	if (assert_read(page->_refcount.counter))
		return "nonzero refcount";
	if (assert_read(page->flags) & check_flags)
		return flags_reason;
	if (assert_read(page->memcg_data))
		return "still charged to cgroup";
	return NULL;
}

/*
 * check_new_page(), check_new_pages() - v7.1. Fidelity: same. The first page that is not as it should be decides: if it is
 * poisoned, which memory_failure() did between its free and now, the block is dropped, for good. Anything else is a late
 * store of a former owner.
 */
static bool check_new_pages(struct page *page, unsigned int order)
{
	for (unsigned int i = 0; i < 1u << order; i++) {
		const char *reason = page_bad_reason(page + i, PAGE_FLAGS_CHECK_AT_PREP, "flags set at allocation");

		if (assert_read(page[i].flags) & __PG_HWPOISON)
			return true;
		if (reason)
			bad_page(reason);
	}
	return false;
}

/* rmqueue() - v7.1. Fidelity: adapted: no per-CPU lists, which hide in which order pages come back. */
static struct page *rmqueue(struct zone *zone, unsigned int order)
{
	struct page *page;
	unsigned long flags;

	do {
		spin_lock_irqsave(&zone->lock, flags);
		page = __rmqueue(zone, order);
		spin_unlock_irqrestore(&zone->lock, flags);
	} while (page && check_new_pages(page, order));
	return page;
}

/* prep_compound_tail() - v7.1. Fidelity: same. Nobody has the folio yet, but a PFN walker may look. */
static void prep_compound_tail(struct page *head, unsigned int tail_idx)
{
	struct page *p = head + tail_idx;

	if (tail_idx > 2)
		plain_init(p->mapping, TAIL_MAPPING);
	set_compound_head(p, head);
}

/* prep_compound_head() - v7.1. Fidelity: same. */
static void prep_compound_head(struct page *page, unsigned int order)
{
	struct folio *folio = (struct folio *)page;

	plain_rmw_bits_owned(folio->_flags_1, FOLIO_ORDER_MASK, order);
	plain_init(folio->_large_mapcount.counter, -1);
	plain_init(folio->_nr_pages_mapped.counter, 0);
	plain_init(folio->_entire_mapcount.counter, -1);
	plain_init(folio->_pincount.counter, 0);
	plain_init(folio->_mm_id_mapcount[0], -1);
	plain_init(folio->_mm_id_mapcount[1], -1);
	plain_init(folio->_mm_ids, 0);
	/* the link may still be looked at by whoever had the folio that was here before */
	if (order > 1 && !bug_enabled(defer_uninitialised_head))
		INIT_LIST_HEAD(&folio->_deferred_list);
}

/* prep_compound_page() - v7.1, but for the head's mark. Fidelity: same. */
void prep_compound_tails(struct page *page, unsigned int order)
{
	for (unsigned int i = 1; i < 1u << order; i++)
		prep_compound_tail(page, i);
	prep_compound_head(page, order);
}

/* prep_compound_page() - v7.1. Fidelity: same. Nobody else has the page. */
void prep_compound_page(struct page *page, unsigned int order)
{
	__set_bit_owned(PG_head, &page->flags);
	prep_compound_tails(page, order);
}

/*
 * __alloc_frozen_pages(), set_page_refcounted(), page_rmappable_folio() - v7.1. Fidelity: adapted: no watermarks, reclaim or
 * zone lists, failure is injected; the other node is the only fallback.
 */
struct folio *folio_alloc_node(gfp_t gfp, unsigned int order, int nid)
{
	struct page *page;

	if (alloc_should_fail(gfp))
		return NULL;
	page = rmqueue(&NODE_DATA(nid)->zone, order);
	if (!page)
		page = rmqueue(&NODE_DATA(!nid)->zone, order);
	if (!page)
		return NULL;
	page_alloc_note(page, order);
	if (order)
		prep_compound_page(page, order);
	init_page_count(page);
	if (order)
		folio_set_large_rmappable((struct folio *)page);
	return (struct folio *)page;
}

/* vma_alloc_folio() - v7.1, mm/mempolicy.c. Fidelity: adapted: an mm's memory is on one node. */
struct folio *vma_alloc_folio(gfp_t gfp, unsigned int order, struct vm_area_struct *vma,
			      unsigned long addr)
{
	(void)addr;
	return folio_alloc_node(gfp, order, (int)(vma->vm_mm->slot % NR_NODES));
}

/* free_tail_page_prepare() - v7.1. Fidelity: same. */
static void free_tail_page_prepare(struct folio *folio, struct page *page, unsigned int i)
{
	if (i == 1) {
		if (assert_read(folio->_large_mapcount.counter) != -1)
			bad_page("nonzero large_mapcount");
		if (!machine->config.no_page_mapcount && assert_read(folio->_nr_pages_mapped.counter))
			bad_page("nonzero nr_pages_mapped");
		if (folio->_mm_id_mapcount[0] != -1 || folio->_mm_id_mapcount[1] != -1)
			bad_page("nonzero mm mapcount");
		if (assert_read(folio->_entire_mapcount.counter) != -1)
			bad_page("nonzero entire_mapcount");
		if (assert_read(folio->_pincount.counter))
			bad_page("nonzero pincount");
	} else if (i == 2) {
		if (!bug_enabled(defer_uninitialised_head) &&
		    assert_read(folio->_deferred_list.next) != &folio->_deferred_list)
			bad_page("on deferred list");
	} else if (assert_read(page->mapping) != TAIL_MAPPING) {
		bad_page("corrupted mapping in tail page");
	}
	if (assert_read(page->compound_head) != ((unsigned long)folio | 1))
		bad_page("compound_head not consistent");
	plain_init(page->mapping, NULL);
	clear_compound_head(page);
}

/* free_page_is_bad() - v7.1. Fidelity: same. */
static void free_page_is_bad(struct page *page)
{
	const char *reason = page_bad_reason(page, PAGE_FLAGS_CHECK_AT_FREE, "flags set at free");

	if (reason)
		bad_page(reason);
}

/*
 * free_pages_prepare() - v7.1. Fidelity: same. False: the page does not go back, it is poisoned. Page 1's flags of the folio are
 * wiped before anything is checked, so that a stale one is silent.
 */
static bool free_pages_prepare(struct page *page, unsigned int order)
{
	struct folio *folio = (struct folio *)page;

	/* The last munlock may still be in a batch's future, or never come: by a truncation, or for pages that are no LRU folios. */
	if (!bug_enabled(mlocked_flag_at_free) && unlikely(folio_test_mlocked(folio))) {
		__folio_clear_mlocked(folio);
		lruvec_stat_mod_folio(folio, NR_MLOCK, -(1l << order));
	}
	if (PageHWPoison(page) && !order) {
		page_free_note(page, order);
		return false;
	}
	if (order) {
		plain_rmw_bits_owned(folio->_flags_1, PAGE_FLAGS_SECOND, 0);
		for (unsigned int i = 1; i < 1u << order; i++) {
			free_tail_page_prepare(folio, page + i, i);
			free_page_is_bad(page + i);
			plain_rmw_bits_owned(page[i].flags, PAGE_FLAGS_CHECK_AT_PREP, 0);
		}
	}
	if (folio_test_anon(folio)) {
		mod_mthp_stat(order, MTHP_STAT_NR_ANON, -1);
		plain_write_racy(folio->mapping, NULL); /* walkers by PFN and smaps look */
	}
	free_page_is_bad(page);
	plain_rmw_bits_owned(page->flags, PAGE_FLAGS_CHECK_AT_PREP, 0);
	page_free_note(page, order);
	return true;
}

/* free_one_page() - v7.1. Fidelity: same. */
static void free_one_page(struct page *page, unsigned int order)
{
	struct zone *zone = page_zone(page);
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	__free_one_page(zone, page, order);
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* free_frozen_pages() - v7.1. Fidelity: adapted: straight to the buddy lists. Any context. */
void free_frozen_pages(struct page *page, unsigned int order)
{
	if (free_pages_prepare(page, order))
		free_one_page(page, order);
}

/*
 * free_unref_folios() - v7.1. Fidelity: adapted: as free_frozen_pages(). All are prepared before the first goes back: until
 * then they are neither anybody's nor free. The order is kept aside, for a prepared folio does not know it any more.
 */
void free_unref_folios(struct folio_batch *folios)
{
	unsigned int orders[FOLIO_BATCH_SIZE], kept = 0;

	for (unsigned int i = 0; i < folios->nr; i++) {
		struct folio *folio = folios->folios[i];
		unsigned int order = folio_order(folio);

		if (!free_pages_prepare(&folio->page, order))
			continue;
		orders[kept] = order;
		folios->folios[kept++] = folio;
	}
	for (unsigned int i = 0; i < kept; i++)
		free_one_page(&folios->folios[i]->page, orders[i]);
	folio_batch_reinit(folios);
}

/*
 * Not in the kernel: memory above a zone's mark is free and as at boot, and a reboot does not look at it. Whoever is going to
 * touch a frame of it without allocating it (an injected memory error) moves the mark first.
 */
void zone_touch(unsigned long pfn)
{
	struct zone *zone = page_zone(pfn_to_page(pfn));
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	while (pfn >= zone->untouched) {
		free_list_add(zone, pfn_to_page(zone->untouched), MAX_ORDER_);
		access_store(&zone->untouched, (u16)(zone->untouched + (1u << MAX_ORDER_)), __ATOMIC_RELAXED);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* The free block that a page lies in, its order in *orderp; NULL if it is in none. Racy without the zone's lock. */
static struct page *buddy_head(const struct page *page, unsigned int *orderp)
{
	unsigned long pfn = page_to_pfn(page);

	for (unsigned int order = 0; order < NR_ORDERS; order++) {
		struct page *head = pfn_to_page(pfn & ~((1ul << order) - 1));

		if (plain_read_racy(head->page_type) == PGTY_buddy &&
		    plain_read_racy(head->private) >= order) {
			*orderp = (unsigned int)assert_read(head->private);
			return head;
		}
	}
	return NULL;
}

/* is_free_buddy_page() - v7.1. Fidelity: same; memory above the mark was never used. */
bool is_free_buddy_page(const struct page *page)
{
	unsigned int order;

	accepted_race(8, page);
	return page_to_pfn(page) >= plain_read_racy(page_zone(page)->untouched) ||
	       buddy_head(page, &order);
}

/* take_page_off_buddy() - v7.1. Fidelity: same; the search does not end early at a page in use: no free block is around that. */
bool take_page_off_buddy(struct page *page)
{
	struct zone *zone = page_zone(page);
	struct page *head;
	unsigned long flags;
	unsigned int order;
	bool taken = false;

	spin_lock_irqsave(&zone->lock, flags);
	head = buddy_head(page, &order);
	if (head) {
		free_list_del(zone, head, order);
		/* split_page towards the wanted one: the other half goes back each time */
		while (order) {
			struct page *upper;

			order--;
			upper = head + (1u << order);
			if (page >= upper) {
				free_list_add(zone, head, order);
				head = upper;
			} else {
				free_list_add(zone, upper, order);
			}
		}
		plain_write_racy(page->private, MAGIC_HWPOISON);
		zone->nr_free--;
		taken = true;
		page_alloc_note(page, 0);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return taken;
}

/*
 * put_page_back_buddy() - v7.1. Fidelity: same, and repaired: the reference goes if it is the last one, and the page with it. False: somebody who
 * has looked the page up before it was free has another; all is as it was. (Releases up to v7.1 drop it all the same. That reference is the last
 * then, and its put keeps the page from the free lists, for it is marked; who comes again finds it still taken off, and drops what is not there.)
 */
bool put_page_back_buddy(struct page *page)
{
	struct zone *zone = page_zone(page);
	unsigned long flags;
	bool ret = false;

	spin_lock_irqsave(&zone->lock, flags);
	if (bug_enabled(unpoison_put_back_shared) ? page_ref_dec_and_test(page) : folio_ref_freeze((struct folio *)page, 1)) {
		plain_write_racy(page->private, 0);
		page_free_note(page, 0);
		__free_one_page(zone, page, 0);
		ret = TestClearPageHWPoison(page);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return ret;
}

/* Not in the kernel: a free page is marked no more. False: it is not free, or has no mark. Nobody allocates it meanwhile: the zone's lock. */
bool clear_hwpoison_buddy(struct page *page)
{
	struct zone *zone = page_zone(page);
	unsigned long flags;
	unsigned int order;
	bool ret;

	spin_lock_irqsave(&zone->lock, flags);
	ret = buddy_head(page, &order) && TestClearPageHWPoison(page);
	spin_unlock_irqrestore(&zone->lock, flags);
	return ret;
}
