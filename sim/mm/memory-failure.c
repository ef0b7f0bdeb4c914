// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory-failure.c - a page has gone bad: mark it, split it off its folio, take it from whoever
 * maps it, keep it from ever being used again. kernel-facts.md: P26.
 *
 * The mark comes before any reference: PG_hwpoison is the one bit that anybody may set in
 * anybody's page at any time. mf_mutex serialises errors; folio locks are taken inside it. A
 * page that has been dealt with keeps the reference taken here for ever: that is how it is kept
 * from being free. Who mapped it is looked for with the rmap lock held and under RCU, and is told
 * when all mappings have gone.
 */
#include <linux/err.h>
#include <linux/fault.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/memory-failure.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
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
 * HWPoisonHandlable() - v7.1. Fidelity: same, no slab, no movable_ops. Racy: the page may be anybody's.
 * What is not on the LRU, like the huge zero folio or a page in a batch, is not handled.
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
 * get_any_page() - v7.1. Fidelity: same, no hugetlb. 1: referenced; 0: a free page; below 0:
 * cannot be handled. A reference that the caller had is kept, or dropped with the page.
 */
static int get_any_page(struct page *page, int flags)
{
	bool count_increased = flags & MF_COUNT_INCREASED;
	int ret = 1, pass = 0;

	for (;;) {
		if (!count_increased)
			ret = __get_hwpoison_page(page);
		if (ret > 0) {
			if (HWPoisonHandlable(page))
				return 1;
			put_page(page);
			if (pass++ >= GET_PAGE_MAX_RETRY_NUM)
				return -EIO;
			shake_folio(page_folio(page));
			count_increased = false;
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
 * __get_unpoison_page() - v7.1. Fidelity: same, no hugetlb. A marked page is not allocated again,
 * so this races with no allocation. -EHWPOISON: it was free, and was taken off the free lists; the caller has
 * seen that it is marked, for which v7.1 looks once more. Else the page's own reference: a tail has none, whoever holds its folio.
 */
static int __get_unpoison_page(struct page *page)
{
	if (PageHWPoisonTakenOff(page))
		return -EHWPOISON;
	return atomic_add_unless(&page->_refcount, 1, 0) ? 1 : 0;
}

/* get_hwpoison_page() - v7.1. Fidelity: same, no per-CPU free lists. */
int get_hwpoison_page(struct page *page, int flags)
{
	return flags & MF_UNPOISON ? __get_unpoison_page(page) : get_any_page(page, flags);
}

/*
 * try_to_split_thp_page() - v7.1. Fidelity: adapted: always to order 0, for no file here has a larger minimum, and the caller drops its reference
 * (`release`). Caller holds a reference, which moves to the folio of `page`.
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
 * page_handle_poison(), __page_handle_poison() - v7.1. Fidelity: same, no hugetlb, and repaired: with `release` the page is freed and kept,
 * if the caller's reference is the only one; if not, it is kept by that. (Releases up to v7.1 drop the reference and take one: if another
 * was left, of who looked the page up before it moved, and goes in between, the count is raised from zero while its owner frees the page.)
 */
bool page_handle_poison(struct page *page, bool freepage, bool release)
{
	/* Lost to an allocation: soft offlining is no must. */
	if (freepage && !take_page_off_buddy(page))
		return false;
	SetPageHWPoison(page);
	if (release && bug_enabled(soft_offline_get_after_put)) {
		put_page(page);
	} else if (release) {
		struct folio *folio = page_folio(page);

		if (!folio_ref_freeze(folio, 1)) {
			machine->mf_kept[page_to_pfn(page)] = true;
			return true;
		}
		__folio_put(folio);
	}
	page_ref_inc(page);
	/* freed in name alone: it is this function's now. Who had looked the page up may have freed it later, and had a reference until then. */
	if (release)
		page_alloc_note(page, 0);
	machine->mf_kept[page_to_pfn(page)] = true;
	return true;
}

/* ---- who is to be told ---- */

/* A process that had the page, and where. */
struct to_kill {
	struct mm_struct *mm;
	unsigned long addr;
};
struct kill_list {
	struct to_kill tk[NR_MMS * VMAS_PER_MM];
	unsigned int nr;
};

/* __add_to_kill() - v7.1. Fidelity: adapted: an array; no memory for an element is no more than a process that is not told. */
static void add_to_kill(struct mm_struct *mm, unsigned long addr, struct kill_list *to_kill)
{
	if (alloc_should_fail(GFP_ATOMIC))
		return;
	if (to_kill->nr < NR_MMS * VMAS_PER_MM)
		to_kill->tk[to_kill->nr++] = (struct to_kill){ .mm = mm, .addr = addr };
}

/*
 * page_mapped_in_vma() - v7.1, mm/page_vma_mapped.c. Fidelity: same. -EFAULT: it is not. The rmap lock is held.
 */
static unsigned long page_mapped_in_vma(struct folio *folio, struct page *page, struct vm_area_struct *vma)
{
	struct page_vma_mapped_walk pvmw = {
		.pfn = page_to_pfn(page), .nr_pages = 1, .vma = vma, .flags = PVMW_SYNC,
	};

	pvmw.pgoff = folio_pgoff(folio) + folio_page_idx(folio, page);
	pvmw.address = vma_address(vma, pvmw.pgoff, 1);
	if (pvmw.address == (unsigned long)-EFAULT)
		return pvmw.address;
	if (!page_vma_mapped_walk(&pvmw))
		return (unsigned long)-EFAULT;
	page_vma_mapped_walk_done(&pvmw);
	return pvmw.address;
}

/*
 * collect_procs_anon() - v7.1. Fidelity: adapted: an mm stands for its tasks, and all want to be told early. Caller holds the
 * folio lock and a reference.
 */
static void collect_procs_anon(struct folio *folio, struct page *page, struct kill_list *to_kill)
{
	struct anon_vma *av = folio_lock_anon_vma_read(folio, NULL);
	struct anon_vma_chain *avc;
	pgoff_t pgoff;

	if (!av)
		return;
	pgoff = folio_pgoff(folio) + folio_page_idx(folio, page);
	rcu_read_lock();
	anon_vma_interval_tree_foreach(avc, av, pgoff, pgoff) {
		unsigned long addr = page_mapped_in_vma(folio, page, avc->vma);

		if (addr != (unsigned long)-EFAULT)
			add_to_kill(avc->vma->vm_mm, addr, to_kill);
	}
	rcu_read_unlock();
	anon_vma_unlock_read(av);
}

/*
 * collect_procs_file() - v7.1. Fidelity: adapted: as above; every VMA over the page, whether it maps it or not. The folio is locked, and has been
 * seen to have a mapping.
 */
static void collect_procs_file(struct folio *folio, struct page *page, struct kill_list *to_kill)
{
	struct address_space *mapping = plain_read_racy(folio->mapping);
	struct vm_area_struct *vma;

	i_mmap_lock_read(mapping);
	rcu_read_lock();
	list_for_each_entry(vma, &mapping->i_mmap, shared) {
		unsigned long addr = page_address_in_vma(folio, page, vma);

		if (addr != (unsigned long)-EFAULT)
			add_to_kill(vma->vm_mm, addr, to_kill);
	}
	rcu_read_unlock();
	i_mmap_unlock_read(mapping);
}

/* collect_procs() - v7.1. Fidelity: same, no KSM. The folio is locked. */
static void collect_procs(struct folio *folio, struct page *page, struct kill_list *to_kill)
{
	if (!plain_read_racy(folio->mapping))
		return;
	if (folio_test_anon(folio))
		collect_procs_anon(folio, page, to_kill);
	else
		collect_procs_file(folio, page, to_kill);
}

/* kill_procs() - v7.1. Fidelity: stub: signals are not modelled: who touches the page again gets SIGBUS. */
static void kill_procs(struct kill_list *to_kill, bool forcekill)
{
	(void)forcekill;
	to_kill->nr = 0;
}

/* kill_procs_now() - v7.1. Fidelity: same. The page stays mapped, and who maps it is killed. Caller holds a reference. */
static void kill_procs_now(struct folio *folio, struct page *page)
{
	struct kill_list to_kill = { .nr = 0 };

	folio_lock(folio);
	collect_procs(folio, page, &to_kill);
	folio_unlock(folio);
	kill_procs(&to_kill, true);
}

/*
 * unmap_poisoned_folio() - v7.1. Fidelity: same, no hugetlb. Caller holds the folio lock and a
 * reference. A page in the swap cache, or with its data on disk as well, is not lost: who wants it
 * again reads it, and no entry says that it is bad.
 */
int unmap_poisoned_folio(struct folio *folio, bool must_kill)
{
	enum ttu_flags ttu = TTU_IGNORE_MLOCK | TTU_SYNC | TTU_HWPOISON;
	struct address_space *mapping;

	if (folio_test_swapcache(folio))
		ttu &= ~TTU_HWPOISON;

	mapping = folio_mapping(folio);
	if (!must_kill && !folio_test_dirty(folio) && mapping && !shmem_mapping(mapping)) {
		if (folio_mkclean(folio))
			folio_set_dirty(folio);
		else
			ttu &= ~TTU_HWPOISON;
	}
	try_to_unmap(folio, ttu);
	return folio_mapped(folio) ? -EBUSY : 0;
}

/* hwpoison_user_mappings() - v7.1. Fidelity: same. Caller holds the folio lock and a reference. True: nobody maps it. */
static bool hwpoison_user_mappings(struct folio *folio, struct page *page, int flags)
{
	struct kill_list to_kill = { .nr = 0 };
	bool mlocked = folio_test_mlocked(folio), unmapped;

	if (folio_test_reserved(folio) || !folio_test_lru(folio))
		return true;
	if (!folio_mapped(folio))
		return true;
	collect_procs(folio, page, &to_kill);
	unmapped = !unmap_poisoned_folio(folio, flags & MF_MUST_KILL);
	/* The last mapping of an mlocked folio may have put it in a batch. */
	if (mlocked)
		shake_folio(folio);
	kill_procs(&to_kill, folio_test_dirty(folio) || flags & MF_MUST_KILL || !unmapped);
	return unmapped;
}

/* ---- what kind of page it is, and what is done about it; the folio is locked, and is unlocked ---- */

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

/* has_extra_refcount() - v7.1. Fidelity: same. extra_pins: a cache's. */
static bool has_extra_refcount(struct page *page, bool extra_pins)
{
	int count = page_count(page) - 1;

	if (extra_pins)
		count -= (int)folio_nr_pages(page_folio(page));
	return count > 0;
}

/* truncate_error_folio(), shmem_error_remove_folio() - v7.1. Fidelity: same. Shared memory keeps the page: its owner shall hear of it. */
static enum mf_result truncate_error_folio(struct folio *folio, struct address_space *mapping)
{
	if (shmem_mapping(mapping))
		return MF_RECOVERED;
	return generic_error_remove_folio(mapping, folio) ? MF_FAILED : MF_RECOVERED;
}

/*
 * me_pagecache_clean(), me_pagecache_dirty() - v7.1. Fidelity: same; what the mapping would tell the next fsync(), a note tells. Dirty data of a
 * file is gone: the disk's is next.
 */
static enum mf_result me_pagecache(struct folio *folio, struct page *page, bool dirty)
{
	enum mf_result ret = MF_RECOVERED;
	struct address_space *mapping;
	bool extra_pins;

	delete_from_lru_cache(folio);
	if (folio_test_anon(folio)) {
		folio_unlock(folio);
		return ret;
	}
	mapping = folio_mapping(folio);
	if (!mapping) {
		/* Torn down meanwhile. */
		folio_unlock(folio);
		return MF_FAILED;
	}
	extra_pins = shmem_mapping(mapping);
	if (dirty && !extra_pins)
		file_data_lost_note(mapping, folio_pgoff(folio));
	ret = truncate_error_folio(folio, mapping);
	if (has_extra_refcount(page, extra_pins))
		ret = MF_FAILED;
	folio_unlock(folio);
	return ret;
}

/* me_swapcache_dirty() - v7.1. Fidelity: same. It stays in the cache, not up to date: who faults there gets SIGBUS. */
static enum mf_result me_swapcache_dirty(struct folio *folio, struct page *page)
{
	enum mf_result ret;

	folio_clear_dirty(folio);
	folio_clear_uptodate(folio);
	ret = delete_from_lru_cache(folio) ? MF_FAILED : MF_DELAYED;
	folio_unlock(folio);
	if (has_extra_refcount(page, ret == MF_DELAYED))
		ret = MF_FAILED;
	return ret;
}

/* me_swapcache_clean() - v7.1. Fidelity: same. Swap still has the data. */
static enum mf_result me_swapcache_clean(struct folio *folio, struct page *page)
{
	enum mf_result ret;

	swap_cache_del_folio(folio);
	ret = delete_from_lru_cache(folio) ? MF_FAILED : MF_RECOVERED;
	folio_unlock(folio);
	if (has_extra_refcount(page, false))
		ret = MF_FAILED;
	return ret;
}

/* me_kernel(), me_unknown() - v7.1. Fidelity: same. */
static enum mf_result me_ignore(struct folio *folio)
{
	folio_unlock(folio);
	return MF_IGNORED;
}

#define PAGE_STATE_FLAGS (BIT(PG_reserved) | BIT(PG_mlocked) | BIT(PG_unevictable) | BIT(PG_lru))

/*
 * error_states, identify_page_state() - v7.1. Fidelity: adapted: one of the table's rows, by code. First by what the page is now, then by what it
 * was before it was unmapped, with whether it is dirty now. The flags are read once; v7.1 reads them for every row, so that a page which is dirtied
 * without the lock meanwhile is in none of two rows, and is ignored. The row of large folios is left out: a small one comes here.
 */
static int identify_page_state(struct folio *folio, struct page *page, unsigned long page_flags)
{
	const unsigned long swapcache = BIT(PG_swapcache) | BIT(PG_swapbacked);
	unsigned long now = plain_read_racy(page->flags), flags = now;
	enum mf_result result;

	if (!(flags & PAGE_STATE_FLAGS) && (flags & swapcache) != swapcache)
		flags = page_flags | (now & BIT(PG_dirty));
	if (flags & BIT(PG_reserved))
		result = me_ignore(folio);
	else if ((flags & swapcache) == swapcache)
		result = flags & BIT(PG_dirty) ? me_swapcache_dirty(folio, page) : me_swapcache_clean(folio, page);
	else if (flags & (BIT(PG_mlocked) | BIT(PG_unevictable) | BIT(PG_lru)))
		result = me_pagecache(folio, page, flags & BIT(PG_dirty));
	else
		result = me_ignore(folio);
	return action_result(result);
}

/* ---- memory_failure() itself ---- */

/*
 * memory_failure_dev_pagemap(), mf_generic_kill_procs() - v7.1. Fidelity: adapted: the driver has no ->memory_failure; nothing is done about private
 * memory of a device, and it is not marked. The caller's reference is dropped first, as in v7.1. Left out: the reference to the pgmap, which keeps
 * the device from going for as long, and dax_lock_folio(). That comes before the question what memory it is: it follows folio->mapping, under RCU
 * alone, as an address space, which of an anonymous folio of the device it is not. A known defect of v7.1 where there is DAX; no program shows it,
 * for no operation reports an error in a device's frame.
 */
static int memory_failure_dev_pagemap(struct page *page, int flags)
{
	if (flags & MF_COUNT_INCREASED)
		put_page(page);
	return -ENXIO;
}

/*
 * A page without a reference to be had: free, if anything. *retry: look again, once, for it has an owner by now. The reference
 * that the caller had is gone, then: it must not be counted on (v6.12 to mainline do).
 */
static int handle_free_page(struct page *page, int *flags, bool *retry)
{
	bool first = *retry;

	*retry = false;
	if (!is_free_buddy_page(page))
		/* Allocated since: given up, with the mark left. */
		return action_result(MF_IGNORED);
	if (take_page_off_buddy(page)) {
		/* Whoever freed it may have stored its flags since: without the mark it could not be put back. Nobody stores them now. */
		if (!bug_enabled(memory_failure_mark_lost) && !PageHWPoison(page))
			SetPageHWPoison(page);
		page_ref_inc(page);
		return action_result(MF_RECOVERED);
	}
	if (!first)
		return action_result(MF_FAILED);
	ClearPageHWPoison(page);
	if (!bug_enabled(memory_failure_retry_keeps_count))
		*flags &= ~MF_COUNT_INCREASED;
	*retry = true;
	return 0;
}

/*
 * memory_failure() - v7.1 (older releases: the same as far as this goes). Fidelity: adapted: no
 * hugetlb, DAX, filters, signals. P26. Caller holds nothing but, with MF_COUNT_INCREASED, a
 * reference, and may sleep. 0: the page is out of use. -EHWPOISON: it was marked already, or sits
 * in a folio that would not split and stays mapped. Other errors: marked, not dealt with.
 *
 * MF_ACTION_REQUIRED is for signals alone here. With it v7.1 looks, if the page was marked already, for where current maps it
 * (kill_accessing_process()): under the mutex it takes mmap_lock to read and walks the page tables under their locks; without a mapping the error
 * is 0. That hides the order of the two locks, and that a caller is told 0 for a page that is marked and not dealt with.
 *
 * min_order_for_split() is left out: a file's folio whose mapping has a minimum order is split to that, counts as not split, and stays in use. v7.1
 * reads folio->mapping for it twice, without the folio lock; a truncation may clear it in between. Known: inodes stay here, and no file has one.
 */
int memory_failure(unsigned long pfn, int flags)
{
	struct page *p = pfn_to_page(pfn);
	unsigned long page_flags;
	struct folio *folio = NULL;
	bool retry = true;
	int res;

	if (bug_enabled(memory_failure_stale_head))
		folio = page_folio(p);
	mutex_lock(&machine->mf_mutex);
	if (!(flags & MF_SW_SIMULATED))
		machine->hw_memory_failure = true;
	if (is_device_private_page(p)) {
		res = memory_failure_dev_pagemap(p, flags);
		goto unlock_mutex;
	}
try_again:
	if (TestSetPageHWPoison(p)) {
		res = -EHWPOISON;
		if (flags & MF_COUNT_INCREASED)
			put_page(p);
		goto unlock_mutex;
	}

	res = get_hwpoison_page(p, flags);
	if (!res) {
		bool again = retry;

		res = handle_free_page(p, &flags, &again);
		retry = false;
		if (again)
			goto try_again;
		goto unlock_mutex;
	}
	if (res < 0) {
		res = action_result(MF_IGNORED);
		goto unlock_mutex;
	}

	/*
	 * The mark was set without a reference, and a plain store of the page's owner of that moment may have taken it back.
	 * Now there is a reference, and the page was on the LRU with it, so it stays, also if the folio does not split. Releases up
	 * to v7.1 go on without it, and meet a warning in try_to_unmap_one().
	 */
	if (!bug_enabled(memory_failure_mark_lost) && !PageHWPoison(p))
		SetPageHWPoison(p);

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
			kill_procs_now(page_folio(p), p);
			put_page(p);
			goto unlock_mutex;
		}
		VM_BUG_ON_PAGE(!page_count(p), p);
		folio = page_folio(p);
	}

	shake_folio(folio);
	folio_lock(folio);
	/* A small folio stays small: nobody builds one out of a page that is referenced. */
	WARN_ON(folio_test_large(folio));

	/* Unmapping changes them. */
	page_flags = plain_read_racy(folio->flags);
	if (!folio_test_lru(folio) && !folio_test_writeback(folio))
		goto identify_page_state;

	folio_wait_writeback(folio);
	if (!hwpoison_user_mappings(folio, p, flags)) {
		res = action_result(MF_FAILED);
		goto unlock_page;
	}
	/* Truncated by somebody else. */
	if (folio_test_lru(folio) && !folio_test_swapcache(folio) && !plain_read_racy(folio->mapping)) {
		res = action_result(MF_IGNORED);
		goto unlock_page;
	}

identify_page_state:
	machine->mf_kept[pfn] = true;
	res = identify_page_state(folio, p, page_flags);
	goto unlock_mutex;
unlock_page:
	machine->mf_kept[pfn] = true;
	folio_unlock(folio);
unlock_mutex:
	mutex_unlock(&machine->mf_mutex);
	return res;
}

/*
 * Of unpoison_memory(): is the folio mapped, or in a file? Whose it is, and whether it is one, is not known: a look at what its
 * owner may be changing by plain stores.
 */
static __no_kcsan bool folio_in_use_unlocked(struct folio *folio)
{
	unsigned long mapping;

	if (folio_test_large(folio) ? plain_read(folio->_large_mapcount.counter) >= 0 : plain_read(folio->_mapcount.counter) >= 0)
		return true;
	/* folio_mapping(): swap's, or a file's */
	if (folio_test_swapcache(folio))
		return true;
	mapping = (unsigned long)plain_read(folio->mapping);
	return mapping && !(mapping & FOLIO_MAPPING_ANON);
}

/*
 * unpoison_memory() - v7.1. Fidelity: adapted, and repaired: no hugetlb. Caller holds nothing and may sleep. The reference that
 * memory_failure() has kept is dropped, and with it the page, which nobody has any more: whoever finds one reference, and that is the
 * kept one, knows that nobody can come to use the page, but for those who look it up and let it go again.
 *
 * Releases up to v7.1 look up the folio before they have the mutex; who has it may be splitting the folio. They take it for granted that
 * a marked page has a reference that was kept: memory_failure() has none to a page that it could not handle. And where none is kept they go by
 * a look at a page whose owner may map it meanwhile, or which is frozen for a split: without a reference of its own they clear the mark of its
 * folio (a tail's: the head's, which is somebody else's error; this has no switch), with one that is not theirs the page's.
 * shrink_folio_list() and unmap_poisoned_folio() look at the mark with the folio lock and without the mutex, one after the other.
 *
 * Repaired: the folio is looked up again when there is a reference to the page, for splits do without the mutex. Without a reference that was
 * kept the page is either free, and stays so under the zone's lock, or in use, or on no list for good, since it was freed with its mark: -EBUSY.
 */
int unpoison_memory(unsigned long pfn)
{
	struct page *p = pfn_to_page(pfn);
	struct folio *folio = NULL;
	int ret = -EBUSY, ghp;

	if (bug_enabled(unpoison_stale_head))
		folio = page_folio(p);
	mutex_lock(&machine->mf_mutex);
	if (!bug_enabled(unpoison_stale_head))
		folio = page_folio(p);
	if (machine->hw_memory_failure || (is_huge_zero_folio(folio) && !bug_enabled(hwpoison_zero_folio_ref))) {
		ret = -EOPNOTSUPP;
		goto unlock_mutex;
	}
	if (!PageHWPoison(p))
		goto unlock_mutex;
	if (folio_ref_count(folio) > 1)
		goto unlock_mutex;
	if (folio_test_reserved(folio))
		goto unlock_mutex;
	if (folio_in_use_unlocked(folio))
		goto unlock_mutex;

	ghp = get_hwpoison_page(p, MF_UNPOISON);
	if (ghp > 0 && !bug_enabled(unpoison_stale_head))
		folio = page_folio(p);
	if (!ghp) {
		if (bug_enabled(unpoison_page_in_use) ? TestClearPageHWPoison(p) : clear_hwpoison_buddy(p))
			ret = 0;
	} else if (ghp < 0) {
		if (put_page_back_buddy(p)) {
			machine->mf_kept[pfn] = false;
			ret = 0;
		}
	} else if (!machine->mf_kept[pfn] && !bug_enabled(unpoison_foreign_reference) &&
		   !(bug_enabled(hwpoison_zero_folio_ref) && is_huge_zero_folio(folio))) {
		if (bug_enabled(unpoison_page_in_use) && TestClearPageHWPoison(p))
			ret = 0;
		folio_put(folio);
	} else {
		machine->mf_kept[pfn] = false;
		folio_put(folio);
		if (TestClearPageHWPoison(p)) {
			folio_put(folio);
			ret = 0;
		}
	}
unlock_mutex:
	mutex_unlock(&machine->mf_mutex);
	return ret;
}
