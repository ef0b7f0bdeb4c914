/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/tlbflush.h - what each CPU still believes about page tables, and making it forget. */
#ifndef _LINUX_TLBFLUSH_H
#define _LINUX_TLBFLUSH_H

#include <linux/mm_types.h>
#include <linux/percpu.h>

/*
 * One CPU's TLB: what its page walker found, until it is flushed or its place is needed. `write`: the walk was for a write, and has set
 * the entry's dirty bit; without it a write walks again.
 */
#define TLB_ENTRIES 4
struct tlb_entry {
	struct mm_struct *mm; /* NULL: empty */
	u16 pfn;
	u8 vpn;
	bool write;
};
/* What this CPU's reclaim or migration has unmapped and not flushed yet (kernel: current->tlb_ubc). */
struct tlbflush_unmap_batch {
	bool flush_required, writable;
};
struct tlb_state {
	struct tlb_entry entries[NR_CPUS][TLB_ENTRIES];
	u8 next[NR_CPUS]; /* the place that is taken next */
	struct tlbflush_unmap_batch ubc[NR_CPUS];
};
void tlb_boot(void);
/* The hardware's: what this CPU believes of a page, NULL: nothing; and a new belief. No points. */
struct tlb_entry *tlb_lookup(struct mm_struct *mm, unsigned long addr, bool write);
void tlb_insert(struct mm_struct *mm, unsigned long addr, unsigned long pfn, bool write);

/* Every CPU forgets its translations of [start, end) of mm. Interrupts may be off; the caller need not hold the table's lock. */
void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end);
#define flush_tlb_page(vma, addr) flush_tlb_mm_range((vma)->vm_mm, (addr), (addr) + PAGE_SIZE)
#define flush_tlb_range(vma, start, end) flush_tlb_mm_range((vma)->vm_mm, start, end)
#define flush_tlb_mm(mm) flush_tlb_mm_range(mm, 0, TASK_SIZE)
/* A gather is open. Its count rises before the first entry changes and falls after the last flush. */
#define inc_tlb_flush_pending(mm) atomic_inc(&(mm)->tlb_flush_pending)
#define dec_tlb_flush_pending(mm) atomic_dec(&(mm)->tlb_flush_pending)
#define mm_tlb_flush_pending(mm) (atomic_read(&(mm)->tlb_flush_pending) > 0)
#define mm_tlb_flush_nested(mm) (atomic_read(&(mm)->tlb_flush_pending) > 1)
/* try_to_unmap with TTU_BATCH_FLUSH: the entry at addr has been cleared, its flush is owed by this CPU. */
void set_tlb_ubc_flush_pending(struct mm_struct *mm, pte_t pteval, unsigned long start, unsigned long end);
void try_to_unmap_flush(void);
void try_to_unmap_flush_dirty(void);
/* With the table's lock held, before an entry is believed: what another CPU's batch owes of this mm. */
void flush_tlb_batched_pending(struct mm_struct *mm);

#endif
