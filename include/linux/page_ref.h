/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/page_ref.h - a folio's reference count. It lives in the head page; tails stay at zero.
 * Zero means free, or frozen by one CPU that knows every reference; either way nobody may get
 * one.
 *
 * Macros, as in page-flags.h. Each is one point.
 */
#ifndef _LINUX_PAGE_REF_H
#define _LINUX_PAGE_REF_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/page-flags.h>

#define page_ref_count(p) atomic_read(&(p)->_refcount)
#define folio_ref_count(folio) atomic_read(&(folio)->_refcount)
#define page_count(p) folio_ref_count(page_folio(p))
#define set_page_count(p, v) atomic_set(&(p)->_refcount, v)
#define folio_set_count(folio, v) atomic_set(&(folio)->_refcount, v)
/* A page from the free list: nobody else has it. */
#define init_page_count(p) set_page_count(p, 1)
#define page_ref_add(p, nr) atomic_add(nr, &(p)->_refcount)
#define folio_ref_add(folio, nr) atomic_add(nr, &(folio)->_refcount)
#define folio_ref_sub(folio, nr) atomic_sub(nr, &(folio)->_refcount)
#define folio_ref_sub_return(folio, nr) atomic_sub_return(nr, &(folio)->_refcount)
#define page_ref_inc(p) atomic_inc(&(p)->_refcount)
#define folio_ref_inc(folio) atomic_inc(&(folio)->_refcount)
#define folio_ref_dec(folio) atomic_dec(&(folio)->_refcount)
#define folio_ref_sub_and_test(folio, nr) atomic_sub_and_test(nr, &(folio)->_refcount)
#define page_ref_dec_and_test(p) atomic_dec_and_test(&(p)->_refcount)
#define folio_ref_dec_and_test(folio) atomic_dec_and_test(&(folio)->_refcount)
#define folio_ref_add_unless_zero(folio, nr) atomic_add_unless(&(folio)->_refcount, nr, 0)
/* What comes out of an array's slot is read as what it is: neither a value nor an entry of the array's own is a folio. The kernel takes it on trust. */
static inline bool is_folio_pointer(const volatile void *entry)
{
	return !((unsigned long)entry & 3);
}
/* True: the caller has a reference, to whatever the folio is now. */
#define folio_try_get(f)                                                       \
	({                                                                     \
		struct folio *entry_ = (f);                                    \
		VM_BUG_ON(!is_folio_pointer(entry_));                          \
		atomic_add_unless(&entry_->_refcount, 1, 0);                   \
	})
#define folio_ref_try_add(folio, count) folio_ref_add_unless_zero(folio, count)
/* True: there were exactly `count` references, and now there is no way to get one. */
#define folio_ref_freeze(folio, count)                                         \
	({                                                                     \
		int count_ = (count);                                          \
		atomic_cmpxchg(&(folio)->_refcount, count_, 0) == count_;      \
	})
/* Publishes everything stored while the folio was frozen. */
#define folio_ref_unfreeze(folio, count)                                       \
	do {                                                                   \
		int count_ = (count);                                          \
		VM_BUG_ON(count_ == 0);                                        \
		atomic_set_release(&(folio)->_refcount, count_);               \
	} while (0)

#endif
