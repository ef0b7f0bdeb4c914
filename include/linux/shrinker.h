/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/shrinker.h - what reclaim asks of a cache. */
#ifndef _LINUX_SHRINKER_H
#define _LINUX_SHRINKER_H

#include <linux/types.h>

struct mem_cgroup;

struct shrink_control {
	int nid;
	unsigned long nr_to_scan;
	struct mem_cgroup *memcg; /* NULL: without memcgs, the node's own */
};
#define SHRINK_STOP (~0UL)
#define SHRINK_EMPTY (~0UL - 1)

#endif
