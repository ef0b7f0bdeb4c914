/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/proc_fs.h - who looks at memory that is not his: /proc/pid/smaps and pagemap, cachestat(2), the idle page bitmap. */
#ifndef _LINUX_PROC_FS_H
#define _LINUX_PROC_FS_H

#include <linux/mm.h>

struct mem_size_stats {
	unsigned long resident, anonymous, lazyfree, referenced, shared, private, swap, anonymous_thp, file_thp, pss_locked;
};
/* Takes mmap_lock. What it says may be wrong at once. */
void smaps_gather_stats(struct mm_struct *mm, struct mem_size_stats *mss);
/* Pages of [start, start + len) that are mapped; takes mmap_lock. */
unsigned long pagemap_read(struct mm_struct *mm, unsigned long start, unsigned long len);
/* ioctl(PAGEMAP_SCAN): pages that are mapped or were; wp: what has been written is write-protected again. Takes mmap_lock. */
unsigned long pagemap_scan(struct mm_struct *mm, unsigned long start, unsigned long len, bool wp);

struct cachestat {
	unsigned long nr_cache, nr_evicted;
};
void filemap_cachestat(struct address_space *mapping, pgoff_t first_index, pgoff_t last_index, struct cachestat *cs);

/* /sys/kernel/mm/page_idle/bitmap, one frame: idle since the last write? Sets it idle. False: no page of user space there. */
bool page_idle_read(unsigned long pfn, bool *idle);
bool page_idle_write(unsigned long pfn);

#endif
