// SPDX-License-Identifier: GPL-2.0-only
/*
 * soft_offline.c - a page that is about to go bad is taken out of use while it still can be read: the part of the kernel's
 * mm/memory-failure.c that migrates. The mark comes last, when nobody has the page any more; mf_mutex is held throughout.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memory-failure.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

/*
 * soft_offline_in_use_page() - v7.1, mm/memory-failure.c. Fidelity: adapted: no hugetlb; mapping_evict_folio() is left out: what is clean and in no
 * page table is moved too; min_order_for_split() as well, for which v7.1 leaves a folio of a file with a minimum order whole and in use (-EBUSY).
 * The caller's reference goes.
 */
static int soft_offline_in_use_page(struct page *page)
{
	struct folio *folio = page_folio(page);
	LIST_HEAD(pagelist);
	bool isolated;
	int ret;

	if (folio_test_large(folio)) {
		if (try_to_split_thp_page(page)) {
			folio_put(page_folio(page));
			return -EBUSY;
		}
		folio = page_folio(page);
	}

	folio_lock(folio);
	folio_wait_writeback(folio);
	if (PageHWPoison(page)) {
		folio_unlock(folio);
		folio_put(folio);
		return 0;
	}
	folio_unlock(folio);

	isolated = isolate_folio_to_list(folio, &pagelist);
	/* Isolated, it has another one; not isolated, that was it. */
	folio_put(folio);
	if (!isolated)
		return -EBUSY;

	ret = migrate_pages(&pagelist, alloc_migration_target, NULL, (unsigned long)NUMA_NO_NODE, MIGRATE_SYNC,
			    MR_MEMORY_FAILURE, NULL);
	if (!ret) {
		/* migrate_folio_done() has left the reference of the isolation. Who looked the page up before it moved may have one, too, and lets it go. */
		page_handle_poison(page, false, true);
		return 0;
	}
	if (!list_empty(&pagelist))
		putback_movable_pages(&pagelist);
	return ret > 0 ? -EBUSY : ret;
}

/* soft_offline_page() - v7.1, mm/memory-failure.c. Fidelity: adapted: no hotplug, filter, sysctl, device memory, nor a reference of the caller's. */
int soft_offline_page(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	bool try_again = true;
	int ret;

	if (pfn >= NR_PAGES)
		return -EIO;
	mutex_lock(&machine->mf_mutex);
	if (PageHWPoison(page)) {
		mutex_unlock(&machine->mf_mutex);
		return 0;
	}
retry:
	ret = get_hwpoison_page(page, MF_SOFT_OFFLINE);
	if (ret > 0) {
		ret = soft_offline_in_use_page(page);
	} else if (ret == 0 && !page_handle_poison(page, true, false)) {
		if (try_again) {
			try_again = false;
			goto retry;
		}
		ret = -EBUSY;
	}
	mutex_unlock(&machine->mf_mutex);
	return ret;
}
