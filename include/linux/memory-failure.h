/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/memory-failure.h - what a memory error does to the page that it hit. */
#ifndef _LINUX_MEMORY_FAILURE_H
#define _LINUX_MEMORY_FAILURE_H

#include <linux/mm_types.h>

enum mf_flags {
	MF_COUNT_INCREASED = 1 << 0, /* the caller gives its reference */
	MF_ACTION_REQUIRED = 1 << 1,
	MF_MUST_KILL = 1 << 2,
	MF_SOFT_OFFLINE = 1 << 3,
	MF_UNPOISON = 1 << 4,
	MF_SW_SIMULATED = 1 << 5, /* can be taken back */
};
/*
 * May sleep; takes folio locks. -EHWPOISON: was poisoned before; -EBUSY: could not be isolated.
 */
int memory_failure(unsigned long pfn, int flags);
/* Back from a simulated error. 0: the page is as any other. */
int unpoison_memory(unsigned long pfn);
/* Every mapping becomes a hwpoison entry, if it can. Small, locked, with a reference. 0, -EBUSY: some mapping is left. */
struct folio;
int unmap_poisoned_folio(struct folio *folio, bool must_kill);

/* Not the kernel's: stands for the error that the mapping keeps for the next fsync(). */
#define file_data_lost_note(mapping, index) engine_note(NOTE_FILE_DATA_LOST, mapping, (void *)(unsigned long)(index))

/* soft_offline.c: takes the page out of use, with its content moved elsewhere first. May sleep. */
int soft_offline_page(unsigned long pfn);
/* For soft_offline_page(). 1: a reference to the folio of `page`; 0: it is free; below 0: neither. mf_mutex is held. */
int get_hwpoison_page(struct page *page, int flags);
/* The caller's reference moves to the folio of `page`. */
int try_to_split_thp_page(struct page *page);
/* A page that is free, or has the caller's reference (release), is marked and kept. False: it is in use again. */
bool page_handle_poison(struct page *page, bool freepage, bool release);

#endif
