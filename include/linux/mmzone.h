/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/mmzone.h - the machine: its memory, nodes, cgroups and address spaces. One object in the arena, behind the
 * primitives' state.
 */
#ifndef _LINUX_MMZONE_H
#define _LINUX_MMZONE_H

#include <linux/fs.h>
#include <linux/hmm.h>
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/mm_types.h>
#include <linux/mmzone_sizes.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcuwait.h>
#include <linux/slab.h>
#include <linux/swapfile.h>
#include <linux/tlbflush.h>

#define FOLIO_BATCH_SIZE 2

enum node_stat_item {
	NR_ANON_MAPPED, NR_ANON_THPS, NR_LRU_PAGES, NR_FILE_MAPPED, NR_FILE_PAGES, NR_SHMEM, NR_SHMEM_THPS, NR_SHMEM_PMDMAPPED,
	NR_FILE_THPS, NR_FILE_PMDMAPPED, NR_SWAPCACHE, NR_ISOLATED_ANON, NR_ISOLATED_FILE, NR_MLOCK, NR_UNEVICTABLE,
	NR_VM_NODE_STAT_ITEMS
};
enum mthp_stat_item {
	MTHP_STAT_ANON_FAULT_ALLOC, MTHP_STAT_ANON_FAULT_FALLBACK, MTHP_STAT_SPLIT,
	MTHP_STAT_SPLIT_FAILED, MTHP_STAT_SPLIT_DEFERRED, MTHP_STAT_NR_ANON,
	MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, NR_MTHP_STAT_ITEMS
};

/* Folios whose split was put off; split_queue_len counts folios. */
struct deferred_split {
	spinlock_t split_queue_lock;
	struct list_head split_queue;
	unsigned long split_queue_len;
};

struct lruvec {
	spinlock_t lru_lock;
	struct list_head list; /* one list: ageing is not modelled */
};

/* Free blocks by order, last freed first. Blocks from `untouched` on have never been used: free, of the largest order. */
struct zone {
	spinlock_t lock;
	s16 free_head[NR_ORDERS]; /* pfn, -1: empty */
	u16 untouched, end;       /* pfns */
	u32 nr_free;
};

struct pglist_data {
	struct zone zone;
	struct lruvec lruvec;
	struct deferred_split deferred_split_queue;
	struct list_lru_one deferred_split_lru; /* mainline's queue: the root's, or without cgroups */
	long vm_stat[NR_VM_NODE_STAT_ITEMS];
};

/*
 * v7.1 on: what a folio is charged to. Re-pointed to the parent when the cgroup goes, under objcg_lock and the lru_locks: who
 * wants the cgroup reads it under RCU.
 */
struct obj_cgroup {
	struct mem_cgroup *memcg;
	atomic_t refcnt;       /* a folio's charge each; one more of its cgroup, until that goes */
	struct list_head list; /* of the cgroup's objcg_list, once the first cgroup of it is gone; objcg_lock */
	struct rcu_head rcu;
} __attribute__((aligned(64)));

struct mem_cgroup {
	struct deferred_split deferred_split_queue;
	struct list_lru_memcg *deferred_split_lru; /* mainline's queue; RCU; NULL: none any more, or another release */
	struct mem_cgroup *parent;  /* pinned */
	atomic_t css_refcnt;        /* one until it is offline, one of each mm, child and (before v7.1) charged folio */
	bool dying;                 /* CSS_DYING */
	bool online;                /* CSS_ONLINE; cgroup_mutex */
	u8 id;
	u8 children;                /* online ones; cgroup_mutex */
	struct obj_cgroup *objcg[NR_NODES]; /* RCU; NULL: offline */
	struct list_head objcg_list[NR_NODES]; /* inherited from children; objcg_lock */
	atomic_long_t memory;       /* pages charged, here and below */
	struct rcu_head rcu;
} __attribute__((aligned(64)));

struct folio_batch {
	u8 nr;
	bool percpu_pvec_drained;
	struct folio *folios[FOLIO_BATCH_SIZE];
};

/*
 * Who sleeps until a folio is unlocked, without a reference to it: one for each CPU. Queued while folio is not NULL; under the lock of
 * the folio's hash, but for woken, which is the sleeper's last word of it.
 */
struct wait_page_queue {
	struct folio *folio;
	int woken;
	struct rcuwait task;
};
#define FOLIO_WAIT_TABLE_SIZE 2

struct machine_config {
	u8 cpus;
	u8 memcgs; /* besides the root; 0: memcg is disabled */
	bool no_page_mapcount;
	bool underused; /* split_underused_thp */
};

struct machine_state {
	struct page memmap[MAX_PFN];
	u64 content[MAX_PFN]; /* a page's data is one word; 0: all zeroes */
	s16 free_next[NR_PAGES], free_prev[NR_PAGES]; /* links of free blocks; zone lock */
	struct pglist_data nodes[NR_NODES];
	struct mem_cgroup *memcgs[NR_MEMCGS]; /* online, by number; RCU; cgroup_mutex */
	struct mem_cgroup memcg_pool[NR_MEMCG_POOL];
	struct list_lru_memcg list_lru_pool[NR_MEMCG_POOL];
	struct obj_cgroup objcg_pool[NR_MEMCG_POOL * NR_NODES];
	long mthp_stat[NR_ORDERS][NR_MTHP_STAT_ITEMS];
	struct machine_config config;
	struct inode inodes[NR_FILES];
	struct address_space mappings[NR_FILES];
	struct file files[NR_FILES];
	struct swap_info_struct swap_info;
	struct dev_pagemap pgmap;
	struct dmirror_device dmirror;
	struct tlb_state tlb;
	struct list_head mmlist; /* mms that may have swap entries; mmlist_lock */
	struct folio *huge_zero_folio;
	unsigned long huge_zero_pfn; /* the same as a number, ~0: none; what a PMD is compared with */
	atomic_t huge_zero_refcount;
	spinlock_t huge_zero_lock;
	spinlock_t folio_wait_lock[FOLIO_WAIT_TABLE_SIZE];
	struct wait_page_queue folio_wait[KERN_CPUS];
	struct folio_batch lru_add[NR_CPUS];
	struct folio_batch lru_lazyfree[NR_CPUS];
	struct folio_batch lru_deactivate[NR_CPUS];
	unsigned int userfault_waits[NR_CPUS]; /* how often handle_userfault() would have slept there */
	struct mutex lru_drain_lock;
	unsigned int lru_drain_gen;
	struct folio_batch mlock_batch[NR_CPUS]; /* what is to be done stands in the pointers' low bits (mlock.c) */
	struct mutex mf_mutex;
	bool mf_kept[NR_PAGES]; /* not the kernel's: memory_failure() has kept a reference to that page; mf_mutex */
	bool hw_memory_failure; /* one was no simulation: none is taken back any more; mf_mutex */
	struct mutex cgroup_mutex;
	spinlock_t objcg_lock;
	spinlock_t mmlist_lock;          /* mms[] and refs[] */
	struct mm_struct *mms[NR_MMS];
	struct page *refs[NR_REFS];      /* references that programs hold */
	u8 refs_pinned[NR_REFS];         /* 0: a reference, 1: a pin to read by, 2: to write by, 3: for long */
	atomic_t mm_ids; /* given out so far */
	struct kmem_cache mm_cache, vma_cache, anon_vma_cache, anon_vma_chain_cache, ptdesc_cache;
	struct kmem_cache swap_cluster_cache, swap_table_cache, swap_extend_table_cache;
	struct kmem_cache mmu_notifier_cache;
	struct kmem_cache radix_tree_node_cache;
	struct kmem_cache memcg_cache, objcg_cache, list_lru_cache;
};
#define MACHINE_OFFSET KERN_BYTES
#define machine ((struct machine_state *)(arena_memory + MACHINE_OFFSET))

#define NODE_DATA(nid) (&machine->nodes[nid])
#define pfn_to_page(pfn) (&machine->memmap[pfn])
#define page_to_pfn(p) ((unsigned long)((const struct page *)(p) - machine->memmap))
#define folio_pfn(folio) page_to_pfn(&(folio)->page)
static inline int page_to_nid(const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	return pfn < NR_PAGES ? (int)(pfn / NODE_PAGES) : 0; /* the device is on node 0 */
}
#define folio_nid(folio) page_to_nid(&(folio)->page)
/* The shared page of zeroes: reserved at boot, never counted. */
#define ZERO_PFN 0ul
#define zero_pfn(addr) ((void)(addr), ZERO_PFN)
static inline bool is_zero_pfn(unsigned long pfn)
{
	return pfn == ZERO_PFN;
}

size_t machine_size(void);
/* A freshly booted machine; costs what the last execution touched. */
void machine_boot(const struct machine_config *config);

/* ---- batches of folios ---- */
static inline void folio_batch_reinit(struct folio_batch *b)
{
	access_store(&b->nr, 0, __ATOMIC_RELAXED); /* lru_add_drain_all() looks from another CPU */
}
static inline void folio_batch_init(struct folio_batch *b)
{
	folio_batch_reinit(b);
	b->percpu_pvec_drained = false;
}
static inline unsigned int folio_batch_count(const struct folio_batch *b)
{
	return b->nr;
}
static inline unsigned int folio_batch_space(const struct folio_batch *b)
{
	return FOLIO_BATCH_SIZE - b->nr;
}
/* Returns what space is left. */
static inline unsigned int folio_batch_add(struct folio_batch *b, struct folio *folio)
{
	b->folios[b->nr] = folio;
	access_store(&b->nr, (u8)(b->nr + 1), __ATOMIC_RELAXED);
	return folio_batch_space(b);
}

#endif
