/* SPDX-License-Identifier: GPL-2.0-only */
/* Moving memory to other frames: move_pages, compact, soft_offline. User space sees nothing of it. */
#include "ops_internal.h"
#include <linux/memory-failure.h>
#include <linux/migrate.h>

int op_move_pages(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	err = do_pages_move(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]), args[3]);
	mm_unpin(mm);
	return err > 0 ? -EBUSY : err;
}

int op_compact(const u8 *args)
{
	return compact_node(args[0], args[1] ? MIGRATE_SYNC : MIGRATE_SYNC_LIGHT);
}

/* By frame number, as /sys/devices/system/memory/soft_offline_page: the page is not kept until it is offlined. */
int op_soft_offline(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	struct vm_area_struct *vma;
	struct page *page;
	unsigned long pfn;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, vpn_to_addr(args[1]));
	page = vma ? follow_page_get(vma, vpn_to_addr(args[1])) : NULL;
	mmap_read_unlock(mm);
	mm_unpin(mm);
	if (!page)
		return -EFAULT;
	pfn = page_to_pfn(page);
	put_page(page);
	return soft_offline_page(pfn);
}
