/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/mm_types.h - struct page and what a folio lays over it; address spaces, VMAs, page tables.
 *
 * A page has 64 bytes and one flags word. A large folio keeps what is its own in the pages behind its head: page 1
 * the map counts, page 2 the link of the deferred split queue, as in the kernel on 64-bit machines.
 */
#ifndef _LINUX_MM_TYPES_H
#define _LINUX_MM_TYPES_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/rcuwait.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* ---- sizes: small on purpose, so that batches fill and loops turn; protocols do not shrink ---- */
#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PTRS_PER_PTE 8
#define PTRS_PER_PMD 4
#define PMD_SHIFT (PAGE_SHIFT + 3)
#define PMD_SIZE (1ul << PMD_SHIFT)
#define PMD_MASK (~(PMD_SIZE - 1))
#define HPAGE_PMD_ORDER 3
#define HPAGE_PMD_NR (1 << HPAGE_PMD_ORDER)
#define HPAGE_PMD_SIZE PMD_SIZE
#define HPAGE_PMD_MASK PMD_MASK
#define TASK_SIZE (PTRS_PER_PMD * PMD_SIZE)
#define VMAS_PER_MM 8
#define NR_MMS 3
#define MAX_ORDER_ 3
#define NR_ORDERS (MAX_ORDER_ + 1)
#define NR_FILES 3      /* f0: a regular file; f1: shared memory, backed by swap; f2: a regular file of a file system without large folios */
#define FILE_PAGES 16   /* the largest file */
#define NR_SWAP_SLOTS 32
#define SWAPFILE_CLUSTER HPAGE_PMD_NR

struct mem_cgroup;
struct folio;
struct dev_pagemap;
struct address_space;
struct file;
struct mmu_notifier_subscription;
struct userfaultfd_ctx;

/* A swap slot, as page table entries and folios name it; the same encoding as in an entry (linux/swapops.h). */
typedef struct {
	unsigned long val;
} softleaf_t;
typedef softleaf_t swp_entry_t;

struct page {
	unsigned long flags;
	union {
		struct {
			struct list_head lru;
			void *mapping; /* anon_vma | FOLIO_MAPPING_ANON */
			pgoff_t index;
			unsigned long private; /* buddy: order */
		};
		unsigned long compound_head; /* tail: head | 1 */
	};
	union {
		atomic_t _mapcount;    /* PTE mappings - 1 */
		unsigned int page_type; /* PGTY_*, when free */
	};
	atomic_t _refcount;
	unsigned long memcg_data;
};
_Static_assert(sizeof(struct page) == 64, "one page is one grain of the arena");

#define PGTY_buddy 0xf0000000u
#define TAIL_MAPPING ((void *)0x400) /* in the tails whose mapping holds nothing else */

typedef unsigned int mm_id_t;
#define MM_ID_BITS 32
#define MM_ID_MASK 0x7fffffffu
#define MM_ID_DUMMY 0u
#define MM_ID_MIN 1u
#define MM_ID_MAX MM_ID_MASK
#define FOLIO_MM_IDS_LOCK_BITNUM 31   /* top bit of id 0: the large map count's lock */
#define FOLIO_MM_IDS_SHARED_BITNUM 63 /* top bit of id 1: maybe mapped shared */

/* _nr_pages_mapped: this, while there is a PMD mapping, above the number of PTE-mapped pages. */
#define ENTIRELY_MAPPED 0x800000
#define FOLIO_PAGES_MAPPED (ENTIRELY_MAPPED - 1)

struct folio {
	union {
		struct {
			unsigned long flags;
			union {
				struct list_head lru;
				struct {
					void *__filler;
					unsigned int mlock_count; /* off the LRU, or unevictable; lru_lock */
				};
				struct dev_pagemap *pgmap; /* device memory, which is on no LRU */
			};
			void *mapping;
			pgoff_t index;
			union {
				void *private;
				swp_entry_t swap; /* the first page's slot; valid with PG_swapcache */
			};
			atomic_t _mapcount;
			atomic_t _refcount;
			unsigned long memcg_data;
		};
		struct page page;
	};
	union {
		struct {
			unsigned long _flags_1; /* low 8 bits: order */
			unsigned long _head_1;
			atomic_t _large_mapcount; /* all mappings - 1; one PMD mapping counts 1 */
			atomic_t _nr_pages_mapped;
			atomic_t _entire_mapcount; /* PMD mappings - 1 */
			atomic_t _pincount;
			int _mm_id_mapcount[2]; /* -1: slot is free */
			unsigned long _mm_ids;
			atomic_t _mapcount_1;
			atomic_t _refcount_1;
			unsigned long _memcg_1;
		};
		struct page __page_1;
	};
	union {
		struct {
			unsigned long _flags_2;
			unsigned long _head_2;
			struct list_head _deferred_list;
		};
		struct page __page_2;
	};
};
#define FOLIO_MATCH(pg, field, n)                                              \
	_Static_assert(offsetof(struct page, pg) + (n) * sizeof(struct page) == \
			       offsetof(struct folio, field), #field)
FOLIO_MATCH(flags, flags, 0);
FOLIO_MATCH(lru, lru, 0);
FOLIO_MATCH(mapping, mapping, 0);
FOLIO_MATCH(index, index, 0);
FOLIO_MATCH(private, private, 0);
FOLIO_MATCH(_mapcount, _mapcount, 0);
FOLIO_MATCH(_refcount, _refcount, 0);
FOLIO_MATCH(memcg_data, memcg_data, 0);
FOLIO_MATCH(flags, _flags_1, 1);
FOLIO_MATCH(compound_head, _head_1, 1);
FOLIO_MATCH(_mapcount, _mapcount_1, 1);
FOLIO_MATCH(_refcount, _refcount_1, 1);
FOLIO_MATCH(flags, _flags_2, 2);
FOLIO_MATCH(compound_head, _head_2, 2);

typedef struct {
	unsigned long pte;
} pte_t;
typedef struct {
	unsigned long pmd;
} pmd_t;
typedef struct {
	unsigned long pgprot;
} pgprot_t;
typedef unsigned int vm_fault_t;

/* A table of PTEs. Its lock covers the entries; freed after a grace period, since walkers look without it. */
struct ptdesc {
	pte_t ptes[PTRS_PER_PTE];
	spinlock_t ptl;
	struct ptdesc *deposit_next; /* under the PMD's lock */
	struct rcu_head rcu;
};
typedef struct ptdesc *pgtable_t;

enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS };

struct mm_struct {
	pmd_t pmds[PTRS_PER_PMD];
	spinlock_t pmd_ptl; /* the one lock of all PMDs; kernel: split PMD lock of the one PMD table */
	spinlock_t page_table_lock;
	struct rw_semaphore mmap_lock;
	atomic_t mm_users, mm_count;
	/* By address; mmap_lock. Behind the last may be XA_ZERO_ENTRY: see vma_tree_entries(). */
	struct vm_area_struct *vmas[VMAS_PER_MM];
	struct vm_area_struct *mm_mt[TASK_SIZE >> PAGE_SHIFT]; /* the VMA of each page, stands for the maple tree; changed with
								* mmap_lock for writing, read with RCU alone */
	unsigned int map_count;
	mm_id_t mm_id;
	unsigned int slot; /* m0..m2, for reports */
	atomic_long_t pgtables; /* PTE tables, deposited ones too */
	struct ptdesc *pmd_huge_pte; /* deposited tables; pmd_ptl */
	long rss_stat[NR_MM_COUNTERS]; /* pages; read by nobody but the end check */
	struct mem_cgroup *memcg; /* pinned; changes under cgroup_mutex, read under RCU */
	unsigned int write_protect_seq; /* seqcount: fork against GUP-fast */
	unsigned long flags;            /* MMF_*; bit operations */
	atomic_long_t locked_vm;        /* pages of VM_LOCKED VMAs */
	struct list_head mmlist;        /* mms that may have swap entries; machine->mmlist_lock */
	struct mmu_notifier_subscription *notifier_subscriptions; /* of the simulated device */
	unsigned int notifier_ranges; /* being invalidated without a subscriber; stands for what mm_take_all_locks() keeps out */
	struct mm_struct *forked_from;  /* no owner of it: for reports */
	unsigned int mm_lock_seq;       /* per-VMA locks: odd while mmap_lock is held for writing, which changes it */
	struct rcuwait vma_writer_wait; /* the one writer, for the readers of a VMA to go */
	atomic_long_t tlb_gen;          /* flushes so far (x86: mm->context.tlb_gen) */
	atomic_t tlb_flush_pending; /* gathers that are open: entries may be gone, and translations not */
	atomic_t tlb_flush_batched;     /* low 16 bits: entries unmapped without a flush; high: of these, flushed since */
};
enum mm_flags { MMF_OOM_SKIP, MMF_UNSTABLE, MMF_HUGE_ZERO_FOLIO, MMF_HAS_PINNED, MMF_VM_HUGEPAGE };

#define VM_READ 0x1ul
#define VM_WRITE 0x2ul
#define VM_SHARED 0x8ul
#define VM_MAYWRITE 0x20ul
#define VM_UFFD_MISSING 0x200ul
#define VM_UFFD_WP 0x1000ul
#define VM_LOCKED 0x2000ul
#define VM_IO 0x4000ul
#define VM_SPECIAL VM_IO
#define VM_WIPEONFORK 0x2000000ul

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct mm_struct *vm_mm;
	pgprot_t vm_page_prot;
	unsigned long vm_flags;
	struct list_head anon_vma_chain; /* mmap_lock and page_table_lock */
	struct anon_vma *anon_vma;       /* page_table_lock; once set it stays */
	unsigned long vm_pgoff;
	struct file *vm_file;            /* NULL: anonymous */
	struct list_head shared;         /* of mapping->i_mmap; i_mmap_rwsem */
	atomic_t vm_refcnt;              /* per-VMA lock: 0 detached, 1 attached, + readers, + VM_REFCNT_EXCLUDE_READERS_FLAG */
	unsigned int vm_lock_seq;        /* == mm->mm_lock_seq: locked for writing */
	struct rcu_head vm_rcu;
	struct userfaultfd_ctx *uffd_ctx;
};
#define vma_is_anonymous(vma) ((vma)->vm_file == NULL)


struct anon_vma {
	struct anon_vma *root; /* whose rwsem is the one that is used */
	struct rw_semaphore rwsem;
	atomic_t refcount;
	unsigned long num_children, num_active_vmas; /* root's rwsem */
	struct anon_vma *parent;
	struct anon_vma_chain *rb_root; /* by pgoff, then by age; stands for the interval tree; root's rwsem */
};

struct anon_vma_chain {
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma;
	struct anon_vma_chain *rb_next;
};

enum {
	VM_FAULT_OOM = 0x1,
	VM_FAULT_SIGBUS = 0x2,
	VM_FAULT_HWPOISON = 0x10,
	VM_FAULT_SIGSEGV = 0x40,
	VM_FAULT_RETRY = 0x400,
	VM_FAULT_FALLBACK = 0x800,
	VM_FAULT_NOPAGE = 0x100,
	VM_FAULT_LOCKED = 0x200,
	VM_FAULT_DONE_COW = 0x1000,
};
enum fault_flag {
	FAULT_FLAG_WRITE = 1 << 0,
	FAULT_FLAG_UNSHARE = 1 << 1,
	FAULT_FLAG_VMA_LOCK = 1 << 2, /* the per-VMA lock is held, not mmap_lock */
	FAULT_FLAG_ORIG_PTE_VALID = 1 << 3, /* vmf->orig_pte is what was found, none or a marker */
};

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long address;
	unsigned int order; /* what the operation asks for: 0, 2 or HPAGE_PMD_ORDER */
	bool write;
	unsigned int flags; /* enum fault_flag */
	pgoff_t pgoff;
	pmd_t orig_pmd;
	struct page *page; /* of the file; set with VM_FAULT_LOCKED */
	pgtable_t prealloc_pte; /* for fault-around, which may not allocate */
	pmd_t *pmd;
	pte_t *pte;
	pte_t orig_pte;
	spinlock_t *ptl;
};

#endif
