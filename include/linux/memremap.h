/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/memremap.h - memory of a device: pages that the CPU cannot reach, with a struct page each, behind the machine's own.
 */
#ifndef _LINUX_MEMREMAP_H
#define _LINUX_MEMREMAP_H

#include <linux/mm_types.h>
#include <linux/mmzone_sizes.h>

struct vm_fault;
struct dev_pagemap_ops {
	void (*folio_free)(struct folio *folio);
	vm_fault_t (*migrate_to_ram)(struct vm_fault *vmf);
	void (*folio_split)(struct folio *head, struct folio *tail);
};
struct dev_pagemap {
	atomic_t ref; /* stands for the percpu_ref: pages in use, and one while the device is there */
	bool dead;    /* ref was killed: memunmap_pages() waits for zero */
	const struct dev_pagemap_ops *ops;
	void *owner;
};

/* The device is there; none of its pages is in use. */
void device_boot(void);
#define folio_is_device_private(folio) (page_to_pfn(&(folio)->page) >= NR_PAGES)
#define folio_is_zone_device(folio) folio_is_device_private(folio)
#define is_device_private_page(p) (page_to_pfn(p) >= NR_PAGES)
/* The last reference has gone. */
void free_zone_device_folio(struct folio *folio);
void zone_device_folio_init(struct folio *folio, struct dev_pagemap *pgmap, unsigned int order);
/* dev_pagemap_kill() and the wait for the last page; the owner sees to it that no page is handed out any more. */
void memunmap_pages(struct dev_pagemap *pgmap);
/* A part is being split off a frozen folio, or (NULL) all have been: the owner sets up what is its own of the part. */
#define zone_device_private_split_cb(original, new)                            \
	do {                                                                   \
		struct folio *of_ = (original);                                \
		if (folio_is_device_private(of_))                              \
			page_pgmap(&of_->page)->ops->folio_split(of_, new);    \
	} while (0)
#define device_fault_note(page) engine_note(NOTE_DEVICE_FAULT, page, NULL)
#define page_pgmap(p) ((struct dev_pagemap *)plain_read_racy(page_folio(p)->pgmap))

#endif
