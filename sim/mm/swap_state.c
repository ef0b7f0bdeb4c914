// SPDX-License-Identifier: GPL-2.0-only
/*
 * swap_state.c - the swap cache: which folio has, or is about to have, the content of which slots.
 *
 * A folio comes in under its lock and the cluster's, with a reference for each page; it leaves the same way. So a locked folio that is
 * flagged is in the cache with the slots of its ->swap; one that was found without a lock is a guess until it is locked and looked at
 * again. kernel-facts.md: P16, P24.
 */
#include <linux/err.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

#define SI (&machine->swap_info)

static struct folio *swp_tb_to_folio(unsigned long swp_tb)
{
	return (struct folio *)pfn_to_page(swp_tb_to_pfn(swp_tb));
}

/*
 * swap_cache_get_folio() - v7.1, repaired. Fidelity: adapted: the slot is looked at again with the reference in hand. Somebody keeps the
 * device, or the slot. A folio that is just leaving the cache has no reference to give: then the word has changed, or will; or it has left,
 * is free and somebody's new one, who sets its lock with a plain store, for nobody else can have it. (v6.18 to v7.1 leave it to the caller
 * to find out, when it has the lock.)
 */
struct folio *swap_cache_get_folio(swp_entry_t entry)
{
	for (;;) {
		unsigned long swp_tb = swap_table_get(SI, swp_offset(entry));
		struct folio *folio;

		if (!swp_tb_is_folio(swp_tb))
			return NULL;
		folio = swp_tb_to_folio(swp_tb);
		if (!folio_try_get(folio)) {
			cpu_relax();
			continue;
		}
		if (bug_enabled(swapin_locks_stale_folio) || swap_table_get(SI, swp_offset(entry)) == swp_tb)
			return folio;
		folio_put(folio);
	}
}

/* swap_cache_has_folio() - v7.1. Fidelity: same. As above. */
bool swap_cache_has_folio(swp_entry_t entry)
{
	return swp_tb_is_folio(swap_table_get(SI, swp_offset(entry)));
}

/* folio_matches_swap_entry() - v7.1, mm/swap.h. Fidelity: same. Locked: the answer stays true. */
bool folio_matches_swap_entry(struct folio *folio, swp_entry_t entry)
{
	unsigned long first;

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	if (!folio_test_swapcache(folio))
		return false;
	first = swp_offset(folio_swap_entry(folio));
	VM_WARN_ON_FOLIO(first & ((unsigned long)folio_nr_pages(folio) - 1), folio);
	return first == (swp_offset(entry) & ~((unsigned long)folio_nr_pages(folio) - 1));
}

/* __swap_cache_add_folio() - v7.1. Fidelity: same. The cluster's lock and the folio's are held. The counts stay what they are. */
void __swap_cache_add_folio(struct swap_cluster_info *ci, struct folio *folio, swp_entry_t entry)
{
	unsigned int ci_off = swp_offset(entry) % SWAPFILE_CLUSTER, ci_end;
	int nr_pages = (int)folio_nr_pages(folio);

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_FOLIO(folio_test_swapcache(folio), folio);
	VM_WARN_ON_FOLIO(!folio_test_swapbacked(folio), folio);
	ci_end = ci_off + (unsigned int)nr_pages;
	do {
		unsigned long old_tb = __swap_table_get(ci, ci_off);

		VM_WARN_ON_ONCE(swp_tb_is_folio(old_tb));
		__swap_table_set(ci, ci_off, pfn_to_swp_tb(folio_pfn(folio), swp_tb_get_count(old_tb)));
	} while (++ci_off < ci_end);
	folio_ref_add(folio, nr_pages);
	folio_set_swapcache(folio);
	folio_set_swap_entry(folio, entry);
	lruvec_stat_mod_folio(folio, NR_FILE_PAGES, nr_pages);
	lruvec_stat_mod_folio(folio, NR_SWAPCACHE, nr_pages);
}

/*
 * swap_cache_add_folio() - v7.1. Fidelity: same, shadows are not read. Somebody keeps the device. -EEXIST: somebody was faster;
 * -ENOENT: a slot is not swapped out any more. (v7.1 takes it for granted that slots which were all zeroes or all data when the caller
 * looked still are; whoever writes one out as zeroes and takes it out of the cache in between leaves a folio that cannot be read.
 * Repaired: of slots with a count and without a folio the bits stay as they are while the cluster is locked.)
 */
static int swap_cache_add_folio(struct folio *folio, swp_entry_t entry)
{
	unsigned int ci_start = swp_offset(entry) % SWAPFILE_CLUSTER, nr_pages = (unsigned int)folio_nr_pages(folio);
	struct swap_cluster_info *ci = swap_cluster_lock(SI, swp_offset(entry));
	unsigned long first = swp_offset(entry) - ci_start;
	int err = 0;

	if (!ci->table)
		err = -ENOENT;
	for (unsigned int i = ci_start; !err && i < ci_start + nr_pages; i++) {
		unsigned long old_tb = __swap_table_get(ci, i);

		if (swp_tb_is_folio(old_tb))
			err = -EEXIST;
		else if (!swp_tb_get_count(old_tb))
			err = -ENOENT;
		else if (!bug_enabled(swapin_large_mixed_zeroes) && nr_pages > 1 && test_bit(first + i, &SI->zeromap) != test_bit(first + ci_start, &SI->zeromap))
			err = -EEXIST;
	}
	if (!err)
		__swap_cache_add_folio(ci, folio, entry);
	swap_cluster_unlock(ci);
	return err;
}

/*
 * __swap_cache_del_folio() - v7.1; before: __delete_from_swap_cache(). Fidelity: same. The cluster's lock and the folio's are held, no
 * writeback is in flight; the references are the caller's to drop. Slots that nobody counts go with it.
 */
void __swap_cache_del_folio(struct swap_cluster_info *ci, struct folio *folio, swp_entry_t entry, void *shadow)
{
	unsigned int ci_start = swp_offset(entry) % SWAPFILE_CLUSTER, nr_pages = (unsigned int)folio_nr_pages(folio);
	bool folio_swapped = false, need_free = false;

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_FOLIO(!folio_test_swapcache(folio), folio);
	VM_WARN_ON_FOLIO(folio_test_writeback(folio), folio);
	for (unsigned int i = ci_start; i < ci_start + nr_pages; i++) {
		unsigned long old_tb = __swap_table_get(ci, i);
		int count = swp_tb_get_count(old_tb);

		WARN_ON_ONCE(!swp_tb_is_folio(old_tb) || swp_tb_to_folio(old_tb) != folio);
		if (count)
			folio_swapped = true;
		else
			need_free = true;
		__swap_table_set(ci, i, shadow_to_swp_tb(shadow, count));
	}
	folio_set_swap_entry(folio, (swp_entry_t){ 0 });
	folio_clear_swapcache(folio);
	lruvec_stat_mod_folio(folio, NR_FILE_PAGES, -(long)nr_pages);
	lruvec_stat_mod_folio(folio, NR_SWAPCACHE, -(long)nr_pages);

	if (!folio_swapped) {
		__swap_cluster_free_entries(SI, ci, ci_start, nr_pages);
	} else if (need_free) {
		for (unsigned int i = ci_start; i < ci_start + nr_pages; i++)
			if (!swp_tb_get_count(__swap_table_get(ci, i)))
				__swap_cluster_free_entries(SI, ci, i, 1);
	}
}

/*
 * swap_cache_del_folio() - v7.1; before: delete_from_swap_cache(). Fidelity: same. Locked. The folio is clean, or nobody counts its
 * slots: else its content would be lost. The caller has a reference of its own.
 */
void swap_cache_del_folio(struct folio *folio)
{
	swp_entry_t entry = folio_swap_entry(folio);
	struct swap_cluster_info *ci = swap_cluster_lock(SI, swp_offset(entry));

	__swap_cache_del_folio(ci, folio, entry, NULL);
	swap_cluster_unlock(ci);
	folio_ref_sub(folio, (int)folio_nr_pages(folio));
}

/*
 * __swap_cache_replace_folio() - v7.1. Fidelity: same, but for the look whether a shrunk old one still has its own slots. Both folios are
 * locked and flagged, and the cluster's lock is held. What is replaced begins with the slot of new->swap.
 */
void __swap_cache_replace_folio(struct swap_cluster_info *ci, struct folio *old, struct folio *new)
{
	unsigned int ci_off = swp_offset(folio_swap_entry(new)) % SWAPFILE_CLUSTER;
	unsigned int ci_end = ci_off + (unsigned int)folio_nr_pages(new);

	VM_WARN_ON_ONCE(!folio_test_swapcache(old) || !folio_test_swapcache(new));
	VM_WARN_ON_ONCE(!folio_test_locked(old) || !folio_test_locked(new));
	VM_WARN_ON_ONCE(!folio_swap_entry(new).val);
	do {
		unsigned long old_tb = __swap_table_get(ci, ci_off);

		WARN_ON_ONCE(!swp_tb_is_folio(old_tb) || swp_tb_to_folio(old_tb) != old);
		__swap_table_set(ci, ci_off, pfn_to_swp_tb(folio_pfn(new), swp_tb_get_count(old_tb)));
	} while (++ci_off < ci_end);
}

/* free_swap_cache() - v7.1. Fidelity: same. The caller has a reference. The flag is looked at again under the lock. */
void free_swap_cache(struct folio *folio)
{
	if (folio_test_swapcache(folio) && !folio_mapped(folio) && folio_trylock(folio)) {
		folio_free_swap(folio);
		folio_unlock(folio);
	}
}

/*
 * __swap_cache_prepare_and_add() - v7.1. Fidelity: adapted: charged to the faulting mm and not to the cgroup that was charged for the
 * slot; no shadow. The folio is new; it is everybody's from here on, but locked: what is in it is for the caller to read. Somebody
 * keeps the device. The folio; the one that is in the cache already; or NULL: no slot, or a large one that met something.
 */
static struct folio *__swap_cache_prepare_and_add(swp_entry_t entry, struct folio *folio, gfp_t gfp, struct mm_struct *mm,
						  bool charged)
{
	struct folio *swapcache = NULL;
	int ret;

	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);
	if (!charged && mem_cgroup_charge(folio, mm, gfp))
		goto failed;
	for (;;) {
		ret = swap_cache_add_folio(folio, entry);
		if (!ret)
			break;
		if (ret != -EEXIST || folio_test_large(folio))
			goto failed;
		swapcache = swap_cache_get_folio(entry);
		if (swapcache)
			goto failed;
	}
	folio_add_lru(folio);
	return folio;
failed:
	folio_unlock(folio);
	return swapcache;
}

/* swap_cache_alloc_folio() - v7.1; before: __read_swap_cache_async(). Fidelity: same. Somebody keeps the device. May sleep. */
struct folio *swap_cache_alloc_folio(swp_entry_t entry, gfp_t gfp, struct mm_struct *mm, bool *new_page_allocated)
{
	struct folio *folio, *result;

	*new_page_allocated = false;
	folio = swap_cache_get_folio(entry);
	if (folio)
		return folio;
	if (!swap_entry_swapped(SI, entry))
		return NULL;
	folio = folio_alloc_node(gfp, 0, mm ? (int)(mm->slot % NR_NODES) : 0);
	if (!folio)
		return NULL;
	result = __swap_cache_prepare_and_add(entry, folio, gfp, mm, !mm);
	if (result == folio)
		*new_page_allocated = true;
	else
		folio_put(folio);
	return result;
}

/* swapin_folio() - v7.1. Fidelity: same. For devices that answer at once: no readahead, and large folios as well. */
struct folio *swapin_folio(swp_entry_t entry, struct folio *folio)
{
	unsigned long nr_pages = (unsigned long)folio_nr_pages(folio);
	struct folio *swapcache;

	entry = swp_entry(swp_offset(entry) & ~(nr_pages - 1));
	swapcache = __swap_cache_prepare_and_add(entry, folio, 0, NULL, true);
	if (swapcache == folio)
		swap_read_folio(folio);
	return swapcache;
}

/*
 * swapin_readahead(), read_swap_cache_async() - v7.1. Fidelity: adapted: nothing is read ahead (page_cluster is 0). The folio, with a
 * reference, not locked; or NULL.
 */
struct folio *swapin_readahead(swp_entry_t entry, gfp_t gfp, struct vm_fault *vmf)
{
	struct swap_info_struct *si = get_swap_device(entry);
	struct folio *folio;
	bool page_allocated;

	if (!si)
		return NULL;
	folio = swap_cache_alloc_folio(entry, gfp, vmf->vma->vm_mm, &page_allocated);
	if (page_allocated)
		swap_read_folio(folio);
	put_swap_device(si);
	return folio;
}
