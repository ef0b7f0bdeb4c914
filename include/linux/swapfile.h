/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/swapfile.h - the one swap device: clusters of slots, and the table of what each slot holds (kernel: mm/swap.h, mm/swap_table.h).
 *
 * A slot's word: 0, nobody's; or, with the count of page table entries (and of shared memory's values) that name the slot in its top two
 * bits, a folio of the swap cache (bits 0-1: 10, then its pfn) or, swapped out, a shadow (bit 0). A count of three is
 * continued in the cluster's extend table. Words change under the cluster's lock, and are read without it.
 */
#ifndef _LINUX_SWAPFILE_H
#define _LINUX_SWAPFILE_H

#include <linux/mm_types.h>
#include <linux/percpu-refcount.h>

#define NR_SWAP_CLUSTERS (NR_SWAP_SLOTS / SWAPFILE_CLUSTER)

struct swap_table {
	atomic_long_t entries[SWAPFILE_CLUSTER];
	struct rcu_head rcu;
};
/* Counts of the slots whose own count is SWP_TB_COUNT_MAX; 0 for all others. The cluster's lock. */
struct swap_extend_table {
	unsigned int count[SWAPFILE_CLUSTER];
};
struct swap_cluster_info {
	spinlock_t lock;
	u16 count; /* slots in use; under the lock */
	u8 order;  /* of all its runs, while it is not empty; order 0 may come into any */
	struct swap_table *table; /* NULL: the cluster is free. Lock, or RCU for reading */
	struct swap_extend_table *extend_table;
};
struct swap_info_struct {
	unsigned long flags;        /* SWP_*; lock, read without it */
	struct percpu_ref users;
	spinlock_t lock;
	atomic_long_t inuse_pages;
	atomic_long_t nr_swap_pages; /* the kernel's global: free slots of devices that are on */
	struct swap_cluster_info *cluster_info; /* NR_SWAP_CLUSTERS, while the device is there; then NULL; get_swap_device() keeps it */
	s8 percpu_next[KERN_CPUS][NR_ORDERS]; /* where each CPU goes on looking, -1: nowhere; the CPU's own */
	unsigned long zeromap;      /* slots whose page was all zeroes; bit operations */
	u64 content[NR_SWAP_SLOTS]; /* what is on the device; the slot's owner's: the locked folio in the cache */
};
#define SWP_USED 0x1ul
#define SWP_WRITEOK 0x2ul
#define SWP_SYNCHRONOUS_IO 0x4ul /* as zram: faults read large folios, and leave none of them in the cache */

#define SWP_TB_COUNT_BITS 2
#define SWP_TB_COUNT_SHIFT (64 - SWP_TB_COUNT_BITS)
#define SWP_TB_COUNT_MASK (~(~0ul >> SWP_TB_COUNT_BITS))
#define SWP_TB_COUNT_MAX ((1 << SWP_TB_COUNT_BITS) - 1)

static inline bool swp_tb_is_null(unsigned long swp_tb)
{
	return !swp_tb;
}
static inline bool swp_tb_is_folio(unsigned long swp_tb)
{
	return (swp_tb & 3) == 2;
}
static inline bool swp_tb_is_shadow(unsigned long swp_tb)
{
	return swp_tb & 1;
}
static inline int swp_tb_get_count(unsigned long swp_tb)
{
	return (int)(swp_tb >> SWP_TB_COUNT_SHIFT);
}
static inline unsigned long swp_tb_mk_count(unsigned long swp_tb, int count)
{
	return (swp_tb & ~SWP_TB_COUNT_MASK) | (unsigned long)count << SWP_TB_COUNT_SHIFT;
}
static inline unsigned long pfn_to_swp_tb(unsigned long pfn, int count)
{
	return swp_tb_mk_count(pfn << 2 | 2, count);
}
static inline unsigned long shadow_to_swp_tb(void *shadow, int count)
{
	return swp_tb_mk_count((unsigned long)shadow | 1, count);
}
static inline unsigned long swp_tb_to_pfn(unsigned long swp_tb)
{
	return (swp_tb & ~SWP_TB_COUNT_MASK) >> 2;
}
/* The cluster's lock is held. */
#define __swap_table_get(ci, off) ((unsigned long)atomic_long_read(&(ci)->table->entries[off]))
#define __swap_table_set(ci, off, swp_tb) atomic_long_set(&(ci)->table->entries[off], (long)(swp_tb))

/* The device is there, empty and on. */
void swap_boot(void);

#endif
