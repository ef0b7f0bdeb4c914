/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/tlbflush.h - what each CPU still believes about page tables, and making it forget. */
#ifndef _LINUX_TLBFLUSH_H
#define _LINUX_TLBFLUSH_H

#include <linux/mm_types.h>

/* Every CPU forgets its translations of [start, end) of mm. Interrupts may be off; the caller need not hold the table's lock. */
void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end);
#define flush_tlb_page(vma, addr) flush_tlb_mm_range((vma)->vm_mm, (addr), (addr) + PAGE_SIZE)
#define flush_tlb_range(vma, start, end) flush_tlb_mm_range((vma)->vm_mm, start, end)
#define flush_tlb_mm(mm) flush_tlb_mm_range(mm, 0, TASK_SIZE)
/* try_to_unmap with TTU_BATCH_FLUSH: the entry at addr has been cleared, its flush is owed by this CPU. */
void set_tlb_ubc_flush_pending(struct mm_struct *mm, pte_t pteval, unsigned long start, unsigned long end);
void try_to_unmap_flush(void);
void try_to_unmap_flush_dirty(void);
/* With the table's lock held, before an entry is believed: what another CPU's batch owes of this mm. */
void flush_tlb_batched_pending(struct mm_struct *mm);

#endif
