// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory_wp.c - write faults on huge PMDs, and the huge zero folio.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>


vm_fault_t do_huge_pmd_wp_page(struct vm_fault *vmf) { (void)vmf; return 0; }
bool is_huge_zero_folio(const struct folio *folio) { (void)folio; return false; }
bool is_huge_zero_pmd(pmd_t pmd) { (void)pmd; return false; }
struct folio *mm_get_huge_zero_folio(struct mm_struct *mm) { (void)mm; return NULL; }
void mm_put_huge_zero_folio(struct mm_struct *mm) { (void)mm; }
