// SPDX-License-Identifier: GPL-2.0-only
/*
 * task_mmu.c - /proc/pid/smaps and pagemap: reading somebody's page tables and what they map. fs/proc/task_mmu.c.
 *
 * mmap_lock for reading keeps the VMAs, the table's lock keeps what is mapped there: no reference is taken. Flags and counts of the
 * folio are read as they are, and may be out of date at once. Of a folio behind a migration entry only what its lock owner leaves
 * alone can be read: never its map counts.
 */
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagewalk.h>
#include <linux/pgtable.h>
#include <linux/proc_fs.h>
#include <linux/swapops.h>
#include <linux/tlbflush.h>
#include <linux/userfaultfd_k.h>
#include <foliofuzz/bug.h>

/* folio_precise_page_mapcount() - v7.1, fs/proc/internal.h. Fidelity: same. The page is mapped; others may map and unmap it meanwhile. */
static int folio_precise_page_mapcount(struct folio *folio, struct page *page)
{
	int mapcount = atomic_read(&page->_mapcount) + 1;

	if (folio_test_large(folio))
		mapcount += folio_entire_mapcount(folio);
	return mapcount;
}

/* folio_average_page_mapcount() - v7.1, fs/proc/internal.h. Fidelity: same. */
static int folio_average_page_mapcount(struct folio *folio)
{
	int mapcount, entire;

	if (!folio_test_large(folio))
		return atomic_read(&folio->_mapcount) + 1;
	mapcount = folio_large_mapcount(folio);
	if (mapcount <= 0)
		return 0;
	entire = folio_entire_mapcount(folio);
	if (mapcount <= entire)
		return entire;
	mapcount -= entire;
	mapcount = ((mapcount + (int)folio_nr_pages(folio) / 2) >> folio_order(folio)) + entire;
	return mapcount ?: 1;
}

/* __folio_page_mapped_exclusively() - v7.1. Fidelity: same. */
static bool __folio_page_mapped_exclusively(struct folio *folio, struct page *page)
{
	if (machine->config.no_page_mapcount)
		return !folio_maybe_mapped_shared(folio);
	return folio_precise_page_mapcount(folio, page) == 1;
}

/* ------------------------------------------------------------------ smaps ---- */

/* What an entry says about its page. */
struct smaps_entry {
	bool compound, young, dirty, locked, present;
};

/* smaps_page_accumulate() - v7.1. Fidelity: adapted: who shares a page, and what is locked; no proportions. */
static void smaps_page_accumulate(struct mem_size_stats *mss, unsigned long nr, const struct smaps_entry *e, bool private)
{
	if (e->locked)
		mss->pss_locked += nr;
	*(private ? &mss->private : &mss->shared) += nr;
}

/*
 * smaps_account() - v7.1. Fidelity: same, no KSM, no proportions. The table's lock is held. One reference means one mapping; what is not
 * present is taken for shared.
 */
static void smaps_account(struct mem_size_stats *mss, struct page *page, const struct smaps_entry *e)
{
	struct folio *folio = page_folio(page);
	long nr = e->compound ? folio_nr_pages(folio) : 1;
	bool private = false;

	if (folio_test_anon(folio)) {
		mss->anonymous += (unsigned long)nr;
		if (!folio_test_swapbacked(folio) && !e->dirty && !folio_test_dirty(folio))
			mss->lazyfree += (unsigned long)nr;
	}
	mss->resident += (unsigned long)nr;
	if (e->young || folio_test_young(folio) || folio_test_referenced(folio))
		mss->referenced += (unsigned long)nr;
	if ((!e->present && !bug_enabled(split_smaps_doublemap_read)) || folio_ref_count(folio) == 1) {
		smaps_page_accumulate(mss, (unsigned long)nr, e, e->present);
		return;
	}
	if (machine->config.no_page_mapcount) {
		(void)folio_average_page_mapcount(folio);
		private = !folio_maybe_mapped_shared(folio);
	}
	for (long i = 0; i < nr; i++, page++) {
		if (!machine->config.no_page_mapcount)
			private = folio_precise_page_mapcount(folio, page) < 2;
		smaps_page_accumulate(mss, 1, e, private);
	}
}

/* smaps_pte_entry() - v7.1. Fidelity: same, no holes of shared memory, no count of a slot's users. The table's lock is held. */
static void smaps_pte_entry(pte_t ptent, struct vm_area_struct *vma, struct mem_size_stats *mss)
{
	struct smaps_entry e = { .locked = vma->vm_flags & VM_LOCKED };
	struct page *page = NULL;

	if (pte_present(ptent)) {
		page = pte_special(ptent) ? NULL : pte_page(ptent);
		e.young = pte_young(ptent);
		e.dirty = pte_dirty(ptent);
		e.present = true;
	} else if (!pte_none(ptent)) {
		softleaf_t entry = softleaf_from_pte(ptent);

		if (softleaf_is_swap(entry)) {
			mss->swap++;
		} else if (softleaf_has_pfn(entry)) {
			e.present = softleaf_is_device_private(entry);
			page = softleaf_to_page(entry);
		}
	}
	if (page)
		smaps_account(mss, page, &e);
}

/*
 * smaps_pmd_entry() - v7.1, which asks any PMD whether it is young and dirty. Fidelity: same, but for that. The PMD's lock is held.
 */
static void smaps_pmd_entry(pmd_t pmd, struct vm_area_struct *vma, struct mem_size_stats *mss)
{
	struct smaps_entry e = { .compound = true, .locked = vma->vm_flags & VM_LOCKED };
	struct page *page = NULL;

	if (pmd_none(pmd))
		return;
	if (pmd_present(pmd)) {
		page = is_huge_zero_pmd(pmd) ? NULL : pmd_page(pmd);
		e.present = true;
	} else if (softleaf_has_pfn(softleaf_from_pmd(pmd))) {
		page = softleaf_to_page(softleaf_from_pmd(pmd));
	}
	if (!page)
		return;
	if (e.present || bug_enabled(smaps_decodes_migration_pmd)) {
		e.young = pmd_young(pmd);
		e.dirty = pmd_dirty(pmd);
	}
	*(folio_test_anon(page_folio(page)) ? &mss->anonymous_thp : &mss->file_thp) += HPAGE_PMD_NR;
	smaps_account(mss, page, &e);
}

/* smaps_pte_range() - v7.1. Fidelity: same. */
static int smaps_pte_range(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);
	pte_t *pte;

	if (ptl) {
		smaps_pmd_entry(pmdp_get(pmd), vma, walk->private);
		spin_unlock(ptl);
		return 0;
	}
	pte = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!pte) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (; addr != end; pte++, addr += PAGE_SIZE)
		smaps_pte_entry(ptep_get(pte), vma, walk->private);
	pte_unmap_unlock(pte - 1, ptl);
	cond_resched();
	return 0;
}

/* smap_gather_stats(), show_smap() of every VMA - v7.1. Fidelity: adapted: mmap_lock is not dropped in between for who waits for it. */
void smaps_gather_stats(struct mm_struct *mm, struct mem_size_stats *mss)
{
	static const struct mm_walk_ops smaps_walk_ops = { .pmd_entry = smaps_pte_range };

	mmap_read_lock(mm);
	for (unsigned int i = 0; i < mm->map_count; i++)
		walk_page_range_vma(mm->vmas[i], mm->vmas[i]->vm_start, mm->vmas[i]->vm_end, &smaps_walk_ops, mss);
	mmap_read_unlock(mm);
}

/* ------------------------------------------------------------------ pagemap ---- */

#define PM_SOFT_DIRTY 0x1u
#define PM_MMAP_EXCLUSIVE 0x2u
#define PM_UFFD_WP 0x4u
#define PM_FILE 0x8u
#define PM_SWAP 0x10u
#define PM_PRESENT 0x20u

/* pte_to_pagemap_entry() - v7.1. Fidelity: same, no guard markers; frame numbers are not shown. The table's lock is held. */
static unsigned int pte_to_pagemap_entry(pte_t pte)
{
	struct page *page = NULL;
	unsigned int flags = 0;

	if (pte_none(pte))
		return 0;
	if (pte_present(pte)) {
		flags |= PM_PRESENT | (pte_soft_dirty(pte) ? PM_SOFT_DIRTY : 0) | (pte_uffd_wp(pte) ? PM_UFFD_WP : 0);
		page = pte_special(pte) ? NULL : pte_page(pte);
	} else {
		softleaf_t entry = softleaf_from_pte(pte);

		flags |= PM_SWAP | (pte_swp_soft_dirty(pte) ? PM_SOFT_DIRTY : 0) | (pte_swp_uffd_wp(pte) ? PM_UFFD_WP : 0);
		if (softleaf_has_pfn(entry))
			page = softleaf_to_page(entry);
		if (pte_is_uffd_wp_marker(pte))
			flags |= PM_UFFD_WP;
	}
	if (page) {
		struct folio *folio = page_folio(page);

		if (!folio_test_anon(folio))
			flags |= PM_FILE;
		if ((flags & PM_PRESENT) && __folio_page_mapped_exclusively(folio, page))
			flags |= PM_MMAP_EXCLUSIVE;
	}
	return flags;
}

/*
 * pagemap_pmd_range_thp() - v7.1. Fidelity: same. The PMD's lock is held. Pages are counted from the first that is asked for; the look at the
 * map count is at the PMD's first page for all, as in the kernel.
 */
static unsigned int pagemap_pmd_range_thp(pmd_t pmd, unsigned long nr)
{
	struct page *page = NULL;
	struct folio *folio = NULL;
	unsigned int flags = 0;

	if (pmd_none(pmd))
		return 0;
	if (pmd_present(pmd)) {
		page = pmd_page(pmd);
		flags |= PM_PRESENT | (pmd_soft_dirty(pmd) ? PM_SOFT_DIRTY : 0) | (pmd_uffd_wp(pmd) ? PM_UFFD_WP : 0);
	} else {
		softleaf_t entry = softleaf_from_pmd(pmd);

		flags |= PM_SWAP | (pmd_swp_soft_dirty(pmd) ? PM_SOFT_DIRTY : 0) | (pmd_swp_uffd_wp(pmd) ? PM_UFFD_WP : 0);
		page = softleaf_to_page(entry);
	}
	folio = page_folio(page);
	if (!folio_test_anon(folio))
		flags |= PM_FILE;
	for (unsigned long i = 0; i < nr && (flags & PM_PRESENT); i++)
		(void)__folio_page_mapped_exclusively(folio, page);
	return flags;
}

/* pagemap_pmd_range() - v7.1. Fidelity: same. */
static int pagemap_pmd_range(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);
	unsigned long *found = walk->private;
	pte_t *pte;

	if (ptl) {
		if (pagemap_pmd_range_thp(pmdp_get(pmd), (end - addr) >> PAGE_SHIFT))
			*found += (end - addr) >> PAGE_SHIFT;
		spin_unlock(ptl);
		return 0;
	}
	pte = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!pte) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (; addr != end; pte++, addr += PAGE_SIZE)
		*found += pte_to_pagemap_entry(ptep_get(pte)) != 0;
	pte_unmap_unlock(pte - 1, ptl);
	cond_resched();
	return 0;
}

/* The VMAs of a range, each walked. */
static void walk_vmas(struct mm_struct *mm, unsigned long start, unsigned long len, const struct mm_walk_ops *ops, void *private,
		      bool wp)
{
	unsigned long end = start + len;
	struct mmu_notifier_range range;

	mmap_read_lock(mm);
	/* a write protection is told of; a look is not */
	if (wp) {
		mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, 0, mm, start, end);
		mmu_notifier_invalidate_range_start(&range);
	}
	for (unsigned int i = 0; i < mm->map_count; i++) {
		struct vm_area_struct *vma = mm->vmas[i];
		unsigned long from = vma->vm_start > start ? vma->vm_start : start;
		unsigned long to = vma->vm_end < end ? vma->vm_end : end;

		if (from < to)
			walk_page_range_vma(vma, from, to, ops, private);
	}
	if (wp)
		mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(mm);
}

/* pagemap_read() - v7.1. Fidelity: adapted: counts what it would show. */
unsigned long pagemap_read(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	static const struct mm_walk_ops pagemap_ops = { .pmd_entry = pagemap_pmd_range };
	unsigned long found = 0;

	walk_vmas(mm, start, len, &pagemap_ops, &found, false);
	return found;
}

/* ------------------------------------------------------------------ PAGEMAP_SCAN ---- */

#define PAGE_IS_WRITTEN 0x1u
#define PAGE_IS_FILE 0x2u
#define PAGE_IS_PRESENT 0x4u
#define PAGE_IS_SWAPPED 0x8u
#define PAGE_IS_PFNZERO 0x10u
#define PAGE_IS_HUGE 0x20u
#define PAGE_IS_SOFT_DIRTY 0x40u

struct pagemap_scan_private {
	unsigned long found;
	bool wp; /* PM_SCAN_WP_MATCHING */
};

/* pagemap_page_category() - v7.1. Fidelity: same, no guard markers. The table's lock is held. */
static unsigned int pagemap_page_category(pte_t pte)
{
	unsigned int categories;

	if (pte_none(pte))
		return 0;
	if (pte_present(pte)) {
		categories = PAGE_IS_PRESENT | (pte_uffd_wp(pte) ? 0 : PAGE_IS_WRITTEN);
		if (!pte_special(pte) && !PageAnon(pte_page(pte)))
			categories |= PAGE_IS_FILE;
		if (is_zero_pfn(pte_pfn(pte)))
			categories |= PAGE_IS_PFNZERO;
		return categories | (pte_soft_dirty(pte) ? PAGE_IS_SOFT_DIRTY : 0);
	}
	categories = PAGE_IS_SWAPPED;
	if (!pte_swp_uffd_wp(pte) && !pte_is_uffd_wp_marker(pte))
		categories |= PAGE_IS_WRITTEN;
	if (softleaf_has_pfn(softleaf_from_pte(pte)) && !folio_test_anon(softleaf_to_folio(softleaf_from_pte(pte))))
		categories |= PAGE_IS_FILE;
	return categories | (pte_swp_soft_dirty(pte) ? PAGE_IS_SOFT_DIRTY : 0);
}

/* pagemap_thp_category() - v7.1. Fidelity: same. The PMD's lock is held. */
static unsigned int pagemap_thp_category(pmd_t pmd)
{
	unsigned int categories = PAGE_IS_HUGE;

	if (pmd_none(pmd))
		return categories;
	if (pmd_present(pmd)) {
		categories |= PAGE_IS_PRESENT | (pmd_uffd_wp(pmd) ? 0 : PAGE_IS_WRITTEN);
		if (is_huge_zero_pmd(pmd))
			categories |= PAGE_IS_PFNZERO;
		else if (!PageAnon(pmd_page(pmd)))
			categories |= PAGE_IS_FILE;
		return categories | (pmd_soft_dirty(pmd) ? PAGE_IS_SOFT_DIRTY : 0);
	}
	categories |= PAGE_IS_SWAPPED | (pmd_swp_uffd_wp(pmd) ? 0 : PAGE_IS_WRITTEN);
	if (softleaf_has_pfn(softleaf_from_pmd(pmd)) && !folio_test_anon(softleaf_to_folio(softleaf_from_pmd(pmd))))
		categories |= PAGE_IS_FILE;
	return categories | (pmd_swp_soft_dirty(pmd) ? PAGE_IS_SOFT_DIRTY : 0);
}

/*
 * make_uffd_wp_pte() - v7.1. Fidelity: same. The table's lock is held; the hardware may set bits until the entry is cleared, so what is
 * written back is what was cleared.
 */
static void make_uffd_wp_pte(struct vm_area_struct *vma, unsigned long addr, pte_t *pte, pte_t ptent)
{
	if (pte_present(ptent)) {
		pte_t old_pte = ptep_get_and_clear(vma->vm_mm, addr, pte);

		if (bug_enabled(pte_young_dirty_lost))
			old_pte = ptent;
		set_pte_at(vma->vm_mm, addr, pte, pte_mkuffd_wp(old_pte));
	} else if (pte_none(ptent)) {
		set_pte_at(vma->vm_mm, addr, pte, swp_entry_to_pte(make_pte_marker(PTE_MARKER_UFFD_WP)));
	} else {
		set_pte_at(vma->vm_mm, addr, pte, pte_swp_mkuffd_wp(ptent));
	}
}

/* make_uffd_wp_pmd() - v7.1. Fidelity: same. The PMD's lock is held; the flush is the caller's, before it drops it. */
static void make_uffd_wp_pmd(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp)
{
	pmd_t pmd = pmdp_get(pmdp);

	if (pmd_present(pmd)) {
		pmd_t old = pmdp_invalidate_ad(vma, addr, pmdp);

		set_pmd_at(vma->vm_mm, addr, pmdp, pmd_mkuffd_wp(old));
	} else if (pmd_is_migration_entry(pmd)) {
		set_pmd_at(vma->vm_mm, addr, pmdp, pmd_swp_mkuffd_wp(pmd));
	}
}

/* pagemap_scan_thp_entry() - v7.1. Fidelity: same, no limits on what is put out. False: look at the table. */
static bool pagemap_scan_thp_entry(pmd_t *pmd, unsigned long start, unsigned long end, struct mm_walk *walk)
{
	struct pagemap_scan_private *p = walk->private;
	struct vm_area_struct *vma = walk->vma;
	spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);
	unsigned int categories;

	if (!ptl)
		return false;
	categories = pagemap_thp_category(pmdp_get(pmd));
	p->found += (end - start) >> PAGE_SHIFT;
	if (!p->wp || !userfaultfd_wp(vma) || !(categories & PAGE_IS_WRITTEN))
		goto unlock;
	if (end - start != HPAGE_PMD_SIZE) {
		spin_unlock(ptl);
		split_huge_pmd(vma, pmd, start);
		p->found -= (end - start) >> PAGE_SHIFT;
		return false;
	}
	make_uffd_wp_pmd(vma, start, pmd);
	flush_tlb_range(vma, start, end);
unlock:
	spin_unlock(ptl);
	return true;
}

/*
 * pagemap_scan_pmd_entry() - v7.1. Fidelity: adapted: write-protects wherever userfaultfd may, also where it is not asynchronous; no
 * fast paths, and so none of the markers that they put where nothing was.
 */
static int pagemap_scan_pmd_entry(pmd_t *pmd, unsigned long start, unsigned long end, struct mm_walk *walk)
{
	struct pagemap_scan_private *p = walk->private;
	struct vm_area_struct *vma = walk->vma;
	unsigned long flush_from = end;
	spinlock_t *ptl;
	pte_t *pte;

	if (pagemap_scan_thp_entry(pmd, start, end, walk))
		return 0;
	pte = pte_offset_map_lock(vma->vm_mm, pmd, start, &ptl);
	if (!pte) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (unsigned long addr = start; addr != end; pte++, addr += PAGE_SIZE) {
		pte_t ptent = ptep_get(pte);
		unsigned int categories = pagemap_page_category(ptent);

		p->found += categories != 0;
		if (!p->wp || !userfaultfd_wp(vma) || !(categories & PAGE_IS_WRITTEN))
			continue;
		if (softleaf_is_marker(softleaf_from_pte(ptent)))
			continue;
		make_uffd_wp_pte(vma, addr, pte, ptent);
		if (flush_from == end)
			flush_from = addr;
	}
	if (flush_from != end)
		flush_tlb_range(vma, flush_from, end);
	pte_unmap_unlock(pte - 1, ptl);
	cond_resched();
	return 0;
}

/* do_pagemap_scan() - v7.1. Fidelity: adapted: counts what it would put out. */
unsigned long pagemap_scan(struct mm_struct *mm, unsigned long start, unsigned long len, bool wp)
{
	static const struct mm_walk_ops pagemap_scan_ops = { .pmd_entry = pagemap_scan_pmd_entry };
	struct pagemap_scan_private p = { .wp = wp };

	walk_vmas(mm, start, len, &pagemap_scan_ops, &p, wp);
	return p.found;
}
