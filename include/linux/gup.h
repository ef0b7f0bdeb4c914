/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/gup.h - get_user_pages(): references and pins to what user space has mapped. */
#ifndef _LINUX_GUP_H
#define _LINUX_GUP_H

#include <linux/mm.h>

enum foll_flags { FOLL_WRITE = 1 << 0, FOLL_GET = 1 << 1, FOLL_FORCE = 1 << 3, FOLL_LONGTERM = 1 << 8, FOLL_PIN = 1 << 19 };
#define GUP_PIN_COUNTING_BIAS 1024
#define folio_has_pincount(folio) folio_test_large(folio)
/*
 * One page. Errors as ERR_PTR: -EFAULT not mapped so, -ENOMEM, -EHWPOISON, -EAGAIN given up. mmap_lock is taken inside. With FOLL_PIN it
 * is dropped with unpin_user_page(), with FOLL_GET by put_page().
 */
struct page *get_user_page(struct mm_struct *mm, unsigned long addr, unsigned int gup_flags);
/* The same for up to GUP_PAGES_MAX pages: how many there are, from the first on, or an error. */
enum { GUP_PAGES_MAX = 8 };
long get_user_pages(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int gup_flags, struct page **pages);
void unpin_user_pages(struct page **pages, unsigned long nr_pages);
/* Without any lock, interrupts off; NULL: try the slow way. */
struct page *get_user_page_fast_only(struct mm_struct *mm, unsigned long addr, unsigned int gup_flags);
/* The fast way, and the slow one if that fails. */
struct page *get_user_page_fast(struct mm_struct *mm, unsigned long addr, unsigned int gup_flags);
void unpin_user_page(struct page *page);
/* The same after a write, with make_dirty; may wait for the folio's lock. */
void unpin_user_page_dirty_lock(struct page *page, bool make_dirty);
/* The folio is mapped, and its table locked. */
int try_grab_folio(struct folio *folio, int refs, unsigned int flags);
/* Device memory never is pinned; node 1 stands for ZONE_MOVABLE. */
bool folio_is_longterm_pinnable(struct folio *folio);

#endif
