/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/xarray.h - the page cache's index: an array of FILE_PAGES slots with the xarray's lock and cursor. A large folio stands in
 * the slot of its first page, and its other slots lead there (sibling entries), so that one store replaces it for all of them.
 */
#ifndef _LINUX_XARRAY_H
#define _LINUX_XARRAY_H

#include <linux/mm_types.h>

/*
 * Slot: NULL; a folio; a value (bit 0: a swap entry or a shadow); a sibling, which leads to slot n (bit 1); or XA_RETRY_ENTRY, which is there only
 * while the lock is held: look again. Slots change under xa_lock; readers inside RCU look without it, and two looks may belong to two entries.
 */
struct xarray {
	spinlock_t xa_lock;
	void *slots[FILE_PAGES];
};
struct xa_state {
	struct xarray *xa;
	pgoff_t index;
	unsigned int order; /* of the entry to be stored */
	int err;
	bool restart; /* the cursor is nowhere: xas_next() looks at index, and by the way a sibling leads */
	void *alloc; /* a node, preallocated for a split, given back by xas_destroy() */
};
#define XA_STATE(name, array, i) struct xa_state name = { .xa = (array), .index = (i) }
#define XA_STATE_ORDER(name, array, i, o) struct xa_state name = { .xa = (array), .index = (i), .order = (o) }

#define xa_is_value(entry) (((unsigned long)(entry) & 3) == 1)
#define xa_mk_value(v) ((void *)((unsigned long)(v) << 2 | 1))
#define xa_to_value(entry) ((unsigned long)(entry) >> 2)
#define xa_is_sibling(entry) (((unsigned long)(entry) & 3) == 2 && (entry) != XA_RETRY_ENTRY)
#define XA_RETRY_ENTRY ((void *)(256ul << 2 | 2))
#define xa_mk_sibling(n) ((void *)((unsigned long)(n) << 2 | 2))
#define xa_to_sibling(entry) ((pgoff_t)((unsigned long)(entry) >> 2))

void xa_init(struct xarray *xa);
void *xas_load(struct xa_state *xas);          /* RCU, or the lock; siblings followed */
void *xas_reload(struct xa_state *xas);        /* the same index again */
void *xas_store(struct xa_state *xas, void *entry); /* lock held; of xas->order; what stood there */
void *xas_find(struct xa_state *xas, pgoff_t max);  /* the next entry from xas->index on */
void *xas_next_entry(struct xa_state *xas, pgoff_t max);
void *xas_next(struct xa_state *xas);          /* what stands in the slot behind xas->index, be it NULL or a sibling */
void xas_split_alloc(struct xa_state *xas, void *entry, unsigned int order, gfp_t gfp); /* sets xas->err */
void xas_split(struct xa_state *xas, void *entry, unsigned int order);  /* uniformly, to xas->order; lock held */
void xas_try_split(struct xa_state *xas, void *entry, unsigned int order); /* by one order; sets xas->err */
bool xas_nomem(struct xa_state *xas, gfp_t gfp); /* what ended for want of a node is to be tried again: it has one now. No lock is held */
void xas_destroy(struct xa_state *xas);
/* The order of the entry at xas->index: how many siblings follow it. */
int xas_get_order(struct xa_state *xas);
int xa_get_order(struct xarray *xa, pgoff_t index);
/* The lock is held. Without an order the entry that stands there keeps its size. */
void *__xa_store(struct xarray *xa, pgoff_t index, void *entry, gfp_t gfp);
/* What stood there; it is `entry` if and only if it is gone now. The lock is held. */
void *__xa_cmpxchg(struct xarray *xa, pgoff_t index, void *old, void *entry, gfp_t gfp);
#define xas_error(xas) ((xas)->err)
#define xas_set_err(xas, e) ((void)((xas)->err = (e)))
#define xas_reset(xas) ((void)((xas)->err = 0, (xas)->restart = true))
/* The cursor stands at i, without a look. */
#define xas_advance(xas, i) ((void)((xas)->index = (i)))
/* Readers without the lock: is this no entry, but to be looked for again? The cursor has not moved. */
#define xas_retry(xas, entry) ((entry) == XA_RETRY_ENTRY && (xas_reset(xas), cpu_relax(), true))
#define xas_set(xas, i) ((void)((xas)->index = (i)))
#define xas_set_order(xas, i, o) ((void)((xas)->index = (i), (xas)->order = (o)))
void *xa_load(struct xarray *xa, pgoff_t index);
#define xa_lock_irq(xa) spin_lock_irq(&(xa)->xa_lock)
#define xa_unlock_irq(xa) spin_unlock_irq(&(xa)->xa_lock)
#define xa_lock(xa_) spin_lock(&(xa_)->xa_lock)
#define xa_unlock(xa_) spin_unlock(&(xa_)->xa_lock)
#define xas_lock_irq(xas) xa_lock_irq((xas)->xa)
#define xas_unlock_irq(xas) xa_unlock_irq((xas)->xa)
#define xas_lock(xas) xa_lock((xas)->xa)
#define xas_unlock(xas) xa_unlock((xas)->xa)

#endif
