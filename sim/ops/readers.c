// SPDX-License-Identifier: GPL-2.0-only
/* Looking at memory without using it: smaps, pagemap, pagemap_scan, cachestat, page_idle. */
#include "ops_internal.h"
#include <linux/proc_fs.h>

int op_smaps(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	struct mem_size_stats mss = { 0 };

	if (!mm)
		return -ESRCH;
	smaps_gather_stats(mm, &mss);
	mm_unpin(mm);
	return mss.resident ? 0 : -ENOENT;
}

int op_pagemap(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long found;

	if (!mm)
		return -ESRCH;
	found = pagemap_read(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]));
	mm_unpin(mm);
	return found ? 0 : -ENOENT;
}

int op_pagemap_scan(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long found;

	if (!mm)
		return -ESRCH;
	found = pagemap_scan(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]), args[3]);
	mm_unpin(mm);
	return found ? 0 : -ENOENT;
}

int op_cachestat(const u8 *args)
{
	pgoff_t last = args[1] + args[2] - 1u;
	struct cachestat cs = { 0 };

	filemap_cachestat(&machine->mappings[args[0]], args[1], last < FILE_PAGES ? last : FILE_PAGES - 1, &cs);
	return cs.nr_cache ? 0 : -ENOENT;
}

/* The frames that hwpoison_frame reaches, too. */
int op_page_idle(const u8 *args)
{
	unsigned long pfn = HPAGE_PMD_NR + args[0];
	bool idle;

	return (args[1] ? page_idle_write(pfn) : page_idle_read(pfn, &idle)) ? 0 : -ENOENT;
}
