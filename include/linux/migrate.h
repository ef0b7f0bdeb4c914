/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/migrate.h - moving folios to other page frames. */
#ifndef _LINUX_MIGRATE_H
#define _LINUX_MIGRATE_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/vmstat.h>

enum migrate_mode { MIGRATE_ASYNC, MIGRATE_SYNC_LIGHT, MIGRATE_SYNC };
enum migrate_reason { MR_COMPACTION, MR_MEMORY_FAILURE, MR_SYSCALL, MR_MEMPOLICY_MBIND, MR_NUMA_MISPLACED, MR_LONGTERM_PIN };
typedef struct folio *new_folio_t(struct folio *folio, unsigned long private);
typedef void free_folio_t(struct folio *folio, unsigned long private);

/*
 * Every folio on `from` is isolated: off the LRU, one reference. 0: all moved, and the list is empty. > 0: so many were not; those, and
 * parts of folios that were split, are on the list. < 0: an error, and the same.
 */
int migrate_pages(struct list_head *from, new_folio_t get_new_folio, free_folio_t put_new_folio,
		  unsigned long private, enum migrate_mode mode, int reason, unsigned int *ret_succeeded);
void putback_movable_pages(struct list_head *l);
#define NUMA_NO_NODE (-1)
struct folio *alloc_migration_target(struct folio *src, unsigned long private); /* private: the node; NUMA_NO_NODE: as src */
bool isolate_folio_to_list(struct folio *folio, struct list_head *list);
int migrate_misplaced_folio_prepare(struct folio *folio, struct vm_area_struct *vma, int node);
int migrate_misplaced_folio(struct folio *folio, int node);
/* src is locked, unmapped and isolated, dst new and locked. 0, -EAGAIN. */
int folio_migrate_mapping(struct address_space *mapping, struct folio *newfolio, struct folio *folio,
			  int extra_count);
int folio_migrate_stale_mapping(struct folio *newfolio, struct folio *folio, int extra_count); /* of a bug */
void folio_migrate_flags(struct folio *newfolio, struct folio *folio);
/* -EHWPOISON: a page of src is poisoned; dst has part of it. */
int folio_mc_copy(struct folio *dst, struct folio *src);

/* migrate.c: pages [start, start + len) of the mm, those that are mapped, to another node. > 0: so many were not moved. */
int do_pages_move(struct mm_struct *mm, unsigned long start, unsigned long len, int node);
/* compaction.c: moves what is movable of the node. 0, or negative: nothing was moved, no memory. */
int compact_node(int nid, enum migrate_mode mode);

/* For whoever watches. */
#define folio_migrating_note(src, dst) engine_note(NOTE_FOLIO_MIGRATING, src, dst)
#define folio_migrated_note(src, dst) engine_note(NOTE_FOLIO_MIGRATED, src, dst)
#define folio_replaced_note(src, dst) engine_note(NOTE_FOLIO_REPLACED, src, dst)
#define migrate_return_note(from, rc) engine_note(NOTE_MIGRATE_RETURN, from, (void *)(long)(rc))

/* Which statistic an isolated folio is in. */
#define folio_is_file_lru(folio) ((assert_read((folio)->flags) & BIT(PG_swapbacked)) == 0)
#define node_stat_isolated(folio, sign)                                        \
	lruvec_stat_mod_folio(folio, folio_is_file_lru(folio) ? NR_ISOLATED_FILE : NR_ISOLATED_ANON, \
			      (sign) * folio_nr_pages(folio))

/* migrate_device.c */
#define MIGRATE_PFN_VALID (1ul << 0)
#define MIGRATE_PFN_MIGRATE (1ul << 1)
#define MIGRATE_PFN_WRITE (1ul << 3)
#define MIGRATE_PFN_COMPOUND (1ul << 4)
#define MIGRATE_PFN_ANON_VMA (1ul << 5) /* with a reference to its anon_vma: of a range by page frame, ours */
#define MIGRATE_PFN_SHIFT 6
#define migrate_pfn(pfn) (((unsigned long)(pfn) << MIGRATE_PFN_SHIFT) | MIGRATE_PFN_VALID)
#define migrate_pfn_to_page(mpfn) \
	((mpfn) & MIGRATE_PFN_VALID ? pfn_to_page((mpfn) >> MIGRATE_PFN_SHIFT) : NULL)

enum migrate_vma_direction {
	MIGRATE_VMA_SELECT_SYSTEM = 1 << 0,
	MIGRATE_VMA_SELECT_DEVICE_PRIVATE = 1 << 1,
	MIGRATE_VMA_SELECT_COMPOUND = 1 << 3,
};
/*
 * One entry for each page of [start, end): src says what was there (MIGRATE_PFN_MIGRATE: and can go), dst where it shall go. A folio that
 * goes as a whole (MIGRATE_PFN_COMPOUND) has the entry of its first page.
 */
struct migrate_vma {
	struct vm_area_struct *vma;
	unsigned long *dst, *src;
	unsigned long cpages; /* of them, how many can go */
	unsigned long npages;
	unsigned long start, end;
	void *pgmap_owner;
	unsigned long flags;     /* enum migrate_vma_direction */
	struct page *fault_page; /* locked by the fault, with a reference of its own */
};
/* mmap_lock is held for reading, all through. After setup the pages that can go are locked, isolated and unmapped. */
int migrate_vma_setup(struct migrate_vma *args);
void migrate_vma_pages(struct migrate_vma *migrate);
void migrate_vma_finalize(struct migrate_vma *migrate);
/* The same by page frame, for pages of the device wherever they are mapped. */
int migrate_device_range(unsigned long *src_pfns, unsigned long start, unsigned long npages);
void migrate_device_pages(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages);
void migrate_device_finalize(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages);

#endif
