/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/huge_mm.h - PMD-mapped folios: fault, zap, split of the PMD and of the folio, and the
 * queue of folios whose split was put off.
 */
#ifndef _LINUX_HUGE_MM_H
#define _LINUX_HUGE_MM_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>
#include <linux/shrinker.h>
#include <foliofuzz/bug.h>

struct mmu_gather;
struct page_vma_mapped_walk;

/* ---- huge_memory.c ---- */
vm_fault_t do_huge_pmd_anonymous_page(struct vm_fault *vmf);
bool zap_huge_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd,
		  unsigned long addr);
void __split_huge_pmd(struct vm_area_struct *vma, pmd_t *pmd,
		      unsigned long address, bool freeze);
void split_huge_pmd_locked(struct vm_area_struct *vma, unsigned long address,
			   pmd_t *pmd, bool freeze);
void split_huge_pmd_address(struct vm_area_struct *vma, unsigned long address,
			    bool freeze);
/*
 * Splits the PMDs that the new edges of a VMA would cut. Caller holds the mmap lock for
 * writing.
 */
void vma_adjust_trans_huge(struct vm_area_struct *vma, unsigned long start,
			   unsigned long end, struct vm_area_struct *next);
/*
 * The PMD's lock, held, if it maps or migrates a huge folio; NULL, nothing held, if it does
 * not.
 */
spinlock_t *__pmd_trans_huge_lock(pmd_t *pmd, struct vm_area_struct *vma);
int set_pmd_migration_entry(struct page_vma_mapped_walk *pvmw, struct page *page);
void remove_migration_pmd(struct page_vma_mapped_walk *pvmw, struct page *new);
/* Waits for the migration (or split) behind the PMD's entry to end, without a reference. */
void pmd_migration_entry_wait(struct mm_struct *mm, pmd_t *pmd);

/* NULL: no memory. Charged and zeroed. */
struct folio *vma_alloc_anon_folio_pmd(struct vm_area_struct *vma, unsigned long addr);
/* The PMD is none, its lock held, a table deposited. */
void map_anon_folio_pmd_pf(struct folio *folio, pmd_t *pmd, struct vm_area_struct *vma, unsigned long haddr);
static inline pmd_t maybe_pmd_mkwrite(pmd_t pmd, struct vm_area_struct *vma)
{
	return assert_read(vma->vm_flags) & VM_WRITE ? pmd_mkwrite(pmd, vma) : pmd;
}

/* huge_memory_wp.c, huge_memory_fork.c, huge_memory_change.c, huge_memory_move.c, huge_memory_device.c */
vm_fault_t do_huge_pmd_wp_page(struct vm_fault *vmf);
int copy_huge_pmd(struct mm_struct *dst_mm, struct mm_struct *src_mm, pmd_t *dst_pmd, pmd_t *src_pmd,
		  unsigned long addr, struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma);
/* 0: not huge (any more); 1: done, flush not needed; HPAGE_PMD_NR: done. */
int change_huge_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr,
		    pgprot_t newprot, unsigned long cp_flags);
bool move_huge_pmd(struct vm_area_struct *vma, unsigned long old_addr, unsigned long new_addr, pmd_t *old_pmd,
		   pmd_t *new_pmd);
vm_fault_t do_huge_pmd_device_private(struct vm_fault *vmf);
/* The accessed bit, and with a write the dirty bit. The PMD's lock is held. */
bool touch_pmd(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmd, bool write);
bool huge_pmd_set_accessed(struct vm_fault *vmf);
/* The shrinker that frees the huge zero folio when nobody but it has a reference. */
unsigned long shrink_huge_zero_folio_count(struct shrink_control *sc);
unsigned long shrink_huge_zero_folio_scan(struct shrink_control *sc);
/* UFFDIO_MOVE of a whole PMD. The PMD's lock is held, and dropped. -EAGAIN: look again. */
int move_pages_huge_pmd(struct mm_struct *mm, pmd_t *dst_pmd, pmd_t *src_pmd, pmd_t dst_pmdval,
			struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma, unsigned long dst_addr,
			unsigned long src_addr);
bool is_huge_zero_folio(const struct folio *folio);
bool is_huge_zero_pmd(pmd_t pmd);
/* NULL: no memory. One user more for the mm, until it exits. */
struct folio *mm_get_huge_zero_folio(struct mm_struct *mm);
void mm_put_huge_zero_folio(struct mm_struct *mm);
#define MM_CP_PROT_NUMA (1ul << 1)
#define MM_CP_UFFD_WP (1ul << 2)
#define MM_CP_UFFD_WP_RESOLVE (1ul << 3)
#define MM_CP_TRY_CHANGE_WRITABLE (1ul << 4) /* without waiting for the fault, where that would do no more */
/*
 * mprotect.c: vma->vm_page_prot, or hints, for [start, end) of it. mmap_lock is held, for writing if the flags have changed.
 * Returns entries that changed; < 0: no memory for tables, which only write protection of files needs.
 */
long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start, unsigned long end,
		       unsigned long cp_flags);
int do_mprotect(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned long prot);
/* The table's lock is held: a write fault would do nothing but map it writable. */
bool can_change_pte_writable(struct vm_area_struct *vma, unsigned long addr, pte_t pte);
bool can_change_pmd_writable(struct vm_area_struct *vma, unsigned long addr, pmd_t pmd);
/* Shared or private: nothing is mapped writable by its protection alone, so that writes are noticed. */
#define vma_wants_manual_pte_write_upgrade(vma) (((vma)->vm_flags & VM_WRITE) != 0)
/* memory_numa.c: hints over [start, end) of every VMA; mmap_lock is held for reading. */
long change_prot_numa(struct vm_area_struct *vma, unsigned long start, unsigned long end);
bool folio_can_map_prot_numa(struct folio *folio, struct vm_area_struct *vma);
/* Neither a table nor nothing: mapped huge, or a software entry. */
static inline bool pmd_is_huge(pmd_t pmd)
{
	return !pmd_none(pmd) && (!pmd_present(pmd) || pmd_trans_huge(pmd));
}
static inline spinlock_t *pmd_trans_huge_lock(pmd_t *pmd, struct vm_area_struct *vma)
{
	if (!pmd_is_huge(pmdp_get(pmd)))
		return NULL;
	return __pmd_trans_huge_lock(pmd, vma);
}
#define split_huge_pmd(vma, pmd, address)                                      \
	do {                                                                   \
		pmd_t *pmd__ = (pmd);                                          \
		if (pmd_is_huge(pmdp_get(pmd__)))                              \
			__split_huge_pmd(vma, pmd__, address, false);          \
	} while (0)

/* ---- huge_memory_split.c: caller holds the folio lock and one reference ---- */
enum split_type { SPLIT_TYPE_UNIFORM, SPLIT_TYPE_NON_UNIFORM };
int folio_check_splittable(struct folio *folio, unsigned int new_order, enum split_type split_type);
/*
 * Uniform. New folios go on `list` (with a reference each), or next to the old one on the LRU.
 * The caller's lock and reference stay with the folio that holds `page`. -EBUSY, -EAGAIN: as it
 * was, but for mappings that may now be by PTE.
 */
int split_huge_page_to_list_to_order(struct page *page, struct list_head *list,
				     unsigned int new_order);
/* Around one page, halving; lock and reference stay with the first part. -ENOMEM: cut in part. */
int folio_split(struct folio *folio, unsigned int new_order, struct page *split_at, struct list_head *list);
/* Anonymous, and unmapped by the caller: all parts stay locked and unmapped, one reference each. */
int folio_split_unmapped(struct folio *folio, unsigned int new_order);
unsigned int min_order_for_split(struct folio *folio);
int split_folio_to_list(struct folio *folio, struct list_head *list);
#define split_huge_page_to_order(page, order) split_huge_page_to_list_to_order(page, NULL, order)
#define split_huge_page(page) split_huge_page_to_list_to_order(page, NULL, 0)
#define split_folio(folio) split_folio_to_list(folio, NULL)
#define split_folio_to_order(folio, order) split_huge_page_to_list_to_order(&(folio)->page, NULL, order)
/* Around the page if the folio allows that, else uniformly, as v6.12 always does. */
static inline int try_folio_split_to_order(struct folio *folio, struct page *page, unsigned int new_order)
{
	if (!generation_at_least(GENERATION_V6_18) || folio_check_splittable(folio, new_order, SPLIT_TYPE_NON_UNIFORM))
		return split_huge_page_to_order(&folio->page, new_order);
	return folio_split(folio, new_order, page, NULL);
}

/* ---- the deferred split queue: deferred_split/<generation>.c ---- */
struct deferred_split_ops {
	void (*deferred_split_folio)(struct folio *folio, bool partially_mapped);
	bool (*__folio_unqueue_deferred_split)(struct folio *folio);
	unsigned long (*deferred_split_count)(struct shrink_control *sc);
	unsigned long (*deferred_split_scan)(struct shrink_control *sc);
	/* The lock of the folio's queue; irqs off already. For the freeze of a split. NULL: it is never queued. */
	struct deferred_split *(*folio_split_queue_lock)(struct folio *folio);
};
const struct deferred_split_ops *deferred_split_ops(void);
extern const struct deferred_split_ops deferred_split_ops_v6_8;
extern const struct deferred_split_ops deferred_split_ops_v6_12;
extern const struct deferred_split_ops deferred_split_ops_v7_1;
extern const struct deferred_split_ops deferred_split_ops_mainline;

/*
 * Caller maps the folio, or holds a reference. `partially_mapped`: some page has just lost its
 * mapping.
 */
#define deferred_split_folio(folio, partially_mapped) \
	(deferred_split_ops()->deferred_split_folio(folio, partially_mapped))
#define __folio_unqueue_deferred_split(folio) \
	(deferred_split_ops()->__folio_unqueue_deferred_split(folio))
#define deferred_split_count(sc) (deferred_split_ops()->deferred_split_count(sc))
#define deferred_split_scan(sc) (deferred_split_ops()->deferred_split_scan(sc))
#define folio_split_queue_lock(folio) \
	(deferred_split_ops()->folio_split_queue_lock(folio))
/*
 * Settings (/sys/kernel/mm/transparent_hugepage): with `underused`, every huge folio is queued
 * at birth, and more than this many zero-filled pages in it make it worth splitting. The
 * largest value, the kernel's default, switches that off.
 */
static inline bool split_underused_thp(void)
{
	return machine->config.underused;
}
static inline int khugepaged_max_ptes_none(void)
{
	return machine->config.underused ? HPAGE_PMD_NR / 2 : HPAGE_PMD_NR - 1;
}
/* Nothing but zeroes worth keeping? Reads the pages without a lock. */
bool thp_underused(struct folio *folio);

/*
 * Takes a folio off its queue. Only with the reference count at zero (last put, or frozen): nobody can add it then, and no
 * scanner can get it. But a scanner that failed to get it may be unlinking it, with the lock held: the careful test sees
 * both stores of the link's re-initialisation, or goes for the lock. Releases up to v7.1 looked at ->next alone.
 */
static inline bool folio_unqueue_deferred_split(struct folio *folio)
{
	/* of two pages: the link would be in a third */
	if (folio_order(folio) <= 1 && !(bug_enabled(defer_order1_slot_alias) && folio_test_large(folio)))
		return false;
	if (!folio_test_large_rmappable(folio))
		return false;
	if (bug_enabled(defer_unqueue_empty_test_vs_unlink)) {
		if (data_race(1, folio, list_empty(&folio->_deferred_list)))
			return false;
	} else if (data_race(1, folio, list_empty_careful(&folio->_deferred_list))) {
		return false;
	}
	return __folio_unqueue_deferred_split(folio);
}

#endif
