/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/fs.h - three files: a regular one, whose folios may be large, shared memory, which can be swapped, and a regular one whose folios are small
 * unless a collapse, while nobody writes to it, has made a huge one (CONFIG_READ_ONLY_THP_FOR_FS).
 */
#ifndef _LINUX_FS_H
#define _LINUX_FS_H

#include <linux/mm_types.h>
#include <linux/xarray.h>

struct inode;
struct address_space {
	struct inode *host;
	struct xarray i_pages;
	struct rw_semaphore invalidate_lock;
	struct rw_semaphore i_mmap_rwsem;
	struct list_head i_mmap;    /* VMAs by ->shared, stands for the interval tree; i_mmap_rwsem */
	unsigned long nrpages;      /* i_pages' lock */
	unsigned int max_order, min_order; /* of its folios */
	atomic_t nr_thps;           /* huge folios of a file system that has no large ones */
};
struct inode {
	struct address_space *i_mapping;
	struct rw_semaphore i_rwsem;
	unsigned long i_size; /* bytes, whole pages; i_rwsem, read without it */
	bool shmem;
	atomic_t i_writecount; /* regular files: how often it is open for writing, by shared mappings, too */
	pgoff_t fallocend; /* shmem: where the last fallocate() beyond i_size ended */
	long alloced, swapped; /* shmem: pages charged to the inode; slots that are swap entries */
	spinlock_t lock; /* shmem: these two */
	u64 disk[FILE_PAGES]; /* what is on disk: content tokens */
};
struct file {
	struct address_space *f_mapping;
	struct inode *f_inode;
};
#define i_size_read(inode) READ_ONCE((inode)->i_size)
#define i_size_write(inode, size) WRITE_ONCE((inode)->i_size, size)
#define inode_is_open_for_write(inode) (atomic_read(&(inode)->i_writecount) > 0)
/* The regular file alone: of shared memory nobody asks. A mapping that is shared keeps its file open. */
#define get_write_access(inode) ((inode)->shmem ? (void)0 : atomic_inc(&(inode)->i_writecount))
#define put_write_access(inode) ((inode)->shmem ? (void)0 : atomic_dec(&(inode)->i_writecount))
#define mapping_min_folio_order(mapping) ((mapping)->min_order)
#define mapping_large_folio_support(mapping) ((mapping)->max_order > 0)
#define shmem_mapping(mapping) ((mapping)->host->shmem)
#define i_mmap_lock_read(mapping) down_read(&(mapping)->i_mmap_rwsem)
#define i_mmap_trylock_read(mapping) down_read_trylock(&(mapping)->i_mmap_rwsem)
#define i_mmap_unlock_read(mapping) up_read(&(mapping)->i_mmap_rwsem)
#define i_mmap_lock_write(mapping) down_write(&(mapping)->i_mmap_rwsem)
#define i_mmap_unlock_write(mapping) up_write(&(mapping)->i_mmap_rwsem)

/* Pages beyond i_size that fallocate() has promised are kept by a split. */
static inline pgoff_t shmem_fallocend(struct inode *inode, pgoff_t eof)
{
	pgoff_t fallocend = access_load(&inode->fallocend, __ATOMIC_RELAXED);

	return eof > fallocend ? eof : fallocend;
}
bool shmem_charge(struct inode *inode, long pages);
void shmem_uncharge(struct inode *inode, long pages);

/* open(2) of a regular file for writing, and close(2). Nothing happens to shared memory. */
void file_open_write(struct file *file);
void file_close_write(struct file *file);
/* All files: EOF within the second huge folio. */
#define FILE_PAGES_AT_BOOT (FILE_PAGES - 4)
void files_boot(void);
void folio_wait_boot(void); /* filemap.c */
/* Everything that files keep, cache and swap entries, goes; for the end of a program. */
void files_evict(void);
#define inode_lock(inode) down_write(&(inode)->i_rwsem)
#define inode_unlock(inode) up_write(&(inode)->i_rwsem)
#define filemap_invalidate_lock(mapping) down_write(&(mapping)->invalidate_lock)
#define filemap_invalidate_unlock(mapping) up_write(&(mapping)->invalidate_lock)
#define filemap_invalidate_lock_shared(mapping) down_read(&(mapping)->invalidate_lock)
#define filemap_invalidate_unlock_shared(mapping) up_read(&(mapping)->invalidate_lock)
/* The VMAs of a file that have a page of [first, last]. i_mmap_rwsem is held. */
struct vm_area_struct *vma_interval_tree_next(struct address_space *mapping, struct vm_area_struct *after,
					      pgoff_t first, pgoff_t last);
#define vma_interval_tree_foreach(vma, mapping, first, last)                   \
	for (vma = vma_interval_tree_next(mapping, NULL, first, last); vma;    \
	     vma = vma_interval_tree_next(mapping, vma, first, last))
/* A VMA of a file joins and leaves its mapping's i_mmap. Take i_mmap_rwsem for writing. */
void vma_link_file(struct vm_area_struct *vma);
/* VMAs that leave their file's i_mmap together; starts as zeroes. (mm/vma.h) */
#define UNLINK_FILE_VMA_BATCH 8
struct unlink_vma_file_batch {
	unsigned int count;
	struct vm_area_struct *vmas[UNLINK_FILE_VMA_BATCH];
};
void unlink_file_vma_batch_add(struct unlink_vma_file_batch *vb, struct vm_area_struct *vma);
void unlink_file_vma_batch_final(struct unlink_vma_file_batch *vb);

#endif
