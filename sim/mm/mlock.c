// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlock.c - VMAs whose pages stay.
 */
#include <linux/mm.h>
#include <linux/swap.h>


void mlock_vma_folio(struct folio *folio, struct vm_area_struct *vma) { (void)folio; (void)vma; }
void munlock_vma_folio(struct folio *folio, struct vm_area_struct *vma) { (void)folio; (void)vma; }
void mlock_drain_local(void) { lru_add_drain(); }
