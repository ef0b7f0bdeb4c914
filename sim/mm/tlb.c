// SPDX-License-Identifier: GPL-2.0-only
/*
 * tlb.c - what each CPU believes about page tables; arch/x86/mm/tlb.c.
 */
#include <linux/mm.h>
#include <linux/tlbflush.h>


void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end) { (void)mm; (void)start; (void)end; }
void set_tlb_ubc_flush_pending(struct mm_struct *mm, pte_t pteval, unsigned long start, unsigned long end) { (void)mm; (void)pteval; (void)start; (void)end; }
void try_to_unmap_flush(void) { }
void try_to_unmap_flush_dirty(void) { }
void flush_tlb_batched_pending(struct mm_struct *mm) { (void)mm; }
