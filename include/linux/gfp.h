/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/gfp.h - getting and giving back pages. */
#ifndef _LINUX_GFP_H
#define _LINUX_GFP_H

#include <linux/gfp_types.h>
#include <linux/mm_types.h>

struct folio_batch;

/* One reference, prepared as a compound page, and large_rmappable, when order > 0. NULL: no memory. */
struct folio *folio_alloc_node(gfp_t gfp, unsigned int order, int nid);
struct folio *vma_alloc_folio(gfp_t gfp, unsigned int order, struct vm_area_struct *vma,
			      unsigned long addr);
/* Reference count is zero. Checks the state in which pages may be freed. */
void free_frozen_pages(struct page *page, unsigned int order);
/* The same for a batch, which is empty afterwards. */
void free_unref_folios(struct folio_batch *folios);
/* Racy without the zone's lock. */
bool is_free_buddy_page(const struct page *page);
/* Takes one free page out of the allocator for good; false if it is not free. */
bool take_page_off_buddy(struct page *page);
bool put_page_back_buddy(struct page *page);
/* Not in the kernel: the mark of a free page goes. False: it is not free, or not marked. */
bool clear_hwpoison_buddy(struct page *page);

void zone_touch(unsigned long pfn);
void prep_compound_page(struct page *page, unsigned int order);
void prep_compound_tails(struct page *page, unsigned int order); /* the rest, where PG_head is set already */

/* For whoever watches: the allocator gives a block out, or has found nothing wrong with one that comes back. */
#define page_alloc_note(page, order) \
	engine_note(NOTE_PAGE_ALLOCATED, page, (void *)(unsigned long)(order))
#define page_free_note(page, order) \
	engine_note(NOTE_PAGE_FREED, page, (void *)(unsigned long)(order))

#endif
