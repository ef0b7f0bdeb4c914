// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_device.c - faults on entries of device memory, and taking a page away from the CPUs for the device alone: the device part of
 * the kernel's mm/memory.c, and make_device_exclusive() of mm/rmap.c. P16.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swapops.h>
#include <foliofuzz/bug.h>

/*
 * Of device-fault-trylock-livelock: reference first, then the lock, and again for as long as the entry is the same. The table's lock is
 * held, and dropped.
 */
static vm_fault_t device_fault_get_first(struct vm_fault *vmf)
{
	vm_fault_t ret;

	for (;;) {
		get_page(vmf->page);
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		folio_lock(page_folio(vmf->page));
		ret = page_pgmap(vmf->page)->ops->migrate_to_ram(vmf);
		folio_unlock(page_folio(vmf->page));
		put_page(vmf->page);
		vmf->pte = pte_offset_map_lock(vmf->vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
		if (ret || !vmf->pte)
			return ret;
		if (!pte_same(ptep_get(vmf->pte), vmf->orig_pte)) {
			pte_unmap_unlock(vmf->pte, vmf->ptl);
			return ret;
		}
	}
}

/*
 * do_swap_page() - v7.1, its branch for device-private entries. Fidelity: same. mmap_lock is held for reading, vmf->orig_pte was read without a
 * lock. Under the table's lock the entry keeps the page. The folio lock is tried before the reference is taken: with the
 * reference alone two faults would each see the other's as a pin, and neither could migrate. Who cannot have it waits for
 * whoever has, without a reference. The page may be split and migrated meanwhile: lock and reference are given back through the
 * page, which finds the folio it is in by then.
 */
vm_fault_t do_device_private_page(struct vm_fault *vmf)
{
	softleaf_t entry = softleaf_from_pte(vmf->orig_pte);
	struct vm_area_struct *vma = vmf->vma;
	vm_fault_t ret = 0;

	if (vmf->flags & FAULT_FLAG_VMA_LOCK)
		return VM_FAULT_RETRY;

	vmf->page = softleaf_to_page(entry);
	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (!vmf->pte)
		return 0;
	if (!pte_same(ptep_get(vmf->pte), vmf->orig_pte)) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return 0;
	}
	if (bug_enabled(device_fault_trylock_livelock))
		return device_fault_get_first(vmf);
	if (!folio_trylock(page_folio(vmf->page))) {
		pte_unmap(vmf->pte);
		softleaf_entry_wait_on_locked(entry, vmf->ptl);
		return 0;
	}
	get_page(vmf->page);
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	ret = page_pgmap(vmf->page)->ops->migrate_to_ram(vmf);
	folio_unlock(page_folio(vmf->page));
	put_page(vmf->page);
	return ret;
}

/* can_change_pte_writable() - v7.1, mm/mprotect.c, for private memory whose entry is not uffd-wp. The table's lock is held. */
static bool exclusive_pte_writable(struct vm_area_struct *vma, struct page *page, pte_t pte)
{
	return (vma->vm_flags & VM_WRITE) && !pte_uffd_wp(pte) && PageAnonExclusive(page);
}

/*
 * restore_exclusive_pte() - v7.1. Fidelity: same. The map count and the reference have been the entry's all along. The folio lock and the
 * table's lock are held.
 */
static void restore_exclusive_pte(struct vm_area_struct *vma, struct folio *folio, struct page *page,
				  unsigned long address, pte_t *ptep, pte_t orig_pte)
{
	pte_t pte = pte_mkold(mk_pte(page, vma_page_prot(vma)));

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	if (pte_swp_soft_dirty(orig_pte))
		pte = pte_mksoft_dirty(pte);
	if (pte_swp_uffd_wp(orig_pte))
		pte = pte_mkuffd_wp(pte);
	if (exclusive_pte_writable(vma, page, pte)) {
		if (folio_test_dirty(folio))
			pte = pte_mkdirty(pte);
		pte = pte_mkwrite(pte, vma);
	}
	set_pte_at(vma->vm_mm, address, ptep, pte);
}

/*
 * Does the entry still map the page, and is the folio the page's? With a reference to the folio in hand: who takes the entry away now
 * leaves the folio to us, and it cannot be split. A table that has been taken out of its PMD meanwhile is empty.
 */
static bool exclusive_entry_stays(struct vm_fault *vmf, struct folio *folio)
{
	pmd_t pmdval;
	pte_t *pte = pte_offset_map_rw_nolock(vmf->vma->vm_mm, vmf->pmd, vmf->address, &pmdval, &vmf->ptl);
	bool same;

	if (!pte)
		return false;
	same = pte_same(ptep_get_lockless(pte), vmf->orig_pte);
	pte_unmap(pte);
	return same && page_folio(vmf->page) == folio;
}

/*
 * remove_device_exclusive_entry() - v7.1. Fidelity: same, but that folio_lock_or_retry() waits with mmap_lock held, and under the VMA's lock not at
 * all. One of the two is held for reading. The entry was read without a lock: if the page is free by now the entry has gone; if it is another
 * folio's, which its owner may be locking by a plain store, it must not be locked at all, and so the entry is read again. (Bug
 * exclusive-fault-locks-stale-folio, as in v7.1: it is locked and unlocked in vain.) The device drops its entry before the CPU has one.
 */
vm_fault_t remove_device_exclusive_entry(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mmu_notifier_range range;
	struct folio *folio;

	vmf->page = softleaf_to_page(softleaf_from_pte(vmf->orig_pte));
	folio = page_folio(vmf->page);
	if (!folio_try_get(folio))
		return 0;
	if (!bug_enabled(exclusive_fault_locks_stale_folio) && !exclusive_entry_stays(vmf, folio)) {
		folio_put(folio);
		return 0;
	}
	if (!folio_trylock(folio)) {
		if (vmf->flags & FAULT_FLAG_VMA_LOCK) {
			folio_put(folio);
			return VM_FAULT_RETRY;
		}
		folio_lock(folio);
	}
	mmu_notifier_range_init_owner(&range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, vmf->address & PAGE_MASK,
				      (vmf->address & PAGE_MASK) + PAGE_SIZE, NULL);
	mmu_notifier_invalidate_range_start(&range);
	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (vmf->pte && pte_same(ptep_get(vmf->pte), vmf->orig_pte))
		restore_exclusive_pte(vma, folio, vmf->page, vmf->address, vmf->pte, vmf->orig_pte);
	if (vmf->pte)
		pte_unmap_unlock(vmf->pte, vmf->ptl);
	folio_unlock(folio);
	folio_put(folio);
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}

#define EXCLUSIVE_TRIES 8

/*
 * The page at addr, mapped writable by a PTE, with a reference: get_user_page_vma_remote() with FOLL_GET, FOLL_WRITE and FOLL_SPLIT_PMD.
 * mmap_lock is held for reading. NULL: not now.
 */
static struct page *get_writable_page(struct vm_area_struct *vma, unsigned long addr)
{
	pmd_t *pmd = pmd_offset(vma->vm_mm, addr);
	struct folio_walk fw;
	struct page *page = NULL;
	struct folio *folio;

	split_huge_pmd(vma, pmd, addr);
	folio = folio_walk_start(&fw, vma, addr);
	if (folio) {
		if (fw.pte && pte_write(ptep_get(fw.pte))) {
			page = fw.page;
			folio_get(folio);
		}
		folio_walk_end(&fw);
	}
	if (!page)
		(void)handle_mm_fault(vma, addr, 0, true);
	return page;
}

/*
 * make_device_exclusive() - v7.1, mm/rmap.c. Fidelity: adapted: gives up after a few tries, where the kernel goes on for ever. mmap_lock is held for
 * reading. An anonymous page that is mapped writable has one mapping: replacing that one is enough. Other mirrors are told
 * before; the entry keeps map count and reference. Returned locked: no fault takes the page back until the caller has it in the
 * device's page table.
 */
struct page *make_device_exclusive(struct mm_struct *mm, unsigned long addr, void *owner, struct folio **foliop)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	if (!vma)
		return ERR_PTR(-EFAULT);
	for (int i = 0; i < EXCLUSIVE_TRIES; i++) {
		struct page *page = get_writable_page(vma, addr);
		struct folio *folio, *fw_folio;
		struct mmu_notifier_range range;
		struct folio_walk fw;
		pte_t pte, swp_pte;

		if (!page)
			continue;
		folio = page_folio(page);
		if (!folio_test_anon(folio)) {
			folio_put(folio);
			return ERR_PTR(-EOPNOTSUPP);
		}
		folio_lock(folio);
		mmu_notifier_range_init_owner(&range, MMU_NOTIFY_EXCLUSIVE, 0, mm, addr, addr + PAGE_SIZE, owner);
		mmu_notifier_invalidate_range_start(&range);
		fw_folio = folio_walk_start(&fw, vma, addr);
		if (fw_folio != folio || fw.page != page || !fw.pte || !pte_write(ptep_get(fw.pte))) {
			if (fw_folio)
				folio_walk_end(&fw);
			mmu_notifier_invalidate_range_end(&range);
			folio_unlock(folio);
			folio_put(folio);
			continue;
		}
		pte = ptep_clear_flush(vma, addr, fw.pte);
		if (pte_dirty(pte))
			folio_mark_dirty(folio);
		swp_pte = swp_entry_to_pte(make_device_exclusive_entry(page_to_pfn(page)));
		if (pte_soft_dirty(pte))
			swp_pte = pte_swp_mksoft_dirty(swp_pte);
		set_pte_at(mm, addr, fw.pte, swp_pte);
		folio_walk_end(&fw);
		mmu_notifier_invalidate_range_end(&range);
		*foliop = folio;
		return page;
	}
	return ERR_PTR(-EBUSY);
}
