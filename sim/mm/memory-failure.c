// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory-failure.c - a page has gone bad: mark it, split it off its folio, take it from whoever
 * maps it, keep it from ever being used again. kernel-facts.md: P26.
 *
 * The mark comes before any reference: PG_hwpoison is the one bit that anybody may set in
 * anybody's page at any time. mf_mutex serialises errors; folio locks are taken inside it. A
 * page that has been dealt with keeps the reference taken here for ever: that is how it is kept
 * from being free.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/memory-failure.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <foliofuzz/bug.h>

enum mf_result { MF_IGNORED, MF_FAILED, MF_DELAYED, MF_RECOVERED };

#define GET_PAGE_MAX_RETRY_NUM 3

/* action_result() - v7.1. Fidelity: adapted: no messages, no statistics. */
static int action_result(enum mf_result result)
{
	return result == MF_RECOVERED || result == MF_DELAYED ? 0 : -EBUSY;
}

/*
 * shake_folio() - v7.1. Fidelity: adapted: no slab to shrink. What sits in a CPU's batch
 * becomes visible on the LRU.
 */
static void shake_folio(struct folio *folio)
{
	(void)folio;
	lru_add_drain_all();
}

/*
 * HWPoisonHandlable() - v7.1. Fidelity: same, no movable_ops. Racy: the page may be anybody's.
 */
static bool HWPoisonHandlable(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_lru(folio) || is_free_buddy_page(page);
}

/*
 * __get_hwpoison_page() - v7.1. Fidelity: same, no hugetlb. 1: a reference to the folio that
 * `page` is in, 0: none to be had, -EBUSY: unknown. A folio may be split or freed before the
 * reference is there, so what was got is compared with what is wanted.
 */
static int __get_hwpoison_page(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!HWPoisonHandlable(&folio->page))
		return -EBUSY;
	if (folio_try_get(folio)) {
		if (folio == page_folio(page))
			return 1;
		folio_put(folio);
	}
	return 0;
}

/*
 * get_hwpoison_page(), get_any_page() - v7.1. Fidelity: same, no hugetlb, no per-CPU free
 * lists. 1: referenced; 0: a free page; below 0: cannot be handled.
 */
int get_hwpoison_page(struct page *page)
{
	int pass = 0;

	for (;;) {
		int ret = __get_hwpoison_page(page);

		if (ret > 0) {
			if (HWPoisonHandlable(page))
				return 1;
			folio_put(page_folio(page));
			if (pass++ >= GET_PAGE_MAX_RETRY_NUM)
				return -EIO;
			shake_folio(page_folio(page));
		} else if (ret < 0) {
			/* In a batch, or between owners. */
			if (pass++ >= GET_PAGE_MAX_RETRY_NUM)
				return -EIO;
			shake_folio(page_folio(page));
		} else if (page_count(page)) {
			/* Lost a race with an allocation, or a freeze. */
			if (pass++ >= GET_PAGE_MAX_RETRY_NUM)
				return -EBUSY;
		} else if (!is_free_buddy_page(page)) {
			/* Lost a race with a free. */
			if (pass++ >= GET_PAGE_MAX_RETRY_NUM)
				return -EIO;
		} else {
			return 0;
		}
	}
}

/*
 * try_to_split_thp_page() - v7.1. Fidelity: same. Caller holds a reference, which moves to the
 * folio of `page`.
 */
int try_to_split_thp_page(struct page *page)
{
	int ret;

	do {
		folio_lock(page_folio(page));
		ret = split_huge_page(page);
		folio_unlock(page_folio(page));
	} while (ret == -EAGAIN && bug_enabled(hwpoison_split_retry_livelock));
	return ret;
}

/*
 * unmap_poisoned_folio() - v7.1. Fidelity: adapted: anonymous, no swapcache. Caller holds the
 * folio lock and a reference.
 */
static int unmap_poisoned_folio(struct folio *folio)
{
	try_to_unmap(folio, TTU_IGNORE_MLOCK | TTU_SYNC | TTU_HWPOISON);
	return folio_mapped(folio) ? -EBUSY : 0;
}

/*
 * hwpoison_user_mappings() - v7.1. Fidelity: adapted: no process is collected or killed; who
 * touches the page gets SIGBUS.
 */
static bool hwpoison_user_mappings(struct folio *folio)
{
	if (!folio_test_lru(folio))
		return true;
	if (!folio_mapped(folio))
		return true;
	return !unmap_poisoned_folio(folio);
}

/*
 * delete_from_lru_cache() - v7.1. Fidelity: same. Caller holds the folio lock. The count may
 * never reach zero, so the cgroup is told now.
 */
static int delete_from_lru_cache(struct folio *folio)
{
	if (!folio_isolate_lru(folio))
		return -EIO;
	folio_clear_active(folio);
	folio_clear_unevictable(folio);
	mem_cgroup_uncharge(folio);
	folio_put(folio);
	return 0;
}

/*
 * identify_page_state(), me_pagecache_clean(), me_unknown() - v7.1. Fidelity: adapted:
 * anonymous folios, no swapcache: what is on the LRU is taken off, anything else is left as it
 * is. Caller holds the folio lock, which is dropped.
 */
static int identify_page_state(struct folio *folio, bool was_lru)
{
	enum mf_result result = MF_FAILED;

	if (was_lru) {
		delete_from_lru_cache(folio);
		if (folio_test_anon(folio))
			result = MF_RECOVERED;
	}
	folio_unlock(folio);
	return action_result(result);
}

/*
 * memory_failure() - v7.1 (v6.12: the same as far as this goes). Fidelity: adapted: anonymous
 * and free pages; no hugetlb, device memory, filters, signals. P26. Caller holds nothing and
 * may sleep. 0: the page is out of use. -EHWPOISON: it was marked already, or sits in a folio
 * that would not split and stays mapped. Other errors: marked, not dealt with.
 */
int memory_failure(unsigned long pfn, int flags)
{
	struct page *p = pfn_to_page(pfn);
	struct folio *folio = NULL;
	bool retry = true, was_lru;
	int res;

	(void)flags;
	if (bug_enabled(memory_failure_stale_head))
		folio = page_folio(p);
	mutex_lock(&machine->mf_mutex);
try_again:
	if (TestSetPageHWPoison(p)) {
		res = -EHWPOISON;
		goto unlock_mutex;
	}

	res = get_hwpoison_page(p);
	if (!res) {
		if (!is_free_buddy_page(p)) {
			/* Allocated since: given up, with the mark left. */
			res = action_result(MF_IGNORED);
		} else if (take_page_off_buddy(p)) {
			page_ref_inc(p);
			res = action_result(MF_RECOVERED);
		} else if (retry) {
			/* Lost to an allocation: it has an owner now. */
			ClearPageHWPoison(p);
			retry = false;
			goto try_again;
		} else {
			res = action_result(MF_FAILED);
		}
		goto unlock_mutex;
	}
	if (res < 0) {
		res = action_result(MF_IGNORED);
		goto unlock_mutex;
	}

	/* (Here, under the lock, the kernel asks its filter.) */
	if (!bug_enabled(memory_failure_stale_head))
		folio = page_folio(p);
	folio_lock(folio);
	folio_unlock(folio);

	if (folio_test_large(folio)) {
		/*
		 * With the reference, or a split could run past it; without the lock, or a
		 * split would hold it up.
		 */
		folio_set_has_hwpoisoned(folio);
		if (try_to_split_thp_page(p)) {
			res = -EHWPOISON;
			folio_put(page_folio(p));
			goto unlock_mutex;
		}
		VM_BUG_ON_PAGE(!page_count(p), p);
		folio = page_folio(p);
	}

	shake_folio(folio);
	folio_lock(folio);
	/* A small folio stays small: nobody builds one out of a page that is referenced. */
	WARN_ON(folio_test_large(folio));

	/*
	 * The mark was set without a reference, and a plain store of the page's owner of that moment may have taken it back.
	 * Now there is a reference, so it stays. Releases up to v7.1 go on without it, and meet a warning in
	 * try_to_unmap_one().
	 */
	if (!bug_enabled(memory_failure_mark_lost) && !PageHWPoison(p))
		SetPageHWPoison(p);

	was_lru = folio_test_lru(folio);
	if (was_lru) {
		folio_wait_writeback(folio);
		if (!hwpoison_user_mappings(folio)) {
			folio_unlock(folio);
			res = action_result(MF_FAILED);
			goto unlock_mutex;
		}
	}
	res = identify_page_state(folio, was_lru);

unlock_mutex:
	mutex_unlock(&machine->mf_mutex);
	return res;
}
