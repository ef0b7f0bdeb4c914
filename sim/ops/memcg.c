// SPDX-License-Identifier: GPL-2.0-only
/* Memory cgroups: their shrinker, removing one, making it again, and moving an address space to another. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>

/*
 * shrink_slab_memcg(), do_shrink_slab() - v7.1, mm/shrinker.c: one call of the deferred split shrinker, for a cgroup or, without
 * cgroups, a node. Reclaim comes to a cgroup with a reference, and passes one by that is offline.
 */
int shrink_slab(struct mem_cgroup *memcg, int nid, unsigned long nr_to_scan)
{
	struct shrink_control sc = { .nid = nid, .nr_to_scan = nr_to_scan, .memcg = memcg };
	unsigned long count, freed;

	if (memcg && !mem_cgroup_online(memcg))
		return -ENOENT;
	count = deferred_split_count(&sc);
	if (!count || count == SHRINK_EMPTY)
		return -ENOENT;
	freed = deferred_split_scan(&sc);
	return freed == SHRINK_STOP ? -EAGAIN : 0;
}

int op_shrink(const u8 *args)
{
	struct mem_cgroup *memcg = NULL;
	int err;

	if (!mem_cgroup_disabled()) {
		memcg = mem_cgroup_tryget_id(args[0]);
		if (!memcg)
			return -ENOENT;
	}
	err = shrink_slab(memcg, args[0] % NR_NODES, args[1]);
	if (generation_is(GENERATION_MAINLINE) && memcg && err == -ENOENT)
		err = shrink_slab(memcg, !(args[0] % NR_NODES), args[1]);
	if (memcg)
		css_put(memcg);
	return err;
}

int op_memcg_offline(const u8 *args)
{
	return mem_cgroup_disabled() ? -ENOENT : cgroup_rmdir(args[0]);
}

int op_memcg_online(const u8 *args)
{
	return mem_cgroup_disabled() ? -ENOENT : cgroup_mkdir(args[0]);
}

int op_memcg_move(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	err = mem_cgroup_disabled() ? -ENOENT : cgroup_attach_mm(mm, args[1]);
	mm_unpin(mm);
	return err;
}
