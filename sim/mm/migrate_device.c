// SPDX-License-Identifier: GPL-2.0-only
/*
 * migrate_device.c - moving memory to a device and back, on behalf of its driver: collect, unmap, (the driver allocates and copies,)
 * move, finalize. P21.
 *
 * mmap_lock is held for reading all through: VMAs and tables stay, entries may go at any time. From collect to finalize the folios are
 * locked; whoever meets their migration entries waits for the lock. Folio locks are tried, but for the one of a large folio that
 * has to be split. An array has an entry for each page; a huge one stands in the first, and the rest are holes that nobody may fill.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

/* One entry more. The arrays end where the range does: what would come behind is another's memory, and KASAN's to find in the kernel. */
static void collect_entry(struct migrate_vma *migrate, unsigned long mpfn)
{
	VM_BUG_ON(migrate->npages >= (migrate->end - migrate->start) >> PAGE_SHIFT);
	migrate->dst[migrate->npages] = 0;
	migrate->src[migrate->npages++] = mpfn;
}

/* migrate_vma_collect_skip() - v7.1. Fidelity: same. */
static int migrate_vma_collect_skip(struct migrate_vma *migrate, unsigned long start, unsigned long end)
{
	for (unsigned long addr = start; addr < end; addr += PAGE_SIZE)
		collect_entry(migrate, 0);
	return 0;
}

static bool whole_pmd(unsigned long start, unsigned long end)
{
	return !(start & ~HPAGE_PMD_MASK) && !(end & ~HPAGE_PMD_MASK);
}

/* migrate_vma_collect_hole() - v7.1. Fidelity: same. Nothing is there: the driver may put a new page there, or a huge one. */
static int migrate_vma_collect_hole(struct migrate_vma *migrate, unsigned long start, unsigned long end)
{
	if (!vma_is_anonymous(migrate->vma))
		return migrate_vma_collect_skip(migrate, start, end);
	if ((migrate->flags & MIGRATE_VMA_SELECT_COMPOUND) && whole_pmd(start, end)) {
		collect_entry(migrate, MIGRATE_PFN_MIGRATE | MIGRATE_PFN_COMPOUND);
		migrate->cpages++;
		return migrate_vma_collect_skip(migrate, start + PAGE_SIZE, end);
	}
	for (unsigned long addr = start; addr < end; addr += PAGE_SIZE) {
		collect_entry(migrate, MIGRATE_PFN_MIGRATE);
		migrate->cpages++;
	}
	return 0;
}

/*
 * migrate_vma_split_folio() - v7.1, repaired. Fidelity: adapted: the caller has taken the reference with the table's lock held; v7.1 takes it here,
 * where the folio may be gone. The folio of the fault is locked and has a reference already, and both go with the fault's page; v7.1
 * leaves them with the head and takes new ones to the part, which may be gone as well. Sleeps for the folio lock with other
 * folios of the range locked.
 */
static int migrate_vma_split_folio(struct folio *folio, struct page *fault_page)
{
	struct folio *fault_folio = fault_page ? page_folio(fault_page) : NULL;
	struct folio *new_fault_folio;
	int ret;

	if (folio == fault_folio && !bug_enabled(migrate_vma_split_fault_late_get))
		return split_huge_page(fault_page);
	if (folio != fault_folio) {
		if (bug_enabled(migrate_vma_split_late_get))
			folio_get(folio);
		folio_lock_new(folio);
	}
	/* somebody else may have split it by now */
	ret = folio_test_large(folio) || bug_enabled(migrate_vma_split_late_get) ? split_folio(folio) : 0;
	if (ret) {
		if (folio != fault_folio) {
			folio_unlock(folio);
			folio_put(folio);
		}
		return ret;
	}
	new_fault_folio = fault_page ? page_folio(fault_page) : NULL;
	if (!new_fault_folio) {
		folio_unlock(folio);
		folio_put(folio);
	} else if (folio != new_fault_folio) {
		if (new_fault_folio != fault_folio) {
			folio_get(new_fault_folio);
			folio_lock_new(new_fault_folio);
		}
		folio_unlock(folio);
		folio_put(folio);
	}
	return 0;
}

/* What the huge PMD under its lock is to this migration: its folio; NULL: nothing that goes, *hole: as good as empty. */
static struct folio *huge_pmd_folio(struct migrate_vma *migrate, pmd_t pmd, unsigned long *write, bool *hole)
{
	struct folio *folio;
	softleaf_t entry;

	if (pmd_trans_huge(pmd)) {
		if (!(migrate->flags & MIGRATE_VMA_SELECT_SYSTEM))
			return NULL;
		if (is_huge_zero_pmd(pmd)) {
			*hole = true;
			return NULL;
		}
		if (pmd_write(pmd))
			*write = MIGRATE_PFN_WRITE;
		return page_folio(pmd_page(pmd));
	}
	entry = softleaf_from_pmd(pmd);
	folio = softleaf_to_folio(entry);
	if (!softleaf_is_device_private(entry) || !(migrate->flags & MIGRATE_VMA_SELECT_DEVICE_PRIVATE) ||
	    page_pgmap(&folio->page)->owner != migrate->pgmap_owner)
		return NULL;
	if (softleaf_is_device_private_write(entry))
		*write = MIGRATE_PFN_WRITE;
	return folio;
}

/*
 * migrate_vma_collect_huge_pmd() - v7.1. Fidelity: same. 0: dealt with; -EAGAIN: look at the PMD again; -ENOENT: go on by PTEs. Under the PMD's
 * lock the entry keeps the folio until there is a reference. As a whole only if the driver takes huge ones, and the range has all
 * of it; else, and if it is pinned, it is split.
 */
static int migrate_vma_collect_huge_pmd(struct migrate_vma *migrate, pmd_t *pmdp, unsigned long start,
					unsigned long end, struct folio *fault_folio)
{
	spinlock_t *ptl = pmd_lock(migrate->vma->vm_mm, pmdp);
	pmd_t pmd = pmdp_get(pmdp);
	unsigned long write = 0;
	struct folio *folio;
	bool hole = false;
	int ret;

	if (pmd_none(pmd)) {
		spin_unlock(ptl);
		return migrate_vma_collect_hole(migrate, start, end);
	}
	if (!pmd_trans_huge(pmd) && pmd_present(pmd)) {
		spin_unlock(ptl);
		return -EAGAIN;
	}
	if (bug_enabled(seed2_collect_huge_double_unlock) && pmd_is_migration_entry(pmd)) {
		softleaf_entry_wait_on_locked(softleaf_from_pmd(pmd), ptl);
		spin_unlock(ptl);
		return -EAGAIN;
	}
	folio = huge_pmd_folio(migrate, pmd, &write, &hole);
	if (!folio) {
		spin_unlock(ptl);
		return hole ? migrate_vma_collect_hole(migrate, start, end) :
			      migrate_vma_collect_skip(migrate, start, end);
	}

	folio_get(folio);
	if (folio != fault_folio && !folio_trylock(folio)) {
		spin_unlock(ptl);
		folio_put(folio);
		return migrate_vma_collect_skip(migrate, start, end);
	}
	if ((migrate->flags & MIGRATE_VMA_SELECT_COMPOUND) && whole_pmd(start, end)) {
		struct page_vma_mapped_walk pvmw = {
			.ptl = ptl, .address = start, .pmd = pmdp, .vma = migrate->vma,
		};

		if (!set_pmd_migration_entry(&pvmw, &folio->page)) {
			collect_entry(migrate, migrate_pfn(folio_pfn(folio)) | write | MIGRATE_PFN_MIGRATE |
						       MIGRATE_PFN_COMPOUND);
			migrate->cpages++;
			migrate_vma_collect_skip(migrate, start + PAGE_SIZE, end);
			spin_unlock(ptl);
			return 0;
		}
	}

	spin_unlock(ptl);
	ret = split_folio(folio);
	if (fault_folio != folio)
		folio_unlock(folio);
	folio_put(folio);
	if (ret)
		return migrate_vma_collect_skip(migrate, start, end);
	if (pmd_none(pmdp_get_lockless(pmdp)))
		return migrate_vma_collect_hole(migrate, start, end);
	return -ENOENT;
}

/* What a PTE is to this migration. `page` NULL: `mpfn` says all; `split`: a large folio, which is to be split first. */
struct collected {
	unsigned long mpfn;
	struct page *page;
	struct folio *split;
};

/* The judging half of migrate_vma_collect_pmd()'s loop, v7.1. The table's lock is held. */
static struct collected judge_pte(struct migrate_vma *migrate, pte_t pte)
{
	struct collected c = { 0 };
	softleaf_t entry = softleaf_from_pte(pte);
	bool write;

	if (pte_none(pte)) {
		if (vma_is_anonymous(migrate->vma)) {
			c.mpfn = MIGRATE_PFN_MIGRATE;
			migrate->cpages++;
		}
		return c;
	}
	if (pte_present(pte)) {
		if (!(migrate->flags & MIGRATE_VMA_SELECT_SYSTEM))
			return c;
		if (pte_special(pte)) {
			if (is_zero_pfn(pte_pfn(pte))) {
				c.mpfn = MIGRATE_PFN_MIGRATE;
				migrate->cpages++;
			}
			return c;
		}
		c.page = pte_page(pte);
		write = pte_write(pte);
	} else {
		/* Of entries that are not present only the device's pages can be moved; swap stays where it is. */
		if (!softleaf_is_device_private(entry) || !(migrate->flags & MIGRATE_VMA_SELECT_DEVICE_PRIVATE))
			return c;
		c.page = softleaf_to_page(entry);
		if (page_pgmap(c.page)->owner != migrate->pgmap_owner) {
			c.page = NULL;
			return c;
		}
		write = softleaf_is_device_private_write(entry);
	}
	if (folio_test_large(page_folio(c.page))) {
		c.split = page_folio(c.page);
		return c;
	}
	if (!plain_read_racy(c.page->mapping)) {
		c.page = NULL;
		return c;
	}
	c.mpfn = migrate_pfn(page_to_pfn(c.page)) | MIGRATE_PFN_MIGRATE | (write ? MIGRATE_PFN_WRITE : 0);
	return c;
}

/* The migration entry that takes the place of `pte`. */
static pte_t migration_pte(pte_t pte, struct page *page, bool write, bool anon_exclusive)
{
	const bool present = pte_present(pte);
	pte_t swp_pte = swp_entry_to_pte(make_migration_entry(page, write, anon_exclusive, present && pte_young(pte),
							      present && pte_dirty(pte)));

	if (present ? pte_soft_dirty(pte) : pte_swp_soft_dirty(pte))
		swp_pte = pte_swp_mksoft_dirty(swp_pte);
	if (present ? pte_uffd_wp(pte) : pte_swp_uffd_wp(pte))
		swp_pte = pte_swp_mkuffd_wp(swp_pte);
	return swp_pte;
}

/*
 * The taking half of migrate_vma_collect_pmd()'s loop, v7.1. Fidelity: adapted. The table's lock is held; the entry keeps the folio until there is a
 * reference. Returns false if the page stays: locked by another, or pinned. A present entry is flushed before the lock is dropped. v7.1
 * asks an entry of device memory, too, whether it is dirty, and reads a bit of its offset (on x86-64 one that is set): the folio is dirty then.
 * No program shows that here: it is right for a folio to be dirty that is not, and what the device writes it marks itself.
 */
static bool collect_pte(struct migrate_vma *migrate, pte_t *ptep, unsigned long addr, const struct collected *c,
			struct folio *fault_folio, bool *unmapped)
{
	struct vm_area_struct *vma = migrate->vma;
	struct mm_struct *mm = vma->vm_mm;
	struct folio *folio = page_folio(c->page);
	bool anon_exclusive;
	pte_t pte;

	folio_get(folio);
	if (fault_folio != folio && !folio_trylock(folio)) {
		folio_put(folio);
		return false;
	}
	anon_exclusive = folio_test_anon(folio) && PageAnonExclusive(c->page);
	if (!anon_exclusive) {
		pte = ptep_get_and_clear(mm, addr, ptep);
	} else {
		pte = ptep_clear_flush(vma, addr, ptep);
		if (folio_try_share_anon_rmap_pte(folio, c->page)) {
			set_pte_at(mm, addr, ptep, pte);
			if (fault_folio != folio)
				folio_unlock(folio);
			folio_put(folio);
			return false;
		}
	}
	migrate->cpages++;
	if (pte_present(pte) && pte_dirty(pte))
		folio_mark_dirty(folio);
	set_pte_at(mm, addr, ptep, migration_pte(pte, c->page, c->mpfn & MIGRATE_PFN_WRITE, anon_exclusive));
	folio_remove_rmap_pte(folio, c->page, vma);
	folio_put(folio);
	*unmapped |= pte_present(pte);
	return true;
}

/*
 * migrate_vma_collect_pmd() - v7.1, repaired. Fidelity: adapted. A large folio that is mapped by PTEs is split, for which the table's lock is
 * dropped; then the table is looked at again from where it was left. An anonymous VMA's stays. A file's may be gone, and a huge PMD there:
 * retract_page_tables() has no mmap_lock. What has an entry of the array keeps it then, and the rest of the range is skipped; v7.1 begins
 * anew with the whole range, and writes behind the arrays. Repaired, too: what has been cleared is flushed before the lock is dropped,
 * also for a split; and the fault's folio is looked up again after one. v7.1 goes on with the one that was, so that it cannot have the lock
 * of the part that the fault is about, and the fault comes again.
 */
static int migrate_vma_collect_pmd(struct migrate_vma *migrate, pmd_t *pmdp, unsigned long start, unsigned long end)
{
	struct folio *fault_folio = migrate->fault_page ? page_folio(migrate->fault_page) : NULL;
	struct vm_area_struct *vma = migrate->vma;
	unsigned long addr = start;
	bool unmapped = false;
	pte_t *start_pte, *ptep;
	spinlock_t *ptl;

again:
	if (pmd_is_huge(pmdp_get(pmdp)) || pmd_none(pmdp_get(pmdp))) {
		int ret;

		if (addr > start && !bug_enabled(migrate_vma_restart_overflow)) {
			if (unmapped)
				flush_tlb_range(vma, start, end);
			return migrate_vma_collect_skip(migrate, addr, end);
		}
		ret = migrate_vma_collect_huge_pmd(migrate, pmdp, start, end, fault_folio);
		if (ret == -EAGAIN)
			goto again;
		if (!ret)
			return 0;
	}
	start_pte = pte_offset_map_lock(vma->vm_mm, pmdp, start, &ptl);
	if (!start_pte)
		goto again;
	ptep = start_pte + ((addr - start) >> PAGE_SHIFT);
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		struct collected c = judge_pte(migrate, ptep_get(ptep));

		if (c.split) {
			if (c.split != fault_folio && !bug_enabled(migrate_vma_split_late_get))
				folio_get(c.split);
			if (unmapped && !bug_enabled(migrate_vma_split_unflushed)) {
				flush_tlb_range(vma, start, end);
				unmapped = false;
			}
			pte_unmap_unlock(start_pte, ptl);
			if (migrate_vma_split_folio(c.split, migrate->fault_page)) {
				if (unmapped)
					flush_tlb_range(vma, start, end);
				return migrate_vma_collect_skip(migrate, addr, end);
			}
			if (migrate->fault_page && !bug_enabled(migrate_vma_split_fault_late_get))
				fault_folio = page_folio(migrate->fault_page);
			goto again;
		}
		if (c.page && !collect_pte(migrate, ptep, addr, &c, fault_folio, &unmapped))
			c.mpfn = 0;
		collect_entry(migrate, c.mpfn);
	}
	if (unmapped && !bug_enabled(tlb_migrate_vma_flush_after_unlock))
		flush_tlb_range(vma, start, end);
	pte_unmap_unlock(start_pte, ptl);
	if (unmapped && bug_enabled(tlb_migrate_vma_flush_after_unlock))
		flush_tlb_range(vma, start, end);
	return 0;
}

/* migrate_vma_collect(), walk_page_range() - v7.1. Fidelity: same. */
static void migrate_vma_collect(struct migrate_vma *migrate)
{
	struct mm_struct *mm = migrate->vma->vm_mm;
	struct mmu_notifier_range range;

	mmu_notifier_range_init_owner(&range, MMU_NOTIFY_MIGRATE, 0, mm, migrate->start, migrate->end,
				      migrate->pgmap_owner);
	mmu_notifier_invalidate_range_start(&range);
	for (unsigned long addr = migrate->start, next; addr < migrate->end; addr = next) {
		pmd_t *pmdp = pmd_offset(mm, addr);

		next = pmd_addr_end(addr, migrate->end);
		if (pmd_none(pmdp_get(pmdp)))
			migrate_vma_collect_hole(migrate, addr, next);
		else
			migrate_vma_collect_pmd(migrate, pmdp, addr, next);
	}
	mmu_notifier_invalidate_range_end(&range);
	migrate->end = migrate->start + (migrate->npages << PAGE_SHIFT);
}

/*
 * migrate_vma_check_page() - v7.1. Fidelity: same. Only a guess, and one reference too lenient for device memory: folio_migrate_mapping() decides.
 */
static bool migrate_vma_check_page(struct page *page, struct page *fault_page)
{
	struct folio *folio = page_folio(page);
	int extra = 1 + (page == fault_page);
	int refs, maps;

	if (folio_is_zone_device(folio))
		extra++;
	if (folio_mapping(folio) || folio_test_swapcache(folio))
		extra += 1 + folio_test_private(folio);
	refs = folio_ref_count(folio);
	maps = folio_mapcount(folio);
	return refs - extra <= maps;
}

/* A folio of the system off the LRU; the reference of the isolation takes the place of the collection's. */
static bool isolate_system_folio(struct folio *folio, bool *allow_drain)
{
	if (!folio_test_lru(folio) && *allow_drain) {
		lru_add_drain_all();
		*allow_drain = false;
	}
	if (!folio_isolate_lru(folio))
		return false;
	folio_put(folio);
	return true;
}

/*
 * Who comes by page frame has no mmap_lock, and so no VMA that would keep the anon_vma while there are migration entries only: a reference is
 * held from before the folio is unmapped until it is mapped again. The entry of the array says so; which one it is says ->mapping, which goes
 * along with the folio's memory and does not change while the folio is locked. v7.1 has none.
 */
static void remove_device_migration_ptes(struct folio *src, struct folio *dst, unsigned long mpfn)
{
	remove_migration_ptes(src, dst, 0);
	if (mpfn & MIGRATE_PFN_ANON_VMA)
		put_anon_vma(folio_anon_vma(dst));
}

/*
 * migrate_device_unmap() - v7.1. Fidelity: same, but for the anon_vma of a range by page frame. The folios are locked, with a reference each. Off the
 * LRU, and out of every other mm; what somebody else still has is mapped again as it was. Returns how many pages can go.
 */
static unsigned long migrate_device_unmap(unsigned long *src_pfns, unsigned long npages, struct page *fault_page)
{
	struct folio *fault_folio = fault_page ? page_folio(fault_page) : NULL;
	unsigned long restore = 0, unmapped = 0;
	bool allow_drain = true;

	lru_add_drain();
	for (unsigned long i = 0, nr; i < npages; i += nr) {
		struct page *page = migrate_pfn_to_page(src_pfns[i]);
		struct folio *folio;

		nr = 1;
		if (!page) {
			unmapped += !!(src_pfns[i] & MIGRATE_PFN_MIGRATE);
			continue;
		}
		folio = page_folio(page);
		nr = (unsigned long)folio_nr_pages(folio);
		if (nr > 1)
			src_pfns[i] |= MIGRATE_PFN_COMPOUND;
		if (!folio_is_zone_device(folio) && !isolate_system_folio(folio, &allow_drain)) {
			src_pfns[i] &= ~MIGRATE_PFN_MIGRATE;
			restore++;
			continue;
		}
		if (nr > 1 && bug_enabled(seed0_unmapped_flag_misuse)) {
			unmapped++;
			continue;
		}
		if (folio_mapped(folio))
			try_to_migrate(folio, 0);
		if (folio_mapped(folio) || !migrate_vma_check_page(page, fault_page)) {
			if (!folio_is_zone_device(folio)) {
				folio_get(folio);
				folio_putback_lru(folio);
			}
			src_pfns[i] &= ~MIGRATE_PFN_MIGRATE;
			restore++;
			continue;
		}
		unmapped++;
	}

	for (unsigned long i = 0; i < npages && restore; i++) {
		struct page *page = migrate_pfn_to_page(src_pfns[i]);
		struct folio *folio;

		if (!page || (src_pfns[i] & MIGRATE_PFN_MIGRATE))
			continue;
		folio = page_folio(page);
		remove_device_migration_ptes(folio, folio, src_pfns[i]);
		src_pfns[i] = 0;
		if (fault_folio != folio)
			folio_unlock(folio);
		folio_put(folio);
		restore--;
	}
	return unmapped;
}

/* migrate_vma_setup() - v7.1. Fidelity: same. mmap_lock is held for reading. */
int migrate_vma_setup(struct migrate_vma *args)
{
	args->start &= PAGE_MASK;
	args->end &= PAGE_MASK;
	if (!args->vma || args->start >= args->end || args->start < args->vma->vm_start || args->end > args->vma->vm_end)
		return -EINVAL;
	if (args->fault_page && !is_device_private_page(args->fault_page))
		return -EINVAL;
	if (args->fault_page && !folio_test_locked(page_folio(args->fault_page)))
		return -EINVAL;

	args->cpages = 0;
	args->npages = 0;
	migrate_vma_collect(args);
	if (args->cpages)
		args->cpages = migrate_device_unmap(args->src, args->npages, args->fault_page);
	return 0;
}

/* check_stable_address_space() - v7.1, include/linux/oom.h. Fidelity: same. */
static bool address_space_unstable(struct mm_struct *mm)
{
	return test_bit(MMF_UNSTABLE, &mm->flags);
}

/* May the page go where the PMD is, under its lock? *flush: it is the huge zero folio that goes. */
static bool huge_pmd_is_free(struct vm_area_struct *vma, pmd_t *pmdp, bool *flush)
{
	pmd_t pmd = pmdp_get(pmdp);

	if (address_space_unstable(vma->vm_mm) || userfaultfd_missing(vma))
		return false;
	if (pmd_none(pmd))
		return true;
	*flush = true;
	return is_huge_zero_pmd(pmd);
}

/*
 * migrate_vma_insert_huge_pmd_page() - v7.1. Fidelity: same, device-private pages only, and without its warning of a PMD that is not empty, which
 * looks without the lock. The driver's huge page goes where nothing was; if something is there by now it stays out. The driver's
 * reference is the mapping's, and the one that is taken here the driver's.
 */
static int migrate_vma_insert_huge_pmd_page(struct migrate_vma *migrate, unsigned long addr, struct page *page,
					    unsigned long *src, pmd_t *pmdp)
{
	struct vm_area_struct *vma = migrate->vma;
	struct mm_struct *mm = vma->vm_mm;
	struct folio *folio = page_folio(page);
	bool flush = false;
	pgtable_t pgtable;
	spinlock_t *ptl;

	if (bug_enabled(migrate_insert_huge_unlocked_warn)) {
		pmd_t pmd = pmdp_get(pmdp);

		VM_WARN_ON_ONCE(!pmd_none(pmd) && !is_huge_zero_pmd(pmd));
	}
	if (!thp_vma_suitable_order(vma, addr, HPAGE_PMD_ORDER))
		return -EINVAL;
	if (anon_vma_prepare(vma))
		return -ENOMEM;
	if (mem_cgroup_charge(folio, mm, GFP_TRANSHUGE))
		goto abort;
	__folio_mark_uptodate(folio);
	pgtable = pte_alloc_one(mm);
	if (!pgtable)
		goto abort;

	ptl = pmd_lock(mm, pmdp);
	if (!huge_pmd_is_free(vma, pmdp, &flush)) {
		const bool leak = bug_enabled(seed2_insert_huge_pmd_abort_leaks) && address_space_unstable(mm);

		if (!leak)
			spin_unlock(ptl);
		if (!leak && !bug_enabled(seed2_insert_huge_pmd_abort_leaks_table))
			pte_free(mm, pgtable);
		goto abort;
	}
	add_mm_counter(mm, MM_ANONPAGES, HPAGE_PMD_NR);
	folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
	folio_get(folio);
	if (flush) {
		pte_free(mm, pgtable);
		(void)pmdp_invalidate(vma, addr, pmdp);
	} else {
		pgtable_trans_huge_deposit(mm, pmdp, pgtable);
		mm_inc_nr_ptes(mm);
	}
	set_pmd_at(mm, addr, pmdp,
		   swp_entry_to_pmd(make_device_private_entry(page_to_pfn(page), vma->vm_flags & VM_WRITE)));
	spin_unlock(ptl);
	mod_mthp_stat(HPAGE_PMD_ORDER, MTHP_STAT_ANON_FAULT_ALLOC, 1);
	return 0;
abort:
	for (int i = 0; i < HPAGE_PMD_NR; i++)
		src[i] &= ~MIGRATE_PFN_MIGRATE;
	return 0;
}

/* Makes the PMD a table, if it is not: nothing, or the huge zero folio, may be there. False: it is huge, or no memory. */
static bool insert_prepare_table(struct vm_area_struct *vma, pmd_t *pmdp, unsigned long addr)
{
	pmd_t pmd = pmdp_get(pmdp);

	if (pmd_trans_huge(pmd)) {
		if (!is_huge_zero_pmd(pmd))
			return false;
		split_huge_pmd(vma, pmdp, addr);
	} else if (!pmd_none(pmd) && !pmd_present(pmd)) {
		return false;
	}
	return !pmd_none(pmdp_get(pmdp)) || !__pte_alloc(vma->vm_mm, pmdp);
}

/*
 * migrate_vma_insert_page() - v7.1. Fidelity: same. The driver's page goes where nothing was, or zeroes; who was faster keeps the place. On success
 * *src says so, else MIGRATE_PFN_MIGRATE goes. The mapping has the driver's reference, the driver the one that is taken here.
 */
static void migrate_vma_insert_page(struct migrate_vma *migrate, unsigned long addr, unsigned long *dst,
				    unsigned long *src)
{
	struct page *page = migrate_pfn_to_page(*dst);
	struct folio *folio = page_folio(page);
	struct vm_area_struct *vma = migrate->vma;
	struct mm_struct *mm = vma->vm_mm;
	pmd_t *pmdp = pmd_offset(mm, addr);
	pte_t *ptep, orig_pte;
	spinlock_t *ptl;
	bool zero;

	if (!vma_is_anonymous(vma))
		goto abort;
	if (*dst & MIGRATE_PFN_COMPOUND) {
		if (migrate_vma_insert_huge_pmd_page(migrate, addr, page, src, pmdp))
			goto abort;
		return;
	}
	if (!insert_prepare_table(vma, pmdp, addr))
		goto abort;
	if (anon_vma_prepare(vma))
		goto abort;
	if (mem_cgroup_charge(folio, mm, GFP_KERNEL))
		goto abort;
	__folio_mark_uptodate(folio);

	ptep = pte_offset_map_lock(mm, pmdp, addr, &ptl);
	if (!ptep)
		goto abort;
	orig_pte = ptep_get(ptep);
	zero = pte_present(orig_pte) && pte_special(orig_pte) && is_zero_pfn(pte_pfn(orig_pte));
	if (address_space_unstable(mm) || (!pte_none(orig_pte) && !zero) || userfaultfd_missing(vma)) {
		pte_unmap_unlock(ptep, ptl);
		goto abort;
	}
	inc_mm_counter(mm, MM_ANONPAGES);
	folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
	if (!bug_enabled(seed2_get_page_after_rmap))
		folio_get(folio);
	if (zero) {
		(void)ptep_clear_flush(vma, addr, ptep);
	}
	set_pte_at(mm, addr, ptep,
		   swp_entry_to_pte(make_device_private_entry(page_to_pfn(page), vma->vm_flags & VM_WRITE)));
	pte_unmap_unlock(ptep, ptl);
	if (bug_enabled(seed2_get_page_after_rmap))
		folio_get(folio);
	*src = MIGRATE_PFN_MIGRATE;
	return;
abort:
	*src &= ~MIGRATE_PFN_MIGRATE;
}

/* Of one VMA: the huge migration entry of this folio becomes a table of small ones, which have neither references nor map counts. */
static bool split_migration_pmd_one(struct folio *folio, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, PVMW_SYNC | PVMW_MIGRATION);

	(void)arg;
	while (page_vma_mapped_walk(&pvmw)) {
		if (!pvmw.pte)
			split_huge_pmd_locked(vma, pvmw.address & HPAGE_PMD_MASK, pvmw.pmd, false);
		page_vma_mapped_walk_done(&pvmw);
		break;
	}
	return true;
}

/*
 * migrate_vma_split_unmapped_folio() - v7.1, repaired. Fidelity: adapted: every huge migration entry of the folio is split, in all mms, and nothing else.
 * v7.1 splits and freezes the PMD at the address, with a reference for the freeze to take: if the entry has been zapped
 * nobody takes it, if it has been made a table neither, and if another folio has come there that one is unmapped for good; and
 * another mm's huge entry would then lead to a small folio. The parts stay locked, one reference and one entry of the array each.
 */
static int migrate_vma_split_unmapped_folio(struct migrate_vma *migrate, unsigned long idx, unsigned long addr,
					    struct folio *folio)
{
	struct rmap_walk_control rwc = { .rmap_one = split_migration_pmd_one };
	unsigned long flags, pfn;
	int ret;

	if (bug_enabled(migrate_vma_split_one_pmd)) {
		folio_get(folio);
		split_huge_pmd_address(migrate->vma, addr, true);
	} else {
		rmap_walk(folio, &rwc);
	}
	ret = folio_split_unmapped(folio, 0);
	if (ret)
		return ret;
	migrate->src[idx] &= ~MIGRATE_PFN_COMPOUND;
	flags = migrate->src[idx] & ((1ul << MIGRATE_PFN_SHIFT) - 1);
	pfn = migrate->src[idx] >> MIGRATE_PFN_SHIFT;
	for (unsigned long i = 1; i < HPAGE_PMD_NR; i++)
		migrate->src[idx + i] = migrate_pfn(pfn + i) | flags;
	return 0;
}

/* There was nothing at src[i]: the driver's page, or pages, go there. Returns how many entries were dealt with. */
static unsigned long insert_pages(struct migrate_vma *migrate, unsigned long *src_pfns, unsigned long *dst_pfns,
				  unsigned long i, unsigned long npages)
{
	unsigned long addr = migrate->start + i * PAGE_SIZE, nr = 1;

	if ((src_pfns[i] & MIGRATE_PFN_COMPOUND) && !(dst_pfns[i] & MIGRATE_PFN_COMPOUND)) {
		nr = HPAGE_PMD_NR;
		src_pfns[i] &= ~MIGRATE_PFN_COMPOUND;
	}
	for (unsigned long j = 0; j < nr && i + j < npages; j++) {
		src_pfns[i + j] |= MIGRATE_PFN_MIGRATE;
		migrate_vma_insert_page(migrate, addr + j * PAGE_SIZE, &dst_pfns[i + j], &src_pfns[i + j]);
	}
	return nr;
}

/*
 * The folio at src[i] and its destination: same size, or made so. *nr: how many entries it is then. False: it stays. The swap cache's
 * folio leaves the cache first, if no entry needs it: device memory cannot be in it. Of one that has been split v7.1, and this, would ask the head
 * alone, and the parts would take their slots along; no program shows that: migrate_vma_check_page() allows for one reference of the
 * cache, a huge folio there has one for each page, and so does not come here.
 */
static bool prepare_pair(struct migrate_vma *migrate, unsigned long *src_pfns, unsigned long *dst_pfns,
			 unsigned long i, struct folio *folio, struct folio *newfolio, unsigned long *nr)
{
	if ((src_pfns[i] & MIGRATE_PFN_MIGRATE) && (src_pfns[i] & MIGRATE_PFN_COMPOUND) &&
	    !(dst_pfns[i] & MIGRATE_PFN_COMPOUND)) {
		unsigned long split = 1ul << folio_order(folio);

		if (!migrate || migrate_vma_split_unmapped_folio(migrate, i, migrate->start + i * PAGE_SIZE, folio)) {
			src_pfns[i] &= ~(MIGRATE_PFN_MIGRATE | MIGRATE_PFN_COMPOUND);
			*nr = migrate ? split : 1;
			return false;
		}
		*nr = split;
	} else if ((src_pfns[i] & MIGRATE_PFN_MIGRATE) && (dst_pfns[i] & MIGRATE_PFN_COMPOUND) &&
		   !(src_pfns[i] & MIGRATE_PFN_COMPOUND)) {
		/* v7.1 says so and moves it all the same; no driver here asks for that */
		src_pfns[i] &= ~MIGRATE_PFN_MIGRATE;
		return false;
	}
	if (folio_is_device_private(newfolio) && (folio_mapping(folio) || folio_test_swapcache(folio)) &&
	    (!folio_test_anon(folio) || !folio_free_swap(folio))) {
		src_pfns[i] &= ~MIGRATE_PFN_MIGRATE;
		return false;
	}
	return true;
}

/*
 * __migrate_device_pages() - v7.1, repaired. Fidelity: adapted: a folio's place is looked up when it is about to move; v7.1 looks before the folio
 * may have left the swap cache, and goes by that. `migrate` NULL: by page frame. The content has been copied by the driver.
 */
static void __migrate_device_pages(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages,
				   struct migrate_vma *migrate)
{
	struct mmu_notifier_range range;
	bool notified = false;

	for (unsigned long i = 0, nr; i < npages; i += nr) {
		struct page *newpage = migrate_pfn_to_page(dst_pfns[i]);
		struct page *page = migrate_pfn_to_page(src_pfns[i]);
		struct folio *folio, *newfolio;
		bool was_cached = false;
		int extra_cnt;

		nr = 1;
		if (!newpage) {
			src_pfns[i] &= ~MIGRATE_PFN_MIGRATE;
			continue;
		}
		if (!page) {
			if (!(src_pfns[i] & MIGRATE_PFN_MIGRATE))
				continue;
			VM_BUG_ON(!migrate);
			if (!notified) {
				notified = true;
				mmu_notifier_range_init_owner(&range, MMU_NOTIFY_MIGRATE, 0, migrate->vma->vm_mm,
							      migrate->start + i * PAGE_SIZE, migrate->end,
							      migrate->pgmap_owner);
				mmu_notifier_invalidate_range_start(&range);
			}
			nr = insert_pages(migrate, src_pfns, dst_pfns, i, npages);
			continue;
		}

		newfolio = page_folio(newpage);
		folio = page_folio(page);
		if (bug_enabled(migrate_device_stale_mapping))
			was_cached = folio_test_swapcache(folio);
		if (!prepare_pair(migrate, src_pfns, dst_pfns, i, folio, newfolio, &nr))
			continue;
		BUG_ON(folio_test_writeback(folio));
		extra_cnt = migrate && migrate->fault_page == page;
		for (unsigned long j = 0; j < nr && i + j < npages; j++) {
			folio = page_folio(migrate_pfn_to_page(src_pfns[i + j]));
			newfolio = page_folio(migrate_pfn_to_page(dst_pfns[i + j]));
			if (was_cached ? folio_migrate_stale_mapping(newfolio, folio, extra_cnt) :
					 folio_migrate_mapping(folio_mapping(folio), newfolio, folio, extra_cnt))
				src_pfns[i + j] &= ~MIGRATE_PFN_MIGRATE;
			else
				folio_migrate_flags(newfolio, folio);
		}
	}
	if (notified)
		mmu_notifier_invalidate_range_end(&range);
}

/* migrate_device_pages() - v7.1. Fidelity: same. */
void migrate_device_pages(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages)
{
	__migrate_device_pages(src_pfns, dst_pfns, npages, NULL);
}

/* migrate_vma_pages() - v7.1. Fidelity: same. */
void migrate_vma_pages(struct migrate_vma *migrate)
{
	__migrate_device_pages(migrate->src, migrate->dst, migrate->npages, migrate);
}

/*
 * __migrate_device_finalize() - v7.1. Fidelity: same, but for the anon_vma of a range by page frame. Mapped where it is now: at the destination, or,
 * if it did not go, as it was. Then locks and references go; the fault's own stay with it.
 */
static void __migrate_device_finalize(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages,
				      struct page *fault_page)
{
	struct folio *fault_folio = fault_page ? page_folio(fault_page) : NULL;

	for (unsigned long i = 0; i < npages; i++) {
		struct page *newpage = migrate_pfn_to_page(dst_pfns[i]);
		struct page *page = migrate_pfn_to_page(src_pfns[i]);
		struct folio *dst = newpage ? page_folio(newpage) : NULL;
		struct folio *src;

		if (!page) {
			if (dst) {
				WARN_ON_ONCE(fault_folio == dst);
				folio_unlock(dst);
				folio_put(dst);
			}
			continue;
		}
		src = page_folio(page);
		if (!(src_pfns[i] & MIGRATE_PFN_MIGRATE) || !dst) {
			if (dst) {
				WARN_ON_ONCE(fault_folio == dst);
				folio_unlock(dst);
				folio_put(dst);
			}
			dst = src;
		}
		if (!folio_is_zone_device(dst))
			folio_add_lru(dst);
		remove_device_migration_ptes(src, dst, src_pfns[i]);
		if (fault_folio != src)
			folio_unlock(src);
		folio_put(src);
		if (dst != src) {
			WARN_ON_ONCE(fault_folio == dst);
			folio_unlock(dst);
			folio_put(dst);
		}
	}
}

/* migrate_device_finalize() - v7.1. Fidelity: same. */
void migrate_device_finalize(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages)
{
	__migrate_device_finalize(src_pfns, dst_pfns, npages, NULL);
}

/* migrate_vma_finalize() - v7.1. Fidelity: same. */
void migrate_vma_finalize(struct migrate_vma *migrate)
{
	__migrate_device_finalize(migrate->src, migrate->dst, migrate->npages, migrate->fault_page);
}

/* folio_get_nontail_page() - v7.1, include/linux/pagemap.h. Fidelity: same: tails have no references, so try-get tells them apart. */
static struct folio *folio_get_nontail_page(struct page *page)
{
	if (!atomic_add_unless(&page->_refcount, 1, 0))
		return NULL;
	return (struct folio *)page;
}

/*
 * migrate_device_pfn_lock() - v7.1, repaired. Fidelity: adapted: what comes back has a reference to its anon_vma, too. 0: free, or part of a folio,
 * or locked by another; or one that has just been migrated and that nothing maps, but whoever migrated it has not dropped his
 * reference: v7.1 migrates what is left of it once more.
 */
static unsigned long migrate_device_pfn_lock(unsigned long pfn)
{
	struct folio *folio = folio_get_nontail_page(pfn_to_page(pfn));

	if (!folio)
		return 0;
	if (!folio_trylock(folio)) {
		folio_put(folio);
		return 0;
	}
	if (!bug_enabled(migrate_device_range_no_anon_vma) && folio_get_anon_vma(folio))
		return migrate_pfn(pfn) | MIGRATE_PFN_MIGRATE | MIGRATE_PFN_ANON_VMA;
	if (!bug_enabled(migrate_device_range_moved_page) &&
	    (!bug_enabled(migrate_device_range_no_anon_vma) || !folio_mapped(folio))) {
		folio_unlock(folio);
		folio_put(folio);
		return 0;
	}
	return migrate_pfn(pfn) | MIGRATE_PFN_MIGRATE;
}

/*
 * migrate_device_range() - v7.1, repaired. Fidelity: adapted: the size of the folio is looked at only if it was locked, and the pages of one that was
 * not are tried one by one; v7.1 looks at the folio of any page in the range, which it may not have: a tail then says how large the whole folio
 * is, and so many entries are written from there. Device pages wherever they are mapped, found without any lock: by reference, then lock.
 */
int migrate_device_range(unsigned long *src_pfns, unsigned long start, unsigned long npages)
{
	for (unsigned long i = 0, nr; i < npages; i += nr) {
		struct folio *folio = NULL;

		nr = 1;
		if (bug_enabled(migrate_device_range_unlocked_order))
			folio = page_folio(pfn_to_page(start + i));
		src_pfns[i] = migrate_device_pfn_lock(start + i);
		if (!src_pfns[i] && !folio)
			continue;
		nr = (unsigned long)folio_nr_pages(folio ? folio : page_folio(pfn_to_page(start + i)));
		/* the end of the caller's array: KASAN's to find in the kernel */
		VM_BUG_ON(i + nr > npages);
		if (nr > 1)
			src_pfns[i] |= MIGRATE_PFN_COMPOUND;
		for (unsigned long j = 1; j < nr; j++)
			src_pfns[i + j] = 0;
	}
	migrate_device_unmap(src_pfns, npages, NULL);
	return 0;
}
