// SPDX-License-Identifier: GPL-2.0-only
/*
 * migrate.c - the way back from migration entries to mappings, and waiting for it. Migration
 * proper is not here yet; a folio split uses the same entries to keep everybody out.
 * kernel-facts.md: P15.
 */
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/memcontrol.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swapops.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

struct rmap_walk_arg {
	struct folio *folio; /* what the entries point to */
	bool map_unused_to_zeropage;
};

/*
 * try_to_map_unused_to_zeropage() - v7.1, mm/migrate.c (v6.12 also reads poisoned pages).
 * Fidelity: same, no mlock, uffd-wp or soft-dirty. A zero-filled page that is nobody's but this
 * mapping's need not be kept: the entry becomes the shared zero page, which has no reference
 * and no map count. The table's lock is held, and the folio lock.
 */
static bool try_to_map_unused_to_zeropage(struct page_vma_mapped_walk *pvmw,
					  struct folio *folio, unsigned long idx)
{
	struct page *page = folio_page(folio, idx);
	struct vm_area_struct *vma = pvmw->vma;

	if (PageCompound(page))
		return false;
	/* Reading poisoned memory in the kernel is a second, fatal, machine check. */
	if (!bug_enabled(split_reads_poison_for_zeropage) && PageHWPoison(page))
		return false;

	VM_BUG_ON_PAGE(!PageAnon(page), page);
	VM_BUG_ON_PAGE(!folio_test_locked((struct folio *)page), page);

	if (folio_test_mlocked(folio))
		return false;
	if (!page_is_zero_filled(page))
		return false;

	set_pte_at(vma->vm_mm, pvmw->address, pvmw->pte,
		   pte_mkspecial(pfn_pte(zero_pfn(pvmw->address), vma_page_prot(vma))));
	dec_mm_counter(vma->vm_mm, MM_ANONPAGES);
	return true;
}

/*
 * remove_migration_pte() - v7.1, mm/migrate.c. Fidelity: same, no device memory, hugetlb,
 * uffd-wp, soft-dirty. `folio` is where the entries shall lead, rmap_walk_arg->folio where they
 * lead now. Reference, then map count, then entry: at no step has a mapping no reference.
 */
static bool remove_migration_pte(struct folio *folio, struct vm_area_struct *vma,
				 unsigned long addr, void *arg)
{
	struct rmap_walk_arg *rmap_walk_arg = arg;
	DEFINE_FOLIO_VMA_WALK(pvmw, rmap_walk_arg->folio, vma, addr, PVMW_SYNC | PVMW_MIGRATION);

	while (page_vma_mapped_walk(&pvmw)) {
		rmap_t rmap_flags = RMAP_NONE;
		unsigned long idx = 0;
		struct page *new;
		softleaf_t entry;
		pte_t old_pte, pte;

		if (folio_test_large(folio))
			idx = linear_page_index(vma, pvmw.address) - pvmw.pgoff;
		new = folio_page(folio, idx);

		if (!pvmw.pte) {
			remove_migration_pmd(&pvmw, new);
			continue;
		}

		old_pte = ptep_get(pvmw.pte);
		if (rmap_walk_arg->map_unused_to_zeropage &&
		    try_to_map_unused_to_zeropage(&pvmw, folio, idx))
			continue;

		folio_get(folio);
		entry = softleaf_from_pte(old_pte);
		pte = mk_pte(new, vma_page_prot(vma));
		if (!softleaf_is_migration_young(entry))
			pte = pte_mkold(pte);
		if (softleaf_is_migration_dirty(entry) && folio_test_dirty(folio))
			pte = pte_mkdirty(pte);
		if (pte_swp_soft_dirty(old_pte))
			pte = pte_mksoft_dirty(pte);
		if (softleaf_is_migration_write(entry))
			pte = pte_mkwrite(pte, vma);
		else if (pte_swp_uffd_wp(old_pte))
			pte = pte_mkuffd_wp(pte);
		if (is_device_private_page(new)) {
			pte = swp_entry_to_pte(make_device_private_entry(page_to_pfn(new), pte_write(pte)));
			if (pte_swp_soft_dirty(old_pte))
				pte = pte_swp_mksoft_dirty(pte);
			if (pte_swp_uffd_wp(old_pte))
				pte = pte_swp_mkuffd_wp(pte);
		}
		if (folio_test_anon(folio) && !softleaf_is_migration_read(entry))
			rmap_flags |= RMAP_EXCLUSIVE;

		folio_add_anon_rmap_pte(folio, new, vma, pvmw.address, rmap_flags);
		set_pte_at(vma->vm_mm, pvmw.address, pvmw.pte, pte);
	}
	return true;
}

/*
 * remove_migration_ptes() - v7.1, mm/migrate.c. Fidelity: same. Caller holds the lock of both
 * folios (often one), and with TTU_RMAP_LOCKED the rmap lock. Without it the anon_vma must be
 * kept by other means: the folio is not mapped.
 */
void remove_migration_ptes(struct folio *src, struct folio *dst, enum ttu_flags flags)
{
	struct rmap_walk_arg arg = {
		.folio = src,
		.map_unused_to_zeropage = flags & TTU_USE_SHARED_ZEROPAGE,
	};
	struct rmap_walk_control rwc = {
		.arg = &arg,
		.rmap_one = remove_migration_pte,
	};

	VM_BUG_ON_FOLIO((flags & TTU_USE_SHARED_ZEROPAGE) && src != dst, src);

	if (flags & TTU_RMAP_LOCKED)
		rmap_walk_locked(dst, &rwc);
	else
		rmap_walk(dst, &rwc);
}

/*
 * softleaf_entry_wait_on_locked() - v7.1, mm/filemap.c. Fidelity: adapted: the waiter looks at
 * the lock bit instead of queueing. The page table lock makes the entry, and so the locked
 * folio, stay until it is dropped here; after that no reference keeps the folio: it may be
 * free, or another, when the wait ends. The caller faults again anyway.
 */
void softleaf_entry_wait_on_locked(softleaf_t entry, spinlock_t *ptl)
{
	struct folio *folio = softleaf_to_folio(entry);

	spin_unlock(ptl);
	folio_wait_locked(folio);
}

/*
 * migration_entry_wait() - v7.1, mm/migrate.c. Fidelity: same. Caller holds mmap_lock or what
 * else keeps the table.
 */
void migration_entry_wait(struct mm_struct *mm, pmd_t *pmd, unsigned long address)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_map_lock(mm, pmd, address, &ptl);
	softleaf_t entry;

	if (!ptep)
		return;
	entry = softleaf_from_pte(ptep_get(ptep));
	pte_unmap(ptep);
	if (softleaf_is_migration(entry))
		softleaf_entry_wait_on_locked(entry, ptl);
	else
		spin_unlock(ptl);
}

/* pmd_migration_entry_wait() - v7.1, mm/migrate.c. Fidelity: same. */
void pmd_migration_entry_wait(struct mm_struct *mm, pmd_t *pmd)
{
	spinlock_t *ptl = pmd_lock(mm, pmd);
	pmd_t pmde = pmdp_get(pmd);

	if (pmd_is_migration_entry(pmde))
		softleaf_entry_wait_on_locked(softleaf_from_pmd(pmde), ptl);
	else
		spin_unlock(ptl);
}

/* ---- migration proper: stubs ---- */
int migrate_pages(struct list_head *from, new_folio_t g, free_folio_t p, unsigned long v, enum migrate_mode m, int r, unsigned int *ok) { (void)from; (void)g; (void)p; (void)v; (void)m; (void)r; (void)ok; return -ENOMEM; }
void putback_movable_pages(struct list_head *l) { (void)l; }
struct folio *alloc_migration_target(struct folio *src, unsigned long p) { (void)src; (void)p; return NULL; }
bool isolate_folio_to_list(struct folio *folio, struct list_head *list) { (void)folio; (void)list; return false; }
int migrate_misplaced_folio_prepare(struct folio *f, struct vm_area_struct *v, int n) { (void)f; (void)v; (void)n; return -EAGAIN; }
int migrate_misplaced_folio(struct folio *f, int n) { (void)f; (void)n; return -EAGAIN; }
/* ---- first version, for anonymous memory: replaced by migration proper ---- */
int folio_migrate_mapping(struct address_space *m, struct folio *n, struct folio *f, int e)
{
	int expected = folio_expected_ref_count(f) + e + 1;

	if (m || folio_ref_count(f) != expected)
		return -EAGAIN;
	if (folio_test_large(f) && folio_test_large_rmappable(f)) {
		if (!folio_ref_freeze(f, expected))
			return -EAGAIN;
		folio_unqueue_deferred_split(f);
		folio_ref_unfreeze(f, expected);
	}
	plain_write_racy(n->index, plain_read(f->index));
	plain_write_racy(n->mapping, plain_read(f->mapping));
	if (folio_test_anon(f) && folio_test_large(f))
		mod_mthp_stat(folio_order(f), MTHP_STAT_NR_ANON, 1);
	if (folio_test_swapbacked(f))
		__folio_set_swapbacked(n);
	return 0;
}
void folio_migrate_flags(struct folio *n, struct folio *f)
{
	if (folio_test_referenced(f))
		folio_set_referenced(n);
	if (folio_test_uptodate(f))
		__folio_mark_uptodate(n);
	if (folio_test_dirty(f))
		folio_set_dirty(n);
	mem_cgroup_migrate(f, n);
}
