// SPDX-License-Identifier: GPL-2.0-only
/*
 * page_io.c - the way of pages to the swap device and back.
 *
 * A folio is written unlocked, with PG_writeback, which keeps it in the cache; its slots stay its own. It is read locked. What is
 * in a slot is so the business of one folio at a time. kernel-facts.md: P24.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <foliofuzz/bug.h>

#define SI (&machine->swap_info)

/* The device reads a page, or writes one: a step each. It sees what users write meanwhile, as the kernel accepts. */
#define swap_io_load(page)                                                     \
	({                                                                     \
		u64 *token_ = &machine->content[page_to_pfn(page)];            \
		engine_point(SITE("swap_io_load", "", #page), token_, EVENT_CONTENT_READ); \
		access_load(token_, __ATOMIC_RELAXED);                         \
	})
#define swap_io_store(page, token)                                             \
	do {                                                                   \
		u64 *token_ = &machine->content[page_to_pfn(page)];            \
		u64 value_ = (token);                                          \
		engine_point(SITE("swap_io_store", "", #page), token_, EVENT_WRITE); \
		access_store(token_, value_, __ATOMIC_RELAXED);                \
	} while (0)

/* is_folio_zero_filled() - v7.1. Fidelity: same. Locked, and not mapped. */
static bool is_folio_zero_filled(struct folio *folio)
{
	for (int i = 0; i < folio_nr_pages(folio); i++)
		if (!page_is_zero_filled(folio_page(folio, i)))
			return false;
	return true;
}

/* swap_zeromap_folio_set(), swap_zeromap_folio_clear() - v7.1. Fidelity: same. Locked: the bits are the folio's, the word is not. */
static void swap_zeromap_folio_mark(struct folio *folio, bool zero)
{
	unsigned long offset = swp_offset(folio_swap_entry(folio));

	for (int i = 0; i < folio_nr_pages(folio); i++, offset++) {
		if (zero)
			set_bit(offset, &SI->zeromap);
		else
			clear_bit(offset, &SI->zeromap);
	}
}

/*
 * __swap_writepage(), end_swap_bio_write() - v7.1. Fidelity: adapted: the transfer is over when this returns, and does not fail; while it
 * goes on others see the folio unlocked and under writeback. Locked; unlocked afterwards.
 */
static void __swap_writepage(struct folio *folio)
{
	unsigned long offset = swp_offset(folio_swap_entry(folio));
	int nr_pages = (int)folio_nr_pages(folio);

	folio_set_writeback(folio);
	folio_unlock(folio);
	for (int i = 0; i < nr_pages; i++) {
		u64 token = swap_io_load(folio_page(folio, i));

		WRITE_ONCE(SI->content[offset + (unsigned long)i], token);
	}
	/* the end of writeback is the last that keeps the folio in the cache */
	folio_get(folio);
	folio_clear_writeback(folio);
	folio_put(folio);
}

/* swap_writeout() - v7.1; v6.12: swap_writepage(). Fidelity: same, no zswap. Locked, clean, not mapped; unlocked afterwards. */
int swap_writeout(struct folio *folio)
{
	bool zero;

	if (folio_free_swap(folio)) {
		folio_unlock(folio);
		return 0;
	}
	zero = is_folio_zero_filled(folio);
	swap_zeromap_folio_mark(folio, zero);
	if (zero) {
		folio_unlock(folio);
		return 0;
	}
	__swap_writepage(folio);
	return 0;
}

/*
 * swap_read_folio_zeromap() - v7.1. Fidelity: same. All slots are marked, or none: a large folio is read only where that is so. False:
 * there is something to read.
 */
static bool swap_read_folio_zeromap(struct folio *folio)
{
	unsigned long offset = swp_offset(folio_swap_entry(folio)), nr_pages = (unsigned long)folio_nr_pages(folio);
	unsigned long zero = 0;

	for (unsigned long i = 0; i < nr_pages; i++)
		zero += test_bit(offset + i, &SI->zeromap);
	if (!zero)
		return false;
	if (WARN_ON_ONCE(zero != nr_pages))
		return true;
	for (unsigned long i = 0; i < nr_pages; i++)
		swap_io_store(folio_page(folio, i), 0);
	folio_mark_uptodate(folio);
	return true;
}

/* swap_read_folio() - v7.1. Fidelity: adapted: the transfer is over when this returns, and does not fail. Locked; unlocked afterwards. */
void swap_read_folio(struct folio *folio)
{
	unsigned long offset = swp_offset(folio_swap_entry(folio));

	VM_BUG_ON_FOLIO(!folio_test_swapcache(folio), folio);
	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_BUG_ON_FOLIO(folio_test_uptodate(folio), folio);
	if (!swap_read_folio_zeromap(folio)) {
		for (int i = 0; i < folio_nr_pages(folio); i++) {
			u64 token = READ_ONCE(SI->content[offset + (unsigned long)i]);

			swap_io_store(folio_page(folio, i), token);
		}
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
}
