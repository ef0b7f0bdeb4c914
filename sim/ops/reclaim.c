/* SPDX-License-Identifier: GPL-2.0-only */
/* Reclaim: of a range, as user space may ask for it, and of a node, as kswapd goes about it. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/swap.h>

/* The older name of madv_pageout: programs have it. */
int op_pageout(const u8 *args)
{
	return op_madv_pageout(args);
}

/* balance_pgdat(), kswapd_shrink_node(): the LRU, and then the shrinkers. */
int op_kswapd(const u8 *args)
{
	unsigned long reclaimed = shrink_lruvec(args[0], args[1]);

	if (args[2] && mem_cgroup_disabled())
		(void)shrink_slab(NULL, args[0], args[1]);
	for (unsigned int id = 0; args[2] && !mem_cgroup_disabled() && id < NR_MEMCGS; id++) {
		struct mem_cgroup *memcg = mem_cgroup_tryget_id(id);

		if (!memcg)
			continue;
		(void)shrink_slab(memcg, args[0], args[1]);
		css_put(memcg);
	}
	return reclaimed ? 0 : -ENOENT;
}
