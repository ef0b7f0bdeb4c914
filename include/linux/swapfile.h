/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/swapfile.h - the one swap device: clusters of slots, and the table of what each holds. */
#ifndef _LINUX_SWAPFILE_H
#define _LINUX_SWAPFILE_H

#include <linux/mm_types.h>

#define NR_SWAP_CLUSTERS (NR_SWAP_SLOTS / SWAPFILE_CLUSTER)

/* A slot's table entry (kernel: mm/swap_table.h): 0, or a folio's pfn in the cache, or a shadow; and beside it the count of entries. */
struct swap_cluster_info {
	spinlock_t lock;
	u16 count; /* slots in use */
	u8 order;
	struct {
		unsigned long entry;
		u8 count;
	} table[SWAPFILE_CLUSTER];
};
struct swap_info_struct {
	unsigned long flags;  /* SWP_USED | SWP_WRITEOK */
	atomic_t users;       /* stands for the percpu_ref */
	spinlock_t lock;
	atomic_long_t inuse_pages;
	struct swap_cluster_info clusters[NR_SWAP_CLUSTERS];
	u64 content[NR_SWAP_SLOTS]; /* what is on the device */
};
#define SWP_USED 0x1ul
#define SWP_WRITEOK 0x2ul

/* The device is there, empty and on. */
void swap_boot(void);

#endif
