// SPDX-License-Identifier: GPL-2.0-only
/*
 * page_vma_mapped.c - does this VMA map that folio, and where: the page table half of every
 * rmap walk.
 *
 * A PMD is read without its lock first, and again with it when it looks huge. A PTE table is
 * locked before its first entry is believed; without PVMW_SYNC entries that are none or of the
 * wrong kind are passed over unlocked, so that a zap in flight (entry cleared, map count not
 * yet lowered) is missed. kernel-facts.md: P11.
 */
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swapops.h>
#include <foliofuzz/bug.h>

/* Where the walk stands after a look at one PMD. */
enum pmd_look {
	PMD_FOUND, /* maps the folio; its lock is held */
	PMD_TABLE, /* a table: look at its entries */
	PMD_EMPTY, /* nothing here, go on behind it */
	PMD_OTHER, /* huge, but not what is looked for: the walk is over; its lock is held */
};

/* not_found() - v7.1, mm/page_vma_mapped.c. Fidelity: same. */
static bool not_found(struct page_vma_mapped_walk *pvmw)
{
	page_vma_mapped_walk_done(pvmw);
	return false;
}

/*
 * Do the pages [pfn, pfn + nr) and those that are looked for meet? (check_pmd() and the end of
 * check_pte(), v7.1.)
 */
static bool pfns_meet(const struct page_vma_mapped_walk *pvmw, unsigned long pfn,
		      unsigned long nr)
{
	return pfn + nr > pvmw->pfn && pfn < pvmw->pfn + pvmw->nr_pages;
}

/* Not present, and yet a mapping like any other, with a reference and a map count: memory that only the device reaches. */
static bool softleaf_maps_page(softleaf_t entry)
{
	return softleaf_is_device_private(entry) || softleaf_is_device_exclusive(entry);
}

/*
 * Is an entry with this look worth a lock? Migration walks want migration entries, all others what maps the page, present or the
 * device's.
 */
static bool pte_is_candidate(const struct page_vma_mapped_walk *pvmw, pte_t ptent)
{
	if (pte_none(ptent))
		return false;
	if (pvmw->flags & PVMW_MIGRATION)
		return !pte_present(ptent);
	return pte_present(ptent) || softleaf_maps_page(softleaf_from_pte(ptent));
}

/* Is the table that the walk is in still the one that the PMD points to? Its lock is held. */
static bool same_pmd(const struct page_vma_mapped_walk *pvmw, pmd_t pmde)
{
	pmd_t now = pmdp_get_lockless(pvmw->pmd);

	return pmd_same(pmde, now);
}

/* check_pte() - v7.1, mm/page_vma_mapped.c. Fidelity: same. The table's lock is held. */
static bool check_pte(struct page_vma_mapped_walk *pvmw)
{
	pte_t ptent = ptep_get(pvmw->pte);
	softleaf_t entry = softleaf_from_pte(ptent);

	if (pvmw->flags & PVMW_MIGRATION)
		return softleaf_is_migration(entry) && pfns_meet(pvmw, softleaf_to_pfn(entry), 1);
	if (pte_present(ptent))
		return pfns_meet(pvmw, pte_pfn(ptent), 1);
	return softleaf_maps_page(entry) && pfns_meet(pvmw, softleaf_to_pfn(entry), 1);
}

/*
 * map_pte() - v7.1, mm/page_vma_mapped.c (v6.12 does not look at the PMD again). Fidelity:
 * same. False with ->pte set: not a candidate, go on to the next entry
 * without a lock (its address is in *ptlp); false with ->pte NULL: the table has gone.
 */
static bool map_pte(struct page_vma_mapped_walk *pvmw, pmd_t *pmdvalp,
		    spinlock_t **ptlp)
{
	struct mm_struct *mm = pvmw->vma->vm_mm;

	if (pvmw->flags & PVMW_SYNC) {
		pvmw->pte = pte_offset_map_lock(mm, pvmw->pmd, pvmw->address, &pvmw->ptl);
		*ptlp = pvmw->ptl;
		return pvmw->pte != NULL;
	}

	for (;;) {
		pvmw->pte = pte_offset_map_rw_nolock(mm, pvmw->pmd, pvmw->address,
						     pmdvalp, ptlp);
		if (!pvmw->pte || !pte_is_candidate(pvmw, ptep_get(pvmw->pte)))
			return false;
		spin_lock(*ptlp);
		if (same_pmd(pvmw, *pmdvalp))
			break;
		pte_unmap_unlock(pvmw->pte, *ptlp);
	}
	pvmw->ptl = *ptlp;
	return true;
}

/* step_forward() - v7.1, mm/page_vma_mapped.c. Fidelity: same. Behind the last address there is none: a walk ends at the highest. */
static void step_forward(struct page_vma_mapped_walk *pvmw, unsigned long size)
{
	unsigned long last = pvmw->address | (size - 1);

	pvmw->address = last == ~0ul ? last : last + 1;
}

/* What the locked entry is to this walk; PMD_TABLE: not huge any more. */
static enum pmd_look judge_pmd(const struct page_vma_mapped_walk *pvmw, pmd_t pmde)
{
	const bool migration = pvmw->flags & PVMW_MIGRATION;

	if (!pmd_present(pmde)) {
		softleaf_t entry = softleaf_from_pmd(pmde);
		bool kind = migration ? softleaf_is_migration(entry) : softleaf_is_device_private(entry);

		return kind && pfns_meet(pvmw, softleaf_to_pfn(entry), HPAGE_PMD_NR) ? PMD_FOUND : PMD_OTHER;
	}
	if (!pmd_trans_huge(pmde))
		return PMD_TABLE;
	return !migration && pfns_meet(pvmw, pmd_pfn(pmde), HPAGE_PMD_NR) ? PMD_FOUND : PMD_OTHER;
}

/*
 * The PMD level of one step. *pmdvalp is what was read last. A device-private PMD is looked at again under its lock, as all others
 * are: v6.19 to v7.1 took the lock and believed what they had read without it, whatever folio it was, and whatever
 * kind of entry the walk was for.
 */
static enum pmd_look look_at_pmd(struct page_vma_mapped_walk *pvmw, pmd_t *pmdvalp)
{
	struct mm_struct *mm = pvmw->vma->vm_mm;
	pmd_t pmde = pmdp_get_lockless(pvmw->pmd);

	*pmdvalp = pmde;
	if (bug_enabled(seed4_pvmw_devpriv_no_recheck) && pmd_is_device_private_entry(pmde)) {
		pvmw->ptl = pmd_lock(mm, pvmw->pmd);
		return PMD_FOUND;
	}
	if (pmd_trans_huge(pmde) || pmd_is_migration_entry(pmde) || pmd_is_device_private_entry(pmde)) {
		enum pmd_look look;

		pvmw->ptl = pmd_lock(mm, pvmw->pmd);
		pmde = pmdp_get(pvmw->pmd);
		*pmdvalp = pmde;
		look = judge_pmd(pvmw, pmde);
		if (look == PMD_TABLE) {
			/* Split in the meantime. */
			spin_unlock(pvmw->ptl);
			pvmw->ptl = NULL;
		}
		return look;
	}
	if (pmd_present(pmde))
		return PMD_TABLE;

	/*
	 * Empty; a zap clears the PMD first and lowers the map count later, both under the
	 * lock. Who relies on the count waits for that.
	 */
	if ((pvmw->flags & PVMW_SYNC) && pvmw->nr_pages >= HPAGE_PMD_NR &&
	    thp_vma_suitable_order(pvmw->vma, pvmw->address, HPAGE_PMD_ORDER)) {
		spinlock_t *ptl = pmd_lock(mm, pvmw->pmd);

		spin_unlock(ptl);
	}
	return PMD_EMPTY;
}

/*
 * The PMD level of the walk. PMD_FOUND: ->address is mapped by a PMD; PMD_TABLE: ->pmd is a table, as *pmde; else there is no more, and
 * nothing is held.
 */
static enum pmd_look walk_pmds(struct page_vma_mapped_walk *pvmw, unsigned long end, pmd_t *pmde)
{
	while (pvmw->address < end) {
		enum pmd_look look;

		pvmw->pmd = pmd_offset(pvmw->vma->vm_mm, pvmw->address);
		look = look_at_pmd(pvmw, pmde);
		if (look == PMD_FOUND || look == PMD_TABLE)
			return look;
		/* A folio that was moved has pages behind another's huge PMD. */
		if (look == PMD_OTHER) {
			page_vma_mapped_walk_done(pvmw);
			if (bug_enabled(rmap_walk_stops_at_other_pmd))
				return PMD_OTHER;
		}
		pvmw->ptl = NULL;
		step_forward(pvmw, PMD_SIZE);
	}
	return PMD_EMPTY;
}

/*
 * page_vma_mapped_walk() - v7.1, mm/page_vma_mapped.c. Fidelity: same, no hugetlb, PMD and
 * PTE level only. Caller holds the folio lock and the rmap lock. True: ->pmd
 * (and ->pte, unless by PMD) maps some page of the folio at ->address, and ->ptl is held; call
 * again for the next one. False: no more, nothing is held.
 */
bool page_vma_mapped_walk(struct page_vma_mapped_walk *pvmw)
{
	bool passed = pvmw->pte; /* the entry at ->pte is known: found by the last call, or none of ours */
	spinlock_t *ptl = pvmw->ptl;
	pmd_t pmde = { 0 };
	unsigned long end;

	/* There is no second PMD mapping of a folio in one VMA. */
	if (pvmw->pmd && !pvmw->pte)
		return not_found(pvmw);

	for (end = vma_address_end(pvmw);;) {
		if (!pvmw->pte) {
			enum pmd_look look = walk_pmds(pvmw, end, &pmde);

			if (look != PMD_TABLE)
				return look == PMD_FOUND;
			passed = !map_pte(pvmw, &pmde, &ptl);
			if (!pvmw->pte)
				continue;
		}
		if (!passed && check_pte(pvmw))
			return true;
		do {
			pvmw->address += PAGE_SIZE;
			if (pvmw->address >= end)
				return not_found(pvmw);
			if (pte_index(pvmw->address) == 0) {
				/* Into the next table. */
				page_vma_mapped_walk_done(pvmw);
				pvmw->ptl = NULL;
				pvmw->pte = NULL;
				pvmw->flags |= PVMW_PGTABLE_CROSSED;
				break;
			}
			pvmw->pte++;
		} while (pte_none(ptep_get(pvmw->pte)));
		passed = false;

		if (!pvmw->pte || pvmw->ptl)
			continue;
		spin_lock(ptl);
		if (same_pmd(pvmw, pmde)) {
			pvmw->ptl = ptl;
		} else {
			pte_unmap_unlock(pvmw->pte, ptl);
			pvmw->pte = NULL;
		}
	}
}
