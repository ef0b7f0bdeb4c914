/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/khugepaged.h - small pages become a huge one. */
#ifndef _LINUX_KHUGEPAGED_H
#define _LINUX_KHUGEPAGED_H

#include <linux/mm.h>
#include <linux/pgtable.h>

/*
 * madvise(MADV_COLLAPSE) of [start, end), whole PMDs of the VMA. mmap_lock is held for reading, before and after; *lock_dropped: not all the
 * time, and the VMA may be gone. 0: all are huge now.
 */
int madvise_collapse(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool *lock_dropped);
/* One scan of the address space by khugepaged; how many PMDs it has collapsed. */
unsigned int khugepaged_scan_mm(struct mm_struct *mm);

/* ---- between khugepaged.c and khugepaged_file.c ---- */
enum scan_result {
	SCAN_FAIL, SCAN_SUCCEED, SCAN_NO_PTE_TABLE, SCAN_PMD_MAPPED, SCAN_EXCEED_NONE_PTE, SCAN_EXCEED_SWAP_PTE,
	SCAN_EXCEED_SHARED_PTE, SCAN_PTE_NON_PRESENT, SCAN_PTE_UFFD_WP, SCAN_LACK_REFERENCED_PAGE, SCAN_PAGE_NULL,
	SCAN_PAGE_COUNT, SCAN_PAGE_LRU, SCAN_PAGE_LOCK, SCAN_PAGE_ANON, SCAN_PAGE_LAZYFREE, SCAN_DEL_PAGE_LRU,
	SCAN_VMA_NULL, SCAN_ADDRESS_RANGE, SCAN_ALLOC_HUGE_PAGE_FAIL, SCAN_CGROUP_CHARGE_FAIL, SCAN_COPY_MC,
	SCAN_VMA_CHECK, SCAN_PTE_MAPPED_HUGEPAGE, SCAN_PAGE_COMPOUND, SCAN_TRUNCATED, SCAN_PAGE_FILLED,
	SCAN_PAGE_DIRTY_OR_WRITEBACK,
};

/* Settings (/sys/kernel/mm/transparent_hugepage/khugepaged), scaled down with the table. */
#define khugepaged_max_ptes_swap (HPAGE_PMD_NR / 8)
#define khugepaged_max_ptes_shared (HPAGE_PMD_NR / 2)

struct collapse_control {
	bool is_khugepaged; /* what limits there are hold for it alone */
	u8 node_load[NR_NODES];
};

/* A new huge folio, charged to the mm's cgroup, that nobody else has. */
enum scan_result alloc_charge_folio(struct folio **foliop, struct mm_struct *mm, struct collapse_control *cc);
/* SCAN_SUCCEED: a table. Racy without the PMD's lock. */
enum scan_result check_pmd_state(pmd_t *pmd);
enum scan_result find_pmd_or_thp_or_none(struct mm_struct *mm, unsigned long address, pmd_t **pmd);
/* The table is taken out of the PMD, whose lock is held; nobody reaches its pages by TLB any more. */
pmd_t pmdp_collapse_flush(struct vm_area_struct *vma, unsigned long address, pmd_t *pmd);
/* file_thp_enabled(): may its folios be collapsed? Racy: nobody is kept from opening the file. */
bool file_thp_enabled(struct vm_area_struct *vma);
/*
 * The PMD around addr of a file's VMA. mmap_lock is held for reading, and not any more afterwards; SCAN_SUCCEED: huge, or, for khugepaged, to be
 * mapped huge by the next fault.
 */
enum scan_result collapse_single_file_pmd(unsigned long addr, struct vm_area_struct *vma, struct collapse_control *cc);

#endif
