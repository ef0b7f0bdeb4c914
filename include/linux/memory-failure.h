/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/memory-failure.h - what a memory error does to the page that it hit. */
#ifndef _LINUX_MEMORY_FAILURE_H
#define _LINUX_MEMORY_FAILURE_H

#include <linux/mm_types.h>

enum mf_flags {
	MF_ACTION_REQUIRED = 1 << 1,
	MF_MUST_KILL = 1 << 2,
	MF_SOFT_OFFLINE = 1 << 3,
};
/*
 * May sleep; takes folio locks. -EHWPOISON: was poisoned before; -EBUSY: could not be isolated.
 */
int memory_failure(unsigned long pfn, int flags);

/* soft_offline.c: takes the page out of use, with its content moved elsewhere first. May sleep. */
int soft_offline_page(unsigned long pfn);
/* 1: a reference to the folio of `page`; 0: it is free; below 0: neither, give up. mf_mutex is held. */
int get_hwpoison_page(struct page *page);
/* The caller's reference moves to the folio of `page`. */
int try_to_split_thp_page(struct page *page);

#endif
