// SPDX-License-Identifier: GPL-2.0-only
/*
 * cachestat.c - counting what of a file is in memory, without a lock: the part of the kernel's mm/filemap.c.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/xarray.h>
#include <foliofuzz/bug.h>

/* Pages of an entry that lie in the range. */
static unsigned long pages_covered(pgoff_t first, unsigned long nr_pages, pgoff_t first_index, pgoff_t last_index)
{
	pgoff_t last = first + nr_pages - 1;

	if (first < first_index)
		nr_pages -= first_index - first;
	if (last > last_index)
		nr_pages -= last - last_index;
	return nr_pages;
}

/*
 * filemap_cachestat() - v7.1, mm/filemap.c. Fidelity: adapted: there are no tags, and no working set. No folio is looked into: there is no
 * reference, so it may be free or another by now; the array alone says all that is asked.
 */
void filemap_cachestat(struct address_space *mapping, pgoff_t first_index, pgoff_t last_index, struct cachestat *cs)
{
	XA_STATE(xas, &mapping->i_pages, first_index);
	struct folio *folio;

	rcu_read_lock();
	for (folio = xas_find(&xas, last_index); folio; folio = xas_next_entry(&xas, last_index)) {
		unsigned long nr_pages;
		pgoff_t first;

		while (xas_retry(&xas, folio))
			folio = xas_find(&xas, last_index);
		if (!folio)
			break;
		if (bug_enabled(cachestat_no_reference) && !xa_is_value(folio)) {
			nr_pages = (unsigned long)folio_nr_pages(folio);
			first = folio_pgoff(folio);
		} else {
			nr_pages = 1ul << xas_get_order(&xas);
			first = xas.index & ~(nr_pages - 1);
		}
		nr_pages = pages_covered(first, nr_pages, first_index, last_index);
		*(xa_is_value(folio) ? &cs->nr_evicted : &cs->nr_cache) += nr_pages;
	}
	rcu_read_unlock();
}
