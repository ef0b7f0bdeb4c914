// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_numa.c - NUMA hints: entries that fault although the VMA allows the access, so that the kernel sees which CPU uses a page,
 * and moves it there. CPU n is on node n % 2.
 *
 * The folio is isolated with the table locked, which is when it is known to be mapped; it is migrated with nothing locked, and
 * if that fails the hint is taken back, if it is still the same. P18, P19.
 */
#include <linux/huge_mm.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/sched.h>
#include <linux/tlb.h>

#define NUMA_NO_NODE (-1)
#define numa_node_id() ((int)(smp_processor_id() % NR_NODES))

/*
 * folio_can_map_prot_numa() - v7.1, mm/mempolicy.c. Fidelity: same, no tiers, and no process that is known to have one thread. The
 * table's lock is held.
 */
bool folio_can_map_prot_numa(struct folio *folio, struct vm_area_struct *vma)
{
	if (!folio || folio_is_zone_device(folio))
		return false;
	if (!(vma->vm_flags & VM_SHARED) && folio_maybe_mapped_shared(folio))
		return false;
	if (folio_maybe_dma_pinned(folio))
		return false;
	return folio_test_anon(folio) || !folio_test_dirty(folio);
}

/* change_prot_numa() - v7.1, mm/mempolicy.c. Fidelity: same. Caller holds mmap_lock for reading. Returns entries. */
long change_prot_numa(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mmu_gather tlb;
	long nr;

	tlb_gather_mmu(&tlb, vma->vm_mm);
	nr = change_protection(&tlb, vma, start, end, MM_CP_PROT_NUMA);
	tlb_finish_mmu(&tlb);
	return nr;
}

/* numa_migrate_check(), mpol_misplaced() - v7.1. Fidelity: adapted: the node of the CPU, if the folio is not there already. */
static int numa_migrate_check(struct folio *folio)
{
	int nid = numa_node_id();

	return folio_nid(folio) == nid ? NUMA_NO_NODE : nid;
}

/* numa_rebuild_single_mapping() - v7.1. Fidelity: same. The table's lock is held. */
static void numa_rebuild_single_mapping(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, bool writable)
{
	pte_t old_pte = ptep_modify_prot_start(vma, addr, ptep);
	pte_t pte = pte_mkyoung(pte_modify(old_pte, vma->vm_page_prot));

	if (writable)
		pte = pte_mkwrite(pte, vma);
	ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte);
}

/*
 * numa_rebuild_large_mapping() - v7.1. Fidelity: adapted: what of the folio this table maps inside the VMA. v7.1 does not ask whether the page of the fault
 * is still in the folio, which a migration that failed has let go, and which may have been split since: it then goes over the entries of what is
 * left of it, and where the VMA begins behind these, on from there without an end. The table's lock is held.
 */
static void numa_rebuild_large_mapping(struct vm_fault *vmf, struct folio *folio, pte_t fault_pte, bool ignore_writable,
				       bool pte_write_upgrade)
{
	struct vm_area_struct *vma = vmf->vma;
	long before = (long)(pte_pfn(fault_pte) - folio_pfn(folio)), after = folio_nr_pages(folio) - before;
	unsigned long start = vmf->address & PMD_MASK, end = start + PMD_SIZE;
	pte_t *ptep;

	/* after a failed migration nothing keeps the folio, which may be another and smaller by now: then there is nothing to do */
	if (after <= 0)
		return;
	if ((long)pte_index(vmf->address) > before)
		start = vmf->address - ((unsigned long)before << PAGE_SHIFT);
	if ((long)(PTRS_PER_PTE - pte_index(vmf->address)) > after)
		end = vmf->address + ((unsigned long)after << PAGE_SHIFT);
	if (start < vma->vm_start)
		start = vma->vm_start;
	if (end > vma->vm_end)
		end = vma->vm_end;

	ptep = vmf->pte - ((vmf->address - start) >> PAGE_SHIFT);
	for (unsigned long addr = start; addr != end; addr += PAGE_SIZE, ptep++) {
		pte_t ptent = ptep_get(ptep);
		bool writable = false;

		if (!pte_protnone(ptent) || page_folio(pte_page(ptent)) != folio)
			continue;
		if (!ignore_writable) {
			ptent = pte_modify(ptent, vma->vm_page_prot);
			writable = pte_write(ptent) ||
				   (pte_write_upgrade && can_change_pte_writable(vma, addr, ptent));
		}
		numa_rebuild_single_mapping(vma, addr, ptep, writable);
	}
}

/*
 * do_numa_page() - v7.1. Fidelity: same, no statistics. Caller holds mmap_lock or the VMA's lock; the PTE is mapped, its table not
 * locked. Once the folio has been isolated, whether the entry could be writable is not known any more.
 */
vm_fault_t do_numa_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	bool pte_write_upgrade = vma_wants_manual_pte_write_upgrade(vma), writable, ignore_writable = false;
	struct folio *folio = NULL;
	pte_t old_pte, pte;
	int target_nid;

	spin_lock(vmf->ptl);
	old_pte = ptep_get(vmf->pte);
	if (unlikely(!pte_same(old_pte, vmf->orig_pte))) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return 0;
	}
	pte = pte_modify(old_pte, vma->vm_page_prot);
	writable = pte_write(pte);
	if (!writable && pte_write_upgrade && can_change_pte_writable(vma, vmf->address, pte))
		writable = true;
	if (!pte_special(pte))
		folio = page_folio(pte_page(pte));
	if (!folio || folio_is_zone_device(folio))
		goto out_map;
	target_nid = numa_migrate_check(folio);
	if (target_nid == NUMA_NO_NODE)
		goto out_map;
	if (migrate_misplaced_folio_prepare(folio, vma, target_nid))
		goto out_map;
	/* isolated: a reference is held */
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	writable = false;
	ignore_writable = true;
	if (!migrate_misplaced_folio(folio, target_nid))
		return 0;

	vmf->pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &vmf->ptl);
	if (unlikely(!vmf->pte))
		return 0;
	if (unlikely(!pte_same(ptep_get(vmf->pte), vmf->orig_pte))) {
		pte_unmap_unlock(vmf->pte, vmf->ptl);
		return 0;
	}
out_map:
	if (folio && folio_test_large(folio))
		numa_rebuild_large_mapping(vmf, folio, pte, ignore_writable, pte_write_upgrade);
	else
		numa_rebuild_single_mapping(vma, vmf->address, vmf->pte, writable);
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	return 0;
}

/* do_huge_pmd_numa_page() - v7.1, mm/huge_memory.c. Fidelity: same, no statistics. Caller holds mmap_lock or the VMA's lock. */
vm_fault_t do_huge_pmd_numa_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long haddr = vmf->address & HPAGE_PMD_MASK;
	struct folio *folio;
	pmd_t pmd, old_pmd;
	bool writable;
	int target_nid;

	vmf->ptl = pmd_lock(vma->vm_mm, vmf->pmd);
	old_pmd = pmdp_get(vmf->pmd);
	if (unlikely(!pmd_same(old_pmd, vmf->orig_pmd))) {
		spin_unlock(vmf->ptl);
		return 0;
	}
	pmd = pmd_modify(old_pmd, vma->vm_page_prot);
	writable = pmd_write(pmd);
	if (!writable && vma_wants_manual_pte_write_upgrade(vma) && can_change_pmd_writable(vma, vmf->address, pmd))
		writable = true;
	if (is_huge_zero_pmd(pmd))
		goto out_map;
	folio = page_folio(pmd_page(pmd));
	target_nid = numa_migrate_check(folio);
	if (target_nid == NUMA_NO_NODE)
		goto out_map;
	if (migrate_misplaced_folio_prepare(folio, vma, target_nid))
		goto out_map;
	/* isolated: a reference is held */
	spin_unlock(vmf->ptl);
	writable = false;
	if (!migrate_misplaced_folio(folio, target_nid))
		return 0;

	vmf->ptl = pmd_lock(vma->vm_mm, vmf->pmd);
	if (unlikely(!pmd_same(pmdp_get(vmf->pmd), vmf->orig_pmd))) {
		spin_unlock(vmf->ptl);
		return 0;
	}
out_map:
	pmd = pmd_mkyoung(pmd_modify(pmdp_get(vmf->pmd), vma->vm_page_prot));
	if (writable)
		pmd = pmd_mkwrite(pmd, vma);
	set_pmd_at(vma->vm_mm, haddr, vmf->pmd, pmd);
	spin_unlock(vmf->ptl);
	return 0;
}
