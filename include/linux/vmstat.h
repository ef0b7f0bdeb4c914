/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/vmstat.h - statistics. Nothing in the kernel decides by them, so they are no events; only the oracles read them.
 */
#ifndef _LINUX_VMSTAT_H
#define _LINUX_VMSTAT_H

#include <linux/mmzone.h>

static inline void mod_mthp_stat(unsigned int order, enum mthp_stat_item item, long delta)
{
	if (order) /* there is no such statistic for order 0 */
		(void)access_add_fetch(&machine->mthp_stat[order][item], delta, __ATOMIC_RELAXED);
}
static inline void lruvec_stat_mod_folio(struct folio *folio, enum node_stat_item item, long delta)
{
	(void)access_add_fetch(&NODE_DATA(folio_nid(folio))->vm_stat[item], delta, __ATOMIC_RELAXED);
}

#endif
