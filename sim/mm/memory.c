// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.c - anonymous faults, zapping, and the life of page tables.
 *
 * Lock order: mmap_lock, folio lock, PMD's lock, PTE table's lock. An entry changes under its table's lock; the
 * reference it stands for is taken before and dropped after. P16, P17.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlb.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

/* ------------------------------------------------------------------ tables ---- */

/* pte_alloc_one() - v7.1. Fidelity: same. */
pgtable_t pte_alloc_one(struct mm_struct *mm)
{
	struct ptdesc *table = kmem_cache_alloc(&machine->ptdesc_cache, GFP_KERNEL);

	(void)mm;
	if (table)
		spin_lock_init(&table->ptl);
	return table;
}

/* pte_free() - v7.1. Fidelity: same. */
void pte_free(struct mm_struct *mm, pgtable_t table)
{
	(void)mm;
	kmem_cache_free(&machine->ptdesc_cache, table);
}

static void pte_free_now(struct rcu_head *head)
{
	kmem_cache_free(&machine->ptdesc_cache, container_of(head, struct ptdesc, rcu));
}

/* pte_free_tlb(), tlb_remove_table() - v7.1. Fidelity: adapted: always by RCU, never by the batch and IPI. */
void pte_free_defer(struct mm_struct *mm, pgtable_t table)
{
	if (bug_enabled(table_freed_under_walker)) {
		pte_free(mm, table);
		return;
	}
	call_rcu(&table->rcu, pte_free_now);
}

/* pgtable_trans_huge_deposit() - v7.1, mm/pgtable-generic.c. Fidelity: adapted: last in, first out, not first. */
void pgtable_trans_huge_deposit(struct mm_struct *mm, pmd_t *pmd, pgtable_t table)
{
	lockdep_assert_held(pmd_lockptr(mm, pmd));
	table->deposit_next = mm->pmd_huge_pte;
	mm->pmd_huge_pte = table;
}

/* pgtable_trans_huge_withdraw() - v7.1, mm/pgtable-generic.c. Fidelity: as above. */
pgtable_t pgtable_trans_huge_withdraw(struct mm_struct *mm, pmd_t *pmd)
{
	pgtable_t table = mm->pmd_huge_pte;

	lockdep_assert_held(pmd_lockptr(mm, pmd));
	BUG_ON(!table);
	mm->pmd_huge_pte = table->deposit_next;
	return table;
}

/* pmd_install() - v7.1. Fidelity: same. Two faults may race; the PMD's lock decides. */
void pmd_install(struct mm_struct *mm, pmd_t *pmd, pgtable_t *table)
{
	spinlock_t *ptl = pmd_lock(mm, pmd);

	if (pmd_none(pmdp_get(pmd))) {
		mm_inc_nr_ptes(mm);
		smp_wmb();
		pmd_populate(mm, pmd, *table);
		*table = NULL;
	}
	spin_unlock(ptl);
}

/* __pte_alloc() - v7.1. Fidelity: same. */
int __pte_alloc(struct mm_struct *mm, pmd_t *pmd)
{
	pgtable_t new = pte_alloc_one(mm);

	if (!new)
		return -ENOMEM;
	pmd_install(mm, pmd, &new);
	if (new)
		pte_free(mm, new);
	return 0;
}

/* __pte_offset_map(), pte_offset_map_rw_nolock() - v7.1, mm/pgtable-generic.c. Fidelity: same. */
pte_t *pte_offset_map_rw_nolock(struct mm_struct *mm, pmd_t *pmd, unsigned long addr,
				pmd_t *pmdvalp, spinlock_t **ptlp)
{
	struct ptdesc *table;
	pmd_t pmdval;

	(void)mm;
	rcu_read_lock();
	pmdval = pmdp_get_lockless(pmd);
	*pmdvalp = pmdval;
	if (!pmd_is_table(pmdval)) {
		rcu_read_unlock();
		return NULL;
	}
	table = pmd_ptdesc(pmdval);
	*ptlp = &table->ptl;
	return &table->ptes[pte_index(addr)];
}

/* pte_offset_map_lock() - v7.1, mm/pgtable-generic.c. Fidelity: same: the table may have been replaced before it was locked. */
pte_t *pte_offset_map_lock(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, spinlock_t **ptlp)
{
	pmd_t pmdval;
	pte_t *pte;

	for (;;) {
		pte = pte_offset_map_rw_nolock(mm, pmd, addr, &pmdval, ptlp);
		if (!pte)
			return NULL;
		spin_lock(*ptlp);
		if (likely(pmd_same(pmdval, pmdp_get_lockless(pmd))))
			return pte;
		spin_unlock(*ptlp);
		pte_unmap(pte);
	}
}

/* pte_unmap() - v7.1. Fidelity: same. */
void pte_unmap(pte_t *pte)
{
	(void)pte;
	rcu_read_unlock();
}

/* ------------------------------------------------------------------ faults ---- */

/* pte_range_none() - v7.1. Fidelity: same. With the table's lock held, the last word; without, a guess. */
static bool pte_range_none(pte_t *pte, int nr_pages)
{
	for (int i = 0; i < nr_pages; i++)
		if (!pte_none(ptep_get_lockless(pte + i)))
			return false;
	return true;
}

/* folio_prealloc() - v7.1. Fidelity: same, no swap throttling; the page is zeroed last and not by its allocation. */
struct folio *folio_prealloc(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr)
{
	struct folio *folio = vma_alloc_folio(GFP_KERNEL, 0, vma, addr);

	if (!folio)
		return NULL;
	if (mem_cgroup_charge(folio, mm, GFP_KERNEL)) {
		folio_put(folio);
		return NULL;
	}
	folio_zero_user(folio, addr);
	return folio;
}

/*
 * alloc_anon_folio() - v7.1. Fidelity: adapted: the program asks for the order, where the kernel tries all that sysfs
 * enables; falls back to order 0. Looks at the entries without their lock: checked again later.
 */
static struct folio *alloc_anon_folio(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned int order = vmf->order == 2 ? 2 : 0;
	unsigned long addr = vmf->address & ~((PAGE_SIZE << order) - 1);
	struct folio *folio;

	/* userfaultfd wants to hear of each page. */
	if (order && !userfaultfd_armed(vma) && thp_vma_suitable_order(vma, addr, (int)order)) {
		spinlock_t *ptl;
		pmd_t pmdval;
		pte_t *pte = pte_offset_map_rw_nolock(vma->vm_mm, vmf->pmd, addr, &pmdval, &ptl);
		bool none;

		if (!pte)
			return ERR_PTR(-EAGAIN);
		none = pte_range_none(pte, 1 << order);
		pte_unmap(pte);
		if (!none)
			goto fallback;
		folio = vma_alloc_folio(GFP_TRANSHUGE, order, vma, addr);
		if (folio) {
			if (!mem_cgroup_charge(folio, vma->vm_mm, GFP_TRANSHUGE)) {
				folio_zero_user(folio, addr);
				return folio;
			}
			folio_put(folio);
		}
		mod_mthp_stat(order, MTHP_STAT_ANON_FAULT_FALLBACK, 1);
	}
fallback:
	return folio_prealloc(vma->vm_mm, vma, vmf->address);
}

/*
 * vmf_anon_prepare(), __vmf_anon_prepare() - v7.1. Fidelity: same; the VMA's lock is the caller's to drop. Linking an anon_vma needs
 * mmap_lock; with the VMA's lock alone it is tried for, since waiting for it would be the wrong way round.
 */
vm_fault_t vmf_anon_prepare(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	vm_fault_t ret = 0;

	if (likely(smp_load_acquire(&vma->anon_vma)))
		return 0;
	if ((vmf->flags & FAULT_FLAG_VMA_LOCK) && !mmap_read_trylock(vma->vm_mm))
		return VM_FAULT_RETRY;
	if (__anon_vma_prepare(vma))
		ret = VM_FAULT_OOM;
	if (vmf->flags & FAULT_FLAG_VMA_LOCK)
		mmap_read_unlock(vma->vm_mm);
	return ret;
}

pte_t maybe_mkwrite(pte_t pte, struct vm_area_struct *vma)
{
	return assert_read(vma->vm_flags) & VM_WRITE ? pte_mkwrite(pte, vma) : pte;
}

/* vmf_orig_pte_uffd_wp() - v7.1. Fidelity: same: a marker said that the page was write-protected when it went. */
static bool vmf_orig_pte_uffd_wp(struct vm_fault *vmf)
{
	softleaf_t entry = softleaf_from_pte(vmf->orig_pte);

	return userfaultfd_wp(vmf->vma) && (vmf->flags & FAULT_FLAG_ORIG_PTE_VALID) && softleaf_is_marker(entry) &&
	       (softleaf_to_marker(entry) & PTE_MARKER_UFFD_WP);
}

/* vmf_pte_changed() - v7.1. Fidelity: same. The table's lock is held. */
static bool vmf_pte_changed(struct vm_fault *vmf)
{
	if (vmf->flags & FAULT_FLAG_ORIG_PTE_VALID)
		return !pte_same(ptep_get(vmf->pte), vmf->orig_pte);
	return !pte_none(ptep_get(vmf->pte));
}

/* The read half of do_anonymous_page(): the shared page of zeroes, which is counted nowhere. Caller holds mmap_lock for reading. */
static vm_fault_t do_anonymous_zeropage(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	pte_t entry = pte_mkspecial(pfn_pte(zero_pfn(vmf->address), vma->vm_page_prot));
	vm_fault_t ret = 0;
	bool empty;

	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (!vmf->pte)
		return 0;
	empty = !vmf_pte_changed(vmf);
	if (empty)
		ret = check_stable_address_space(vma->vm_mm);
	if (!empty || ret) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return ret;
	}
	if (userfaultfd_missing(vma)) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return handle_userfault(vmf, VM_UFFD_MISSING);
	}
	set_pte_at(vma->vm_mm, vmf->address, vmf->pte, vmf_orig_pte_uffd_wp(vmf) ? pte_mkuffd_wp(entry) : entry);
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	return 0;
}

/* map_anon_folio_pte_pf() - v7.1. Fidelity: same. The table's lock is held, the entries are none (or one is a marker). */
static void map_anon_folio_pte_pf(struct folio *folio, pte_t *pte, struct vm_area_struct *vma, unsigned long addr, bool uffd_wp)
{
	int nr_pages = (int)folio_nr_pages(folio);

	if (!bug_enabled(anon_rmap_before_reference))
		folio_ref_add(folio, nr_pages - 1);
	add_mm_counter(vma->vm_mm, MM_ANONPAGES, nr_pages);
	if (nr_pages > 1)
		mod_mthp_stat(2, MTHP_STAT_ANON_FAULT_ALLOC, 1);
	folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
	folio_add_lru_vma(folio, vma);
	if (bug_enabled(anon_rmap_before_reference))
		folio_ref_add(folio, nr_pages - 1);
	for (int i = 0; i < nr_pages; i++) {
		pte_t entry = mk_pte(folio_page(folio, i), vma->vm_page_prot);

		entry = maybe_mkwrite(pte_mkdirty(pte_mkyoung(entry)), vma);
		if (uffd_wp)
			entry = pte_mkuffd_wp(entry);
		set_pte_at(vma->vm_mm, addr + i * PAGE_SIZE, pte + i, entry);
	}
}

/*
 * do_anonymous_page() - v7.1. Fidelity: same. Caller holds mmap_lock for reading, or the VMA's lock. The table is made as late as here,
 * so that a PMD that turns huge until then is only found to be no table. A folio that came too late is put, and so freed, with the
 * table's lock held.
 */
vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr;
	struct folio *folio;
	vm_fault_t ret;
	int nr_pages;
	bool empty;

	if (vma->vm_flags & VM_SHARED)
		return VM_FAULT_SIGBUS;
	if (pmd_none(pmdp_get_lockless(vmf->pmd)) && __pte_alloc(vma->vm_mm, vmf->pmd))
		return VM_FAULT_OOM;
	if (!vmf->write)
		return do_anonymous_zeropage(vmf);

	ret = vmf_anon_prepare(vmf);
	if (ret)
		return ret;
	folio = alloc_anon_folio(vmf);
	if (IS_ERR(folio))
		return 0;
	if (!folio)
		return VM_FAULT_OOM;
	nr_pages = (int)folio_nr_pages(folio);
	addr = vmf->address & ~((unsigned long)nr_pages * PAGE_SIZE - 1);
	__folio_mark_uptodate(folio);

	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, addr, &vmf->ptl);
	empty = vmf->pte && (nr_pages == 1 ? !vmf_pte_changed(vmf) : pte_range_none(vmf->pte, nr_pages));
	if (empty)
		ret = check_stable_address_space(vma->vm_mm);
	if (empty && !ret && userfaultfd_missing(vma)) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		folio_put(folio);
		return handle_userfault(vmf, VM_UFFD_MISSING);
	}
	if (empty && !ret)
		map_anon_folio_pte_pf(folio, vmf->pte, vma, addr, vmf_orig_pte_uffd_wp(vmf));
	else
		folio_put(folio);
	if (vmf->pte)
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	return ret;
}

/* do_pte_missing() - v7.1. Fidelity: same. Caller holds mmap_lock for reading, or the VMA's lock. */
vm_fault_t do_pte_missing(struct vm_fault *vmf)
{
	return vma_is_anonymous(vmf->vma) ? do_anonymous_page(vmf) : do_fault(vmf);
}

/*
 * ptep_set_access_flags() - v7.1, arch/x86. Fidelity: same: a write stores the entry as a whole, a read leaves the bit to the
 * hardware. The table's lock is held.
 */
void ptep_set_access_flags(struct vm_fault *vmf, pte_t entry, bool dirty)
{
	if (dirty && !pte_same(ptep_get(vmf->pte), entry))
		set_pte_at(vmf->vma->vm_mm, vmf->address, vmf->pte, entry);
}

/*
 * handle_pte_fault() - v7.1. Fidelity: same. Caller holds mmap_lock for reading, or the VMA's lock. The table is the one that was found
 * without a lock: that the entry is the same is all that is looked at again.
 */
static vm_fault_t handle_pte_fault(struct vm_fault *vmf)
{
	pmd_t pmdval;
	pte_t entry;

	if (pmd_none(pmdp_get_lockless(vmf->pmd))) {
		vmf->flags &= ~FAULT_FLAG_ORIG_PTE_VALID;
		return do_pte_missing(vmf);
	}
	vmf->pte = pte_offset_map_rw_nolock(vmf->vma->vm_mm, vmf->pmd, vmf->address, &pmdval,
					    &vmf->ptl);
	if (!vmf->pte)
		return 0;
	vmf->orig_pte = ptep_get_lockless(vmf->pte);
	vmf->flags |= FAULT_FLAG_ORIG_PTE_VALID;
	if (pte_none(vmf->orig_pte)) {
		pte_unmap(vmf->pte);
		vmf->pte = NULL;
		return do_pte_missing(vmf);
	}
	if (!pte_present(vmf->orig_pte)) {
		pte_unmap(vmf->pte);
		return do_swap_page(vmf);
	}
	if (pte_protnone(vmf->orig_pte) && vma_is_accessible(vmf->vma))
		return do_numa_page(vmf);

	spin_lock(vmf->ptl);
	entry = vmf->orig_pte;
	if (!pte_same(ptep_get(vmf->pte), entry))
		goto unlock;
	if (vmf->flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) {
		if (!pte_write(entry))
			return do_wp_page(vmf);
		if (vmf->write)
			entry = pte_mkdirty(entry);
	}
	ptep_set_access_flags(vmf, pte_mkyoung(entry), vmf->write);
unlock:
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	return 0;
}

/* create_huge_pmd() - v7.1. Fidelity: adapted: a file's PMDs are do_fault()'s. */
static vm_fault_t create_huge_pmd(struct vm_fault *vmf)
{
	return vma_is_anonymous(vmf->vma) ? do_huge_pmd_anonymous_page(vmf) : VM_FAULT_FALLBACK;
}

/* wp_huge_pmd() - v7.1. Fidelity: same, no asynchronous userfaultfd. A file's PMD is split: copies are made, and writes heard of, by PTE. */
static vm_fault_t wp_huge_pmd(struct vm_fault *vmf)
{
	if (vma_is_anonymous(vmf->vma)) {
		if (!(vmf->flags & FAULT_FLAG_UNSHARE) && userfaultfd_huge_pmd_wp(vmf->vma, vmf->orig_pmd))
			return handle_userfault(vmf, VM_UFFD_WP);
		return do_huge_pmd_wp_page(vmf);
	}
	__split_huge_pmd(vmf->vma, vmf->pmd, vmf->address, false);
	return VM_FAULT_FALLBACK;
}

/* __handle_mm_fault() for a PMD that is no table, as vmf->orig_pmd says. VM_FAULT_FALLBACK: look at the table. */
static vm_fault_t handle_huge_pmd_fault(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;

	if (!pmd_present(vmf->orig_pmd)) {
		if (pmd_is_device_private_entry(vmf->orig_pmd))
			return do_huge_pmd_device_private(vmf);
		if (pmd_is_migration_entry(vmf->orig_pmd))
			pmd_migration_entry_wait(mm, vmf->pmd);
		return VM_FAULT_RETRY;
	}
	if (!pmd_trans_huge(vmf->orig_pmd))
		return VM_FAULT_FALLBACK;
	if (pmd_protnone(vmf->orig_pmd) && vma_is_accessible(vmf->vma))
		return do_huge_pmd_numa_page(vmf);
	if ((vmf->flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) && !pmd_write(vmf->orig_pmd))
		return wp_huge_pmd(vmf);
	vmf->ptl = pmd_lock(mm, vmf->pmd);
	(void)huge_pmd_set_accessed(vmf);
	spin_unlock(vmf->ptl);
	return 0;
}

/*
 * handle_mm_fault(), __handle_mm_fault() - v7.1. Fidelity: adapted: what may be accessed is looked at here and not by the
 * architecture; a wait for a migration asks for a retry, so that others go first. Caller holds mmap_lock for reading, or the VMA's
 * lock.
 */
vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int order,
			   unsigned int flags)
{
	struct vm_fault vmf = {
		.vma = vma, .address = address & PAGE_MASK, .order = order, .write = flags & FAULT_FLAG_WRITE,
		.flags = flags, .pgoff = linear_page_index(vma, address), .pmd = pmd_offset(vma->vm_mm, address),
	};
	vm_fault_t ret;

	if (!vma_is_accessible(vma) || (vmf.write && !(vma->vm_flags & VM_WRITE)))
		return VM_FAULT_SIGSEGV;
	VM_WARN_ON_ONCE(vmf.write && (flags & FAULT_FLAG_UNSHARE));
	if (!is_cow_mapping(vma->vm_flags))
		vmf.flags &= ~FAULT_FLAG_UNSHARE;

	if (order == HPAGE_PMD_ORDER && pmd_none(pmdp_get_lockless(vmf.pmd))) {
		ret = create_huge_pmd(&vmf);
		if (!(ret & VM_FAULT_FALLBACK))
			return ret;
		return handle_pte_fault(&vmf);
	}
	vmf.orig_pmd = pmdp_get_lockless(vmf.pmd);
	if (pmd_is_huge(vmf.orig_pmd)) {
		ret = handle_huge_pmd_fault(&vmf);
		if (!(ret & VM_FAULT_FALLBACK))
			return ret;
	}
	return handle_pte_fault(&vmf);
}

/* ------------------------------------------------------------------ zap ---- */

/*
 * folio_pte_batch_flags() - v7.1, mm/internal.h. Fidelity: same: how many entries from here on map the next pages of one folio, and are alike but
 * for accessed, and for dirty, writable and soft-dirty where no flag respects them. A table's lock keeps them so; *ptentp holds the first.
 */
int folio_pte_batch_flags(struct folio *folio, struct vm_area_struct *vma, pte_t *ptep, pte_t *ptentp, int max_nr, fpb_t flags)
{
	unsigned long ignored = _PAGE_ACCESSED, expected;
	int left = (int)(folio_page(folio, folio_nr_pages(folio)) - pte_page(*ptentp)), nr = 1;

	if (!(flags & FPB_RESPECT_DIRTY))
		ignored |= _PAGE_DIRTY;
	if (!(flags & FPB_RESPECT_SOFT_DIRTY))
		ignored |= _PAGE_SOFT_DIRTY;
	if (!(flags & FPB_RESPECT_WRITE))
		ignored |= _PAGE_RW;
	expected = pte_val(*ptentp) & ~ignored;
	for (; nr < left && nr < max_nr; nr++) {
		pte_t next = ptep_get(ptep + nr);

		expected += 1ul << PFN_SHIFT;
		if ((pte_val(next) & ~ignored) != expected)
			break;
		if ((flags & FPB_MERGE_WRITE) && pte_write(next))
			*ptentp = pte_mkwrite(*ptentp, vma);
		if ((flags & FPB_MERGE_YOUNG_DIRTY) && pte_young(next))
			*ptentp = pte_mkyoung(*ptentp);
		if ((flags & FPB_MERGE_YOUNG_DIRTY) && pte_dirty(next))
			*ptentp = pte_mkdirty(*ptentp);
	}
	return nr;
}

/* folio_pte_batch() - v7.1, mm/util.c. Fidelity: same. */
int folio_pte_batch(struct folio *folio, pte_t *ptep, pte_t pte, int max_nr)
{
	return folio_pte_batch_flags(folio, NULL, ptep, &pte, max_nr, 0);
}

struct zap_state {
	struct mmu_gather *tlb;
	struct vm_area_struct *vma;
	struct zap_details *details;
	long rss[NR_MM_COUNTERS]; /* changes, added once the entries are gone */
	bool force_flush;         /* before the table's lock is dropped */
	bool force_break;         /* the bundle is full */
	struct {
		struct page *page;
		int nr;
	} delayed[MMU_GATHER_BUNDLE]; /* of the bundle: mapped by count until the flush */
	int nr_delayed;
};

/* should_zap_cows() - v7.1. Fidelity: same. */
static bool should_zap_cows(const struct zap_details *details)
{
	return !details || !details->skip_cows;
}

/* should_zap_folio() - v7.1. Fidelity: same. */
static bool should_zap_folio(const struct zap_details *details, struct folio *folio)
{
	return should_zap_cows(details) || !folio_test_anon(folio);
}

/* zap_drop_markers() - v7.1. Fidelity: same. */
static bool zap_drop_markers(const struct zap_details *details)
{
	return details && (details->zap_flags & ZAP_FLAG_DROP_MARKER);
}

/*
 * zap_install_uffd_wp_if_needed() with pte_install_uffd_wp_if_needed() - v7.1. Fidelity: same. A file's page comes back by a fault: that
 * userfaultfd has it write-protected must outlive the entry, as a marker. Anonymous memory is gone with what it was. The
 * table's lock is held, the entries have been cleared.
 */
static void zap_install_uffd_wp_if_needed(struct zap_state *z, pte_t *pte, pte_t pteval, unsigned long addr, int nr)
{
	bool arm;

	if (vma_is_anonymous(z->vma) || zap_drop_markers(z->details) || !userfaultfd_wp_racy(z->vma))
		return;
	if (pte_present(pteval))
		arm = pte_uffd_wp(pteval);
	else
		arm = pte_swp_uffd_wp(pteval) || (softleaf_is_marker(softleaf_from_pte(pteval)) &&
						  (softleaf_to_marker(softleaf_from_pte(pteval)) & PTE_MARKER_UFFD_WP));
	if (!arm)
		return;
	for (int i = 0; i < nr; i++)
		set_pte_at(z->vma->vm_mm, addr + i * PAGE_SIZE, pte + i,
			   swp_entry_to_pte(make_pte_marker(PTE_MARKER_UFFD_WP)));
}

/*
 * zap_present_folio_ptes() - v7.1. Fidelity: adapted: a young page is referenced, folio_set_referenced(), and never activated, as
 * folio_mark_accessed() would at its second time: no list of active folios. The table's lock is held. A dirty page of a file may be written to through a translation
 * until the flush: until then its map count stays, or write-back would take it for clean, not finding it mapped (tlb_delay_rmap()).
 */
static void zap_present_folio_ptes(struct zap_state *z, struct folio *folio, struct page *page, pte_t *pte,
				   pte_t ptent, unsigned long addr, int nr)
{
	struct mm_struct *mm = z->vma->vm_mm;
	const bool anon = folio_test_anon(folio);
	bool young = false, dirty = false;

	for (int i = 0; i < nr; i++) {
		pte_t old = ptep_get_and_clear(mm, addr + i * PAGE_SIZE, pte + i);

		young |= pte_young(old);
		dirty |= pte_dirty(old);
	}
	tlb_remove_tlb_entries(z->tlb, pte, nr, addr);
	if (!anon && dirty) {
		folio_mark_dirty(folio);
		z->force_flush = true;
	}
	if (!anon && young)
		folio_set_referenced(folio);
	z->rss[anon ? MM_ANONPAGES : mm_counter_file(folio)] -= nr;
	zap_install_uffd_wp_if_needed(z, pte, ptent, addr, nr);
	if (!anon && dirty) {
		z->delayed[z->nr_delayed].page = page;
		z->delayed[z->nr_delayed++].nr = nr;
	} else {
		folio_remove_rmap_ptes(folio, page, nr, z->vma);
	}
	if (__tlb_remove_folio_pages(z->tlb, page, (unsigned int)nr))
		z->force_flush = z->force_break = true;
}

/* tlb_flush_rmaps() - v7.1, mm/mmu_gather.c. Fidelity: same. The TLB has been flushed; the table's lock is held. */
static void zap_flush_rmaps(struct zap_state *z)
{
	for (int i = 0; i < z->nr_delayed; i++)
		folio_remove_rmap_ptes(page_folio(z->delayed[i].page), z->delayed[i].page, z->delayed[i].nr, z->vma);
}

/* zap_present_ptes() - v7.1. Fidelity: same. The table's lock is held. Returns how many entries were dealt with. */
static int zap_present_ptes(struct zap_state *z, pte_t *pte, pte_t ptent, unsigned long addr,
			    int max_nr)
{
	struct mm_struct *mm = z->vma->vm_mm;
	struct page *page;
	struct folio *folio;
	int nr = 1;

	if (pte_special(ptent)) {
		(void)ptep_get_and_clear(mm, addr, pte);
		tlb_remove_tlb_entry(z->tlb, pte, addr);
		zap_install_uffd_wp_if_needed(z, pte, ptent, addr, 1);
		return 1;
	}
	page = pte_page(ptent);
	folio = page_folio(page);
	if (!should_zap_folio(z->details, folio))
		return 1;
	if (max_nr > 1 && folio_test_large(folio))
		nr = folio_pte_batch(folio, pte, ptent, max_nr);
	zap_present_folio_ptes(z, folio, page, pte, ptent, addr, nr);
	return nr;
}

/* A page that only the device reaches is mapped as any other: with a map count and a reference, which nothing gathers. */
static void zap_device_pte(struct zap_state *z, softleaf_t entry, struct folio *folio)
{
	z->rss[mm_counter(folio)]--;
	folio_remove_rmap_pte(folio, softleaf_to_page(entry), z->vma);
	folio_put(folio);
}

/*
 * zap_nonpresent_ptes() - v7.1. Fidelity: same. By the entry's kind; the entry is cleared last. Device memory: map count and reference are
 * the entry's own. Migration: it has neither, RSS only. Swap: the slots' counts. Poison: nothing, it left RSS when it was made.
 * The table's lock is held. Returns how many entries were dealt with.
 */
static int zap_nonpresent_ptes(struct zap_state *z, pte_t *pte, pte_t ptent, unsigned long addr, int max_nr)
{
	softleaf_t entry = softleaf_from_pte(ptent);
	struct folio *folio;
	int nr = 1;

	if (softleaf_is_device_private(entry) || softleaf_is_device_exclusive(entry)) {
		folio = page_folio(softleaf_to_page(entry));
		if (!should_zap_folio(z->details, folio))
			return 1;
		if (bug_enabled(devpriv_anon_test_by_vma))
			WARN_ON_ONCE(!vma_is_anonymous(z->vma));
		WARN_ON_ONCE(!folio_test_anon(folio));
		zap_device_pte(z, entry, folio);
	} else if (softleaf_is_swap(entry)) {
		if (!should_zap_cows(z->details))
			return 1;
		nr = swap_pte_batch(pte, max_nr, ptent);
		z->rss[MM_SWAPENTS] -= nr;
		swap_put_entries_direct(entry, nr);
	} else if (softleaf_is_migration(entry)) {
		folio = softleaf_to_folio(entry);
		if (!should_zap_folio(z->details, folio))
			return 1;
		z->rss[mm_counter(folio)]--;
	} else if (softleaf_is_marker(entry) && (softleaf_to_marker(entry) & PTE_MARKER_UFFD_WP)) {
		if (!vma_is_anonymous(z->vma) && !zap_drop_markers(z->details))
			return 1;
	} else if (softleaf_is_hwpoison(entry) || softleaf_is_marker(entry)) {
		if (!should_zap_cows(z->details))
			return 1;
	} else {
		WARN_ON_ONCE(1);
	}
	for (int i = 0; i < nr; i++)
		(void)ptep_get_and_clear(z->vma->vm_mm, addr + i * PAGE_SIZE, pte + i);
	zap_install_uffd_wp_if_needed(z, pte, ptent, addr, nr);
	return nr;
}

/* do_zap_pte_range() - v7.1. Fidelity: same. */
static int do_zap_pte_range(struct zap_state *z, pte_t *pte, unsigned long addr, int max_nr)
{
	pte_t ptent = ptep_get(pte);

	if (pte_none(ptent))
		return 1;
	if (pte_present(ptent))
		return zap_present_ptes(z, pte, ptent, addr, max_nr);
	return zap_nonpresent_ptes(z, pte, ptent, addr, max_nr);
}

/*
 * zap_pte_range() - v7.1. Fidelity: adapted: no reclaim of empty tables, and no need_resched(): the table's lock is kept until the bundle of pages to be
 * freed is full, so nobody gets it in between for another reason. Caller holds mmap_lock, or is the last user. Returns how far it
 * came: `addr` if there is no table.
 */
static unsigned long zap_pte_range(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd,
			  unsigned long addr, unsigned long end, struct zap_details *details)
{
	struct mm_struct *mm = vma->vm_mm;

	while (addr != end) {
		struct zap_state z = { .tlb = tlb, .vma = vma, .details = details };
		spinlock_t *ptl;
		pte_t *start_pte, *pte;

		pte = start_pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
		if (!pte)
			return addr;
		flush_tlb_batched_pending(mm);
		do {
			int nr = do_zap_pte_range(&z, pte, addr, (int)((end - addr) >> PAGE_SHIFT));

			pte += nr;
			addr += (unsigned long)nr * PAGE_SIZE;
		} while (addr != end && !z.force_break);
		for (int i = 0; i < NR_MM_COUNTERS; i++)
			if (z.rss[i])
				add_mm_counter(mm, i, z.rss[i]);
		if (z.force_flush) {
			tlb_flush_mmu_tlbonly(tlb);
			zap_flush_rmaps(&z);
		}
		pte_unmap_unlock(start_pte, ptl);
		if (z.force_flush)
			tlb_flush_mmu(tlb);
		if (addr != end)
			cond_resched();
	}
	return addr;
}

/*
 * zap_pmd_range() - v7.1. Fidelity: same. A huge PMD that the range cuts is split; one that changed meanwhile is looked at as a
 * table, and again if it is none. Who zaps one folio, and finds the PMD empty, waits for the zap that has cleared it.
 */
static void zap_pmd_range(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long addr,
			  unsigned long end, struct zap_details *details)
{
	do {
		pmd_t *pmd = pmd_offset(vma->vm_mm, addr);
		unsigned long next = pmd_addr_end(addr, end);

		if (pmd_is_huge(pmdp_get(pmd))) {
			if (next - addr != HPAGE_PMD_SIZE) {
				__split_huge_pmd(vma, pmd, addr, false);
			} else if (zap_huge_pmd(tlb, vma, pmd, addr)) {
				addr = next;
				continue;
			}
		} else if (details && details->single_folio && folio_test_pmd_mappable(details->single_folio) &&
			   next - addr == HPAGE_PMD_SIZE && !bug_enabled(split_truncate_cleanup_sees_none) &&
			   pmd_none(pmdp_get(pmd))) {
			/* A zap that has cleared it may not have lowered the map count yet: the caller looks at that. */
			spinlock_t *ptl = pmd_lock(vma->vm_mm, pmd);

			spin_unlock(ptl);
		}
		if (pmd_none(pmdp_get(pmd))) {
			addr = next;
			continue;
		}
		addr = zap_pte_range(tlb, vma, pmd, addr, next, details);
	} while (cond_resched(), addr != end);
}

/* unmap_vmas() - v7.1. Fidelity: adapted: for the part of one VMA, which is told to the mirror one by one. */
void unmap_vmas(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start,
		unsigned long end)
{
	struct zap_details details = { .zap_flags = ZAP_FLAG_DROP_MARKER };
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma->vm_mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	zap_pmd_range(tlb, vma, start, end, &details);
	mmu_notifier_invalidate_range_end(&range);
}

/*
 * zap_vma_range_batched() - v7.1; v6.12: zap_page_range_single(). Fidelity: same. Caller holds mmap_lock, or what else keeps the VMA (the
 * lock of its file's i_mmap). v6.12 drains the CPU's batches and has a gather for each VMA; v7.1 leaves what waits in a batch its
 * reference, and all VMAs share the caller's.
 */
void zap_vma_range_details(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long address,
			   unsigned long size, struct zap_details *details)
{
	const bool own_gather = !generation_at_least(GENERATION_V6_18);
	struct mmu_notifier_range range;
	struct mmu_gather own;

	if (own_gather) {
		lru_add_drain();
		tlb_gather_mmu(&own, vma->vm_mm);
		tlb = &own;
	}
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, address, address + size);
	mmu_notifier_invalidate_range_start(&range);
	zap_pmd_range(tlb, vma, address, address + size, details);
	mmu_notifier_invalidate_range_end(&range);
	if (own_gather)
		tlb_finish_mmu(&own);
}

/* zap_vma_range_batched() with nothing that is left alone. */
void zap_vma_range_batched(struct mmu_gather *tlb, struct vm_area_struct *vma,
			   unsigned long address, unsigned long size)
{
	zap_vma_range_details(tlb, vma, address, size, NULL);
}

/* free_pgd_range() down to free_pte_range() - v7.1. Fidelity: adapted: tables go to RCU at once, not with the gather's flush. */
static void free_pgd_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	for (unsigned long addr = start & PMD_MASK; addr < end; addr += PMD_SIZE) {
		pmd_t *pmd = pmd_offset(mm, addr);
		pmd_t pmdval = pmdp_get(pmd);
		bool used = false;

		for (unsigned int i = 0; i < mm->map_count; i++)
			used |= mm->vmas[i]->vm_start < addr + PMD_SIZE && mm->vmas[i]->vm_end > addr;
		if (used || !pmd_is_table(pmdval))
			continue;
		WRITE_ONCE(pmd->pmd, 0ul);
		pte_free_defer(mm, pmd_ptdesc(pmdval));
		mm_dec_nr_ptes(mm);
	}
}

/*
 * free_pgtables() - v7.1. Fidelity: adapted: VMAs are locked by the callers, who detached them. By address: they leave the rmap, and
 * then the tables that no VMA of the mm needs any more are freed; VMAs that are near enough to share one go together, those of one
 * file under one lock. mmap_lock is held, if only for reading.
 */
void free_pgtables(struct mm_struct *mm, struct vm_area_struct **vmas, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct unlink_vma_file_batch vb = { 0 };
		unsigned long start = vmas[i]->vm_start;

		unlink_anon_vmas(vmas[i]);
		unlink_file_vma_batch_add(&vb, vmas[i]);
		while (i + 1 < nr && vmas[i + 1]->vm_start <= vmas[i]->vm_end + PMD_SIZE) {
			unlink_anon_vmas(vmas[++i]);
			unlink_file_vma_batch_add(&vb, vmas[i]);
		}
		unlink_file_vma_batch_final(&vb);
		free_pgd_range(mm, start, vmas[i]->vm_end);
	}
}

/* ------------------------------------------------------------------ lookup ---- */

/*
 * folio_walk_start() - v7.1, mm/pagewalk.c. Fidelity: same, no zero page. The folio that is mapped at addr, with the lock of its
 * entry's table held until folio_walk_end(): mapped it stays, so no reference is taken. NULL: none, and no lock. Caller holds
 * mmap_lock.
 */
struct folio *folio_walk_start(struct folio_walk *fw, struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t *pmd = pmd_offset(mm, addr), pmdval;
	pte_t ptent;

	lockdep_assert_held(&mm->mmap_lock);
	fw->pte = NULL;
	pmdval = pmdp_get_lockless(pmd);
	if (pmd_none(pmdval))
		return NULL;
	if (pmd_is_huge(pmdval)) {
		fw->ptl = pmd_lock(mm, pmd);
		pmdval = pmdp_get(pmd);
		if (pmd_present(pmdval) && pmd_trans_huge(pmdval) && !pmd_special(pmdval)) {
			fw->page = pmd_page(pmdval) + pte_index(addr);
			return page_folio(fw->page);
		}
		spin_unlock(fw->ptl);
		if (!pmd_is_table(pmdval))
			return NULL;
	}

	fw->pte = pte_offset_map_lock(mm, pmd, addr, &fw->ptl);
	if (!fw->pte)
		return NULL;
	ptent = ptep_get(fw->pte);
	if (pte_present(ptent) && !pte_special(ptent)) {
		fw->page = pte_page(ptent);
		return page_folio(fw->page);
	}
	pte_unmap_unlock(fw->pte, fw->ptl);
	return NULL;
}

/* folio_walk_end() - v7.1, include/linux/pagewalk.h. Fidelity: same. */
void folio_walk_end(struct folio_walk *fw)
{
	spin_unlock(fw->ptl);
	if (fw->pte)
		pte_unmap(fw->pte);
}

/*
 * follow_page_mask() with FOLL_GET, try_grab_folio() - v7.1, mm/gup.c. Fidelity: adapted: no fast path, no pins, no zero page, and
 * nothing is faulted in. Caller holds mmap_lock for reading.
 */
struct page *follow_page_get(struct vm_area_struct *vma, unsigned long addr)
{
	struct folio_walk fw;
	struct folio *folio = folio_walk_start(&fw, vma, addr);

	if (!folio)
		return NULL;
	folio_get(folio);
	folio_walk_end(&fw);
	return fw.page;
}
