/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/tlb.h - mmu_gather: what an unmapping has to free once no CPU can reach it by a stale translation. A bundle is
 * two runs of pages, so that it fills in the middle of things.
 */
#ifndef _LINUX_TLB_H
#define _LINUX_TLB_H

#include <linux/mm.h>

#define MMU_GATHER_BUNDLE 2

struct mmu_gather {
	struct mm_struct *mm;
	unsigned long start, end; /* what is to be flushed; start >= end: nothing */
	unsigned int nr;
	struct page *pages[MMU_GATHER_BUNDLE];
	unsigned int refs[MMU_GATHER_BUNDLE]; /* of that page's folio */
};

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_struct *mm);
/* True: the bundle is full, flush before the next. */
bool __tlb_remove_folio_pages(struct mmu_gather *tlb, struct page *page, unsigned int nr_pages);
/* One reference; flushes at once if the bundle is full. */
void tlb_remove_page_size(struct mmu_gather *tlb, struct page *page, unsigned long size);
void tlb_flush_mmu(struct mmu_gather *tlb);
void tlb_finish_mmu(struct mmu_gather *tlb);
/* The entry at addr has been cleared or weakened: it goes with the next flush. */
static inline void tlb_flush_range(struct mmu_gather *tlb, unsigned long addr, unsigned long size)
{
	if (addr < tlb->start)
		tlb->start = addr;
	if (addr + size > tlb->end)
		tlb->end = addr + size;
}
#define tlb_remove_tlb_entry(tlb, pte, addr) ((void)(pte), tlb_flush_range(tlb, addr, PAGE_SIZE))
#define tlb_remove_tlb_entries(tlb, pte, nr, addr) ((void)(pte), tlb_flush_range(tlb, addr, (unsigned long)(nr) * PAGE_SIZE))
#define tlb_remove_pmd_tlb_entry(tlb, pmd, addr) ((void)(pmd), tlb_flush_range(tlb, (addr) & PMD_MASK, PMD_SIZE))
#define tlb_flush_pte_range(tlb, addr, size) tlb_flush_range(tlb, addr, size)
#define tlb_flush_pmd_range(tlb, addr, size) tlb_flush_range(tlb, addr, size)
/* The flush alone; a page table lock may be held. */
void tlb_flush_mmu_tlbonly(struct mmu_gather *tlb);

#endif
