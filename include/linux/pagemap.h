/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/pagemap.h - the folio lock. A sleeping lock in one bit of the head's flags word, so
 * that a split can hand it to every new folio by copying the word.
 */
#ifndef _LINUX_PAGEMAP_H
#define _LINUX_PAGEMAP_H

#include <linux/fs.h>
#include <linux/page-flags.h>
#include <linux/swapops.h>
#include <linux/wait_bit.h>

#define folio_lock(folio) bit_lock(PG_locked, &(folio)->flags, "folio_lock")
#define folio_trylock(folio) bit_trylock(PG_locked, &(folio)->flags, "folio_lock")
#define folio_unlock(folio) bit_unlock(PG_locked, &(folio)->flags, "folio_lock")
/* Returns when the lock has been seen free; the caller has nothing. */
#define folio_wait_locked(folio) bit_wait(PG_locked, &(folio)->flags)
#define folio_wait_writeback(folio) bit_wait(PG_writeback, &(folio)->flags)

/* The file a folio belongs to; NULL: anonymous, or truncated. Read without a lock unless the folio lock is held. */
#define folio_mapping(folio)                                                   \
	({                                                                     \
		unsigned long map_ = (unsigned long)plain_read_racy((folio)->mapping); \
		map_ & FOLIO_MAPPING_ANON ? NULL : (struct address_space *)map_; \
	})
/* ---- filemap.c ---- */
struct folio *filemap_get_entry(struct address_space *mapping, pgoff_t index); /* lockless; a folio comes with a reference */
struct folio *filemap_lock_folio(struct address_space *mapping, pgoff_t index); /* locked, still there; NULL: none */
/* Locked; nr references more. -EEXIST, -ENOMEM. */
int filemap_add_folio(struct address_space *mapping, struct folio *folio, pgoff_t index, gfp_t gfp);
/* i_pages' lock and the folio's are held; the cache's references are the caller's to drop. */
void __filemap_remove_folio(struct folio *folio, void *shadow);
void filemap_remove_folio(struct folio *folio);
bool folio_mkclean(struct folio *folio); /* rmap.c: no writable or dirty entry is left; some was dirty */
int generic_error_remove_folio(struct address_space *mapping, struct folio *folio);
/* mm/migrate.c's and huge_memory.c's waits. */
void softleaf_entry_wait_on_locked(softleaf_t entry, spinlock_t *ptl);

#endif
