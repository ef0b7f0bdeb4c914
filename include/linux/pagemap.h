/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/pagemap.h - the folio lock. A sleeping lock in one bit of the head's flags word, so
 * that a split can hand it to every new folio by copying the word.
 */
#ifndef _LINUX_PAGEMAP_H
#define _LINUX_PAGEMAP_H

#include <linux/page-flags.h>
#include <linux/wait_bit.h>

#define folio_lock(folio) bit_lock(PG_locked, &(folio)->flags, "folio_lock")
#define folio_trylock(folio) bit_trylock(PG_locked, &(folio)->flags, "folio_lock")
#define folio_unlock(folio) bit_unlock(PG_locked, &(folio)->flags, "folio_lock")
/* Returns when the lock has been seen free; the caller has nothing. */
#define folio_wait_locked(folio) bit_wait(PG_locked, &(folio)->flags)
#define folio_wait_writeback(folio) bit_wait(PG_writeback, &(folio)->flags)

#endif
