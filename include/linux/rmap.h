/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/rmap.h - from a folio to the page tables that map it: anon_vmas, map counts, walks.
 *
 * Who may do what: map counts change under the lock of the page table that holds the mapping;
 * the folio's references must cover its mappings at every step (take the reference first, drop
 * it last). A walk holds the folio lock and the root anon_vma's rwsem, for reading, or for
 * writing when it splits.
 */
#ifndef _LINUX_RMAP_H
#define _LINUX_RMAP_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>
#include <linux/rwsem.h>

enum ttu_flags {
	TTU_USE_SHARED_ZEROPAGE = 0x2, /* zero-filled pages of a split folio become the zero page */
	TTU_SPLIT_HUGE_PMD = 0x4,      /* a PMD mapping is split first and unmapped page by page */
	TTU_IGNORE_MLOCK = 0x8,
	TTU_SYNC = 0x10,               /* lock every table: do not trust entries read without it */
	TTU_HWPOISON = 0x20,           /* poisoned pages leave a hwpoison entry behind */
	TTU_BATCH_FLUSH = 0x40,        /* the caller flushes the TLB at the end */
	TTU_RMAP_LOCKED = 0x80,        /* the caller holds the rmap lock */
};

typedef int rmap_t;
#define RMAP_NONE 0           /* the page may be shared between mms */
#define RMAP_EXCLUSIVE BIT(0) /* one mm only has the page */

enum pgtable_level { PGTABLE_LEVEL_PTE, PGTABLE_LEVEL_PMD };

/* ---- anon_vma lifetime and lock (kernel: mm/internal.h) ---- */
void __put_anon_vma(struct anon_vma *anon_vma);
struct anon_vma *folio_get_anon_vma(struct folio *folio);
struct anon_vma *folio_anon_vma(struct folio *folio);
int __anon_vma_prepare(struct vm_area_struct *vma);
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);
void unlink_anon_vmas(struct vm_area_struct *vma);

#define get_anon_vma(av) atomic_inc(&(av)->refcount)
static inline void put_anon_vma(struct anon_vma *anon_vma)
{
	if (atomic_dec_and_test(&anon_vma->refcount))
		__put_anon_vma(anon_vma);
}
/* ->root is set before the anon_vma is visible and never changes while a reference is held. */
#define anon_vma_lock_write(av) down_write(&(av)->root->rwsem)
#define anon_vma_trylock_write(av) down_write_trylock(&(av)->root->rwsem)
#define anon_vma_unlock_write(av) up_write(&(av)->root->rwsem)
#define anon_vma_lock_read(av) down_read(&(av)->root->rwsem)
#define anon_vma_trylock_read(av) down_read_trylock(&(av)->root->rwsem)
#define anon_vma_unlock_read(av) up_read(&(av)->root->rwsem)

/* Caller holds the mmap lock, at least for reading. */
static inline int anon_vma_prepare(struct vm_area_struct *vma)
{
	if (likely(smp_load_acquire(&vma->anon_vma)))
		return 0;
	return __anon_vma_prepare(vma);
}

/* ---- map counts ---- */
void folio_move_anon_rmap(struct folio *folio, struct vm_area_struct *vma);
void folio_add_anon_rmap_ptes(struct folio *folio, struct page *page, int nr_pages,
			      struct vm_area_struct *vma, unsigned long address,
			      rmap_t flags);
#define folio_add_anon_rmap_pte(folio, page, vma, address, flags) \
	folio_add_anon_rmap_ptes(folio, page, 1, vma, address, flags)
void folio_add_anon_rmap_pmd(struct folio *folio, struct page *page,
			     struct vm_area_struct *vma, unsigned long address,
			     rmap_t flags);
void folio_add_new_anon_rmap(struct folio *folio, struct vm_area_struct *vma,
			     unsigned long address, rmap_t flags);
void folio_remove_rmap_ptes(struct folio *folio, struct page *page, int nr_pages,
			    struct vm_area_struct *vma);
#define folio_remove_rmap_pte(folio, page, vma) \
	folio_remove_rmap_ptes(folio, page, 1, vma)
void folio_remove_rmap_pmd(struct folio *folio, struct page *page,
			   struct vm_area_struct *vma);
void folio_add_file_rmap_ptes(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *vma);
#define folio_add_file_rmap_pte(folio, page, vma) folio_add_file_rmap_ptes(folio, page, 1, vma)
void folio_add_file_rmap_pmd(struct folio *folio, struct page *page, struct vm_area_struct *vma);
/*
 * fork: the child's mapping of an anonymous folio. Source and destination table are locked, the reference is taken. -EBUSY: maybe
 * pinned and exclusive; copy it instead. Clears exclusive.
 */
int folio_try_dup_anon_rmap_ptes(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *dst_vma,
				 struct vm_area_struct *src_vma);
#define folio_try_dup_anon_rmap_pte(folio, page, dst, src) folio_try_dup_anon_rmap_ptes(folio, page, 1, dst, src)
int folio_try_dup_anon_rmap_pmd(struct folio *folio, struct page *page, struct vm_area_struct *dst_vma,
				struct vm_area_struct *src_vma);
void folio_dup_file_rmap_ptes(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *dst_vma);
int anon_vma_fork(struct vm_area_struct *vma, struct vm_area_struct *pvma);
/* The entry is cleared or invalid, and its lock held. -EBUSY: pinned, stays exclusive. */
int folio_try_share_anon_rmap_pte(struct folio *folio, struct page *page);
int folio_try_share_anon_rmap_pmd(struct folio *folio, struct page *page);

/* ---- page_vma_mapped.c ---- */
#define PVMW_SYNC (1 << 0)      /* lock every table on the way */
#define PVMW_MIGRATION (1 << 1) /* look for migration entries, not for present ones */
#define PVMW_PGTABLE_CROSSED (1 << 16)

struct page_vma_mapped_walk {
	unsigned long pfn;
	unsigned long nr_pages;
	pgoff_t pgoff;
	struct vm_area_struct *vma;
	unsigned long address;
	pmd_t *pmd;
	pte_t *pte;
	spinlock_t *ptl;
	unsigned int flags;
};

#define DEFINE_FOLIO_VMA_WALK(name, folio_, vma_, address_, flags_)            \
	struct page_vma_mapped_walk name = {                                   \
		.pfn = folio_pfn(folio_), .vma = (vma_),                       \
		.address = (address_), .flags = (flags_)                       \
	};                                                                     \
	name.nr_pages = folio_nr_pages(folio_);                                \
	name.pgoff = folio_pgoff(folio_)

/* vma_address_end() - v7.1, mm/internal.h. Fidelity: same. The folio's end in this VMA. */
static inline unsigned long vma_address_end(const struct page_vma_mapped_walk *pvmw)
{
	const struct vm_area_struct *vma = pvmw->vma;
	unsigned long address;

	if (pvmw->nr_pages == 1)
		return pvmw->address + PAGE_SIZE;
	address = vma->vm_start + ((pvmw->pgoff + pvmw->nr_pages - vma->vm_pgoff) << PAGE_SHIFT);
	return address < vma->vm_start || address > vma->vm_end ? vma->vm_end : address;
}

bool page_vma_mapped_walk(struct page_vma_mapped_walk *pvmw);
/* The caller stops before the walk has ended. */
static inline void page_vma_mapped_walk_done(struct page_vma_mapped_walk *pvmw)
{
	if (pvmw->ptl)
		spin_unlock(pvmw->ptl);
	if (pvmw->pte)
		pte_unmap(pvmw->pte);
}
/* The table changed under the caller's own hands: look at the same address again. */
static inline void page_vma_mapped_walk_restart(struct page_vma_mapped_walk *pvmw)
{
	page_vma_mapped_walk_done(pvmw);
	pvmw->ptl = NULL;
	pvmw->pmd = NULL;
	pvmw->pte = NULL;
}

/* ---- walks ---- */
struct rmap_walk_control {
	void *arg;
	/* false: stop */
	bool (*rmap_one)(struct folio *folio, struct vm_area_struct *vma,
			 unsigned long address, void *arg);
	/* non-zero: stop */
	int (*done)(struct folio *folio);
	struct anon_vma *(*anon_lock)(struct folio *folio,
				      struct rmap_walk_control *rwc);
	bool (*invalid_vma)(struct vm_area_struct *vma, void *arg);
	bool try_lock;
	bool contended;
	bool refused; /* not in the kernel: some rmap_one() said stop, or there was no walk; for rmap_unmapped_note() */
};
/* With TTU_SYNC nothing is passed over, be it that a zap is at work there: what no VMA has refused is not mapped any more. */
#define rmap_unmapped_note(folio, flags, rwc)                                  \
	do {                                                                   \
		if (((flags) & TTU_SYNC) && !(rwc)->refused)                   \
			engine_note(NOTE_FOLIO_UNMAPPED, folio, NULL);         \
	} while (0)
void rmap_walk(struct folio *folio, struct rmap_walk_control *rwc);
void rmap_walk_locked(struct folio *folio, struct rmap_walk_control *rwc);
struct anon_vma *folio_lock_anon_vma_read(struct folio *folio,
					  struct rmap_walk_control *rwc);

/*
 * rmap_referenced.c. The folio is locked. How many VMAs have used it since the last look, which is forgotten; *vm_flags: of those, and VM_LOCKED if
 * one of them is. -1: leave it alone, somebody has the rmap lock, or its only user is about to go.
 */
int folio_referenced(struct folio *folio, unsigned long *vm_flags);

void try_to_migrate(struct folio *folio, enum ttu_flags flags);
void try_to_unmap(struct folio *folio, enum ttu_flags flags);
void remove_migration_ptes(struct folio *src, struct folio *dst, enum ttu_flags flags);

/*
 * Where `page` would be mapped in `vma`, -EFAULT if outside. Reads the VMA's bounds without the
 * mmap lock: racy.
 */
unsigned long vma_address(struct vm_area_struct *vma, pgoff_t pgoff,
			  unsigned long nr_pages);
unsigned long page_address_in_vma(struct folio *folio, struct page *page,
				  struct vm_area_struct *vma);

#endif
