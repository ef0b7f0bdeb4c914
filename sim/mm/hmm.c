// SPDX-License-Identifier: GPL-2.0-only
/*
 * hmm.c - what a process has mapped, for a device that mirrors it: read without the page tables' locks, and so only good if nothing was
 * invalidated meanwhile, which the caller asks mmu_interval_read_retry().
 */
#include <linux/err.h>
#include <linux/hmm.h>
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/swapops.h>

#define VM_FAULT_ERROR (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_HWPOISON)

/* hmm_vma_fault() - v7.1. Fidelity: same. -EBUSY: look again. */
static int hmm_vma_fault(struct vm_area_struct *vma, unsigned long addr, bool write)
{
	if (write && !(vma->vm_flags & VM_WRITE))
		return -EPERM;
	if (handle_mm_fault(vma, addr, 0, write) & VM_FAULT_ERROR)
		return -EFAULT;
	return -EBUSY;
}

/* Memory of the caller's own device is reported as it is, and not brought back. */
static __follows_null bool hmm_own_page(softleaf_t entry, void *owner)
{
	return softleaf_is_device_private(entry) && page_pgmap(softleaf_to_page(entry))->owner == owner;
}

/* hmm_vma_handle_pmd(), hmm_vma_handle_absent_pmd() - v7.1. Fidelity: same, one page of it. *hmm_pfn 0: it takes a fault. */
static int hmm_vma_handle_pmd(struct mm_struct *mm, pmd_t *pmdp, pmd_t pmd, unsigned long addr, void *owner,
			      unsigned long *hmm_pfn)
{
	softleaf_t entry = softleaf_from_pmd(pmd);

	if (pmd_is_migration_entry(pmd)) {
		pmd_migration_entry_wait(mm, pmdp);
		return -EBUSY;
	}
	if (!pmd_present(pmd)) {
		if (hmm_own_page(entry, owner))
			*hmm_pfn = (softleaf_to_pfn(entry) + pte_index(addr)) | HMM_PFN_VALID |
				   (softleaf_is_device_private_write(entry) ? HMM_PFN_WRITE : 0);
		return 0;
	}
	if (!pmd_protnone(pmd))
		*hmm_pfn = (pmd_pfn(pmd) + pte_index(addr)) | HMM_PFN_VALID | (pmd_write(pmd) ? HMM_PFN_WRITE : 0);
	return 0;
}

/* hmm_vma_handle_pte() - v7.1. Fidelity: same. *hmm_pfn 0: it takes a fault. */
static int hmm_vma_handle_pte(struct mm_struct *mm, pmd_t *pmdp, pte_t pte, unsigned long addr, void *owner,
			      unsigned long *hmm_pfn)
{
	softleaf_t entry = softleaf_from_pte(pte);

	if (pte_none(pte) || (softleaf_is_marker(entry) && softleaf_to_marker(entry) == PTE_MARKER_UFFD_WP))
		return 0;
	if (pte_present(pte)) {
		if (!pte_protnone(pte))
			*hmm_pfn = pte_pfn(pte) | HMM_PFN_VALID | (pte_write(pte) ? HMM_PFN_WRITE : 0);
		return 0;
	}
	if (hmm_own_page(entry, owner)) {
		*hmm_pfn = softleaf_to_pfn(entry) | HMM_PFN_VALID |
			   (softleaf_is_device_private_write(entry) ? HMM_PFN_WRITE : 0);
		return 0;
	}
	if (softleaf_is_swap(entry) || softleaf_is_device_private(entry) || softleaf_is_device_exclusive(entry))
		return 0;
	if (softleaf_is_migration(entry)) {
		migration_entry_wait(mm, pmdp, addr);
		return -EBUSY;
	}
	return -EFAULT;
}

/*
 * hmm_range_fault() - v7.1. Fidelity: adapted: one page. mmap_lock is held for reading, no page table lock is taken: what it says may be stale
 * before it returns.
 */
int hmm_range_fault(struct mm_struct *mm, unsigned long addr, bool write, void *dev_private_owner, unsigned long *hmm_pfn)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	pmd_t *pmdp = pmd_offset(mm, addr);
	pmd_t pmd = pmdp_get_lockless(pmdp);
	int ret = 0;

	if (!vma)
		return -EFAULT;
	*hmm_pfn = 0;
	if (!pmd_none(pmd) && !pmd_is_table(pmd)) {
		ret = hmm_vma_handle_pmd(mm, pmdp, pmd, addr, dev_private_owner, hmm_pfn);
	} else if (!pmd_none(pmd)) {
		spinlock_t *ptl;
		pte_t *ptep = pte_offset_map_rw_nolock(mm, pmdp, addr, &pmd, &ptl);
		pte_t pte;

		if (!ptep)
			return -EBUSY;
		pte = ptep_get_lockless(ptep);
		pte_unmap(ptep);
		ret = hmm_vma_handle_pte(mm, pmdp, pte, addr, dev_private_owner, hmm_pfn);
	}
	if (ret)
		return ret;
	if (!(*hmm_pfn & HMM_PFN_VALID) || (write && !(*hmm_pfn & HMM_PFN_WRITE)))
		return hmm_vma_fault(vma, addr, write);
	return 0;
}
