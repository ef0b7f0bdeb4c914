/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/page-flags.h - the bits of a page's flags word, and how each may be touched.
 *
 * All helpers are macros, so that a trace names the mm function that flips the bit.
 * folio_set_x() and folio_clear_x() are atomic, one point; __folio_set_x() and
 * __folio_clear_x() are a plain load and store, two points, and legal only while no other CPU
 * can change any bit of the word.
 *
 * Page 1 of a large folio is crowded: its word holds the order in the low 8 bits, three flags
 * of the folio as a whole, and page 1's own PG_hwpoison and PG_anon_exclusive. No one lock
 * guards them all.
 */
#ifndef _LINUX_PAGE_FLAGS_H
#define _LINUX_PAGE_FLAGS_H

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/mm_types.h>
#include <foliofuzz/bug.h>

enum pageflags {
	PG_locked,
	PG_writeback,
	PG_referenced,
	PG_uptodate,
	PG_dirty,
	PG_lru,
	PG_head,
	PG_waiters, /* somebody without a reference sleeps until it is unlocked; other sleepers are woken by the store itself */
	PG_active,
	PG_workingset,
	PG_owner_priv_1,
	PG_owner_2,
	PG_arch_1,
	PG_reserved,
	PG_private,
	PG_private_2,
	PG_reclaim,
	PG_swapbacked,
	PG_unevictable,
	PG_dropbehind,
	PG_mlocked,
	PG_hwpoison,
	PG_young,
	PG_idle,
	NR_PAGEFLAGS,

	PG_swapcache = PG_owner_priv_1,   /* anon: swap slot in ->swap is valid */
	PG_anon_exclusive = PG_owner_2,   /* anon, any page: one mm only maps it */

	/* Second page of a large folio. The low 8 bits there are its order. */
	PG_has_hwpoisoned = PG_active,
	PG_large_rmappable = PG_workingset,
	PG_partially_mapped = PG_reclaim,
};

#define PAGEFLAGS_MASK (BIT(NR_PAGEFLAGS) - 1)
#define __PG_HWPOISON BIT(PG_hwpoison)
#define FOLIO_ORDER_MASK 0xfful

/* A page that has one of these when it is freed is broken. */
#define PAGE_FLAGS_CHECK_AT_FREE                                               \
	(BIT(PG_lru) | BIT(PG_locked) | BIT(PG_private) | BIT(PG_private_2) |  \
	 BIT(PG_writeback) | BIT(PG_reserved) | BIT(PG_active) |               \
	 BIT(PG_unevictable) | BIT(PG_mlocked))
/* No page comes out of the allocator with one of these; hwpoison alone outlives a free. */
#define PAGE_FLAGS_CHECK_AT_PREP (PAGEFLAGS_MASK & ~__PG_HWPOISON)
/* What page 1's word holds on behalf of the folio; the free path wipes it before it checks. */
#define PAGE_FLAGS_SECOND                                                      \
	(FOLIO_ORDER_MASK | BIT(PG_has_hwpoisoned) | BIT(PG_large_rmappable) | \
	 BIT(PG_partially_mapped))

/* ---- page <-> folio ---- */
/*
 * The folio a page belongs to at this instant. Without a reference the answer may be stale by
 * the time it is used: take one, ask again.
 */
#define compound_head(p)                                                       \
	({                                                                     \
		struct page *pg_ = (struct page *)(p);                         \
		unsigned long head_ = READ_ONCE(pg_->compound_head);           \
		head_ & 1 ? (struct page *)(head_ - 1) : pg_;                  \
	})
#define page_folio(p) ((struct folio *)compound_head(p))
#define folio_page(folio, n) (&(folio)->page + (n))
#define PageTail(p) ((READ_ONCE((p)->compound_head) & 1) != 0)
#define PageHead(p) test_bit(PG_head, &(p)->flags)
#define PageCompound(p)                                                        \
	({                                                                     \
		struct page *pg_ = (p);                                        \
		PageHead(pg_) || PageTail(pg_);                                \
	})
#define set_compound_head(tail, head)                                          \
	WRITE_ONCE((tail)->compound_head, (unsigned long)(head) | 1)
#define clear_compound_head(p) WRITE_ONCE((p)->compound_head, 0)

/* ---- flags of the folio, in its first page ---- */
#define folio_test_locked(folio) test_bit(PG_locked, &(folio)->flags)
#define __folio_set_locked(folio) __set_bit_owned(PG_locked, &(folio)->flags)
#define folio_test_writeback(folio) test_bit(PG_writeback, &(folio)->flags)
#define folio_test_referenced(folio) test_bit(PG_referenced, &(folio)->flags)
#define folio_set_referenced(folio) set_bit(PG_referenced, &(folio)->flags)
#define folio_test_clear_referenced(folio) test_and_clear_bit(PG_referenced, &(folio)->flags)
#define folio_clear_referenced(folio) clear_bit(PG_referenced, &(folio)->flags)
#define folio_test_uptodate(folio) test_bit(PG_uptodate, &(folio)->flags)
#define __folio_mark_uptodate(folio)                                           \
	do {                                                                   \
		smp_wmb();                                                     \
		__set_bit_owned(PG_uptodate, &(folio)->flags);                       \
	} while (0)
/* The folio may be known to others already: it has been in the swap cache, locked, while it was read. */
#define folio_mark_uptodate(folio)                                             \
	do {                                                                   \
		smp_wmb();                                                     \
		set_bit(PG_uptodate, &(folio)->flags);                         \
	} while (0)
#define __folio_clear_locked(folio) __clear_bit_owned(PG_locked, &(folio)->flags)
#define folio_set_writeback(folio) set_bit(PG_writeback, &(folio)->flags)
#define folio_clear_writeback(folio) clear_bit(PG_writeback, &(folio)->flags)
#define folio_set_swapcache(folio) set_bit(PG_swapcache, &(folio)->flags)
#define folio_clear_swapcache(folio) clear_bit(PG_swapcache, &(folio)->flags)
/* Anonymous memory that its owner no longer wants: MADV_FREE. */
#define folio_test_lazyfree(folio) (folio_test_anon(folio) && !folio_test_swapbacked(folio))
#define folio_clear_uptodate(folio) clear_bit(PG_uptodate, &(folio)->flags)
#define folio_test_dirty(folio) test_bit(PG_dirty, &(folio)->flags)
#define folio_test_clear_dirty(folio) test_and_clear_bit(PG_dirty, &(folio)->flags)
#define folio_set_dirty(folio) set_bit(PG_dirty, &(folio)->flags)
#define folio_clear_dirty(folio) clear_bit(PG_dirty, &(folio)->flags)
#define folio_mark_dirty(folio) set_bit(PG_dirty, &(folio)->flags)
#define folio_test_lru(folio) test_bit(PG_lru, &(folio)->flags)
#define folio_set_lru(folio) set_bit(PG_lru, &(folio)->flags)
#define folio_clear_lru(folio) clear_bit(PG_lru, &(folio)->flags)
#define __folio_clear_lru(folio) __clear_bit_owned(PG_lru, &(folio)->flags)
#define folio_test_clear_lru(folio) test_and_clear_bit(PG_lru, &(folio)->flags)
#define folio_test_active(folio) test_bit(PG_active, &(folio)->flags)
#define folio_set_active(folio) set_bit(PG_active, &(folio)->flags)
#define folio_clear_active(folio) clear_bit(PG_active, &(folio)->flags)
#define __folio_clear_active(folio) __clear_bit_owned(PG_active, &(folio)->flags)
#define folio_test_workingset(folio) test_bit(PG_workingset, &(folio)->flags)
#define folio_test_swapbacked(folio) test_bit(PG_swapbacked, &(folio)->flags)
#define folio_set_swapbacked(folio) set_bit(PG_swapbacked, &(folio)->flags)
#define folio_clear_swapbacked(folio) clear_bit(PG_swapbacked, &(folio)->flags)
#define __folio_set_swapbacked(folio) __set_bit_owned(PG_swapbacked, &(folio)->flags)
#define folio_test_unevictable(folio) test_bit(PG_unevictable, &(folio)->flags)
#define folio_set_unevictable(folio) set_bit(PG_unevictable, &(folio)->flags)
#define folio_clear_unevictable(folio) clear_bit(PG_unevictable, &(folio)->flags)
#define __folio_clear_unevictable(folio) __clear_bit_owned(PG_unevictable, &(folio)->flags)
#define folio_test_clear_unevictable(folio) test_and_clear_bit(PG_unevictable, &(folio)->flags)
#define folio_set_mlocked(folio) set_bit(PG_mlocked, &(folio)->flags)
#define folio_test_set_mlocked(folio) test_and_set_bit(PG_mlocked, &(folio)->flags)
#define __folio_clear_mlocked(folio) __clear_bit_owned(PG_mlocked, &(folio)->flags)
#define folio_test_mlocked(folio) test_bit(PG_mlocked, &(folio)->flags)
#define folio_test_clear_mlocked(folio) test_and_clear_bit(PG_mlocked, &(folio)->flags)
#define folio_test_young(folio) test_bit(PG_young, &(folio)->flags)
#define folio_set_young(folio) set_bit(PG_young, &(folio)->flags)
#define folio_test_clear_young(folio) test_and_clear_bit(PG_young, &(folio)->flags)
#define folio_test_idle(folio) test_bit(PG_idle, &(folio)->flags)
#define folio_set_idle(folio) set_bit(PG_idle, &(folio)->flags)
#define folio_clear_idle(folio) clear_bit(PG_idle, &(folio)->flags)
#define folio_set_workingset(folio) set_bit(PG_workingset, &(folio)->flags)
#define folio_test_private(folio) test_bit(PG_private, &(folio)->flags)
#define folio_test_reserved(folio) test_bit(PG_reserved, &(folio)->flags)
/* A swap slot needs swapbacked memory: the bit alone is the owner's private flag. */
#define folio_test_swapcache(f)                                                \
	({                                                                     \
		struct folio *fo_ = (struct folio *)(f);                       \
		folio_test_swapbacked(fo_) &&                                  \
			test_bit(PG_swapcache, &fo_->flags);                   \
	})
/*
 * A folio's size changes only while its reference count is zero, so whoever has a reference, a mapping or the frozen folio
 * reads a constant: no point. That hides what a reader without any of these could see between two looks;
 * such readers go by compound_head(), which is one.
 */
#define folio_test_large(folio) ((assert_read((folio)->flags) & BIT(PG_head)) != 0)
#define folio_test_head(folio) folio_test_large(folio)

/* Who reads a page for the kernel has looked whether it is poisoned; the oracles are told of the look. */
#define poison_look(page, looked)                                              \
	({                                                                     \
		bool poisoned_ = (looked);                                     \
		engine_note(NOTE_POISON_LOOK, page, NULL);                     \
		poisoned_;                                                     \
	})

/* ---- flags of the folio, in its second page; only for large folios ---- */
#define folio_test_has_hwpoisoned(folio)                                       \
	poison_look(&(folio)->page, test_bit(PG_has_hwpoisoned, &(folio)->_flags_1))
#define folio_set_has_hwpoisoned(folio) set_bit(PG_has_hwpoisoned, &(folio)->_flags_1)
#define folio_clear_has_hwpoisoned(folio) clear_bit(PG_has_hwpoisoned, &(folio)->_flags_1)
#define folio_test_large_rmappable(folio) test_bit(PG_large_rmappable, &(folio)->_flags_1)
#define folio_set_large_rmappable(folio) set_bit(PG_large_rmappable, &(folio)->_flags_1)
#define folio_clear_large_rmappable(folio) clear_bit(PG_large_rmappable, &(folio)->_flags_1)
#define folio_test_partially_mapped(folio) test_bit(PG_partially_mapped, &(folio)->_flags_1)
/*
 * The split queue's lock guards this one bit and no other of the word, so a plain load and
 * store is not enough: what another CPU does to page 1's other bits in between is lost. v6.12
 * thought otherwise.
 */
#define folio_set_partially_mapped(folio)                                      \
	do {                                                                   \
		if (bug_enabled(partially_mapped_nonatomic))                   \
			__set_bit(PG_partially_mapped, &(folio)->_flags_1);    \
		else                                                           \
			set_bit(PG_partially_mapped, &(folio)->_flags_1);      \
	} while (0)
#define folio_clear_partially_mapped(folio)                                    \
	do {                                                                   \
		if (bug_enabled(partially_mapped_nonatomic))                   \
			__clear_bit(PG_partially_mapped, &(folio)->_flags_1);  \
		else                                                           \
			clear_bit(PG_partially_mapped, &(folio)->_flags_1);    \
	} while (0)

/* ---- flags that every page has for itself ---- */
#define PageHWPoison(p) poison_look(p, test_bit(PG_hwpoison, &(p)->flags))
#define SetPageHWPoison(p) set_bit(PG_hwpoison, &(p)->flags)
#define ClearPageHWPoison(p) clear_bit(PG_hwpoison, &(p)->flags)
#define TestSetPageHWPoison(p) test_and_set_bit(PG_hwpoison, &(p)->flags)
#define TestClearPageHWPoison(p) test_and_clear_bit(PG_hwpoison, &(p)->flags)
#define folio_test_hwpoison(folio) PageHWPoison(&(folio)->page)
/* Free memory that was taken off its free list, and can be put back. */
#define MAGIC_HWPOISON 0x48575053ul
#define PageHWPoisonTakenOff(p) (plain_read_racy((p)->private) == MAGIC_HWPOISON)
#define folio_contain_hwpoisoned_page(f)                                       \
	({                                                                     \
		struct folio *fo_ = (f);                                       \
		folio_test_hwpoison(fo_) ||                                    \
			(folio_test_large(fo_) && folio_test_has_hwpoisoned(fo_)); \
	})
/* Changes only under the lock of the page table that maps the page. */
#define PageAnonExclusive(p) test_bit(PG_anon_exclusive, &(p)->flags)
#define SetPageAnonExclusive(p) set_bit(PG_anon_exclusive, &(p)->flags)
#define ClearPageAnonExclusive(p) clear_bit(PG_anon_exclusive, &(p)->flags)
#define __ClearPageAnonExclusive(p) __clear_bit_owned(PG_anon_exclusive, &(p)->flags)
#define PageLRU(p) folio_test_lru(page_folio(p))

/* ---- mapping: an anon_vma with bit 0 set. Kept until the page is free, mapped or not. ---- */
#define FOLIO_MAPPING_ANON 0x1ul
#define folio_test_anon(folio)                                                 \
	(((unsigned long)plain_read_racy((folio)->mapping) & FOLIO_MAPPING_ANON) != 0)
#define PageAnon(p) folio_test_anon(page_folio(p))

#endif
