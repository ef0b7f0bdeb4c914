// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_numa.c - faults on NUMA hints.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>


vm_fault_t do_numa_page(struct vm_fault *vmf) { pte_unmap_unlock(vmf->pte, vmf->ptl); return 0; }
vm_fault_t do_huge_pmd_numa_page(struct vm_fault *vmf) { (void)vmf; return 0; }
