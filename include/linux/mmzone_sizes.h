/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/mmzone_sizes.h - how much memory there is. */
#ifndef _LINUX_MMZONE_SIZES_H
#define _LINUX_MMZONE_SIZES_H

#define NR_PAGES 256        /* page frames that the allocator has */
#define NR_DEVICE_PAGES 64  /* behind them: the device's */
#define MAX_PFN (NR_PAGES + NR_DEVICE_PAGES)
#define NR_NODES 2
#define NODE_PAGES (NR_PAGES / NR_NODES)
#define NR_MEMCGS 4 /* root, A, A/B, C */
#define NR_MEMCG_POOL 12 /* in the life of a machine */
#define NR_REFS 4

#endif
