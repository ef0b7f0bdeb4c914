/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/gup.h - get_user_pages(): references and pins to what user space has mapped. */
#ifndef _LINUX_GUP_H
#define _LINUX_GUP_H

#include <linux/mm.h>

enum foll_flags { FOLL_WRITE = 1 << 0, FOLL_GET = 1 << 1, FOLL_FORCE = 1 << 3, FOLL_PIN = 1 << 19, FOLL_LONGTERM = 1 << 8 };
#define GUP_PIN_COUNTING_BIAS 1024
/* One page. NULL: not mapped so, or no memory; errors as ERR_PTR. mmap_lock is taken inside. */
struct page *get_user_page(struct mm_struct *mm, unsigned long addr, unsigned int gup_flags);
/* Without any lock, interrupts off; NULL: try the slow way. */
struct page *get_user_page_fast_only(struct mm_struct *mm, unsigned long addr, unsigned int gup_flags);
void unpin_user_page(struct page *page);
int try_grab_folio(struct folio *folio, int refs, unsigned int flags);

#endif
