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
/* With other folio locks held, in an order that lockdep does not know: of the file, or because nobody is known to have this one. Sleeps. */
#define folio_lock_new(folio)                                                  \
	do {                                                                   \
		while (!folio_trylock(folio))                                  \
			folio_wait_locked(folio);                              \
	} while (0)
/* The unlock tells whether somebody sleeps who has to be woken: one step, as the kernel's exchange. */
#define folio_unlock(f)                                                        \
	do {                                                                   \
		struct folio *unlocked_ = (f);                                 \
		bit_unlock(PG_locked, &unlocked_->flags, "folio_lock");        \
		if (unlikely(assert_read(unlocked_->flags) & BIT(PG_waiters))) \
			folio_wake_bit(unlocked_);                             \
	} while (0)
/* Of PG_locked. Who unlocks has a reference, or knows that somebody has. */
void folio_wake_bit(struct folio *folio);
/* Returns when the lock has been seen free; the caller has nothing. */
#define folio_wait_locked(folio) bit_wait(PG_locked, &(folio)->flags)
#define folio_wait_writeback(folio) bit_wait(PG_writeback, &(folio)->flags)

/* The file a folio belongs to; NULL: anonymous, or truncated. Read without a lock unless the folio lock is held. */
#define folio_mapping(folio)                                                   \
	({                                                                     \
		unsigned long map_ = (unsigned long)plain_read_racy((folio)->mapping); \
		map_ & FOLIO_MAPPING_ANON ? NULL : (struct address_space *)map_; \
	})
#define filemap_nr_thps(mapping) atomic_read(&(mapping)->nr_thps)
#define filemap_nr_thps_inc(mapping) (mapping_large_folio_support(mapping) ? (void)0 : atomic_inc(&(mapping)->nr_thps))
#define filemap_nr_thps_dec(mapping) (mapping_large_folio_support(mapping) ? (void)0 : atomic_dec(&(mapping)->nr_thps))
/* ---- filemap.c ---- */
struct folio *filemap_get_entry(struct address_space *mapping, pgoff_t index); /* lockless; a folio comes with a reference */
struct folio *filemap_lock_folio(struct address_space *mapping, pgoff_t index); /* locked, still there; NULL: none */
/* Locked; nr references more. -EEXIST, -ENOMEM. */
int filemap_add_folio(struct address_space *mapping, struct folio *folio, pgoff_t index, gfp_t gfp);
/* i_pages' lock and the folio's are held; the cache's references are the caller's to drop. */
void __filemap_remove_folio(struct folio *folio, void *shadow);
void filemap_remove_folio(struct folio *folio);
/* The folio's place in the file. The lock or a reference is held. */
#define folio_next_index(folio) (folio_pgoff(folio) + (pgoff_t)folio_nr_pages(folio))
#define folio_contains(folio, i)                                               \
	({                                                                     \
		pgoff_t at_ = (i), first_ = folio_pgoff(folio);                \
		at_ >= first_ && at_ - first_ < (pgoff_t)folio_nr_pages(folio); \
	})
static inline struct page *folio_file_page(struct folio *folio, pgoff_t index)
{
	return folio_page(folio, index & (pgoff_t)(folio_nr_pages(folio) - 1));
}
#define FGP_LOCK (1u << 0)
#define FGP_CREAT (1u << 1)
#define FGP_LOCK_NESTED (1u << 2) /* not the kernel's: FGP_LOCK, with lower folios of the file locked */
/* With a reference; locked if asked for. ERR_PTR(-ENOENT), -ENOMEM. A new one is order `order` at most. */
struct folio *__filemap_get_folio(struct address_space *mapping, pgoff_t index, unsigned int fgp, unsigned int order);
int __filemap_add_folio(struct address_space *mapping, struct folio *folio, pgoff_t index);
/* All locked and off their mappings: out of the cache in one go; the cache's references are dropped. */
void delete_from_page_cache_batch(struct address_space *mapping, struct folio_batch *fbatch);
/* What is in [*start, end]: folios with a reference each, and values. *start moves behind the last. */
unsigned int find_lock_entries(struct address_space *mapping, pgoff_t *start, pgoff_t end, struct folio_batch *fbatch,
			       pgoff_t *indices);
void *find_get_entry(struct xa_state *xas, pgoff_t max);
unsigned int find_get_entries(struct address_space *mapping, pgoff_t *start, pgoff_t end, struct folio_batch *fbatch,
			      pgoff_t *indices);
/* A folio of a file to be read into, that is new in the cache, or NULL. */
int page_cache_ra_order(struct address_space *mapping, pgoff_t index, unsigned int order);
int filemap_read(struct file *file, pgoff_t index, u64 *token); /* -ENOENT: at or behind the end */
/* Several pages by one look-up: how many there were, at least one, or an error as above; tokens[] has room for nr. */
int filemap_read_pages(struct file *file, pgoff_t index, unsigned int nr, u64 *tokens);
int generic_perform_write(struct file *file, pgoff_t index, u64 token, unsigned int order);
vm_fault_t filemap_fault(struct vm_fault *vmf);
vm_fault_t filemap_map_pages(struct vm_fault *vmf, pgoff_t start_pgoff, pgoff_t end_pgoff);
int filemap_write_and_wait_range(struct address_space *mapping, pgoff_t first, pgoff_t last); /* pages */
int filemap_write_and_wait(struct address_space *mapping);
int filemap_write_and_wait_nested(struct address_space *mapping); /* other folios may be locked, if they are clean */
void filemap_flush(struct address_space *mapping); /* what another CPU is writing is not waited for; other folios may be locked */
bool folio_mkclean(struct folio *folio); /* rmap.c: no writable or dirty entry is left; some was dirty */
/* Its data is on disk, and nobody uses it: out of the cache. Locked. Returns pages. */
long mapping_evict_folio(struct address_space *mapping, struct folio *folio);
void invalidate_mapping_pages(struct address_space *mapping, pgoff_t start, pgoff_t end);
/* ---- truncate.c ---- */
int truncate_inode_folio(struct address_space *mapping, struct folio *folio);
/* False: could not be split, and is to stay. In pages: [start, end). */
bool truncate_inode_partial_folio(struct folio *folio, pgoff_t start, pgoff_t end);
void truncate_inode_pages_range(struct address_space *mapping, pgoff_t start, pgoff_t end);
void truncate_pagecache(struct inode *inode, pgoff_t newsize);
void truncate_pagecache_range(struct inode *inode, pgoff_t start, pgoff_t end);
int generic_error_remove_folio(struct address_space *mapping, struct folio *folio);
int vfs_truncate(struct inode *inode, pgoff_t newsize);
int vfs_punch_hole(struct inode *inode, pgoff_t start, pgoff_t end);
/* ---- shmem.c ---- */
enum sgp_type { SGP_READ, SGP_NOALLOC, SGP_CACHE, SGP_WRITE, SGP_FALLOC };
/* Locked, with a reference; *foliop NULL: a hole (SGP_READ; with SGP_NOALLOC -ENOENT). -EINVAL behind the end, -ENOMEM, -ENOSPC, -EIO. */
int shmem_get_folio(struct inode *inode, pgoff_t index, struct folio **foliop, enum sgp_type sgp, unsigned int order);
void shmem_truncate_range(struct inode *inode, pgoff_t start, pgoff_t end);
vm_fault_t shmem_fault(struct vm_fault *vmf);
int shmem_file_read(struct file *file, pgoff_t index, u64 *token);
int shmem_file_write(struct file *file, pgoff_t index, u64 token, unsigned int order);
int shmem_fallocate(struct file *file, pgoff_t start, pgoff_t nr, bool keep_size);
/* mm/migrate.c's and huge_memory.c's waits. */
void softleaf_entry_wait_on_locked(softleaf_t entry, spinlock_t *ptl);

#endif
