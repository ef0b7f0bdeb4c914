// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmap_migrate.c - every mapping of a folio becomes a migration entry: the part of the kernel's mm/rmap.c that migration and split use.
 *
 * Lock order: folio lock (the caller's), anon_vma's root or i_mmap_rwsem, page table lock. kernel-facts.md: P14.
 */
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlbflush.h>
#include <foliofuzz/bug.h>

/* should_defer_flush() - v7.1, mm/rmap.c. Fidelity: adapted: the mm always runs on another CPU. */
static bool should_defer_flush(struct mm_struct *mm, enum ttu_flags flags)
{
	(void)mm;
	return flags & TTU_BATCH_FLUSH;
}

/* The page that an entry maps: a present one, or one of device memory. */
static unsigned long pte_any_pfn(pte_t pteval)
{
	return pte_present(pteval) ? pte_pfn(pteval) : softleaf_to_pfn(softleaf_from_pte(pteval));
}

static unsigned long pmd_any_pfn(pmd_t pmdval)
{
	/* x86 keeps the frame of an entry that is not present inverted; entries here do not, so the present decoder has to */
	if (bug_enabled(seed4_try_to_migrate_bogus_subpage) && !pmd_present(pmdval))
		return ~pmd_pfn(pmdval) & (NR_PAGES - 1);
	return pmd_present(pmdval) ? pmd_pfn(pmdval) : softleaf_to_pfn(softleaf_from_pmd(pmdval));
}

/*
 * Takes the entry away: nobody can reach the page by it any more, but for stale translations where the flush is put off. The bits that the
 * hardware has set in it so far are in the value. *writablep: was it for writing.
 */
static pte_t migrate_clear_pte(struct folio *folio, struct page_vma_mapped_walk *pvmw, enum ttu_flags flags,
			       pte_t pteval, bool *writablep)
{
	struct vm_area_struct *vma = pvmw->vma;
	struct mm_struct *mm = vma->vm_mm;
	unsigned long address = pvmw->address;

	if (!pte_present(pteval)) {
		set_pte_at(mm, address, pvmw->pte, __pte(0));
		*writablep = softleaf_is_device_private_write(softleaf_from_pte(pteval));
		return pteval;
	}
	if (should_defer_flush(mm, flags)) {
		pteval = ptep_get_and_clear(mm, address, pvmw->pte);
		set_tlb_ubc_flush_pending(mm, pteval, address, address + PAGE_SIZE);
	} else {
		pteval = ptep_clear_flush(vma, address, pvmw->pte);
	}
	if (pte_dirty(pteval))
		folio_mark_dirty(folio);
	*writablep = pte_write(pteval);
	return pteval;
}

/* The migration entry for what was mapped by `pteval`; what user space has said of the page goes along. */
static pte_t migrate_make_pte(struct page *subpage, pte_t pteval, bool writable, bool anon_exclusive)
{
	bool present = pte_present(pteval), young = false, dirty = false;
	pte_t swp_pte;

	if (present) {
		young = pte_young(pteval);
		dirty = pte_dirty(pteval);
	}
	swp_pte = swp_entry_to_pte(make_migration_entry(subpage, writable, anon_exclusive, young, dirty));
	if (present ? pte_soft_dirty(pteval) : pte_swp_soft_dirty(pteval))
		swp_pte = pte_swp_mksoft_dirty(swp_pte);
	if (present ? pte_uffd_wp(pteval) : pte_swp_uffd_wp(pteval))
		swp_pte = pte_swp_mkuffd_wp(swp_pte);
	return swp_pte;
}

/*
 * try_to_migrate_one() - v7.1, mm/rmap.c. Fidelity: same, no hugetlb, no unused guest pages. P14. With TTU_SPLIT_HUGE_PMD a PMD mapping
 * becomes PTE migration entries at once, or, if the folio is pinned, PTE mappings, at which the walk then gives up. RSS stays: the
 * memory is still the mm's, but for poisoned pages, which are fenced off. Map count, then reference.
 */
static bool try_to_migrate_one(struct folio *folio, struct vm_area_struct *vma, unsigned long address, void *arg)
{
	enum ttu_flags flags = (enum ttu_flags)(long)arg;
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	bool ret = true;

	if ((flags & TTU_SYNC) && !bug_enabled(split_unmap_no_sync))
		pvmw.flags = PVMW_SYNC;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, address, vma_address_end(&pvmw));
	mmu_notifier_invalidate_range_start(&range);

	while (page_vma_mapped_walk(&pvmw)) {
		bool anon_exclusive, writable;
		struct page *subpage;
		pte_t pteval;

		if (!pvmw.pte) {
			if (flags & TTU_SPLIT_HUGE_PMD) {
				split_huge_pmd_locked(vma, pvmw.address, pvmw.pmd, true);
				flags &= ~TTU_SPLIT_HUGE_PMD;
				page_vma_mapped_walk_restart(&pvmw);
				continue;
			}
			subpage = folio_page(folio, (long)(pmd_any_pfn(pmdp_get(pvmw.pmd)) - folio_pfn(folio)));
			VM_BUG_ON_FOLIO(!folio_test_pmd_mappable(folio), folio);
			if (set_pmd_migration_entry(&pvmw, subpage)) {
				ret = false;
				page_vma_mapped_walk_done(&pvmw);
				break;
			}
			continue;
		}

		pteval = ptep_get(pvmw.pte);
		subpage = folio_page(folio, pte_any_pfn(pteval) - folio_pfn(folio));
		anon_exclusive = folio_test_anon(folio) && PageAnonExclusive(subpage);
		pteval = migrate_clear_pte(folio, &pvmw, flags, pteval, &writable);
		VM_WARN_ON_FOLIO(writable && folio_test_anon(folio) && !anon_exclusive, folio);

		if (PageHWPoison(subpage)) {
			VM_WARN_ON_FOLIO(folio_is_device_private(folio), folio);
			dec_mm_counter(mm, mm_counter(folio));
			set_pte_at(mm, pvmw.address, pvmw.pte, swp_entry_to_pte(make_hwpoison_entry(subpage)));
		} else {
			/* Only with the entry cleared can a pin be ruled out. */
			if (anon_exclusive && folio_try_share_anon_rmap_pte(folio, subpage)) {
				set_pte_at(mm, pvmw.address, pvmw.pte, pteval);
				ret = false;
				page_vma_mapped_walk_done(&pvmw);
				break;
			}
			set_pte_at(mm, pvmw.address, pvmw.pte,
				   migrate_make_pte(subpage, pteval, writable, anon_exclusive));
		}
		folio_remove_rmap_pte(folio, subpage, vma);
		if (READ_ONCE(vma->vm_flags) & VM_LOCKED)
			mlock_drain_local();
		folio_put(folio);
	}

	mmu_notifier_invalidate_range_end(&range);
	return ret;
}

static int folio_not_mapped(struct folio *folio)
{
	return !folio_mapped(folio);
}

/*
 * try_to_migrate() - v7.1, mm/rmap.c. Fidelity: same; there are no temporary stack VMAs to skip. Caller holds the folio lock and a
 * reference. Entries point to the folio for as long as its lock is held: remove_migration_ptes() before unlocking.
 */
void try_to_migrate(struct folio *folio, enum ttu_flags flags)
{
	struct rmap_walk_control rwc = {
		.arg = (void *)(long)flags,
		.rmap_one = try_to_migrate_one,
		.done = folio_not_mapped,
		.anon_lock = folio_lock_anon_vma_read,
	};

	if (WARN_ON_ONCE(flags & ~(TTU_RMAP_LOCKED | TTU_SPLIT_HUGE_PMD | TTU_SYNC | TTU_BATCH_FLUSH)))
		return;
	if (flags & TTU_RMAP_LOCKED)
		rmap_walk_locked(folio, &rwc);
	else
		rmap_walk(folio, &rwc);
	rmap_unmapped_note(folio, flags, &rwc);
}
