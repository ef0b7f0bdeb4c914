// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmu_gather.c - references that an unmapping drops once the TLB has been flushed. Held in a bundle of two, so the flush comes
 * in the middle of a range, with the page table lock dropped.
 */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/sched.h>
#include <linux/tlb.h>
#include <foliofuzz/bug.h>

/* tlb_gather_mmu() - v7.1. Fidelity: same. */
void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_struct *mm)
{
	tlb->mm = mm;
	tlb->nr = 0;
	tlb->start = TASK_SIZE;
	tlb->end = 0;
	inc_tlb_flush_pending(mm);
}

/* tlb_flush_mmu_tlbonly() - v7.1, include/asm-generic/tlb.h. Fidelity: same. */
void tlb_flush_mmu_tlbonly(struct mmu_gather *tlb)
{
	if (tlb->start >= tlb->end)
		return;
	flush_tlb_mm_range(tlb->mm, tlb->start, tlb->end);
	tlb->start = TASK_SIZE;
	tlb->end = 0;
}

/*
 * __tlb_remove_folio_pages() - v7.1. Fidelity: adapted: one bundle, where the kernel chains more of them if it can have the
 * memory; whose map count is to go after the flush, the zap itself knows. The page table lock is held.
 */
bool __tlb_remove_folio_pages(struct mmu_gather *tlb, struct page *page, unsigned int nr_pages)
{
	tlb->pages[tlb->nr] = page;
	tlb->refs[tlb->nr] = nr_pages;
	return ++tlb->nr == MMU_GATHER_BUNDLE;
}

/* tlb_remove_page_size() - v7.1, include/asm-generic/tlb.h. Fidelity: same. May free: no page table lock is held. */
void tlb_remove_page_size(struct mmu_gather *tlb, struct page *page, unsigned long size)
{
	(void)size;
	if (__tlb_remove_folio_pages(tlb, page, 1))
		tlb_flush_mmu(tlb);
}

/*
 * free_pages_and_swap_cache() - v7.1, mm/swap_state.c. Fidelity: same. v6.12 drains the CPU's batches first, and so
 * holds no reference of theirs against its own free. Which folio a page is in is asked only now. Slots that nobody counts go
 * with the last mapping, if the folio can be locked.
 */
static void free_pages_and_swap_cache(struct mmu_gather *tlb)
{
	struct folio_batch folios;

	if (!generation_at_least(GENERATION_V6_18))
		lru_add_drain();
	folio_batch_init(&folios);
	for (unsigned int i = 0; i < tlb->nr; i++) {
		struct folio *folio = page_folio(tlb->pages[i]);

		free_swap_cache(folio);
		folio_batch_add(&folios, folio);
	}
	folios_put_refs(&folios, tlb->refs);
}
_Static_assert(MMU_GATHER_BUNDLE == FOLIO_BATCH_SIZE, "the bundle is one batch");

/* tlb_flush_mmu() - v7.1. Fidelity: same: first the TLB, then the pages. May free: no page table lock is held. */
void tlb_flush_mmu(struct mmu_gather *tlb)
{
	tlb_flush_mmu_tlbonly(tlb);
	if (tlb->nr)
		free_pages_and_swap_cache(tlb);
	tlb->nr = 0;
}

/*
 * tlb_finish_mmu() - v7.1. Fidelity: same. An entry that another gather has cleared, and not flushed yet, looks empty to this one:
 * so whoever was not alone flushes everything, and what its caller was promised to be gone is gone.
 */
void tlb_finish_mmu(struct mmu_gather *tlb)
{
	if (mm_tlb_flush_nested(tlb->mm)) {
		tlb->start = 0;
		tlb->end = TASK_SIZE;
	}
	tlb_flush_mmu(tlb);
	dec_tlb_flush_pending(tlb->mm);
}

/* tlb_remove_table_sync_one() - v7.1. Fidelity: same. An interrupt to every CPU that is waited for: none is in GUP-fast when it is taken. */
void tlb_remove_table_sync_one(void)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		wait_cpu_irqs_on(cpu);
}
