// SPDX-License-Identifier: GPL-2.0-only
/*
 * tlb.c - what each CPU believes about page tables, and making it forget: arch/x86/mm/tlb.c, and the batching of mm/rmap.c.
 *
 * An unmapping is over only when no CPU has a translation left: pages are freed after the flush, never before. Reclaim and
 * migration put the flush off for many pages (TTU_BATCH_FLUSH); whoever else changes a table in between must first make good
 * what is owed (flush_tlb_batched_pending()).
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/tlbflush.h>
#include <foliofuzz/bug.h>

/* The TLB is hardware, which is no party to a C data race. */
#define HARDWARE __attribute__((no_sanitize("thread")))

void tlb_boot(void)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		for (unsigned int i = 0; i < TLB_ENTRIES; i++)
			machine->tlb.entries[cpu][i].mm = NULL;
		machine->tlb.next[cpu] = 0;
		machine->tlb.ubc[cpu] = (struct tlbflush_unmap_batch){ false, false };
	}
}

HARDWARE struct tlb_entry *tlb_lookup(struct mm_struct *mm, unsigned long addr, bool write)
{
	struct tlb_entry *entries = *this_cpu_ptr(machine->tlb.entries);

	for (unsigned int i = 0; i < TLB_ENTRIES; i++)
		if (entries[i].mm == mm && entries[i].vpn == addr >> PAGE_SHIFT && (entries[i].write || !write))
			return &entries[i];
	return NULL;
}

HARDWARE void tlb_insert(struct mm_struct *mm, unsigned long addr, unsigned long pfn, bool write)
{
	struct tlb_entry *entries = *this_cpu_ptr(machine->tlb.entries), *e = NULL;

	for (unsigned int i = 0; i < TLB_ENTRIES; i++)
		if (entries[i].mm == mm && entries[i].vpn == addr >> PAGE_SHIFT)
			e = &entries[i];
	if (!e) {
		u8 *next = this_cpu_ptr(machine->tlb.next);

		e = &entries[*next];
		*next = (u8)((*next + 1) % TLB_ENTRIES);
	}
	*e = (struct tlb_entry){ .mm = mm, .pfn = (u16)pfn, .vpn = (u8)(addr >> PAGE_SHIFT), .write = write };
}

static HARDWARE void forget(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		struct tlb_entry *entries = *per_cpu_ptr(machine->tlb.entries, cpu);

		access_step_begin(cpu);
		for (unsigned int i = 0; i < TLB_ENTRIES; i++) {
			unsigned long addr = (unsigned long)entries[i].vpn << PAGE_SHIFT;

			if (entries[i].mm && (!mm || entries[i].mm == mm) && addr >= start && addr < end)
				entries[i].mm = NULL;
		}
		access_step_end(cpu);
	}
}

/*
 * flush_tlb_mm_range() - v7.1, arch/x86/mm/tlb.c. Fidelity: adapted: all CPUs forget in the step in which the generation rises, where
 * the kernel's IPIs reach one after the other; the caller waits for the last of them, so an access by a CPU that was not reached yet is as one before
 * the step. A CPU with interrupts off does not hold the flush up: hides what GUP-fast's walk gets from that (tables here are freed by RCU).
 */
void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	(void)atomic_long_inc_return(&mm->tlb_gen);
	forget(mm, start, end);
}

#define TLB_FLUSH_BATCH_FLUSHED_SHIFT 16
#define TLB_FLUSH_BATCH_PENDING_MASK 0x7fff

/* set_tlb_ubc_flush_pending() - v7.1, mm/rmap.c. Fidelity: adapted: the batch knows no mms and no ranges. The table's lock is held. */
void set_tlb_ubc_flush_pending(struct mm_struct *mm, pte_t pteval, unsigned long start, unsigned long end)
{
	struct tlbflush_unmap_batch *ubc = this_cpu_ptr(machine->tlb.ubc);
	int batch;

	(void)start;
	(void)end;
	if (!pte_accessible(mm, pteval))
		return;
	ubc->flush_required = true;
	ubc->writable |= pte_dirty(pteval);
	/* the clearing of the entry before the count */
	batch = atomic_read(&mm->tlb_flush_batched);
	if ((batch & TLB_FLUSH_BATCH_PENDING_MASK) > TLB_FLUSH_BATCH_PENDING_MASK / 2) {
		/* near the end of its range: start again at one pending, none flushed */
		atomic_set(&mm->tlb_flush_batched, 1);
		return;
	}
	atomic_inc(&mm->tlb_flush_batched);
}

/* try_to_unmap_flush() - v7.1, mm/rmap.c. Fidelity: adapted: arch_tlbbatch_flush() flushes everything on every CPU. */
void try_to_unmap_flush(void)
{
	struct tlbflush_unmap_batch *ubc = this_cpu_ptr(machine->tlb.ubc);

	if (!ubc->flush_required)
		return;
	engine_point(SITE("arch_tlbbatch_flush", "", "tlb"), &machine->tlb, EVENT_WRITE);
	forget(NULL, 0, TASK_SIZE);
	*ubc = (struct tlbflush_unmap_batch){ false, false };
}

/* try_to_unmap_flush_dirty() - v7.1, mm/rmap.c. Fidelity: same. Before I/O: a page that may still be written to is not clean. */
void try_to_unmap_flush_dirty(void)
{
	if (this_cpu_ptr(machine->tlb.ubc)->writable)
		try_to_unmap_flush();
}

/* flush_tlb_batched_pending() - v7.1, mm/rmap.c. Fidelity: same. The table's lock is held: what was unmapped under it is counted. */
void flush_tlb_batched_pending(struct mm_struct *mm)
{
	int batch = atomic_read(&mm->tlb_flush_batched);
	int pending = batch & TLB_FLUSH_BATCH_PENDING_MASK;
	int flushed = batch >> TLB_FLUSH_BATCH_FLUSHED_SHIFT;

	if (pending == flushed)
		return;
	flush_tlb_mm(mm);
	if (bug_enabled(tlb_batched_pending_lost)) {
		atomic_set(&mm->tlb_flush_batched, 0);
		return;
	}
	/* if more has become pending meanwhile, that is another's to flush */
	(void)atomic_cmpxchg(&mm->tlb_flush_batched, batch, pending | pending << TLB_FLUSH_BATCH_FLUSHED_SHIFT);
}
