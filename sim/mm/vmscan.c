// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmscan.c - reclaim.
 */
#include <linux/mm.h>
#include <linux/swap.h>


unsigned int shrink_folio_list(struct list_head *l, int nid) { (void)l; (void)nid; return 0; }
unsigned int reclaim_pages(struct list_head *l) { (void)l; return 0; }
