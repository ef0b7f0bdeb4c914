// SPDX-License-Identifier: GPL-2.0-only
/*
 * cachestat.c - counting what of a file is in memory, without a lock: the part of the kernel's mm/filemap.c.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/xarray.h>

/*
 * filemap_cachestat() - v7.1, mm/filemap.c. Fidelity: adapted: entries are counted, not pages, and there are no tags. No folio is looked
 * into: there is no reference, so it may be free or another by now; the index alone says all that is asked.
 */
void filemap_cachestat(struct address_space *mapping, pgoff_t first_index, pgoff_t last_index, struct cachestat *cs)
{
	XA_STATE(xas, &mapping->i_pages, first_index);

	rcu_read_lock();
	for (void *entry = xas_find(&xas, last_index); entry; entry = xas_next_entry(&xas, last_index)) {
		while (xas_retry(&xas, entry))
			entry = xas_find(&xas, last_index);
		if (!entry)
			break;
		*(xa_is_value(entry) ? &cs->nr_evicted : &cs->nr_cache) += 1;
	}
	rcu_read_unlock();
}
