// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmu_gather.c - references that an unmapping drops once the TLB has been flushed. Held in a bundle of two, so the flush comes
 * in the middle of a range, with the page table lock dropped.
 */
#include <linux/mm.h>
#include <linux/tlb.h>

/* tlb_gather_mmu() - v7.1. Fidelity: same. */
void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_struct *mm)
{
	tlb->mm = mm;
	folio_batch_init(&tlb->folios);
}

/* __tlb_remove_folio_pages() - v7.1. Fidelity: same, delayed rmap is for files only. The page table lock is held. */
bool __tlb_remove_folio_pages(struct mmu_gather *tlb, struct page *page, unsigned int nr_pages)
{
	tlb->refs[tlb->folios.nr] = nr_pages;
	return !folio_batch_add(&tlb->folios, page_folio(page));
}

/* tlb_remove_page_size() - v7.1, include/asm-generic/tlb.h. Fidelity: same. May free: no page table lock is held. */
void tlb_remove_page_size(struct mmu_gather *tlb, struct page *page, unsigned long size)
{
	(void)size;
	if (__tlb_remove_folio_pages(tlb, page, 1))
		tlb_flush_mmu(tlb);
}

/* tlb_flush_mmu() - v7.1. Fidelity: adapted: there is no TLB to flush yet; free_pages_and_swap_cache() without swap. */
void tlb_flush_mmu(struct mmu_gather *tlb)
{
	if (folio_batch_count(&tlb->folios))
		folios_put_refs(&tlb->folios, tlb->refs);
}

/* tlb_finish_mmu() - v7.1. Fidelity: same. */
void tlb_finish_mmu(struct mmu_gather *tlb)
{
	tlb_flush_mmu(tlb);
}
