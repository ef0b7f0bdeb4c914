// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmap_referenced.c - has a folio been used since reclaim last looked: the accessed bits of every mapping, read and cleared.
 *
 * Reclaim does not wait for rmap locks: whoever holds one for writing, a fork, a split of the folio or of a VMA, may itself wait for
 * memory. A walk that was not made says so, and the folio stays.
 */
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>

struct folio_referenced_arg {
	int mapcount;
	int referenced;
	unsigned long vm_flags;
};

/*
 * A VMA that is locked in memory - folio_referenced_one(), v7.1. Fidelity: same. The walk goes on until the VMA has been seen to map the folio
 * as a whole, with its table locked all the time; then the mlock that was missed is made up for. True: the walk of the mappings ends here.
 */
static bool referenced_mlocked(struct folio *folio, struct page_vma_mapped_walk *pvmw, int *ptes,
			       struct folio_referenced_arg *pra)
{
	(*ptes)++;
	pra->mapcount--;
	if (pvmw->pte && *ptes != (int)pvmw->nr_pages)
		return false;
	if (pvmw->flags & PVMW_PGTABLE_CROSSED)
		return false;
	mlock_vma_folio(folio, pvmw->vma);
	page_vma_mapped_walk_done(pvmw);
	pra->vm_flags |= VM_LOCKED;
	return true;
}

/* What only an mm maps that is exiting or being reaped goes without reclaim's help, and soon - folio_referenced_one(), v7.1. Fidelity: same. */
static bool going_anyway(struct folio *folio, struct mm_struct *mm)
{
	return (!atomic_read(&mm->mm_users) || check_stable_address_space(mm)) && folio_test_anon(folio) &&
	       folio_test_swapbacked(folio) && !folio_maybe_mapped_shared(folio);
}

/*
 * clear_flush_young_ptes(), pmdp_clear_flush_young() - v7.1, as x86 has them: of entries in a table no translation is flushed. Fidelity: same, no
 * notifiers that know of a device's use. The table's lock is held.
 */
static bool clear_flush_young(struct page_vma_mapped_walk *pvmw, unsigned long address, int nr)
{
	bool young = false;

	if (pvmw->pte) {
		for (int i = 0; i < nr; i++)
			young |= ptep_test_and_clear_young(pvmw->vma, address + (unsigned long)i * PAGE_SIZE, pvmw->pte + i);
		return young;
	}
	young = pmdp_test_and_clear_young(pvmw->vma, address, pvmw->pmd);
	if (young)
		flush_tlb_range(pvmw->vma, address, address + HPAGE_PMD_SIZE);
	return young;
}

/*
 * folio_referenced_one() - v7.1. Fidelity: adapted: no generations of the LRU; an entry that is not present, by which a device has the page to itself,
 * is one entry (v7.1 gives it to folio_pte_batch(), which is for present ones, and warns there). The folio lock and the rmap lock are held.
 */
static bool folio_referenced_one(struct folio *folio, struct vm_area_struct *vma, unsigned long address, void *arg)
{
	struct folio_referenced_arg *pra = arg;
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	int ptes = 0, referenced = 0;

	while (page_vma_mapped_walk(&pvmw)) {
		int nr = 1;

		address = pvmw.address;
		if (plain_read_racy(vma->vm_flags) & VM_LOCKED) {
			if (referenced_mlocked(folio, &pvmw, &ptes, pra))
				return false;
			continue;
		}
		if (going_anyway(folio, vma->vm_mm)) {
			pra->referenced = -1;
			page_vma_mapped_walk_done(&pvmw);
			return false;
		}
		if (pvmw.pte && folio_test_large(folio)) {
			int max_nr = (int)((pmd_addr_end(address, vma->vm_end) - address) >> PAGE_SHIFT);
			pte_t pteval = ptep_get(pvmw.pte);

			if (pte_present(pteval))
				nr = folio_pte_batch(folio, pvmw.pte, pteval, max_nr);
		}
		if (clear_flush_young(&pvmw, address, nr))
			referenced++;
		ptes += nr;
		pra->mapcount -= nr;
		if (ptes == (int)pvmw.nr_pages) {
			page_vma_mapped_walk_done(&pvmw);
			break;
		}
		if (pvmw.pte)
			pvmw.pte += nr - 1;
		pvmw.address += (unsigned long)(nr - 1) * PAGE_SIZE;
	}
	if (referenced)
		folio_clear_idle(folio);
	if (folio_test_clear_young(folio))
		referenced++;
	if (referenced) {
		pra->referenced++;
		pra->vm_flags |= plain_read_racy(vma->vm_flags) & ~VM_LOCKED;
	}
	return pra->mapcount != 0;
}

/*
 * folio_referenced() - v7.1. Fidelity: adapted: no VMA is left out: reclaim is for no cgroup, and no VMA is known to be read once. The folio is
 * locked. How many VMAs have used it since the last look; -1: it is to stay, since an rmap lock was taken, or its only mm goes.
 */
int folio_referenced(struct folio *folio, unsigned long *vm_flags)
{
	struct folio_referenced_arg pra = { .mapcount = folio_mapcount(folio) };
	struct rmap_walk_control rwc = {
		.rmap_one = folio_referenced_one,
		.arg = &pra,
		.anon_lock = folio_lock_anon_vma_read,
		.try_lock = true,
	};

	*vm_flags = 0;
	if (!pra.mapcount)
		return 0;
	if (!plain_read_racy(folio->mapping))
		return 0;
	rmap_walk(folio, &rwc);
	*vm_flags = pra.vm_flags;
	return rwc.contended ? -1 : pra.referenced;
}
