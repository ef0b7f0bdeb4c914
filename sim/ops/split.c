/* SPDX-License-Identifier: GPL-2.0-only */
/* Splitting folios: on request, as debugfs' split_huge_pages does for a process, and by the shrinker. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/pagemap.h>

/* split_huge_pages_pid() - v7.1, mm/huge_memory.c: for one page. */
int op_split(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	struct page *page;
	struct folio *folio;
	int err = -EBUSY;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	page = follow_page_get(mm, vpn_to_addr(args[1]));
	if (!page) {
		err = -EFAULT;
		goto out;
	}
	folio = page_folio(page);
	if (!folio_test_large(folio)) {
		err = -EINVAL;
		goto put;
	}
	if (!folio_trylock(folio))
		goto put;
	err = split_folio(folio);
	folio_unlock(folio);
put:
	folio_put(folio);
out:
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}

/* do_shrink_slab() - v7.1, mm/shrinker.c: one call of the deferred split shrinker, for a cgroup or, without cgroups, a node. */
int op_shrink(const u8 *args)
{
	struct mem_cgroup *memcg = machine->config.memcgs ? &machine->memcgs[args[0]] : NULL;
	struct shrink_control sc = { .nid = args[0] % NR_NODES, .nr_to_scan = args[1], .memcg = memcg };
	unsigned long count = deferred_split_count(&sc);
	unsigned long freed;

	if (!count || count == SHRINK_EMPTY)
		return -ENOENT;
	freed = deferred_split_scan(&sc);
	return freed == SHRINK_STOP ? -EAGAIN : 0;
}
