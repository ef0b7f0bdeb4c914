/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/swap.h - the LRU. A folio gets on it through a batch of its CPU, which holds a reference until it is
 * drained; the LRU itself holds none.
 */
#ifndef _LINUX_SWAP_H
#define _LINUX_SWAP_H

#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/mmzone.h>

void folio_add_lru(struct folio *folio);
static inline void folio_add_lru_vma(struct folio *folio, struct vm_area_struct *vma)
{
	(void)vma;
	folio_add_lru(folio);
}
void lru_add_drain(void);
/* Every CPU's batch; waits until each CPU can be preempted. */
void lru_add_drain_all(void);
/* True: off the LRU, and the caller has another reference. */
bool folio_isolate_lru(struct folio *folio);
void folio_putback_lru(struct folio *folio);
struct lruvec *folio_lruvec_lock(struct folio *folio);
struct lruvec *folio_lruvec_lock_irqsave(struct folio *folio, unsigned long *flags);
void lruvec_unlock(struct lruvec *lruvec);

#endif
