// SPDX-License-Identifier: GPL-2.0-only
/*
 * truncate.c - pages leave a file: behind its end, and in holes.
 *
 * i_size falls first, so that no new mapping is made; then the mappings go, then the pages, then once more the mappings: private copies
 * may have been made of pages until they were gone. Lock order: i_rwsem, invalidate_lock, folio lock, i_mmap_rwsem.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/xarray.h>
#include <foliofuzz/bug.h>

/* truncate_cleanup_folio() - v7.1. Fidelity: same, no private data. Locked. */
static void truncate_cleanup_folio(struct folio *folio)
{
	if (folio_mapped(folio))
		unmap_mapping_folio(folio);
	(void)folio_test_clear_dirty(folio);
}

/* truncate_inode_folio() - v7.1. Fidelity: same. Locked, and maybe truncated by somebody else. */
int truncate_inode_folio(struct address_space *mapping, struct folio *folio)
{
	if (plain_read(folio->mapping) != (void *)mapping)
		return -EIO;
	truncate_cleanup_folio(folio);
	filemap_remove_folio(folio);
	return 0;
}

/* generic_error_remove_folio() - v7.1. Fidelity: same. */
int generic_error_remove_folio(struct address_space *mapping, struct folio *folio)
{
	return mapping ? truncate_inode_folio(mapping, folio) : -EINVAL;
}

/* try_folio_split_or_unmap() - v7.1. Fidelity: same. What cannot be split is unmapped, so that nothing is mapped behind the end by PMD. */
static int try_folio_split_or_unmap(struct folio *folio, struct page *split_at, unsigned int min_order)
{
	int ret = try_folio_split_to_order(folio, split_at, min_order);

	if (ret && !shmem_mapping(folio_mapping(folio))) {
		try_to_unmap(folio, TTU_SYNC | TTU_SPLIT_HUGE_PMD | TTU_IGNORE_MLOCK);
		WARN_ON(folio_mapped(folio));
	}
	return ret;
}

/* The folio of the far edge is split as well, if it can be had without waiting: its lock would be the second. */
static void split_second_edge(struct folio *folio, struct page *split_at2, unsigned int min_order)
{
	struct folio *folio2 = page_folio(split_at2);

	if (!folio_try_get(folio2))
		return;
	if (folio_test_large(folio2) && folio_trylock(folio2)) {
		if (folio_test_large(folio2) && plain_read(folio2->mapping) == plain_read(folio->mapping))
			try_folio_split_or_unmap(folio2, split_at2, min_order);
		folio_unlock(folio2);
	}
	folio_put(folio2);
}

/*
 * truncate_inode_partial_folio() - v7.1. Fidelity: same, in pages: [start, end). The folio is locked and in the cache. What is in the range is zeroed, and
 * the folio is split around the range's edges, so that the caller can drop what then lies inside. It may lie inside as a whole by now.
 */
bool truncate_inode_partial_folio(struct folio *folio, pgoff_t start, pgoff_t end)
{
	pgoff_t pos = folio_pgoff(folio), size = (pgoff_t)folio_nr_pages(folio);
	pgoff_t offset = pos < start ? start - pos : 0;
	pgoff_t length = (pos + size <= end ? size : end - pos) - offset;
	unsigned int min_order;

	folio_wait_writeback(folio);
	if (length == size) {
		truncate_inode_folio(folio_mapping(folio), folio);
		return true;
	}
	for (pgoff_t i = offset; i < offset + length; i++)
		WRITE_ONCE(machine->content[folio_pfn(folio) + i], 0);
	if (!folio_test_large(folio))
		return true;

	min_order = mapping_min_folio_order(folio_mapping(folio));
	if (!try_folio_split_or_unmap(folio, folio_page(folio, offset), min_order)) {
		if (offset + length != size)
			split_second_edge(folio, folio_page(folio, offset + length), min_order);
		return true;
	}
	if (folio_test_dirty(folio))
		return false;
	truncate_inode_folio(folio_mapping(folio), folio);
	return true;
}

/* truncate_inode_pages_range()'s first pass - v7.1. Fidelity: same. Nothing is waited for. */
static void truncate_without_waiting(struct address_space *mapping, pgoff_t start, pgoff_t end, struct folio_batch *fbatch)
{
	pgoff_t indices[FOLIO_BATCH_SIZE], index = start;

	while (index < end && find_lock_entries(mapping, &index, end - 1, fbatch, indices)) {
		for (unsigned int i = 0; i < fbatch->nr; i++)
			truncate_cleanup_folio(fbatch->folios[i]);
		delete_from_page_cache_batch(mapping, fbatch);
		for (unsigned int i = 0; i < fbatch->nr; i++)
			folio_unlock(fbatch->folios[i]);
		folio_batch_release(fbatch);
		cond_resched();
	}
}

/*
 * A folio of the second pass. Locked. v7.1 drops it as a whole whatever it is; one that an edge of [start, end) cuts is there if the split at the second
 * edge had not its lock or met another's reference. It is split now, or stays, if it is dirty: [*first, *last) ends before it.
 */
static void truncate_found(struct address_space *mapping, struct folio *folio, pgoff_t start, pgoff_t end, pgoff_t *index,
			   pgoff_t *first, pgoff_t *last)
{
	pgoff_t at = folio_pgoff(folio), next = folio_next_index(folio);

	if (bug_enabled(punch_drops_unsplit_edge) || (at >= start && next <= end) || plain_read(folio->mapping) != (void *)mapping)
		truncate_inode_folio(mapping, folio);
	else if (truncate_inode_partial_folio(folio, start, end))
		*index = *first;
	else if (at < start)
		*first = next;
	else
		*last = at;
}

/* ... its second pass: everything, waiting for locks and write-back, until nothing is found. */
static void truncate_waiting(struct address_space *mapping, pgoff_t start, pgoff_t end, pgoff_t first, pgoff_t last,
			     struct folio_batch *fbatch)
{
	pgoff_t indices[FOLIO_BATCH_SIZE], index = first;

	while (index < last) {
		cond_resched();
		if (!find_get_entries(mapping, &index, last - 1, fbatch, indices)) {
			if (index == first)
				break;
			index = first;
			continue;
		}
		for (unsigned int i = 0; i < fbatch->nr; i++) {
			struct folio *folio = fbatch->folios[i];

			folio_lock(folio);
			VM_BUG_ON_FOLIO(!folio_contains(folio, indices[i]), folio);
			folio_wait_writeback(folio);
			truncate_found(mapping, folio, start, end, &index, &first, &last);
			folio_unlock(folio);
		}
		folio_batch_release(fbatch);
	}
}

/*
 * truncate_inode_pages_range() - v7.1. Fidelity: same, whole pages [start, end) of the regular file, which keeps no shadows. A folio that
 * an edge of the range cuts is split there; one that cannot be, and is dirty, stays as a whole. A truncation, to (pgoff_t)-1, has one edge. A split
 * that runs out of memory half way leaves a folio that ends before the range begins, and others between: these are kept.
 */
void truncate_inode_pages_range(struct address_space *mapping, pgoff_t start, pgoff_t end)
{
	bool truncate = end == (pgoff_t)-1, same_folio = start == end - 1;
	pgoff_t first = start, last = end;
	struct folio_batch fbatch;
	struct folio *folio;

	if (truncate) {
		end = FILE_PAGES;
		last = end + 1; /* no such page: behind the last one that was found there is a look that finds none */
	}
	if (start >= end)
		return;
	folio_batch_init(&fbatch);
	truncate_without_waiting(mapping, start, end, &fbatch);

	folio = filemap_lock_folio(mapping, start);
	if (folio) {
		same_folio = !truncate && end <= folio_next_index(folio);
		if (!truncate_inode_partial_folio(folio, start, end)) {
			first = folio_next_index(folio);
			if (first < start && !bug_enabled(punch_drops_unsplit_edge))
				first = start;
			if (same_folio)
				last = folio_pgoff(folio);
		}
		folio_unlock(folio);
		folio_put(folio);
	}
	if (!same_folio && !truncate) {
		folio = filemap_lock_folio(mapping, end - 1);
		if (folio) {
			if (!truncate_inode_partial_folio(folio, start, end))
				last = folio_pgoff(folio);
			folio_unlock(folio);
			folio_put(folio);
		}
	}
	truncate_waiting(mapping, start, end, first, last, &fbatch);
}

/* truncate_pagecache() - v7.1. Fidelity: same. i_size has been set. */
void truncate_pagecache(struct inode *inode, pgoff_t newsize)
{
	struct address_space *mapping = inode->i_mapping;

	unmap_mapping_pages(mapping, newsize, 0, true);
	truncate_inode_pages_range(mapping, newsize, (pgoff_t)-1);
	unmap_mapping_pages(mapping, newsize, 0, true);
}

/* truncate_pagecache_range() - v7.1. Fidelity: same. Private copies stay. */
void truncate_pagecache_range(struct inode *inode, pgoff_t start, pgoff_t end)
{
	if (end > start)
		unmap_mapping_pages(inode->i_mapping, start, end - start, false);
	truncate_inode_pages_range(inode->i_mapping, start, end);
}

/* Blocks of the disk are let go; the invalidate_lock is held, so that nobody reads them. */
static void free_blocks(struct inode *inode, pgoff_t start, pgoff_t end)
{
	for (pgoff_t i = start; i < end; i++)
		access_store(&inode->disk[i], 0, __ATOMIC_RELAXED);
}

/*
 * truncate_setsize() and its callers in a file system - v7.1. Fidelity: adapted: as ext4 does it, with the invalidate_lock held from before the pages go until
 * their blocks have gone. Takes i_rwsem. Shared memory: shmem_setattr().
 */
int vfs_truncate(struct inode *inode, pgoff_t newsize)
{
	struct address_space *mapping = inode->i_mapping;

	inode_lock(inode);
	if (inode->shmem) {
		bool shrinks = newsize << PAGE_SHIFT <= i_size_read(inode);

		i_size_write(inode, newsize << PAGE_SHIFT);
		if (shrinks) {
			unmap_mapping_pages(mapping, newsize, 0, true);
			shmem_truncate_range(inode, newsize, (pgoff_t)-1);
			unmap_mapping_pages(mapping, newsize, 0, true);
		}
	} else {
		filemap_invalidate_lock(mapping);
		i_size_write(inode, newsize << PAGE_SHIFT);
		truncate_pagecache(inode, newsize);
		free_blocks(inode, newsize, FILE_PAGES);
		filemap_invalidate_unlock(mapping);
	}
	inode_unlock(inode);
	return 0;
}

/* A file system's punch hole; shared memory: shmem_fallocate() with FALLOC_FL_PUNCH_HOLE. Fidelity: adapted, as above. [start, end). */
int vfs_punch_hole(struct inode *inode, pgoff_t start, pgoff_t end)
{
	struct address_space *mapping = inode->i_mapping;

	if (start >= end)
		return -EINVAL;
	inode_lock(inode);
	if (inode->shmem) {
		unmap_mapping_pages(mapping, start, end - start, false);
		shmem_truncate_range(inode, start, end);
	} else {
		filemap_invalidate_lock(mapping);
		truncate_pagecache_range(inode, start, end);
		free_blocks(inode, start, end);
		filemap_invalidate_unlock(mapping);
	}
	inode_unlock(inode);
	return 0;
}

/* Not in the kernel: at the end of a program everything that files keep goes. */
void files_evict(void)
{
	for (unsigned int i = 0; i < NR_FILES; i++)
		vfs_truncate(&machine->inodes[i], 0);
}
