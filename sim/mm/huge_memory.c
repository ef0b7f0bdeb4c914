// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory.c - PMD-mapped folios: fault, zap, split of the mapping, migration
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
#include <linux/mmu_notifier.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlb.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

/*
 * vma_alloc_anon_folio_pmd() - v7.1. Fidelity: same, no swap throttling. NULL: no memory, or
 * the cgroup's limit.
 */
struct folio *vma_alloc_anon_folio_pmd(struct vm_area_struct *vma, unsigned long addr)
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
void map_anon_folio_pmd_pf(struct folio *folio, pmd_t *pmd, struct vm_area_struct *vma,
			   unsigned long haddr)
{
	pmd_t entry = folio_mk_pmd(folio, vma_page_prot(vma));

	entry = maybe_pmd_mkwrite(pmd_mkdirty(entry), vma);
	folio_add_new_anon_rmap(folio, vma, haddr, RMAP_EXCLUSIVE);
	folio_add_lru_vma(folio, vma);
	set_pmd_at(vma->vm_mm, haddr, pmd, entry);
	deferred_split_folio(folio, false);

	add_mm_counter(vma->vm_mm, MM_ANONPAGES, HPAGE_PMD_NR);
	mod_mthp_stat(HPAGE_PMD_ORDER, MTHP_STAT_ANON_FAULT_ALLOC, 1);
}

/*
 * __do_huge_pmd_anonymous_page() - v7.1. Fidelity: same. Caller holds mmap_lock for reading, or the VMA's lock.
 */
static vm_fault_t __do_huge_pmd_anonymous_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	unsigned long haddr = vmf->address & HPAGE_PMD_MASK;
	struct folio *folio;
	pgtable_t pgtable;
	vm_fault_t ret = 0;

	folio = vma_alloc_anon_folio_pmd(vma, vmf->address);
	if (!folio)
		return VM_FAULT_FALLBACK;
	pgtable = pte_alloc_one(mm);
	if (!pgtable) {
		folio_put(folio);
		return VM_FAULT_OOM;
	}

	vmf->ptl = pmd_lock(mm, vmf->pmd);
	if (!pmd_none(pmdp_get(vmf->pmd)))
		goto unlock_release; /* another CPU was faster */
	ret = check_stable_address_space(mm);
	if (ret)
		goto unlock_release;
	if (userfaultfd_missing(vma)) {
		spin_unlock(vmf->ptl);
		folio_put(folio);
		pte_free(mm, pgtable);
		return handle_userfault(vmf, VM_UFFD_MISSING);
	}
	pgtable_trans_huge_deposit(mm, vmf->pmd, pgtable);
	map_anon_folio_pmd_pf(folio, vmf->pmd, vma, haddr);
	mm_inc_nr_ptes(mm);
	spin_unlock(vmf->ptl);
	return 0;
unlock_release:
	if (!bug_enabled(huge_fault_abort_keeps_lock))
		spin_unlock(vmf->ptl);
	pte_free(mm, pgtable);
	folio_put(folio);
	return ret;
}

/*
 * The read half of do_huge_pmd_anonymous_page(), set_huge_zero_folio() - v7.1. Fidelity: same. The folio stays for as long as
 * the mm does: no reference is taken for the mapping, and nothing is counted but the deposited table.
 */
static vm_fault_t do_huge_zero_pmd(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	pgtable_t pgtable = pte_alloc_one(mm);
	struct folio *zero_folio;
	vm_fault_t ret = 0;

	if (!pgtable)
		return VM_FAULT_OOM;
	zero_folio = mm_get_huge_zero_folio(mm);
	if (!zero_folio) {
		pte_free(mm, pgtable);
		return VM_FAULT_FALLBACK;
	}
	vmf->ptl = pmd_lock(mm, vmf->pmd);
	if (pmd_none(pmdp_get(vmf->pmd))) {
		ret = check_stable_address_space(mm);
		if (!ret && userfaultfd_missing(vma)) {
			spin_unlock(vmf->ptl);
			pte_free(mm, pgtable);
			return handle_userfault(vmf, VM_UFFD_MISSING);
		}
		if (!ret) {
			pgtable_trans_huge_deposit(mm, vmf->pmd, pgtable);
			set_pmd_at(mm, vmf->address & HPAGE_PMD_MASK, vmf->pmd,
				   pmd_mkspecial(folio_mk_pmd(zero_folio, vma->vm_page_prot)));
			mm_inc_nr_ptes(mm);
			pgtable = NULL;
		}
	}
	spin_unlock(vmf->ptl);
	if (pgtable)
		pte_free(mm, pgtable);
	return ret;
}

/* do_huge_pmd_anonymous_page() - v7.1. Fidelity: same. Caller holds mmap_lock for reading, or the VMA's lock. */
vm_fault_t do_huge_pmd_anonymous_page(struct vm_fault *vmf)
{
	vm_fault_t ret;

	if (!thp_vma_suitable_order(vmf->vma, vmf->address & HPAGE_PMD_MASK, HPAGE_PMD_ORDER))
		return VM_FAULT_FALLBACK;
	ret = vmf_anon_prepare(vmf);
	if (ret)
		return ret;
	if (!vmf->write)
		return do_huge_zero_pmd(vmf);
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
 * normal_or_softleaf_folio_pmd() - v7.1. Fidelity: same. Whose folio the entry names, by the kind of the entry as it was: what is in the
 * page table now is none, and what the folio is now says nothing of the entry. NULL: the huge zero folio, which is nobody's.
 */
static struct folio *normal_or_softleaf_folio_pmd(pmd_t pmdval)
{
	if (!pmd_present(pmdval)) {
		softleaf_t entry = softleaf_from_pmd(pmdval);

		VM_WARN_ON_ONCE(!softleaf_is_migration(entry) && !softleaf_is_device_private(entry));
		return softleaf_to_folio(entry);
	}
	if (is_huge_zero_pmd(pmdval))
		return NULL;
	return page_folio(pmd_page(pmdval));
}

/*
 * zap_huge_pmd_folio() - v7.1. Fidelity: adapted: a young entry of a file sets PG_referenced, in every VMA, where v7.1 has folio_mark_accessed(),
 * which also activates, and passes over VMAs that are read at random or in sequence. Present and device-private entries are mappings, with a map
 * count and a reference; a migration entry has neither, also of a folio of the device. A file's entry that is dirty does not make the folio dirty,
 * up to v7.1 (later mainline does it): not seen to lose anything here, where the first store through a shared mapping faults, vm_get_page_prot(),
 * and marks the folio dirty. The counter comes before the put: afterwards nobody knows what the folio was. The PMD's lock is held.
 */
static void zap_huge_pmd_folio(struct mm_struct *mm, struct vm_area_struct *vma, pmd_t *pmd, pmd_t pmdval, struct folio *folio)
{
	const bool is_present = pmd_present(pmdval);
	bool is_device_private = !is_present && softleaf_is_device_private(softleaf_from_pmd(pmdval));

	if (bug_enabled(seed4_zap_rereads_cleared_pmd) && !is_present)
		VM_WARN_ON_FOLIO(!is_device_private && !pmd_is_migration_entry(pmdp_get(pmd)), folio);
	if (bug_enabled(zap_migration_pmd_of_device))
		is_device_private = folio_is_device_private(folio);
	if (is_present || is_device_private)
		folio_remove_rmap_pmd(folio, &folio->page, vma);
	if (folio_test_anon(folio)) {
		if (!bug_enabled(zap_put_before_counter))
			add_mm_counter(mm, MM_ANONPAGES, -HPAGE_PMD_NR);
	} else {
		add_mm_counter(mm, mm_counter_file(folio), -HPAGE_PMD_NR);
		if (is_present && pmd_young(pmdval))
			folio_set_referenced(folio);
	}
	if (is_device_private)
		folio_put(folio);
}

/*
 * zap_huge_pmd() - v7.1. Fidelity: same. What the entry was decides, and what it was is known once it is cleared. A present one's
 * reference goes with the batch, to be dropped after the TLB flush. Anonymous memory and the huge zero folio have a table
 * deposited. False: not huge any more, look at the table. Caller holds mmap_lock, or is the mm's last user.
 */
bool zap_huge_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd,
		  unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *ptl = __pmd_trans_huge_lock(pmd, vma);
	struct folio *folio;
	bool has_deposit;
	pmd_t old_pmd;

	if (!ptl)
		return false;

	old_pmd = pmdp_huge_get_and_clear(mm, addr, pmd);
	tlb_remove_pmd_tlb_entry(tlb, pmd, addr);
	folio = normal_or_softleaf_folio_pmd(old_pmd);
	if (bug_enabled(seed2_zap_devpriv_under_migration_guard) && pmd_is_device_private_entry(old_pmd))
		folio = NULL;
	has_deposit = !folio || folio_test_anon(folio);
	if (folio)
		zap_huge_pmd_folio(mm, vma, pmd, old_pmd, folio);
	if (has_deposit)
		zap_deposited_table(mm, pmd);
	spin_unlock(ptl);

	if (folio && pmd_present(old_pmd))
		tlb_remove_page_size(tlb, &folio->page, HPAGE_PMD_SIZE);
	if (bug_enabled(zap_put_before_counter) && folio && folio_test_anon(folio))
		add_mm_counter(mm, MM_ANONPAGES, -HPAGE_PMD_NR);
	return true;
}

/* What a PMD leaf says about its pages: mapped, migrating, or mapped where only the device reaches them. */
struct pmd_leaf {
	struct page *page;
	enum { LEAF_PRESENT, LEAF_MIGRATION, LEAF_DEVICE_PRIVATE } kind;
	bool write, young, dirty, soft_dirty, uffd_wp, anon_exclusive;
};

/* An entry that is not present: each kind has its own decoders. Young and dirty are not kept for device memory. */
static struct pmd_leaf read_pmd_softleaf(pmd_t old_pmd)
{
	softleaf_t entry = softleaf_from_pmd(old_pmd);
	struct pmd_leaf leaf = {
		.page = softleaf_to_page(entry),
		.soft_dirty = pmd_swp_soft_dirty(old_pmd),
		.uffd_wp = pmd_swp_uffd_wp(old_pmd),
	};

	if (softleaf_is_migration(entry)) {
		leaf.kind = LEAF_MIGRATION;
		leaf.write = softleaf_is_migration_write(entry);
		leaf.anon_exclusive = softleaf_is_migration_read_exclusive(entry);
		leaf.young = softleaf_is_migration_young(entry);
		leaf.dirty = softleaf_is_migration_dirty(entry);
	} else {
		VM_WARN_ON_ONCE(!softleaf_is_device_private(entry));
		leaf.kind = LEAF_DEVICE_PRIVATE;
		leaf.write = softleaf_is_device_private_write(entry);
		leaf.anon_exclusive = PageAnonExclusive(leaf.page);
	}
	return leaf;
}

/* The entry stays "huge" to everybody else while it is invalid; its lock is held. */
static struct pmd_leaf take_pmd_leaf(struct vm_area_struct *vma, unsigned long haddr,
				     pmd_t *pmd)
{
	pmd_t old_pmd = pmdp_get(pmd);
	struct pmd_leaf leaf = { .kind = LEAF_PRESENT };

	if (!pmd_present(old_pmd)) {
		if (bug_enabled(pmd_invalidate_migration_vs_gup_fast))
			old_pmd = pmdp_invalidate(vma, haddr, pmd);
		return read_pmd_softleaf(old_pmd);
	}

	/* After this the hardware can set no more bits in it: what it says is final. */
	old_pmd = pmdp_invalidate(vma, haddr, pmd);
	leaf.page = pmd_page(old_pmd);
	leaf.write = pmd_write(old_pmd);
	leaf.young = pmd_young(old_pmd);
	leaf.dirty = pmd_dirty(old_pmd);
	leaf.soft_dirty = pmd_soft_dirty(old_pmd);
	leaf.uffd_wp = pmd_uffd_wp(old_pmd);
	leaf.anon_exclusive = folio_test_anon(page_folio(leaf.page)) && PageAnonExclusive(leaf.page);
	return leaf;
}

/*
 * The part of __split_huge_pmd_locked() for files, v7.1. Fidelity: same. A file's PMD is not made a table but taken away: its pages are
 * found again by faults. Dirty and young go to the folio first, the counter before the put. The PMD's lock is held.
 */
static void split_huge_file_pmd(struct vm_area_struct *vma, pmd_t *pmd, unsigned long haddr)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t old_pmd = pmdp_huge_clear_flush(vma, haddr, pmd);
	struct folio *folio;

	if (!pmd_present(old_pmd)) {
		folio = softleaf_to_folio(softleaf_from_pmd(old_pmd));
		add_mm_counter(mm, mm_counter_file(folio), -HPAGE_PMD_NR);
		return;
	}
	if (is_huge_zero_pmd(old_pmd))
		return;
	folio = page_folio(pmd_page(old_pmd));
	if (pmd_dirty(old_pmd) && !folio_test_dirty(folio))
		folio_mark_dirty(folio);
	if (pmd_young(old_pmd) && !folio_test_referenced(folio))
		folio_set_referenced(folio);
	folio_remove_rmap_pmd(folio, &folio->page, vma);
	if (!bug_enabled(seed4_put_before_counter))
		add_mm_counter(mm, mm_counter_file(folio), -HPAGE_PMD_NR);
	folio_put(folio);
	if (bug_enabled(seed4_put_before_counter))
		add_mm_counter(mm, mm_counter_file(folio), -HPAGE_PMD_NR);
}

/*
 * __split_huge_zero_page_pmd() - v7.1. Fidelity: same. The PMD is none while the table is filled: write-protected zeroes before and
 * after. The PMD's lock is held.
 */
static void __split_huge_zero_page_pmd(struct vm_area_struct *vma, unsigned long haddr, pmd_t *pmd)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t old_pmd = pmdp_huge_clear_flush(vma, haddr, pmd);
	pgtable_t pgtable;
	pte_t *pte;

	pgtable = pgtable_trans_huge_withdraw(mm, pmd);
	pte = pgtable_ptes(pgtable);
	for (int i = 0; i < HPAGE_PMD_NR; i++) {
		pte_t entry = pte_mkspecial(pfn_pte(zero_pfn(haddr), vma_page_prot(vma)));

		if (pmd_uffd_wp(old_pmd))
			entry = pte_mkuffd_wp(entry);
		VM_BUG_ON(!pte_none(ptep_get_private(pte + i)));
		set_pte_private(pte + i, entry);
	}
	smp_wmb(); /* the entries before the table */
	pmd_populate(mm, pmd, pgtable);
}

/* The entry of one page, as a software entry if the leaf was one, or is frozen. */
static pte_t split_softleaf_pte(const struct pmd_leaf *leaf, struct page *page, bool freeze)
{
	softleaf_t entry;
	pte_t pte;

	if (freeze || leaf->kind == LEAF_MIGRATION)
		entry = make_migration_entry(page, leaf->write, leaf->anon_exclusive, leaf->young, leaf->dirty);
	else if (bug_enabled(seed4_split_pmd_mixes_device_exclusive) && leaf->anon_exclusive)
		entry = make_device_exclusive_entry(page_to_pfn(page));
	else
		entry = make_device_private_entry(page_to_pfn(page), leaf->write);
	pte = swp_entry_to_pte(entry);
	if (leaf->soft_dirty)
		pte = pte_swp_mksoft_dirty(pte);
	if (leaf->uffd_wp)
		pte = pte_swp_mkuffd_wp(pte);
	return pte;
}

static pte_t split_present_pte(const struct pmd_leaf *leaf, struct page *page, struct vm_area_struct *vma)
{
	pte_t pte = mk_pte(page, vma_page_prot(vma));

	if (leaf->write)
		pte = pte_mkwrite(pte, vma);
	pte = leaf->young ? pte_mkyoung(pte) : pte_mkold(pte);
	if (leaf->dirty)
		pte = pte_mkdirty(pte);
	if (leaf->soft_dirty)
		pte = pte_mksoft_dirty(pte);
	if (leaf->uffd_wp)
		pte = pte_mkuffd_wp(pte);
	return pte;
}

/*
 * __split_huge_pmd_locked() - v7.1. Fidelity: same. P10. The PMD's lock is held.
 *
 * Without `freeze` the pages stay mapped, present or the device's: the references first, then the PTE map counts, and
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
	struct pmd_leaf leaf;
	struct folio *folio;
	pgtable_t pgtable;
	bool mapped;
	pte_t *pte;

	VM_BUG_ON(haddr & ~HPAGE_PMD_MASK);
	VM_BUG_ON_VMA(vma->vm_start > haddr || vma->vm_end < haddr + HPAGE_PMD_SIZE, vma);

	if (!vma_is_anonymous(vma)) {
		split_huge_file_pmd(vma, pmd, haddr);
		return;
	}
	if (is_huge_zero_pmd(pmdp_get(pmd))) {
		__split_huge_zero_page_pmd(vma, haddr, pmd);
		return;
	}

	leaf = take_pmd_leaf(vma, haddr, pmd);
	folio = page_folio(leaf.page);
	mapped = leaf.kind != LEAF_MIGRATION;
	if (bug_enabled(seed4_split_devpriv_pmd_rmap_not_transferred) && leaf.kind == LEAF_DEVICE_PRIVATE)
		mapped = false;
	if (mapped) {
		if (leaf.dirty)
			folio_set_dirty(folio);
		VM_WARN_ON_FOLIO(!folio_ref_count(folio), folio);
		VM_WARN_ON_FOLIO(!folio_test_anon(folio), folio);

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

		if (freeze || leaf.kind != LEAF_PRESENT)
			entry = split_softleaf_pte(&leaf, page, freeze);
		else
			entry = split_present_pte(&leaf, page, vma);
		VM_WARN_ON(!pte_none(ptep_get_private(pte + i)));
		set_pte_private(pte + i, entry);
	}

	if (mapped)
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
	pmd_t pmdval = pmdp_get(pmd);

	VM_WARN_ON_ONCE(address & ~HPAGE_PMD_MASK);
	if (pmd_is_huge(pmdval) &&
	    !(bug_enabled(seed2_devpriv_pmd_not_splittable) && pmd_is_device_private_entry(pmdval)))
		__split_huge_pmd_locked(vma, pmd, address, freeze);
}

/*
 * The middle of __split_huge_pmd(), v5.8 to v5.10: the lock of the folio that is mapped there, and a reference, so that its map count
 * changes in one step for who has the lock. NULL: not huge. The PMD's lock is held, and may be dropped on the way.
 */
static struct folio *lock_folio_of_pmd(pmd_t *pmd, spinlock_t *ptl)
{
	for (;;) {
		pmd_t pmdval = pmdp_get(pmd);
		struct folio *folio;

		if (!pmd_trans_huge(pmdval) || is_huge_zero_pmd(pmdval))
			return NULL;
		folio = page_folio(pmd_page(pmdval));
		folio_get(folio);
		if (folio_trylock(folio))
			return folio;
		spin_unlock(ptl);
		folio_lock(folio);
		spin_lock(ptl);
		if (pmd_same(pmdval, pmdp_get(pmd)))
			return folio;
		folio_unlock(folio);
		folio_put(folio);
	}
}

/*
 * __split_huge_pmd() - v7.1. Fidelity: same. Caller holds mmap_lock or the
 * rmap lock, and no spinlock.
 */
void __split_huge_pmd(struct vm_area_struct *vma, pmd_t *pmd, unsigned long address,
		      bool freeze)
{
	struct mmu_notifier_range range;
	struct folio *locked = NULL;
	spinlock_t *ptl;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, address & HPAGE_PMD_MASK,
				(address & HPAGE_PMD_MASK) + HPAGE_PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ptl = pmd_lock(vma->vm_mm, pmd);
	if (bug_enabled(split_pagelock_vs_immap_deadlock))
		locked = lock_folio_of_pmd(pmd, ptl);
	split_huge_pmd_locked(vma, range.start, pmd, freeze);
	spin_unlock(ptl);
	if (locked) {
		folio_unlock(locked);
		folio_put(locked);
	}
	mmu_notifier_invalidate_range_end(&range);
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
 * set_pmd_migration_entry() - v7.1. Fidelity: same, but for a repair. P14. The PMD's lock is
 * held (a walk has found it) and the folio lock. -EBUSY: pinned, the mapping is back as it was. A device-private entry is decoded as what
 * it is: its soft-dirty bit has the place of a present entry's writable bit.
 */
int set_pmd_migration_entry(struct page_vma_mapped_walk *pvmw, struct page *page)
{
	struct vm_area_struct *vma = pvmw->vma;
	struct mm_struct *mm = vma->vm_mm;
	struct folio *folio;
	bool anon_exclusive, present, writable, softdirty, uffd_wp;
	pmd_t pmdval, pmdswp;

	if (!pvmw->pmd || pvmw->pte)
		return 0;

	pmdval = pmdp_get(pvmw->pmd);
	present = pmd_present(pmdval);
	VM_BUG_ON(!pmd_trans_huge(pmdval) && !pmd_is_device_private_entry(pmdval));
	folio = page_folio(page);
	if (present) {
		pmdval = pmdp_invalidate(vma, pvmw->address, pvmw->pmd);
		writable = pmd_write(pmdval);
		softdirty = pmd_soft_dirty(pmdval);
		uffd_wp = pmd_uffd_wp(pmdval);
	} else {
		/* Nor may it be empty for a moment: zaps and faults that do not have the lock pass over an empty one. */
		if (bug_enabled(migration_clears_device_pmd))
			pmdval = pmdp_huge_get_and_clear(mm, pvmw->address, pvmw->pmd);
		writable = softleaf_is_device_private_write(softleaf_from_pmd(pmdval));
		softdirty = pmd_swp_soft_dirty(pmdval);
		uffd_wp = pmd_swp_uffd_wp(pmdval);
	}
	if (bug_enabled(seed4_set_migration_pmd_decodes_softleaf_as_present)) {
		writable = pmd_write(pmdval);
		softdirty = pmd_soft_dirty(pmdval);
		uffd_wp = pmd_uffd_wp(pmdval);
	}

	anon_exclusive = folio_test_anon(folio) && PageAnonExclusive(page);
	if (anon_exclusive && folio_try_share_anon_rmap_pmd(folio, page)) {
		set_pmd_at(mm, pvmw->address, pvmw->pmd, pmdval);
		return -EBUSY;
	}
	if (present && pmd_dirty(pmdval))
		folio_mark_dirty(folio);
	pmdswp = swp_entry_to_pmd(make_migration_entry(page, writable, anon_exclusive, present && pmd_young(pmdval),
						       present && pmd_dirty(pmdval)));
	if (softdirty)
		pmdswp = pmd_swp_mksoft_dirty(pmdswp);
	if (uffd_wp)
		pmdswp = pmd_swp_mkuffd_wp(pmdswp);
	set_pmd_at(mm, pvmw->address, pvmw->pmd, pmdswp);
	folio_remove_rmap_pmd(folio, page, vma);
	folio_put(folio);
	return 0;
}

/*
 * remove_migration_pmd() - v7.1. Fidelity: same, but for a repair. P15. The PMD's lock is held
 * and the folio lock. Write permission, soft-dirty and uffd-wp are the old entry's, whatever kind the new one is. That a writable one of
 * anonymous memory is exclusive is asked of present entries alone: of a device-private one, soft-dirty has the place of the writable bit.
 */
void remove_migration_pmd(struct page_vma_mapped_walk *pvmw, struct page *new)
{
	struct vm_area_struct *vma = pvmw->vma;
	struct folio *folio = page_folio(new);
	unsigned long haddr = pvmw->address & HPAGE_PMD_MASK;
	rmap_t rmap_flags = RMAP_NONE;
	pmd_t old_pmd, pmde;
	softleaf_t entry;
	bool writable;

	if (!pvmw->pmd || pvmw->pte)
		return;

	VM_BUG_ON_FOLIO(!folio_test_pmd_mappable(folio), folio);
	old_pmd = pmdp_get(pvmw->pmd);
	VM_BUG_ON(!pmd_is_migration_entry(old_pmd));
	entry = softleaf_from_pmd(old_pmd);
	folio_get(folio);
	pmde = folio_mk_pmd(folio, vma_page_prot(vma));
	if (bug_enabled(seed4_remove_migration_pmd_overwrites_entry) && folio_is_device_private(folio))
		entry = make_device_private_entry(page_to_pfn(new), false);
	if (pmd_swp_soft_dirty(old_pmd))
		pmde = pmd_mksoft_dirty(pmde);
	if (softleaf_is_migration_write(entry))
		pmde = pmd_mkwrite(pmde, vma);
	if (pmd_swp_uffd_wp(old_pmd))
		pmde = pmd_mkuffd_wp(pmde);
	if (!softleaf_is_migration_young(entry))
		pmde = pmd_mkold(pmde);
	if (softleaf_is_migration_dirty(entry) && folio_test_dirty(folio))
		pmde = pmd_mkdirty(pmde);

	if (folio_is_device_private(folio)) {
		pmde = swp_entry_to_pmd(make_device_private_entry(page_to_pfn(new), pmd_write(pmde)));
		if (pmd_swp_soft_dirty(old_pmd))
			pmde = pmd_swp_mksoft_dirty(pmde);
		if (pmd_swp_uffd_wp(old_pmd))
			pmde = pmd_swp_mkuffd_wp(pmde);
	}

	if (folio_test_anon(folio)) {
		if (!softleaf_is_migration_read(entry))
			rmap_flags |= RMAP_EXCLUSIVE;
		folio_add_anon_rmap_pmd(folio, new, vma, haddr, rmap_flags);
	} else {
		folio_add_file_rmap_pmd(folio, new, vma);
	}
	/* pmd_write() is this bit, and here refuses to be asked of an entry that is not present. */
	if (bug_enabled(remove_migration_pmd_asserts_softleaf))
		writable = pmd_val(pmde) & _PAGE_RW;
	else
		writable = pmd_present(pmde) && pmd_write(pmde);
	VM_BUG_ON(writable && folio_test_anon(folio) && !PageAnonExclusive(new));
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
