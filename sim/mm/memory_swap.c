// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_swap.c - faults on entries that are not present: swap-in, and waiting for what migrates.
 *
 * Lock order: mmap_lock or the VMA's lock, folio lock, page table lock, cluster lock. The entry was read without a lock: the folio that
 * is found for it is looked at again when it is locked, and the entry when its table is. kernel-facts.md: P16.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

/* pte_move_swp_offset() - v7.1, mm/internal.h. Fidelity: same. */
static pte_t pte_move_swp_offset(pte_t pte, long delta)
{
	return __pte(pte_val(pte) + ((unsigned long)delta << SOFTLEAF_PFN_SHIFT));
}

/* swap_pte_batch() - v7.1, mm/internal.h. Fidelity: same: entries of consecutive slots, alike in all their bits. The table is locked. */
int swap_pte_batch(pte_t *start_ptep, int max_nr, pte_t pte)
{
	int nr = 1;

	VM_WARN_ON(!softleaf_is_swap(softleaf_from_pte(pte)));
	for (; nr < max_nr; nr++) {
		pte_t next = ptep_get(start_ptep + nr);

		if (!pte_same(next, pte_move_swp_offset(pte, nr)))
			break;
	}
	return nr;
}

/* ------------------------------------------------------------------ markers ---- */

/* pte_marker_clear() - v7.1. Fidelity: same. */
static vm_fault_t pte_marker_clear(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(mm, vmf->pmd, vmf->address, &ptl);

	if (pte) {
		if (pte_same(ptep_get(pte), vmf->orig_pte))
			set_pte_at(mm, vmf->address, pte, __pte(0));
		pte_unmap_unlock(pte, ptl);
	}
	return 0;
}

/* handle_pte_marker(), pte_marker_handle_uffd_wp(), do_pte_missing() - v7.1. Fidelity: same, no guard regions. */
static vm_fault_t handle_pte_marker(struct vm_fault *vmf)
{
	unsigned long marker = softleaf_to_marker(softleaf_from_pte(vmf->orig_pte));

	if (WARN_ON_ONCE(!marker))
		return VM_FAULT_SIGBUS;
	if (marker & PTE_MARKER_POISONED)
		return VM_FAULT_HWPOISON;
	if (!(marker & PTE_MARKER_UFFD_WP))
		return VM_FAULT_SIGBUS;
	if (!userfaultfd_wp(vmf->vma))
		return pte_marker_clear(vmf);
	return vma_is_anonymous(vmf->vma) ? do_anonymous_page(vmf) : do_fault(vmf);
}

/*
 * The entry names no slot - do_swap_page(), v7.1. Fidelity: adapted: VM_FAULT_RETRY after a migration has been waited for, where v7.1 says 0: the
 * instruction that would fault again is the caller's loop. Device memory is in memory_device.c.
 */
static vm_fault_t do_nonswap_page(struct vm_fault *vmf, softleaf_t entry)
{
	if (softleaf_is_migration(entry)) {
		migration_entry_wait(vmf->vma->vm_mm, vmf->pmd, vmf->address);
		return VM_FAULT_RETRY;
	}
	if (softleaf_is_device_exclusive(entry))
		return remove_device_exclusive_entry(vmf);
	if (softleaf_is_device_private(entry))
		return do_device_private_page(vmf);
	if (softleaf_is_hwpoison(entry))
		return VM_FAULT_HWPOISON;
	if (softleaf_is_marker(entry))
		return handle_pte_marker(vmf);
	return VM_FAULT_SIGBUS;
}

/* ------------------------------------------------------------------ swap-in ---- */

/*
 * swap_zeromap_batch() and non_swapcache_batch() - v7.1. Fidelity: same: of one kind, and then, none in the cache. Racy: whoever adds a
 * folio looks at both again (v7.1: at the cache alone).
 */
static bool swap_range_alike(struct swap_info_struct *si, unsigned long offset, int nr)
{
	bool zero = test_bit(offset, &si->zeromap);

	for (int i = 1; i < nr; i++)
		if (test_bit(offset + (unsigned long)i, &si->zeromap) != zero)
			return false;
	for (int i = 0; i < nr; i++)
		if (swap_cache_has_folio(swp_entry(offset + (unsigned long)i)))
			return false;
	return true;
}

/* can_swapin_thp() - v7.1. Fidelity: same. The table's lock is held; ptep is the entry of the run's first page. */
static bool can_swapin_thp(struct vm_fault *vmf, struct swap_info_struct *si, pte_t *ptep, int nr_pages)
{
	unsigned long addr = vmf->address & ~((unsigned long)nr_pages * PAGE_SIZE - 1);
	long idx = (long)((vmf->address - addr) / PAGE_SIZE);
	pte_t pte = ptep_get(ptep);

	if (!pte_same(pte, pte_move_swp_offset(vmf->orig_pte, -idx)))
		return false;
	if (swap_pte_batch(ptep, nr_pages, pte) != nr_pages)
		return false;
	return swap_range_alike(si, swp_offset(softleaf_from_pte(pte)), nr_pages);
}

/* The run of slots and the run of pages must be aligned alike, and inside the VMA. (thp_swap_suitable_orders(), v7.1.) */
static bool swapin_suitable(struct vm_fault *vmf, unsigned int order)
{
	unsigned long nr = 1ul << order, offset = swp_offset(softleaf_from_pte(vmf->orig_pte));

	if (userfaultfd_armed(vmf->vma) || !thp_vma_suitable_order(vmf->vma, vmf->address, (int)order))
		return false;
	return ((vmf->address >> PAGE_SHIFT) & (nr - 1)) == (offset & (nr - 1));
}

static struct folio *alloc_charged(struct vm_fault *vmf, unsigned int order, gfp_t gfp)
{
	struct folio *folio = vma_alloc_folio(gfp, order, vmf->vma, vmf->address);

	if (folio && mem_cgroup_charge(folio, vmf->vma->vm_mm, gfp)) {
		folio_put(folio);
		return NULL;
	}
	return folio;
}

/* alloc_swap_folio() - v7.1. Fidelity: adapted: of large folios order 2, the only one below a PMD's. What it sees of the slots is a guess. */
static struct folio *alloc_swap_folio(struct vm_fault *vmf, struct swap_info_struct *si)
{
	const unsigned int order = 2;
	unsigned long addr = vmf->address & ~((PAGE_SIZE << order) - 1);
	struct folio *folio;
	spinlock_t *ptl;
	bool can;
	pte_t *pte;

	if (!swapin_suitable(vmf, order))
		goto fallback;
	pte = pte_offset_map_lock(vmf->vma->vm_mm, vmf->pmd, addr, &ptl);
	if (!pte)
		goto fallback;
	can = can_swapin_thp(vmf, si, pte, 1 << order);
	pte_unmap_unlock(pte, ptl);
	folio = can ? alloc_charged(vmf, order, GFP_TRANSHUGE) : NULL;
	if (folio)
		return folio;
fallback:
	return alloc_charged(vmf, 0, GFP_KERNEL);
}

/* Nothing is in the cache: brings the folio there - do_swap_page(), v7.1. NULL: no memory, or lost a race. */
static struct folio *swapin_new(struct vm_fault *vmf, struct swap_info_struct *si, softleaf_t entry)
{
	struct folio *folio, *swapcache;

	if (!(plain_read_racy(si->flags) & SWP_SYNCHRONOUS_IO))
		return swapin_readahead(entry, GFP_KERNEL, vmf);
	folio = alloc_swap_folio(vmf, si);
	if (!folio)
		return NULL;
	swapcache = swapin_folio(entry, folio);
	if (swapcache != folio)
		folio_put(folio);
	return swapcache;
}

/*
 * folio_lock_or_retry() - v7.1, mm/filemap.c. Fidelity: adapted: under mmap_lock it waits with that held, as a second attempt does; under
 * the VMA's lock it does not wait at all.
 */
static vm_fault_t folio_lock_or_retry(struct folio *folio, struct vm_fault *vmf)
{
	if (folio_trylock(folio))
		return 0;
	if (vmf->flags & FAULT_FLAG_VMA_LOCK)
		return VM_FAULT_RETRY;
	folio_lock(folio);
	return 0;
}

/* A swap-in with the folio locked and the entry's table, too. */
struct swapin {
	struct folio *folio;
	struct page *page;      /* the first to be mapped */
	unsigned long address;  /* where */
	pte_t *ptep;
	long page_idx;          /* of the faulting page in what is mapped */
	int nr_pages;
};

/* All of a large folio, if all its entries are still there, in this table and VMA - do_swap_page(), v7.1. Fidelity: same. */
static void swapin_whole_folio(struct swapin *in, struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	long idx = (long)folio_page_idx(in->folio, in->page);
	int nr = (int)folio_nr_pages(in->folio);
	unsigned long start = in->address - (unsigned long)idx * PAGE_SIZE, end = start + (unsigned long)nr * PAGE_SIZE;
	unsigned long first = in->address & PMD_MASK;
	pte_t pte;

	if (!folio_test_large(in->folio) || !folio_test_swapcache(in->folio))
		return;
	if (first < vma->vm_start)
		first = vma->vm_start;
	if (start > in->address || start < first || end > pmd_addr_end(in->address, vma->vm_end))
		return;
	pte = ptep_get(vmf->pte - idx);
	if (!pte_same(pte, pte_move_swp_offset(vmf->orig_pte, -idx)) ||
	    swap_pte_batch(vmf->pte - idx, nr, pte) != nr)
		return;
	in->page_idx = idx;
	in->address = start;
	in->ptep = vmf->pte - idx;
	in->nr_pages = nr;
	in->page = &in->folio->page;
}

/* check_swap_exclusive() - v7.1. Fidelity: same. Both locks are held: the counts are stable. */
static void check_swap_exclusive(struct swapin *in)
{
	unsigned long offset = swp_offset(folio_page_swap(in->folio, in->page));

	for (int i = 0; i < in->nr_pages; i++, offset++)
		VM_WARN_ON_FOLIO(swp_tb_get_count(swap_table_get(&machine->swap_info, offset)) != 1, in->folio);
}

/* should_try_to_free_swap() - v7.1. Fidelity: same. The folio is locked. */
static bool should_try_to_free_swap(struct swap_info_struct *si, struct folio *folio, struct vm_area_struct *vma,
				    unsigned int extra_refs, bool write)
{
	if (!folio_test_swapcache(folio))
		return false;
	if (plain_read_racy(si->flags) & SWP_SYNCHRONOUS_IO)
		return true;
	if (mem_cgroup_swap_full(folio) || (vma->vm_flags & VM_LOCKED) || folio_test_mlocked(folio))
		return true;
	return write && folio_ref_count(folio) == (int)(extra_refs + (unsigned int)folio_nr_pages(folio));
}

/*
 * Maps it - do_swap_page(), v7.1. Fidelity: same. The folio's and the table's locks are held; exclusive: no one else has an entry for it.
 * RSS, references, map counts, swap counts, and the entries last: whoever faults next to it finds the folio in the cache until then.
 */
static void swapin_map(struct swapin *in, struct vm_fault *vmf, bool exclusive)
{
	struct vm_area_struct *vma = vmf->vma;
	struct folio *folio = in->folio;
	rmap_t rmap_flags = RMAP_NONE;
	pte_t pte;

	add_mm_counter(vma->vm_mm, MM_ANONPAGES, in->nr_pages);
	add_mm_counter(vma->vm_mm, MM_SWAPENTS, -in->nr_pages);
	pte = pte_mkyoung(mk_pte(in->page, vma->vm_page_prot));
	if (pte_swp_soft_dirty(vmf->orig_pte))
		pte = pte_mksoft_dirty(pte);
	if (pte_swp_uffd_wp(vmf->orig_pte))
		pte = pte_mkuffd_wp(pte);
	if (exclusive || folio_ref_count(folio) == 1) {
		if ((vma->vm_flags & VM_WRITE) && !userfaultfd_pte_wp(vma, pte)) {
			pte = pte_mkwrite(pte, vma);
			if (vmf->write) {
				pte = pte_mkdirty(pte);
				vmf->write = false;
				vmf->flags &= ~(unsigned int)FAULT_FLAG_WRITE;
			}
		}
		rmap_flags |= RMAP_EXCLUSIVE;
	}
	folio_ref_add(folio, in->nr_pages - 1);
	vmf->orig_pte = __pte(pte_val(pte) + ((unsigned long)in->page_idx << PFN_SHIFT));

	if (!folio_test_anon(folio)) {
		VM_WARN_ON_FOLIO(folio_nr_pages(folio) != in->nr_pages, folio);
		VM_WARN_ON_FOLIO(folio_mapped(folio), folio);
		folio_add_new_anon_rmap(folio, vma, in->address, rmap_flags);
		folio_put_swap(folio, NULL);
	} else {
		VM_WARN_ON_ONCE(in->nr_pages != 1 && in->nr_pages != folio_nr_pages(folio));
		folio_add_anon_rmap_ptes(folio, in->page, in->nr_pages, vma, in->address, rmap_flags);
		folio_put_swap(folio, in->nr_pages == 1 ? in->page : NULL);
	}
	VM_BUG_ON(!folio_test_anon(folio) || (pte_write(pte) && !PageAnonExclusive(in->page)));
	for (int i = 0; i < in->nr_pages; i++)
		set_pte_at(vma->vm_mm, in->address + (unsigned long)i * PAGE_SIZE, in->ptep + i,
			   __pte(pte_val(pte) + ((unsigned long)i << PFN_SHIFT)));
}

/*
 * The rest of do_swap_page(), with the folio locked and the entry's table - v7.1. Fidelity: same. False: it is not to be mapped.
 */
static bool swapin_prepare(struct swapin *in, struct vm_fault *vmf, bool *exclusive)
{
	struct folio *folio = in->folio;

	swapin_whole_folio(in, vmf);
	/* an entry never names a page that is exclusive to some mapping */
	BUG_ON(folio_test_anon(folio) && PageAnonExclusive(in->page));
	/* a new large folio whose entries are not all there any more: its pages may be several owners' */
	if (!folio_test_anon(folio) && folio_test_large(folio) && in->nr_pages != folio_nr_pages(folio)) {
		if (!WARN_ON_ONCE(folio_test_dirty(folio)))
			swap_cache_del_folio(folio);
		return false;
	}
	/* with the table locked: fork shares entries under it */
	*exclusive = pte_swp_exclusive(vmf->orig_pte);
	if (*exclusive)
		check_swap_exclusive(in);
	return true;
}

/*
 * do_swap_page() - v7.1. Fidelity: adapted: no KSM, no stable writes, no readahead; the table was unmapped by the caller. Caller
 * holds mmap_lock or the VMA's lock for reading.
 */
vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	softleaf_t entry = softleaf_from_pte(vmf->orig_pte);
	struct swapin in = { .nr_pages = 1, .address = vmf->address };
	struct swap_info_struct *si;
	struct folio *folio;
	bool exclusive;
	vm_fault_t ret;

	if (!softleaf_is_swap(entry))
		return do_nonswap_page(vmf, entry);
	si = get_swap_device(entry);
	if (!si)
		return 0;
	folio = swap_cache_get_folio(entry);
	if (!folio)
		folio = swapin_new(vmf, si, entry);
	if (!folio) {
		/* no memory, unless somebody else has faulted the page in meanwhile */
		vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
		ret = vmf->pte && pte_same(ptep_get(vmf->pte), vmf->orig_pte) ? VM_FAULT_OOM : 0;
		goto unlock;
	}

	ret = folio_lock_or_retry(folio, vmf);
	if (ret & VM_FAULT_RETRY)
		goto out_release;
	/* The reference does not keep it in the cache, and the entry may stay the same while its slot goes from hand to hand. */
	if (!folio_matches_swap_entry(folio, entry))
		goto out_page;
	in.folio = folio;
	in.page = folio_page(folio, swp_offset(entry) - swp_offset(folio_swap_entry(folio)));
	if (PageHWPoison(in.page)) {
		ret = VM_FAULT_HWPOISON;
		goto out_page;
	}
	/* a reference that only waits in this CPU's batch would make it look shared */
	if (vmf->write && !folio_test_lru(folio))
		lru_add_drain();

	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (!vmf->pte || !pte_same(ptep_get(vmf->pte), vmf->orig_pte))
		goto out_nomap;
	if (!folio_test_uptodate(folio)) {
		ret = VM_FAULT_SIGBUS;
		goto out_nomap;
	}
	in.ptep = vmf->pte;
	if (!swapin_prepare(&in, vmf, &exclusive))
		goto out_nomap;
	swapin_map(&in, vmf, exclusive);
	if (should_try_to_free_swap(si, folio, vma, (unsigned int)in.nr_pages, vmf->write))
		folio_free_swap(folio);
	folio_unlock(folio);
	if (vmf->write) {
		ret |= do_wp_page(vmf);
		put_swap_device(si);
		return ret;
	}
unlock:
	if (vmf->pte)
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	put_swap_device(si);
	return ret;
out_nomap:
	if (vmf->pte)
		pte_unmap_unlock(vmf->pte, vmf->ptl);
out_page:
	if (folio_test_swapcache(folio))
		folio_free_swap(folio);
	folio_unlock(folio);
out_release:
	folio_put(folio);
	put_swap_device(si);
	return ret;
}
