/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/highmem.h - the kernel looking into pages. A page's content is one word, its token;
 * zero is the zero-filled page.
 */
#ifndef _LINUX_HIGHMEM_H
#define _LINUX_HIGHMEM_H

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/pgtable.h>

/*
 * Stands for pages_identical(page, ZERO_PAGE(0)). Users may be writing meanwhile: the race is
 * accepted, so the load is marked. Reading a poisoned page is fatal.
 */
#define page_is_zero_filled(page)                                              \
	({                                                                     \
		u64 *token_ = &machine->content[page_to_pfn(page)];            \
		engine_point(SITE("page_is_zero_filled", "", #page), token_,   \
			     EVENT_CONTENT_READ);                              \
		access_load(token_, __ATOMIC_RELAXED) == 0;                    \
	})

/*
 * One page's content for another's, in two steps. Whoever else has the source may be writing, which is accepted. Non-zero: the load was a
 * machine check, and nothing was stored; whether it is one, the hardware finds out in the step of the load.
 */
#define copy_mc_highpage(to, from)                                             \
	({                                                                     \
		struct page *from_ = (from);                                   \
		u64 *src_ = &machine->content[page_to_pfn(from_)];             \
		u64 *dst_ = &machine->content[page_to_pfn(to)];                \
		engine_point(SITE("copy_mc_highpage", "load", #from), src_,    \
			     EVENT_CONTENT_COPY);                              \
		u64 token_ = access_load(src_, __ATOMIC_RELAXED);              \
		bool poison_ = (assert_read(from_->flags) & BIT(PG_hwpoison)) != 0; \
		if (!poison_) {                                                \
			engine_point(SITE("copy_mc_highpage", "store", #to),   \
				     dst_, EVENT_WRITE);                       \
			access_store(dst_, token_, __ATOMIC_RELAXED);          \
		}                                                              \
		poison_ ? PAGE_SIZE : 0;                                       \
	})
/* A page of a folio that nobody else has yet: no point. */
#define clear_highpage(page) access_store(&machine->content[page_to_pfn(page)], 0, __ATOMIC_RELAXED)

/*
 * A new folio, nobody else's yet: no points. `addr` is where the fault was; the order of
 * zeroing does not matter here.
 */
static inline void folio_zero_user(struct folio *folio, unsigned long addr)
{
	u64 *token = &machine->content[folio_pfn(folio)];
	int nr = folio_nr_pages(folio);

	(void)addr;
	for (int i = 0; i < nr; i++)
		token[i] = 0;
}

#endif
