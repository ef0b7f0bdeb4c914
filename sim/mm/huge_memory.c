// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory.c - PMD-mapped anonymous folios: fault, zap, split of the mapping, migration
 * entries at PMD level. Splitting the folio itself is in huge_memory_split.c, the queue of
 * folios to split later in deferred_split/.
 *
 * The PMD's lock covers the entry, the deposited table, the map counts of the mapping and its
 * statistics. Every anonymous leaf has one PTE table deposited, so that splitting it never has
 * to allocate. kernel-facts.md: P10, P16, P17.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlb.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

/* maybe_pmd_mkwrite() - v7.1. Fidelity: same. */
static pmd_t maybe_pmd_mkwrite(pmd_t pmd, struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_WRITE ? pmd_mkwrite(pmd, vma) : pmd;
}

/*
 * vma_alloc_anon_folio_pmd() - v7.1. Fidelity: same, no swap throttling. NULL: no memory, or
 * the cgroup's limit.
 */
static struct folio *vma_alloc_anon_folio_pmd(struct vm_area_struct *vma,
					      unsigned long addr)
{
	struct folio *folio = vma_alloc_folio(GFP_TRANSHUGE, HPAGE_PMD_ORDER, vma,
					      addr & HPAGE_PMD_MASK);

	if (!folio) {
		mod_mthp_stat(HPAGE_PMD_ORDER, MTHP_STAT_ANON_FAULT_FALLBACK, 1);
		return NULL;
	}
	VM_BUG_ON_FOLIO(!folio_test_large(folio), folio);
	if (mem_cgroup_charge(folio, vma->vm_mm, GFP_TRANSHUGE)) {
		folio_put(folio);
		mod_mthp_stat(HPAGE_PMD_ORDER, MTHP_STAT_ANON_FAULT_FALLBACK, 1);
		return NULL;
	}
	folio_zero_user(folio, addr);
	/* The zeroes before the flag, the flag before the PMD. */
	__folio_mark_uptodate(folio);
	return folio;
}

/*
 * map_anon_folio_pmd_nopf(), map_anon_folio_pmd_pf() - v7.1 (v6.12 has them inline in the
 * fault). Fidelity: same. The PMD's lock is held, the PMD is none. A new folio is queued last:
 * with underused splitting any huge folio may turn out to be mostly zeroes.
 */
static void map_anon_folio_pmd_pf(struct folio *folio, pmd_t *pmd,
				  struct vm_area_struct *vma, unsigned long haddr)
{
	pmd_t entry = folio_mk_pmd(folio, vma->vm_page_prot);

	entry = maybe_pmd_mkwrite(pmd_mkdirty(entry), vma);
	folio_add_new_anon_rmap(folio, vma, haddr, RMAP_EXCLUSIVE);
	folio_add_lru_vma(folio, vma);
	set_pmd_at(vma->vm_mm, haddr, pmd, entry);
	deferred_split_folio(folio, false);

	add_mm_counter(vma->vm_mm, MM_ANONPAGES, HPAGE_PMD_NR);
	mod_mthp_stat(HPAGE_PMD_ORDER, MTHP_STAT_ANON_FAULT_ALLOC, 1);
}

/*
 * __do_huge_pmd_anonymous_page() - v7.1. Fidelity: same, no userfaultfd, no OOM reaper. Caller
 * holds mmap_lock for reading.
 */
static vm_fault_t __do_huge_pmd_anonymous_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	unsigned long haddr = vmf->address & HPAGE_PMD_MASK;
	struct folio *folio;
	pgtable_t pgtable;

	folio = vma_alloc_anon_folio_pmd(vma, vmf->address);
	if (!folio)
		return VM_FAULT_FALLBACK;
	pgtable = pte_alloc_one(mm);
	if (!pgtable) {
		folio_put(folio);
		return VM_FAULT_OOM;
	}

	vmf->ptl = pmd_lock(mm, vmf->pmd);
	if (!pmd_none(pmdp_get(vmf->pmd))) {
		/* Another CPU was faster. */
		if (!bug_enabled(huge_fault_abort_keeps_lock))
			spin_unlock(vmf->ptl);
		pte_free(mm, pgtable);
		folio_put(folio);
		return 0;
	}
	pgtable_trans_huge_deposit(mm, vmf->pmd, pgtable);
	map_anon_folio_pmd_pf(folio, vmf->pmd, vma, haddr);
	mm_inc_nr_ptes(mm);
	spin_unlock(vmf->ptl);
	return 0;
}

/*
 * do_huge_pmd_anonymous_page() - v7.1. Fidelity: adapted: write faults only, there is no huge
 * zero folio. Caller holds mmap_lock for reading.
 */
vm_fault_t do_huge_pmd_anonymous_page(struct vm_fault *vmf)
{
	if (!thp_vma_suitable_order(vmf->vma, vmf->address & HPAGE_PMD_MASK, HPAGE_PMD_ORDER))
		return VM_FAULT_FALLBACK;
	if (anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	return __do_huge_pmd_anonymous_page(vmf);
}

/*
 * __pmd_trans_huge_lock() - v7.1. Fidelity: same. Caller holds mmap_lock or the rmap lock, so
 * that the PMD's page stays.
 */
spinlock_t *__pmd_trans_huge_lock(pmd_t *pmd, struct vm_area_struct *vma)
{
	spinlock_t *ptl = pmd_lock(vma->vm_mm, pmd);

	if (pmd_is_huge(pmdp_get(pmd)))
		return ptl;
	spin_unlock(ptl);
	return NULL;
}

/* zap_deposited_table() - v7.1. Fidelity: same. The PMD's lock is held. */
static void zap_deposited_table(struct mm_struct *mm, pmd_t *pmd)
{
	pte_free(mm, pgtable_trans_huge_withdraw(mm, pmd));
	mm_dec_nr_ptes(mm);
}

/*
 * zap_huge_pmd() - v7.1. Fidelity: same, anonymous memory only. The reference goes with the
 * batch, to be dropped after the TLB flush. A migration entry has none, and no map count.
 * False: not huge any more, look at the table. Caller holds mmap_lock, or is the mm's last
 * user.
 */
bool zap_huge_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd,
		  unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *ptl = __pmd_trans_huge_lock(pmd, vma);
	struct folio *folio;
	bool present;
	pmd_t old_pmd;

	if (!ptl)
		return false;

	old_pmd = pmdp_huge_get_and_clear(mm, addr, pmd);
	tlb_remove_pmd_tlb_entry(tlb, pmd, addr);
	present = pmd_present(old_pmd);
	if (present) {
		folio = page_folio(pmd_page(old_pmd));
		folio_remove_rmap_pmd(folio, &folio->page, vma);
	} else {
		folio = softleaf_to_folio(softleaf_from_pmd(old_pmd));
	}
	VM_WARN_ON_FOLIO(!folio_test_anon(folio), folio);
	if (!bug_enabled(zap_put_before_counter))
		add_mm_counter(mm, MM_ANONPAGES, -HPAGE_PMD_NR);
	zap_deposited_table(mm, pmd);
	spin_unlock(ptl);

	if (present)
		tlb_remove_page_size(tlb, &folio->page, HPAGE_PMD_SIZE);
	if (bug_enabled(zap_put_before_counter) && folio_test_anon(folio))
		add_mm_counter(mm, MM_ANONPAGES, -HPAGE_PMD_NR);
	return true;
}

/* What a PMD leaf says about its pages, present or not. */
struct pmd_leaf {
	struct page *page;
	bool present, write, young, dirty, anon_exclusive;
};

/* The entry stays "huge" to everybody else while it is invalid; its lock is held. */
static struct pmd_leaf take_pmd_leaf(struct vm_area_struct *vma, unsigned long haddr,
				     pmd_t *pmd)
{
	pmd_t old_pmd = pmdp_get(pmd);
	struct pmd_leaf leaf = { .present = pmd_present(old_pmd) };

	if (!leaf.present) {
		softleaf_t entry = softleaf_from_pmd(old_pmd);

		leaf.page = softleaf_to_page(entry);
		leaf.write = softleaf_is_migration_write(entry);
		leaf.anon_exclusive = softleaf_is_migration_read_exclusive(entry);
		leaf.young = softleaf_is_migration_young(entry);
		leaf.dirty = softleaf_is_migration_dirty(entry);
		return leaf;
	}

	/* After this the hardware can set no more bits in it: what it says is final. */
	old_pmd = pmdp_invalidate(vma, haddr, pmd);
	leaf.page = pmd_page(old_pmd);
	leaf.write = pmd_write(old_pmd);
	leaf.young = pmd_young(old_pmd);
	leaf.dirty = pmd_dirty(old_pmd);
	return leaf;
}

/*
 * __split_huge_pmd_locked() - v7.1. Fidelity: same, anonymous memory only; no zero page, device
 * memory, uffd-wp, soft-dirty. P10. The PMD's lock is held.
 *
 * Without `freeze` the pages stay mapped: the references first, then the PTE map counts, and
 * only then is the PMD's map count dropped, so that no page looks unmapped in between (the map
 * counts exceed the references by one for that while). With it they become migration entries
 * and the mapping's one reference goes; if a pin keeps the head exclusive, they stay mapped and
 * the caller finds that out. A PMD migration entry has no reference and no map count to hand
 * over; `freeze` drops a reference all the same: that of a caller who has one to give.
 */
static void __split_huge_pmd_locked(struct vm_area_struct *vma, pmd_t *pmd,
				    unsigned long haddr, bool freeze)
{
	struct mm_struct *mm = vma->vm_mm;
	struct pmd_leaf leaf = take_pmd_leaf(vma, haddr, pmd);
	struct folio *folio = page_folio(leaf.page);
	pgtable_t pgtable;
	pte_t *pte;

	VM_BUG_ON(haddr & ~HPAGE_PMD_MASK);
	VM_BUG_ON_VMA(vma->vm_start > haddr || vma->vm_end < haddr + HPAGE_PMD_SIZE, vma);

	if (leaf.present) {
		if (leaf.dirty)
			folio_set_dirty(folio);
		VM_WARN_ON_FOLIO(!folio_ref_count(folio), folio);
		VM_WARN_ON_FOLIO(!folio_test_anon(folio), folio);

		leaf.anon_exclusive = PageAnonExclusive(leaf.page);
		if (freeze && leaf.anon_exclusive &&
		    folio_try_share_anon_rmap_pmd(folio, leaf.page))
			freeze = false;
		if (!freeze) {
			folio_ref_add(folio, HPAGE_PMD_NR - 1);
			folio_add_anon_rmap_ptes(folio, leaf.page, HPAGE_PMD_NR, vma, haddr,
						 leaf.anon_exclusive ? RMAP_EXCLUSIVE : RMAP_NONE);
		}
	}

	/* Nobody sees the table before the PMD points to it. */
	pgtable = pgtable_trans_huge_withdraw(mm, pmd);
	pte = pgtable_ptes(pgtable);
	for (int i = 0; i < HPAGE_PMD_NR; i++) {
		struct page *page = leaf.page + i;
		pte_t entry;

		if (freeze || !leaf.present) {
			entry = swp_entry_to_pte(make_migration_entry(page, leaf.write,
								      leaf.anon_exclusive,
								      leaf.young, leaf.dirty));
		} else {
			entry = mk_pte(page, vma->vm_page_prot);
			if (leaf.write)
				entry = pte_mkwrite(entry, vma);
			if (!leaf.young)
				entry = pte_mkold(entry);
			if (leaf.dirty)
				entry = pte_mkdirty(entry);
		}
		VM_WARN_ON(!pte_none(ptep_get_private(pte + i)));
		set_pte_private(pte + i, entry);
	}

	if (leaf.present)
		folio_remove_rmap_pmd(folio, leaf.page, vma);
	if (freeze)
		folio_put(folio);

	smp_wmb(); /* the entries before the table */
	pmd_populate(mm, pmd, pgtable);
}

/* split_huge_pmd_locked() - v7.1. Fidelity: same. The PMD's lock is held. */
void split_huge_pmd_locked(struct vm_area_struct *vma, unsigned long address,
			   pmd_t *pmd, bool freeze)
{
	VM_WARN_ON_ONCE(address & ~HPAGE_PMD_MASK);
	if (pmd_is_huge(pmdp_get(pmd)))
		__split_huge_pmd_locked(vma, pmd, address, freeze);
}

/*
 * __split_huge_pmd() - v7.1. Fidelity: same, no MMU notifiers. Caller holds mmap_lock or the
 * rmap lock.
 */
void __split_huge_pmd(struct vm_area_struct *vma, pmd_t *pmd, unsigned long address,
		      bool freeze)
{
	spinlock_t *ptl = pmd_lock(vma->vm_mm, pmd);

	split_huge_pmd_locked(vma, address & HPAGE_PMD_MASK, pmd, freeze);
	spin_unlock(ptl);
}

/* split_huge_pmd_address() - v7.1. Fidelity: same. */
void split_huge_pmd_address(struct vm_area_struct *vma, unsigned long address, bool freeze)
{
	pmd_t *pmd = mm_find_pmd(vma->vm_mm, address);

	if (pmd)
		__split_huge_pmd(vma, pmd, address, freeze);
}

/*
 * split_huge_pmd_if_needed() - v7.1. Fidelity: same. Only an edge inside a PMD that lies wholly
 * in the VMA cuts a huge mapping.
 */
static void split_huge_pmd_if_needed(struct vm_area_struct *vma, unsigned long address)
{
	unsigned long haddr = address & HPAGE_PMD_MASK;

	if (address == haddr)
		return;
	if (haddr >= vma->vm_start && haddr + HPAGE_PMD_SIZE <= vma->vm_end)
		split_huge_pmd_address(vma, address, false);
}

/*
 * vma_adjust_trans_huge() - v7.1. Fidelity: same. Caller holds mmap_lock and the anon_vma's
 * rwsem for writing.
 */
void vma_adjust_trans_huge(struct vm_area_struct *vma, unsigned long start,
			   unsigned long end, struct vm_area_struct *next)
{
	split_huge_pmd_if_needed(vma, start);
	split_huge_pmd_if_needed(vma, end);
	if (next)
		split_huge_pmd_if_needed(next, end);
}

/*
 * set_pmd_migration_entry() - v7.1. Fidelity: same, no device memory. P14. The PMD's lock is
 * held (a walk has found it) and the folio lock. -EBUSY: pinned, the mapping is back as it was.
 */
int set_pmd_migration_entry(struct page_vma_mapped_walk *pvmw, struct page *page)
{
	struct vm_area_struct *vma = pvmw->vma;
	struct folio *folio = page_folio(page);
	bool anon_exclusive;
	softleaf_t entry;
	pmd_t pmdval;

	if (!pvmw->pmd || pvmw->pte)
		return 0;

	pmdval = pmdp_invalidate(vma, pvmw->address, pvmw->pmd);
	anon_exclusive = folio_test_anon(folio) && PageAnonExclusive(page);
	if (anon_exclusive && folio_try_share_anon_rmap_pmd(folio, page)) {
		set_pmd_at(vma->vm_mm, pvmw->address, pvmw->pmd, pmdval);
		return -EBUSY;
	}
	if (pmd_dirty(pmdval))
		folio_mark_dirty(folio);
	entry = make_migration_entry(page, pmd_write(pmdval), anon_exclusive,
				     pmd_young(pmdval), pmd_dirty(pmdval));
	set_pmd_at(vma->vm_mm, pvmw->address, pvmw->pmd, swp_entry_to_pmd(entry));
	folio_remove_rmap_pmd(folio, page, vma);
	folio_put(folio);
	return 0;
}

/*
 * remove_migration_pmd() - v7.1. Fidelity: same, no device memory. P15. The PMD's lock is held
 * and the folio lock.
 */
void remove_migration_pmd(struct page_vma_mapped_walk *pvmw, struct page *new)
{
	struct vm_area_struct *vma = pvmw->vma;
	struct folio *folio = page_folio(new);
	unsigned long haddr = pvmw->address & HPAGE_PMD_MASK;
	rmap_t rmap_flags = RMAP_NONE;
	softleaf_t entry;
	pmd_t pmde;

	if (!pvmw->pmd || pvmw->pte)
		return;

	entry = softleaf_from_pmd(pmdp_get(pvmw->pmd));
	folio_get(folio);
	pmde = folio_mk_pmd(folio, vma->vm_page_prot);
	if (softleaf_is_migration_write(entry))
		pmde = pmd_mkwrite(pmde, vma);
	if (!softleaf_is_migration_young(entry))
		pmde = pmd_mkold(pmde);
	if (softleaf_is_migration_dirty(entry) && folio_test_dirty(folio))
		pmde = pmd_mkdirty(pmde);
	if (!softleaf_is_migration_read(entry))
		rmap_flags |= RMAP_EXCLUSIVE;
	folio_add_anon_rmap_pmd(folio, new, vma, haddr, rmap_flags);
	set_pmd_at(vma->vm_mm, haddr, pvmw->pmd, pmde);
}

/* ---- the queue's operations, and what its scanners ask ---- */

/* The queue protocol of the generation that runs. */
const struct deferred_split_ops *deferred_split_ops(void)
{
	if (generation_at_least(GENERATION_MAINLINE))
		return &deferred_split_ops_mainline;
	if (generation_at_least(GENERATION_V6_19))
		return &deferred_split_ops_v7_1;
	if (generation_at_least(GENERATION_V6_12))
		return &deferred_split_ops_v6_12;
	return &deferred_split_ops_v6_8;
}

/*
 * thp_underused() - v7.1 (v6.12 also reads folios with poisoned pages). Fidelity: adapted: a
 * page is one word. Reads what others are writing, without a lock: the answer is a hint, and
 * the split looks again with the pages unmapped. Caller holds a reference.
 */
bool thp_underused(struct folio *folio)
{
	int max_none = khugepaged_max_ptes_none();
	int nr = folio_nr_pages(folio), zero = 0, filled = 0;

	if (max_none == HPAGE_PMD_NR - 1)
		return false;
	if (!bug_enabled(split_reads_poison_for_zeropage) &&
	    folio_contain_hwpoisoned_page(folio))
		return false;

	for (int i = 0; i < nr; i++) {
		if (page_is_zero_filled(folio_page(folio, i))) {
			if (++zero > max_none)
				return true;
		} else if (++filled >= HPAGE_PMD_NR - max_none) {
			return false;
		}
	}
	return false;
}
