/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/mm.h - folios: their size, counts and references; address spaces and faults.
 */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm_types.h>
#include <linux/mmap_lock.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

/* The order stands in page 1's flags word, which changes under the reader's feet; its low bits do not (page-flags.h). */
#define folio_large_order(folio) \
	((unsigned int)(assert_read((folio)->_flags_1) & FOLIO_ORDER_MASK))
static inline unsigned int folio_order(const struct folio *folio)
{
	struct folio *f = (struct folio *)(uintptr_t)folio;

	return folio_test_large(f) ? folio_large_order(f) : 0;
}
static inline long folio_large_nr_pages(const struct folio *folio)
{
	return 1l << folio_large_order((struct folio *)(uintptr_t)folio);
}
static inline long folio_nr_pages(const struct folio *folio)
{
	return 1l << folio_order(folio);
}
#define folio_page_idx(folio, p) ((unsigned long)((p) - &(folio)->page))
/* The folio behind it, while the memory in between belongs to folios at all. */
static inline struct folio *folio_next(struct folio *folio)
{
	return (struct folio *)folio_page(folio, folio_nr_pages(folio));
}
static inline bool folio_test_pmd_mappable(const struct folio *folio)
{
	return folio_order(folio) >= HPAGE_PMD_ORDER;
}
#define folio_pgoff(folio) plain_read_racy((folio)->index)

/* ---- map counts ---- */
/* Only a large folio has it: of another one the word is a neighbour's. */
#define folio_entire_mapcount(folio)                                   \
	({                                                             \
		__typeof__(&*(folio)) folio_ = (folio);                \
		int entire_ = atomic_read(&folio_->_entire_mapcount) + 1; \
		VM_BUG_ON_FOLIO(!folio_test_large(folio_), folio_);    \
		entire_;                                               \
	})
#define folio_large_mapcount(folio) (atomic_read(&(folio)->_large_mapcount) + 1)
static inline int folio_mapcount(const struct folio *folio)
{
	struct folio *f = (struct folio *)(uintptr_t)folio;

	if (!folio_test_large(f))
		return atomic_read(&f->_mapcount) + 1;
	return folio_large_mapcount(f);
}
static inline bool folio_mapped(const struct folio *folio)
{
	return folio_mapcount(folio) > 0;
}
#define folio_maybe_dma_pinned(folio)                                          \
	(folio_test_large(folio) ? atomic_read(&(folio)->_pincount) > 0 :      \
				   folio_ref_count(folio) >= 1024)
/*
 * May more than one mm map it? Yes is a guess, no holds while a page table that maps it is locked, if it is small; of a large one it may
 * just have been forgotten (P3).
 */
static inline bool folio_maybe_mapped_shared(struct folio *folio)
{
	int mapcount = folio_mapcount(folio);

	if (!folio_test_large(folio))
		return mapcount > 1;
	if (mapcount <= 1)
		return false;
	if (generation_at_least(GENERATION_V6_18))
		return test_bit(FOLIO_MM_IDS_SHARED_BITNUM, &folio->_mm_ids);
	/* v6.12: folio_likely_mapped_shared(): a guess, by the first page */
	if (folio_entire_mapcount(folio) || mapcount > folio_nr_pages(folio))
		return true;
	return atomic_read(&folio->_mapcount) > 0;
}
/* References that mappings and caches explain: what a folio nobody else uses has, but for the caller's own. */
static inline int folio_expected_ref_count(const struct folio *folio)
{
	struct folio *f = (struct folio *)(uintptr_t)folio;
	int cache = 0;

	if (folio_test_swapcache(f))
		cache = (int)folio_nr_pages(f);
	if (!folio_test_anon(f)) {
		if (plain_read_racy(f->mapping))
			cache += (int)folio_nr_pages(f);
		cache += folio_test_private(f);
	}
	return cache + folio_mapcount(f);
}

/* ---- references ---- */
void __folio_put(struct folio *folio);
/* The caller has a reference already. */
static inline void folio_get(struct folio *folio)
{
	VM_BUG_ON_FOLIO(atomic_inc_return_relaxed(&folio->_refcount) <= 1, folio);
}
#define get_page(page) folio_get(page_folio(page))
static inline bool folio_put_testzero(struct folio *folio)
{
	return folio_ref_dec_and_test(folio);
}
static inline void folio_put(struct folio *folio)
{
	if (folio_put_testzero(folio))
		__folio_put(folio);
}
static inline void folio_put_refs(struct folio *folio, int refs)
{
	if (folio_ref_sub_and_test(folio, refs))
		__folio_put(folio);
}
#define put_page(page) folio_put(page_folio(page))
/* Drops refs[i] references of each; frees those that had no more, after taking them off queue and LRU. */
void folios_put_refs(struct folio_batch *folios, unsigned int *refs);
static inline void folios_put(struct folio_batch *folios)
{
	folios_put_refs(folios, NULL);
}

/* ---- address spaces ---- */
/* Which RSS counter a mapping of the folio is in. */
#define mm_counter_file(folio) (folio_test_swapbacked(folio) ? MM_SHMEMPAGES : MM_FILEPAGES)
#define mm_counter(folio) (folio_test_anon(folio) ? MM_ANONPAGES : mm_counter_file(folio))
/* One access: which counter, and how much, may take points to find out. */
#define add_mm_counter(mm, member, v)                                          \
	((void)({                                                              \
		long *stat_ = &(mm)->rss_stat[member], by_ = (long)(v);        \
		access_add_fetch(stat_, by_, __ATOMIC_RELAXED);                \
	}))
#define inc_mm_counter(mm, member) add_mm_counter(mm, member, 1)
#define dec_mm_counter(mm, member) add_mm_counter(mm, member, -1)

struct mmu_gather;
/* memory.c, for the faults in other files */
struct folio *folio_prealloc(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr);
pte_t maybe_mkwrite(pte_t pte, struct vm_area_struct *vma);
/* A write stores the entry, a read leaves the accessed bit to the hardware. The table's lock is held. */
void ptep_set_access_flags(struct vm_fault *vmf, pte_t entry, bool dirty);
vm_fault_t do_anonymous_page(struct vm_fault *vmf);
/* Nothing is mapped there, or a marker, which is in orig_pte. Neither mapped nor locked. */
vm_fault_t do_pte_missing(struct vm_fault *vmf);
/* The VMA gets its anon_vma. VM_FAULT_RETRY: that needs mmap_lock; the VMA's lock stays held. */
vm_fault_t vmf_anon_prepare(struct vm_fault *vmf);
/* What else has to be alike in entries that are handled together, and what the first is to gather from all: mm/internal.h. */
typedef unsigned int fpb_t;
#define FPB_RESPECT_DIRTY 0x1u
#define FPB_RESPECT_SOFT_DIRTY 0x2u
#define FPB_RESPECT_WRITE 0x4u
#define FPB_MERGE_WRITE 0x8u
#define FPB_MERGE_YOUNG_DIRTY 0x10u
/*
 * memory.c: how many entries from ptep on, which holds *ptentp and maps a page of the folio, map its next pages; at most max_nr. Table locked. The
 * VMA: with FPB_MERGE_WRITE only.
 */
int folio_pte_batch_flags(struct folio *folio, struct vm_area_struct *vma, pte_t *ptep, pte_t *ptentp, int max_nr, fpb_t flags);
int folio_pte_batch(struct folio *folio, pte_t *ptep, pte_t pte, int max_nr);
/* The mm is half made, or half gone: nothing more may be mapped. The table's lock is held. */
#define check_stable_address_space(mm) \
	(test_bit(MMF_UNSTABLE, &(mm)->flags) ? (vm_fault_t)VM_FAULT_SIGBUS : (vm_fault_t)0)
/* memory_wp.c: the table's lock is held, and dropped. */
vm_fault_t do_wp_page(struct vm_fault *vmf);
/* memory_device.c: entries of device memory; the caller has seen vmf->orig_pte without a lock. mmap_lock is held. */
vm_fault_t do_device_private_page(struct vm_fault *vmf);
vm_fault_t remove_device_exclusive_entry(struct vm_fault *vmf);
/*
 * The page at addr, which no CPU can use until it faults: locked, with a reference; *foliop is its folio. mmap_lock is held for
 * reading. An error as ERR_PTR.
 */
struct page *make_device_exclusive(struct mm_struct *mm, unsigned long addr, void *owner, struct folio **foliop);
/* memory_numa.c: a protnone entry; nothing is locked, the PTE is mapped. */
vm_fault_t do_numa_page(struct vm_fault *vmf);
vm_fault_t do_huge_pmd_numa_page(struct vm_fault *vmf);
/* memory_file.c: nothing is mapped at an address of a file. */
vm_fault_t do_fault(struct vm_fault *vmf);
/* memory_fork.c: the child's copy of one VMA's tables. Both mmap_locks are held for writing. */
int copy_page_range(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma);
int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm);
/* memory_file.c: takes the mappings of [start, start + nr) away, page tables first. i_mmap_rwsem is not held. */
void unmap_mapping_pages(struct address_space *mapping, pgoff_t start, pgoff_t nr, bool even_cows);
void unmap_mapping_folio(struct folio *folio);
/* Entries for nr pages of the folio from `page` on, at addr. The table's lock is held, the references are taken. */
void set_pte_range(struct vm_fault *vmf, struct folio *folio, struct page *page, unsigned int nr, unsigned long addr);
/* By PMD, if it fits. The caller's reference becomes the mapping's on 0. */
vm_fault_t do_set_pmd(struct vm_fault *vmf, struct folio *folio);
vm_fault_t finish_fault(struct vm_fault *vmf, struct page *page, bool is_cow);
/* A write fault on a page of a file that is mapped read-only, VM_SHARED. The table's lock is held, and dropped. */
vm_fault_t wp_page_shared(struct vm_fault *vmf, struct folio *folio);
/* mmap(MAP_FIXED) of a file: what is there is unmapped first. Takes mmap_lock. */
int mmap_file_region(struct mm_struct *mm, unsigned long start, unsigned long len, struct file *file, pgoff_t pgoff,
		     unsigned long vm_flags);
struct mm_struct *mm_alloc(unsigned int slot);
void mmput(struct mm_struct *mm);
/* The struct alone is kept by a count; its VMAs, pages and tables by a user. */
void mmdrop(struct mm_struct *mm);
#define mmgrab(mm) atomic_inc(&(mm)->mm_count)
/* With a count in hand: one user more, or false, and then the VMAs are not to be looked at: they are going, or gone. */
#define mmget_not_zero(mm) atomic_inc_not_zero(&(mm)->mm_users)
void exit_mmap(struct mm_struct *mm);
/* The VMA that contains addr, NULL if none. mmap_lock is held. */
struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr);
int mmap_region(struct mm_struct *mm, unsigned long start, unsigned long len);
int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len);
/* mmap_lock is held for writing; with `unlock`, and on success, it is dropped. */
int do_vmi_munmap(struct mm_struct *mm, unsigned long start, unsigned long len, bool unlock);

#define vma_is_accessible(vma) (((vma)->vm_flags & (VM_READ | VM_WRITE)) != 0)
/* For who holds neither mmap_lock nor the VMA's lock: rmap walks. */
#define vma_page_prot(vma) ((pgprot_t){ READ_ONCE((vma)->vm_page_prot.pgprot) })
/* A sequence count whose writers have a lock of their own (linux/seqlock.h). Odd: a writer is at it. */
#define raw_write_seqcount_begin(seq)                                          \
	do {                                                                   \
		WRITE_ONCE(seq, assert_read(seq) + 1);                         \
		smp_wmb();                                                     \
	} while (0)
#define raw_write_seqcount_end(seq)                                            \
	do {                                                                   \
		smp_wmb();                                                     \
		WRITE_ONCE(seq, assert_read(seq) + 1);                         \
	} while (0)
/* Written to, its pages are the mm's own. (Kernel: not shared, and may be made writable, which here any may.) */
#define is_cow_mapping(flags) (((flags) & VM_SHARED) == 0)
static inline unsigned long vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}
static inline pgoff_t linear_page_index(const struct vm_area_struct *vma, unsigned long addr)
{
	return ((addr - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;
}
/* Can a naturally aligned folio of this order around addr lie in the VMA? */
static inline bool thp_vma_suitable_order(struct vm_area_struct *vma, unsigned long addr, int order)
{
	unsigned long size = PAGE_SIZE << order, haddr = addr & ~(size - 1);

	/* A file's folios are aligned in the file: so must be their addresses. */
	if (!vma_is_anonymous(vma) && ((vma->vm_start >> PAGE_SHIFT) - vma->vm_pgoff) & ((1ul << order) - 1))
		return false;
	return haddr >= vma->vm_start && haddr + size <= vma->vm_end;
}

/* ---- memory.c ---- */
struct mmu_gather;
/* Order: a wish; flags: enum fault_flag. mmap_lock, or the VMA's lock, is held, before and after. */
vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int order,
			   unsigned int flags);
/* What a zap leaves alone; NULL: nothing. */
struct zap_details {
	struct folio *single_folio; /* the only one that goes; locked */
	bool skip_cows;             /* private copies of a file's pages stay */
	unsigned int zap_flags;
};
#define ZAP_FLAG_DROP_MARKER (1u << 0) /* also what userfaultfd has left for a page that comes later */
/* mm_counter(): the RSS counter that a folio is in. */
#define mm_counter_file(folio) (folio_test_swapbacked(folio) ? MM_SHMEMPAGES : MM_FILEPAGES)
#define mm_counter(folio) (folio_test_anon(folio) ? MM_ANONPAGES : mm_counter_file(folio))
void zap_vma_range_details(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long address,
			   unsigned long size, struct zap_details *details);
void unmap_vmas(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long start,
		unsigned long end);
void zap_vma_range_batched(struct mmu_gather *tlb, struct vm_area_struct *vma,
			   unsigned long address, unsigned long size);
void free_pgtables(struct mm_struct *mm, struct vm_area_struct **vmas, unsigned int nr);

struct folio_walk {
	struct page *page;
	pte_t *pte; /* NULL: mapped by a PMD */
	spinlock_t *ptl;
};
/* The folio that is mapped at addr, with its table locked until folio_walk_end(); NULL if none. */
struct folio *folio_walk_start(struct folio_walk *fw, struct vm_area_struct *vma, unsigned long addr);
void folio_walk_end(struct folio_walk *fw);
/* The page that is mapped at addr, with a reference, as get_user_pages() finds it; NULL if none. */
struct page *follow_page_get(struct vm_area_struct *vma, unsigned long addr);

#endif
