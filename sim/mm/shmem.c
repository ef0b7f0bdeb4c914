// SPDX-License-Identifier: GPL-2.0-only
/*
 * shmem.c - shared memory: a file whose home is the page cache, and swap behind it.
 *
 * A slot of the cache is empty (a hole), a folio, or a value: the first of the swap entries of a folio that was swapped out. Nothing but the slot
 * under i_pages' lock says which; who found a value without it, and goes for the folio behind it, looks again before it believes.
 * Lock order: i_rwsem, folio lock, i_mmap_rwsem, page table lock, i_pages; i_pages is dropped before a swap cluster is locked.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>
#include <linux/xarray.h>
#include <foliofuzz/bug.h>

/* Of the swap cache; the rest is in linux/swap.h. */
struct folio *swapin_folio(swp_entry_t entry, struct folio *folio); /* new and charged; what is in the cache now, NULL: raced */
bool folio_matches_swap_entry(struct folio *folio, swp_entry_t entry);
int swap_writeout(struct folio *folio);
int shmem_unuse(void);
int shmem_writeout(struct folio *folio, struct list_head *folio_list);
#ifndef AOP_WRITEPAGE_ACTIVATE
#define AOP_WRITEPAGE_ACTIVATE 0x80000
#endif
#define SHMEM_SYNCHRONOUS_IO 0x4ul /* SWP_SYNCHRONOUS_IO */

#define swp_to_radix_entry(entry) xa_mk_value((entry).val >> SOFTLEAF_PFN_SHIFT)
#define radix_to_swp_entry(radix) swp_entry(xa_to_value(radix))

/* ------------------------------------------------------------------ accounting ---- */

/*
 * shmem_recalc_inode() - v7.1. Fidelity: adapted: there is no limit, and no undercharge to correct: what the inode says is only kept. Nobody's lock is
 * needed but the inode's own.
 */
static void shmem_recalc_inode(struct inode *inode, long alloced, long swapped)
{
	spin_lock(&inode->lock);
	inode->alloced += alloced;
	inode->swapped += swapped;
	spin_unlock(&inode->lock);
}

/* shmem_charge() - v7.1. Fidelity: same, without a limit. Pages that a collapse is going to put where holes are. */
bool shmem_charge(struct inode *inode, long pages)
{
	struct address_space *mapping = inode->i_mapping;

	xa_lock_irq(&mapping->i_pages);
	mapping->nrpages += (unsigned long)pages;
	xa_unlock_irq(&mapping->i_pages);
	shmem_recalc_inode(inode, pages, 0);
	return true;
}

/* shmem_uncharge() - v7.1. Fidelity: same: pages that a split has dropped behind the end, or that a collapse has not made. */
void shmem_uncharge(struct inode *inode, long pages)
{
	shmem_recalc_inode(inode, -pages, 0);
}

/* ------------------------------------------------------------------ the cache ---- */

/* What [index, index + nr) has: values of consecutive slots from `expected` on, or nothing if that is NULL. i_pages is locked. */
static bool range_is(struct address_space *mapping, pgoff_t index, pgoff_t nr, void *expected)
{
	XA_STATE(xas, &mapping->i_pages, index);
	pgoff_t i = 0;

	if (!expected)
		return !xas_find(&xas, index + nr - 1);
	for (; i < nr; i += 1ul << xas_get_order(&xas)) {
		xas_set(&xas, index + i);
		if (xas_load(&xas) != xa_mk_value(xa_to_value(expected) + i))
			return false;
	}
	return i == nr;
}

/*
 * shmem_add_to_page_cache() - v7.1. Fidelity: same: values that are replaced fill the folio's range: larger ones have been split by the caller. The folio is
 * locked and new in this file: references, what leads back, then the slots, which must still be as the caller found them.
 */
static int shmem_add_to_page_cache(struct folio *folio, struct address_space *mapping, pgoff_t index, void *expected)
{
	XA_STATE_ORDER(xas, &mapping->i_pages, index, folio_order(folio));
	long nr = folio_nr_pages(folio);

	VM_BUG_ON_FOLIO(index & ((pgoff_t)nr - 1), folio);
	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_BUG_ON_FOLIO(!folio_test_swapbacked(folio), folio);

	folio_ref_add(folio, (int)nr);
	plain_write_racy(folio->mapping, (void *)mapping);
	plain_write_racy(folio->index, index);
	xas_lock_irq(&xas);
	if (!range_is(mapping, index, (pgoff_t)nr, expected)) {
		xas_unlock_irq(&xas);
		plain_write_racy(folio->mapping, NULL);
		folio_ref_sub(folio, (int)nr);
		return -EEXIST;
	}
	xas_store(&xas, folio);
	if (folio_test_pmd_mappable(folio))
		lruvec_stat_mod_folio(folio, NR_SHMEM_THPS, nr);
	lruvec_stat_mod_folio(folio, NR_FILE_PAGES, nr);
	lruvec_stat_mod_folio(folio, NR_SHMEM, nr);
	mapping->nrpages += (unsigned long)nr;
	xas_unlock_irq(&xas);
	return 0;
}

/*
 * shmem_alloc_and_add_folio() - v7.1. Fidelity: adapted: one order, then none. Where anything is in the way, nothing is added: -EEXIST, which v7.1 says
 * also where a charge fails and something has come meanwhile. Locked and not uptodate.
 */
static struct folio *shmem_alloc_and_add_folio(struct inode *inode, pgoff_t index, unsigned int order)
{
	struct folio *folio;
	int err;

	index &= ~((1ul << order) - 1);
	folio = folio_alloc_node(GFP_KERNEL, order, 0);
	if (!folio)
		return ERR_PTR(-ENOMEM);
	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);
	err = mem_cgroup_charge(folio, NULL, GFP_KERNEL);
	if (!err)
		err = shmem_add_to_page_cache(folio, inode->i_mapping, index, NULL);
	if (err) {
		folio_unlock(folio);
		folio_put(folio);
		return ERR_PTR(err);
	}
	shmem_recalc_inode(inode, folio_nr_pages(folio), 0);
	folio_add_lru(folio);
	return folio;
}

/* Huge, if nothing of the range is there; -EEXIST only if the page itself is. */
static struct folio *shmem_alloc(struct inode *inode, pgoff_t index, unsigned int order)
{
	struct folio *folio;

	if (order) {
		folio = shmem_alloc_and_add_folio(inode, index, order);
		if (!IS_ERR(folio))
			return folio;
		if (PTR_ERR(folio) == -EEXIST && xa_load(&inode->i_mapping->i_pages, index))
			return folio;
	}
	return shmem_alloc_and_add_folio(inode, index, 0);
}

static int shmem_swapin_folio(struct inode *inode, pgoff_t index, struct folio **foliop, enum sgp_type sgp);

/* A collapse, which never allocates, has other folios of the file locked: lower ones. */
static void shmem_lock(struct folio *folio, enum sgp_type sgp)
{
	if (sgp == SGP_NOALLOC)
		folio_lock_new(folio);
	else
		folio_lock(folio);
}

static bool behind_eof(struct inode *inode, pgoff_t index)
{
	return index << PAGE_SHIFT >= i_size_read(inode);
}

/* The new folio that turned out to lie behind the end goes again. Locked. */
static void shmem_take_back(struct inode *inode, struct folio *folio)
{
	long nr = folio_nr_pages(folio);

	filemap_remove_folio(folio);
	shmem_recalc_inode(inode, -nr, 0);
}

/*
 * shmem_get_folio_gfp() - v7.1. Fidelity: same, no shrinker of what lies behind the end. The end of the file is looked at
 * first, and once more with the folio locked. With a fault a monitor may be asked for what is missing: then *fault says so, on 0.
 */
static int shmem_get_folio_gfp(struct inode *inode, pgoff_t index, struct folio **foliop, enum sgp_type sgp, unsigned int order,
			       struct vm_fault *vmf, vm_fault_t *fault)
{
	bool alloced = false;
	struct folio *folio;
	int error;

repeat:
	*foliop = NULL;
	if (sgp <= SGP_CACHE && behind_eof(inode, index))
		return -EINVAL;
	folio = filemap_get_entry(inode->i_mapping, index);
	if (xa_is_value(folio)) {
		error = shmem_swapin_folio(inode, index, &folio, sgp);
		if (error == -EEXIST)
			goto repeat;
		*foliop = error ? NULL : folio;
		return error;
	}
	if (folio) {
		shmem_lock(folio, sgp);
		if (unlikely(plain_read(folio->mapping) != (void *)inode->i_mapping)) {
			folio_unlock(folio);
			folio_put(folio);
			goto repeat;
		}
		if (folio_test_uptodate(folio))
			goto out;
		if (sgp != SGP_READ)
			goto clear;
		folio_unlock(folio);
		folio_put(folio);
	}
	if (sgp == SGP_READ)
		return 0;
	if (sgp == SGP_NOALLOC)
		return -ENOENT;
	if (vmf && userfaultfd_missing(vmf->vma)) {
		*fault = handle_userfault(vmf, VM_UFFD_MISSING);
		return 0;
	}

	folio = shmem_alloc(inode, index, order);
	if (IS_ERR(folio)) {
		if (PTR_ERR(folio) == -EEXIST)
			goto repeat;
		return (int)PTR_ERR(folio);
	}
	alloced = true;
	if (sgp == SGP_FALLOC)
		goto out;
clear:
	if (!folio_test_uptodate(folio)) {
		long nr = folio_nr_pages(folio);

		for (long i = 0; i < nr; i++)
			access_store(&machine->content[folio_pfn(folio) + (unsigned long)i], 0, __ATOMIC_RELAXED);
		folio_mark_uptodate(folio);
	}
	if (sgp <= SGP_CACHE && behind_eof(inode, index)) {
		if (alloced)
			shmem_take_back(inode, folio);
		folio_unlock(folio);
		folio_put(folio);
		return -EINVAL;
	}
out:
	*foliop = folio;
	return 0;
}

/* shmem_get_folio() - v7.1. Fidelity: same. */
int shmem_get_folio(struct inode *inode, pgoff_t index, struct folio **foliop, enum sgp_type sgp, unsigned int order)
{
	return shmem_get_folio_gfp(inode, index, foliop, sgp, order, NULL, NULL);
}

/* shmem_fault() - v7.1. Fidelity: adapted: a fault into a hole that is being punched does not wait for the end of that. */
vm_fault_t shmem_fault(struct vm_fault *vmf)
{
	struct inode *inode = vmf->vma->vm_file->f_inode;
	struct folio *folio;
	vm_fault_t fault = 0;
	int err = shmem_get_folio_gfp(inode, vmf->pgoff, &folio, SGP_CACHE, vmf->order, vmf, &fault);

	if (err)
		return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	if (fault)
		return fault;
	vmf->page = folio_file_page(folio, vmf->pgoff);
	return VM_FAULT_LOCKED;
}

/*
 * shmem_file_read_iter() - v7.1. Fidelity: adapted: one page, and poison is looked for behind the copy, not between the lock and the end: what is poisoned
 * while it is being read is told, too. A hole reads as zero; the end is looked at after the folio has been found.
 */
int shmem_file_read(struct file *file, pgoff_t index, u64 *token)
{
	struct inode *inode = file->f_inode;
	struct folio *folio;
	int err = shmem_get_folio(inode, index, &folio, SGP_READ, 0);

	*token = 0;
	if (err)
		return err == -EINVAL ? -ENOENT : err;
	if (folio)
		folio_unlock(folio);
	if (behind_eof(inode, index)) {
		err = -ENOENT;
	} else if (folio) {
		struct page *page = folio_file_page(folio, index);

		*token = READ_ONCE(machine->content[page_to_pfn(page)]);
		if (assert_read(page->flags) & BIT(PG_hwpoison))
			err = -EIO;
	}
	if (folio)
		folio_put(folio);
	return err;
}

/*
 * shmem_write_begin(), generic_perform_write(), shmem_write_end() - v7.1. Fidelity: adapted: one page. A new folio is cleared, and uptodate,
 * before the data and not behind them, and the file's new end can be seen before them: to who has the folio's lock it is all one. i_rwsem is
 * held for writing.
 */
int shmem_file_write(struct file *file, pgoff_t index, u64 token, unsigned int order)
{
	struct inode *inode = file->f_inode;
	struct folio *folio;
	int err = shmem_get_folio(inode, index, &folio, SGP_WRITE, order);

	if (err)
		return err;
	if (folio_contain_hwpoisoned_page(folio)) {
		folio_unlock(folio);
		folio_put(folio);
		return -EIO;
	}
	if (behind_eof(inode, index))
		i_size_write(inode, (index + 1) << PAGE_SHIFT);
	WRITE_ONCE(machine->content[page_to_pfn(folio_file_page(folio, index))], token);
	folio_mark_dirty(folio);
	folio_unlock(folio);
	folio_put(folio);
	return 0;
}

/* ------------------------------------------------------------------ swap ---- */

/* shmem_confirm_swap() - v7.1. Fidelity: same. The order of the value at index, if that is still it; else -1. */
static int shmem_confirm_swap(struct address_space *mapping, pgoff_t index, void *radswap)
{
	XA_STATE(xas, &mapping->i_pages, index);
	void *entry;
	int ret = -1;

	rcu_read_lock();
	do
		entry = xas_load(&xas);
	while (xas_retry(&xas, entry));
	if (entry == radswap)
		ret = xas_get_order(&xas);
	rcu_read_unlock();
	return ret;
}

/*
 * shmem_split_large_entry() - v7.1. Fidelity: adapted: by halves, each of which wants a node; the kernel cuts to the least order that one node allows. The
 * value at index, of several slots, becomes values of one slot around index: each piece gets its own slot's entry while i_pages is locked. What there was
 * no node for is tried again behind an allocation that may sleep. -EEXIST: it is not there any more; -ENOMEM: as far as it went.
 */
static int shmem_split_large_entry(struct inode *inode, pgoff_t index, void *radswap)
{
	struct address_space *mapping = inode->i_mapping;
	XA_STATE(xas, &mapping->i_pages, index);
	int order;

again:
	xas_lock_irq(&xas);
	if (xas_load(&xas) != radswap) {
		xas_set_err(&xas, -EEXIST);
		goto unlock;
	}
	order = xas_get_order(&xas);
	for (pgoff_t base = index & ~((1ul << order) - 1); order > 0; order--) {
		pgoff_t aligned = index & ~((1ul << order) - 1), half = 1ul << (order - 1);
		unsigned long offset = xa_to_value(radswap);

		xas_set_order(&xas, index, (unsigned int)order - 1);
		xas_try_split(&xas, radswap, (unsigned int)order);
		if (xas_error(&xas))
			break;
		for (pgoff_t i = 0; i < 2; i++)
			__xa_store(&mapping->i_pages, aligned + i * half,
				   xa_mk_value(offset + (aligned - base) + i * half), 0);
	}
unlock:
	xas_unlock_irq(&xas);
	if (xas_nomem(&xas, GFP_KERNEL))
		goto again;
	return xas_error(&xas);
}

/*
 * shmem_swap_alloc_folio(), shmem_swapin_cluster() - v7.1. Fidelity: adapted: no readahead; the CPU's cgroup is charged, not that of the fault
 * or the slot; a monitor of userfaultfd makes no folio small, and nobody looks whether another one's slots are in the cache before allocating.
 * A new folio in the swap cache, being read, or whose another CPU was faster with; a large one only from a device without latency.
 * ERR_PTR(-EEXIST): the slot changed hands.
 */
static struct folio *shmem_swap_alloc_folio(swp_entry_t swap, int order)
{
	for (;; order = 0) {
		struct folio *folio = folio_alloc_node(GFP_KERNEL, (unsigned int)order, 0), *result = NULL;

		if (folio && !mem_cgroup_charge(folio, NULL, GFP_KERNEL))
			result = swapin_folio(swap, folio);
		else if (!order) {
			if (folio)
				folio_put(folio);
			return ERR_PTR(-ENOMEM);
		}
		if (folio && result != folio)
			folio_put(folio);
		if (result)
			return result;
		if (!order)
			return ERR_PTR(-EEXIST);
	}
}

/* The folio behind the value, read or being read; *order: the value's. ERR_PTR(-EEXIST): look again. */
static struct folio *shmem_swapin_get(struct swap_info_struct *si, swp_entry_t swap, int order)
{
	struct folio *folio = swap_cache_get_folio(swap);

	if (folio)
		return folio;
	return shmem_swap_alloc_folio(swap, READ_ONCE(si->flags) & SHMEM_SYNCHRONOUS_IO ? order : 0);
}

/* The folio is locked and may be what the slot needs: into the cache of the file, and out of the swap cache. */
static int shmem_swapin_finish(struct inode *inode, pgoff_t index, struct folio *folio, swp_entry_t swap)
{
	struct address_space *mapping = inode->i_mapping;
	int error;

	if (!folio_matches_swap_entry(folio, swap) || shmem_confirm_swap(mapping, index, swp_to_radix_entry(swap)) < 0)
		return -EEXIST;
	if (!folio_test_uptodate(folio)) {
		error = -EIO;
	} else {
		folio_wait_writeback(folio);
		error = shmem_add_to_page_cache(folio, mapping, index, swp_to_radix_entry(swap));
	}
	if (error)
		return shmem_confirm_swap(mapping, index, swp_to_radix_entry(swap)) < 0 ? -EEXIST : error;
	shmem_recalc_inode(inode, 0, -folio_nr_pages(folio));
	folio_put_swap(folio, NULL);
	swap_cache_del_folio(folio);
	folio_mark_dirty(folio);
	return 0;
}

/*
 * shmem_swapin_folio() - v7.1. Fidelity: same, but that an entry whose data cannot be read is not replaced by a poison mark. *foliop is the value; on 0 it is
 * the folio, locked, uptodate and with a reference. A value that is larger than the folio behind it is split first. What was found without a lock is
 * confirmed under the folio's, and once more by the exchange of the slot. -EEXIST: look again.
 */
static int shmem_swapin_folio(struct inode *inode, pgoff_t index, struct folio **foliop, enum sgp_type sgp)
{
	struct address_space *mapping = inode->i_mapping;
	void *radswap = *foliop;
	swp_entry_t index_entry = radix_to_swp_entry(radswap), swap = index_entry;
	struct swap_info_struct *si;
	struct folio *folio;
	int error, order;
	pgoff_t nr;

	*foliop = NULL;
	si = get_swap_device(index_entry);
	order = shmem_confirm_swap(mapping, index, radswap);
	if (!si)
		return order < 0 ? -EEXIST : -EINVAL;
	error = -EEXIST;
	if (order < 0)
		goto put_device;
	if (order)
		swap = swp_entry(swp_offset(swap) + (index & ((1ul << order) - 1)));
	folio = shmem_swapin_get(si, swap, order);
	if (IS_ERR(folio)) {
		error = (int)PTR_ERR(folio);
		/* Inside a large value this is never what the slot holds: look again, for as long as there is no memory. */
		if (shmem_confirm_swap(mapping, index, swp_to_radix_entry(swap)) < 0)
			error = -EEXIST;
		goto put_device;
	}
	if (order > (int)folio_order(folio)) {
		error = shmem_split_large_entry(inode, index, radswap);
		if (error)
			goto put_folio;
	}
	nr = (pgoff_t)folio_nr_pages(folio);
	swap = swp_entry(swp_offset(swap) & ~(nr - 1));
	shmem_lock(folio, sgp);
	error = shmem_swapin_finish(inode, index & ~(nr - 1), folio, swap);
	if (!error) {
		*foliop = folio;
		goto put_device;
	}
	folio_unlock(folio);
put_folio:
	folio_put(folio);
	if (error == -EEXIST)
		cpu_relax();
put_device:
	put_swap_device(si);
	return error;
}

/* shmem_delete_from_page_cache() - v7.1. Fidelity: same. The folio gives its place to its swap entry. Locked, unmapped, in the swap cache. */
static void shmem_delete_from_page_cache(struct folio *folio, void *radswap)
{
	struct address_space *mapping = folio_mapping(folio);
	XA_STATE_ORDER(xas, &mapping->i_pages, folio_pgoff(folio), folio_order(folio));
	long nr = folio_nr_pages(folio);
	void *old;

	xas_lock_irq(&xas);
	old = xas_store(&xas, radswap);
	plain_write_racy(folio->mapping, NULL);
	mapping->nrpages -= (unsigned long)nr;
	lruvec_stat_mod_folio(folio, NR_FILE_PAGES, -nr);
	lruvec_stat_mod_folio(folio, NR_SHMEM, -nr);
	if (folio_test_pmd_mappable(folio))
		lruvec_stat_mod_folio(folio, NR_SHMEM_THPS, -nr);
	xas_unlock_irq(&xas);
	folio_put_refs(folio, (int)nr);
	BUG_ON(old != folio);
}

/* A large folio that crosses the end of the file is split before it is swapped: a truncate does not split swap. */
static bool shmem_crosses_end(struct folio *folio, struct inode *inode)
{
	pgoff_t end = (i_size_read(inode) + PAGE_SIZE - 1) >> PAGE_SHIFT;

	end = shmem_fallocend(inode, end);
	return folio_test_large(folio) && end > folio_pgoff(folio) && end < folio_next_index(folio);
}

/* Its parts stay dirty; they go on folio_list. Locked; what is locked afterwards is its first part. */
static int shmem_split_for_swap(struct folio *folio, struct list_head *folio_list)
{
	int err;

	folio_mark_dirty(folio);
	err = split_folio_to_list(folio, folio_list);
	if (!err)
		folio_clear_dirty(folio);
	return err;
}

/*
 * shmem_writeout() - v7.1. Fidelity: same, no zswap. Locked and unmapped, isolated from the LRU; its dirty bit has been cleared. The entry's count and the file's
 * claim to it come before the folio leaves the file. Unlocked afterwards; AOP_WRITEPAGE_ACTIVATE: still locked, dirty and in the file.
 */
int shmem_writeout(struct folio *folio, struct list_head *folio_list)
{
	struct inode *inode = folio_mapping(folio)->host;
	int error;

	if (!(plain_read_racy(machine->swap_info.flags) & SWP_WRITEOK)) /* total_swap_pages */
		goto redirty;
	if (shmem_crosses_end(folio, inode) && shmem_split_for_swap(folio, folio_list))
		goto redirty;
try_again:
	if (!folio_test_uptodate(folio)) {
		long nr = folio_nr_pages(folio);

		for (long i = 0; i < nr; i++)
			access_store(&machine->content[folio_pfn(folio) + (unsigned long)i], 0, __ATOMIC_RELAXED);
		folio_mark_uptodate(folio);
	}
	if (!folio_alloc_swap(folio)) {
		pgoff_t index = folio_pgoff(folio);
		struct address_space *mapping = inode->i_mapping;
		void *radswap;

		shmem_recalc_inode(inode, 0, folio_nr_pages(folio));
		folio_dup_swap(folio, NULL);
		radswap = swp_to_radix_entry(((swp_entry_t){ assert_read(folio->swap.val) }));
		shmem_delete_from_page_cache(folio, radswap);
		BUG_ON(folio_mapped(folio));
		error = swap_writeout(folio);
		if (error != AOP_WRITEPAGE_ACTIVATE)
			return error;
		if (!shmem_add_to_page_cache(folio, mapping, index, radswap)) {
			shmem_recalc_inode(inode, 0, -folio_nr_pages(folio));
			folio_put_swap(folio, NULL);
		}
		swap_cache_del_folio(folio);
		goto redirty;
	}
	if (folio_test_large(folio) && !shmem_split_for_swap(folio, folio_list))
		goto try_again;
redirty:
	folio_mark_dirty(folio);
	return AOP_WRITEPAGE_ACTIVATE;
}

/*
 * shmem_unuse(), shmem_unuse_inode() - v7.1. Fidelity: adapted: one inode, which is always there, and one pass without batches. Every value
 * becomes a folio again. 0, -ENOMEM.
 */
int shmem_unuse(void)
{
	struct inode *inode = &machine->inodes[1];

	for (pgoff_t index = 0; index < FILE_PAGES; index++) {
		struct folio *folio = xa_load(&inode->i_mapping->i_pages, index);
		int error;

		if (!xa_is_value(folio))
			continue;
		error = shmem_swapin_folio(inode, index, &folio, SGP_CACHE);
		if (!error) {
			folio_unlock(folio);
			folio_put(folio);
		} else if (error == -ENOMEM) {
			return error;
		}
		cond_resched();
	}
	return 0;
}

/* ------------------------------------------------------------------ undoing ---- */

/*
 * shmem_free_swap() - v7.1; before, the size was asked without the lock. Fidelity: same. The value at index, if it is still there and lies in [index, end].
 * Its size is only true under i_pages' lock: somebody may be splitting it. Returns slots freed.
 */
static long shmem_free_swap(struct address_space *mapping, pgoff_t index, pgoff_t end, void *radswap)
{
	XA_STATE(xas, &mapping->i_pages, index);
	bool early = bug_enabled(swap_shmem_truncate_order_race);
	int order = early ? xa_get_order(&mapping->i_pages, index) : 0;
	long nr = 0;

	xas_lock_irq(&xas);
	if (xas_load(&xas) == radswap) {
		pgoff_t base;

		nr = 1l << (early ? order : xas_get_order(&xas));
		base = index & ~((pgoff_t)nr - 1);
		if (base < index || base + (pgoff_t)nr - 1 > end)
			nr = 0;
		else
			xas_store(&xas, NULL);
	}
	xas_unlock_irq(&xas);
	if (nr)
		swap_put_entries_direct(radix_to_swp_entry(radswap), (int)nr);
	return nr;
}

/* truncate_inode_folio() and what the inode is charged for it. Locked. */
static void shmem_drop_folio(struct inode *inode, struct folio *folio)
{
	long nr = folio_nr_pages(folio);

	if (!truncate_inode_folio(inode->i_mapping, folio))
		shmem_recalc_inode(inode, -nr, 0);
}

/*
 * A partial folio may be dropped as a whole, too. Locked, in the cache. Fidelity: adapted: it is marked dirty, as both edges do it, also for the loop behind
 * them, where the kernel does not: a clean one that cannot be split goes as a whole there, with what a dirty entry has stored before the new
 * end. Not seen here: the first store through a shared mapping faults, vm_get_page_prot(), and marks the folio dirty.
 */
static bool shmem_partial(struct inode *inode, struct folio *folio, pgoff_t start, pgoff_t end)
{
	long nr = folio_nr_pages(folio);
	bool ret;

	folio_mark_dirty(folio);
	ret = truncate_inode_partial_folio(folio, start, end);
	if (!plain_read(folio->mapping))
		shmem_recalc_inode(inode, -nr, 0);
	return ret;
}

/* shmem_get_partial_folio() - v7.1. Fidelity: same. Locked; from swap only if the page lies within the file's size. */
static struct folio *shmem_get_partial_folio(struct inode *inode, pgoff_t index)
{
	struct folio *folio = filemap_get_entry(inode->i_mapping, index);

	if (!folio)
		return NULL;
	if (!xa_is_value(folio)) {
		folio_lock(folio);
		if (plain_read(folio->mapping) == (void *)inode->i_mapping)
			return folio;
		folio_unlock(folio);
		folio_put(folio);
	}
	/* Swapped out: to be split, or zeroed in part, it has to come back. */
	folio = NULL;
	if (shmem_get_folio(inode, index, &folio, SGP_READ, 0))
		return NULL;
	return folio;
}

/* The first pass: nothing is waited for. */
static void shmem_undo_without_waiting(struct inode *inode, pgoff_t start, pgoff_t end, bool unfalloc,
				       struct folio_batch *fbatch)
{
	struct address_space *mapping = inode->i_mapping;
	pgoff_t indices[FOLIO_BATCH_SIZE], index = start;

	while (index < end && find_lock_entries(mapping, &index, end - 1, fbatch, indices)) {
		for (unsigned int i = 0; i < fbatch->nr; i++) {
			struct folio *folio = fbatch->folios[i];

			if (xa_is_value(folio)) {
				if (!unfalloc)
					shmem_recalc_inode(inode, 0, -shmem_free_swap(mapping, indices[i], end - 1, folio));
				continue;
			}
			if (!unfalloc || !folio_test_uptodate(folio))
				shmem_drop_folio(inode, folio);
			folio_unlock(folio);
		}
		folio_batch_remove_exceptionals(fbatch);
		folio_batch_release(fbatch);
		cond_resched();
	}
}

/*
 * A large value reaches over an edge of what is undone. It is read back at a page that the file keeps, also behind the file's end: whole, or cut by halves,
 * of which one may still reach over the edge. Not split where it is: a large folio in the swap cache goes back into the file only as a whole, and
 * whoever asks for a part that is left would look again for ever.
 */
static void shmem_bring_back(struct inode *inode, pgoff_t kept, void *radswap)
{
	struct folio *folio = radswap;

	if (shmem_swapin_folio(inode, kept, &folio, SGP_READ))
		return;
	folio_unlock(folio);
	folio_put(folio);
}

/*
 * A value that could not be freed: -1: cut by the range, and so zeroed before; else where to look again. v7.1 skips what the range cuts, since the first pass
 * must have brought it back and zeroed its part. It has not where there was no memory for it: then a hole keeps its data, and the punch
 * succeeds; nor at the start of a truncation, where the page lies behind the end: there v7.1 goes round for ever over an entry that it
 * neither frees nor brings back.
 */
static long shmem_retry_swap(struct inode *inode, pgoff_t index, void *radswap, pgoff_t start, pgoff_t end, bool truncate)
{
	bool skips = truncate ? bug_enabled(shmem_truncate_large_swap_livelock) : bug_enabled(shmem_punch_skips_unread_swap);
	int order = shmem_confirm_swap(inode->i_mapping, index, radswap);
	pgoff_t base = index;

	if (order > 0) {
		base &= ~((1ul << order) - 1);
		if (base >= start && base + (1ul << order) <= end)
			return (long)base;
		if (skips)
			return -1;
		shmem_bring_back(inode, base < start ? base : end, radswap);
		return (long)(base < start ? start : base);
	}
	return (long)base;
}

/* What is taken out: [start, end). An edge whose folio could not be split stays behind: the second pass has [first, last) to go. */
struct shmem_undo {
	struct inode *inode;
	pgoff_t start, end, first, last;
	bool truncate, unfalloc;
	struct folio_batch fbatch; /* of both passes */
};

/*
 * A folio of the second pass. Locked. False: what it was is something else now, look again from *index on. One that cannot be split stays, its part
 * is zeroed, and the pass ends there: whoever has pinned it may keep it for ever.
 */
static bool shmem_undo_folio(struct shmem_undo *u, struct folio *folio, pgoff_t at, pgoff_t *index)
{
	if (u->unfalloc && folio_test_uptodate(folio))
		return true;
	if (folio_mapping(folio) != u->inode->i_mapping) {
		*index = at;
		return false;
	}
	VM_BUG_ON_FOLIO(folio_test_writeback(folio), folio);
	if (!folio_test_large(folio)) {
		shmem_drop_folio(u->inode, folio);
	} else if (shmem_partial(u->inode, folio, u->start, u->end)) {
		/* Split: its parts are to be found. */
		if (!folio_test_large(folio)) {
			*index = u->first;
			return false;
		}
	} else if (!bug_enabled(shmem_truncate_pinned_livelock)) {
		pgoff_t next = folio_next_index(folio);

		if (folio_pgoff(folio) < u->start)
			u->first = next > u->start ? next : u->start;
		else
			u->last = folio_pgoff(folio);
	}
	return true;
}

/* The second pass: everything. A hole is punched once; a truncate goes on until nothing is found. */
static void shmem_undo_waiting(struct shmem_undo *u)
{
	struct address_space *mapping = u->inode->i_mapping;
	pgoff_t indices[FOLIO_BATCH_SIZE], index = u->first;

	while (index < u->last) {
		cond_resched();
		if (!find_get_entries(mapping, &index, u->last - 1, &u->fbatch, indices)) {
			if (index == u->first || !u->truncate)
				break;
			index = u->first;
			continue;
		}
		for (unsigned int i = 0; i < u->fbatch.nr; i++) {
			struct folio *folio = u->fbatch.folios[i];
			bool go_on;

			if (xa_is_value(folio)) {
				long freed, retry;

				if (u->unfalloc)
					continue;
				freed = shmem_free_swap(mapping, indices[i], u->last - 1, folio);
				shmem_recalc_inode(u->inode, 0, -freed);
				if (freed)
					continue;
				retry = shmem_retry_swap(u->inode, indices[i], folio, u->first, u->last, u->truncate);
				if (retry < 0)
					continue;
				index = (pgoff_t)retry;
				break;
			}
			folio_lock(folio);
			go_on = shmem_undo_folio(u, folio, indices[i], &index);
			folio_unlock(folio);
			if (!go_on)
				break;
		}
		folio_batch_remove_exceptionals(&u->fbatch);
		folio_batch_release(&u->fbatch);
	}
}

/*
 * shmem_undo_range() - v7.1. Fidelity: adapted: whole pages [start, end); end of a truncation: (pgoff_t)-1, which no hole has. The inode is told of
 * every freed slot at once, not of all in the end: nothing here reads its count of swapped pages in between.
 */
static void shmem_undo_range(struct inode *inode, pgoff_t start, pgoff_t end, bool unfalloc)
{
	struct shmem_undo u = { inode, start, end, start, end, end == (pgoff_t)-1, unfalloc, { .nr = 0 } };
	pgoff_t fallocend = access_load(&inode->fallocend, __ATOMIC_RELAXED);
	bool same_folio = start == end - 1;
	struct folio *folio;

	if (u.truncate) {
		u.end = end = FILE_PAGES;
		u.last = end + 1; /* no such page: behind the last one that was found there is a look that finds none */
	}
	if (fallocend > start && fallocend <= end && !unfalloc)
		access_store(&inode->fallocend, start, __ATOMIC_RELAXED);
	shmem_undo_without_waiting(inode, start, end, unfalloc, &u.fbatch);
	if (!unfalloc) {
		folio = shmem_get_partial_folio(inode, start);
		if (folio) {
			same_folio = !u.truncate && end <= folio_next_index(folio);
			if (!shmem_partial(inode, folio, start, end)) {
				u.first = folio_next_index(folio);
				if (u.first < start && !bug_enabled(shmem_punch_drops_kept_page))
					u.first = start;
				if (same_folio)
					u.last = folio_pgoff(folio);
			}
			folio_unlock(folio);
			folio_put(folio);
		}
		folio = same_folio || u.truncate ? NULL : shmem_get_partial_folio(inode, end - 1);
		if (folio) {
			if (!shmem_partial(inode, folio, start, end))
				u.last = folio_pgoff(folio);
			folio_unlock(folio);
			folio_put(folio);
		}
	}
	shmem_undo_waiting(&u);
}

/* shmem_truncate_range() - v7.1. Fidelity: same. i_rwsem is held for writing. */
void shmem_truncate_range(struct inode *inode, pgoff_t start, pgoff_t end)
{
	if (start < end)
		shmem_undo_range(inode, start, end, false);
}

/*
 * shmem_fallocate() - v7.1. Fidelity: adapted: small folios only, no reservation, and writers-out are not told to spare it. Pages are
 * allocated and, once all are, marked uptodate when somebody uses them; fallocend keeps splits from dropping what lies behind the end.
 */
int shmem_fallocate(struct file *file, pgoff_t start, pgoff_t nr, bool keep_size)
{
	struct inode *inode = file->f_inode;
	pgoff_t end = start + nr < FILE_PAGES ? start + nr : FILE_PAGES, undo_fallocend;
	int err = 0;

	inode_lock(inode);
	undo_fallocend = inode->fallocend;
	if (undo_fallocend < end)
		access_store(&inode->fallocend, end, __ATOMIC_RELAXED);
	for (pgoff_t index = start; index < end;) {
		struct folio *folio;

		err = shmem_get_folio(inode, index, &folio, SGP_FALLOC, 0);
		if (err) {
			access_store(&inode->fallocend, undo_fallocend, __ATOMIC_RELAXED);
			if (index > start)
				shmem_undo_range(inode, start, index, true);
			break;
		}
		index = folio_next_index(folio);
		folio_mark_dirty(folio);
		folio_unlock(folio);
		folio_put(folio);
		cond_resched();
	}
	if (!err && !keep_size && end << PAGE_SHIFT > i_size_read(inode))
		i_size_write(inode, end << PAGE_SHIFT);
	inode_unlock(inode);
	return err;
}
