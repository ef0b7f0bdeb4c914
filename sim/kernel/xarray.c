// SPDX-License-Identifier: GPL-2.0-only
/*
 * xarray.c - the page cache's index: an array with the xarray's cursor. v7.1, lib/xarray.c, as one node of FILE_PAGES slots.
 *
 * A multi-order entry stands in its first slot; the others are siblings and lead there. Every slot is one store, and readers
 * without the lock follow a sibling by a second look: what they get must be looked at again (xas_reload()). Nodes that a
 * split preallocates are objects of a cache, so that a leak of one is seen; what they would hold is the array's already.
 */
#include <linux/compiler.h>
#include <linux/fault.h>
#include <linux/mmzone.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <linux/err.h>
#include <linux/bug.h>

void xa_init(struct xarray *xa)
{
	spin_lock_init(&xa->xa_lock);
	for (unsigned int i = 0; i < FILE_PAGES; i++)
		xa->slots[i] = NULL;
}

/* The address dependency of rcu_dereference(), by which who finds a folio finds what it was made of: an acquire, to TSan. */
#define slot_dereference(x)                                                    \
	({                                                                     \
		__typeof__(&(x)) p_ = &(x);                                    \
		engine_point(SITE("READ_ONCE", "", #x), p_, EVENT_READ);       \
		access_load(p_, __ATOMIC_ACQUIRE);                             \
	})

/* The slot that decides about index: a sibling leads to the first of its entry. Two looks, as the kernel's descent. */
static void *xa_entry(struct xarray *xa, pgoff_t *index)
{
	void *entry = slot_dereference(xa->slots[*index]);

	while (xa_is_sibling(entry)) {
		*index = xa_to_sibling(entry);
		entry = slot_dereference(xa->slots[*index]);
	}
	return entry;
}

/* Told of: what a reader outside the lock has is an address, no more, until it has got a reference. */
static void *found(void *entry)
{
	if (entry && !xa_is_value(entry) && !xa_is_sibling(entry))
		engine_note(NOTE_ENTRY_FOUND, entry, NULL);
	return entry;
}

void *xas_load(struct xa_state *xas)
{
	pgoff_t index = xas->index;

	xas->restart = false;
	return index < FILE_PAGES ? found(xa_entry(xas->xa, &index)) : NULL;
}

void *xas_reload(struct xa_state *xas)
{
	return xas_load(xas);
}

void *xa_load(struct xarray *xa, pgoff_t index)
{
	XA_STATE(xas, xa, index);
	void *entry;

	rcu_read_lock();
	do
		entry = xas_load(&xas);
	while (xas_retry(&xas, entry));
	rcu_read_unlock();
	return entry;
}

/* Siblings that follow slot i: the size of its entry. The lock is held, or the answer may be stale. */
static unsigned int siblings_of(struct xarray *xa, pgoff_t i)
{
	unsigned int n = 0;

	while (i + n + 1 < FILE_PAGES && access_load(&xa->slots[i + n + 1], __ATOMIC_RELAXED) == xa_mk_sibling(i))
		n++;
	return n;
}

int xas_get_order(struct xa_state *xas)
{
	pgoff_t index = xas->index;
	unsigned int nr, order = 0;

	if (index >= FILE_PAGES || !xa_entry(xas->xa, &index))
		return 0;
	nr = siblings_of(xas->xa, index) + 1;
	while (nr >> (order + 1))
		order++;
	return (int)order;
}

int xa_get_order(struct xarray *xa, pgoff_t index)
{
	XA_STATE(xas, xa, index);
	int order;

	rcu_read_lock();
	order = xas_get_order(&xas);
	rcu_read_unlock();
	return order;
}

static void slot_store(struct xarray *xa, pgoff_t i, void *entry)
{
	if (access_load(&xa->slots[i], __ATOMIC_RELAXED) != entry)
		smp_store_release(&xa->slots[i], entry);
}

/*
 * The entry of xas->order from its first slot on, its siblings after it. An entry of one slot replaces what stands there at
 * whatever size that has, and so does NULL.
 */
void *xas_store(struct xa_state *xas, void *entry)
{
	struct xarray *xa = xas->xa;
	pgoff_t first = xas->index & ~((1ul << xas->order) - 1);
	unsigned int siblings, n = (1u << xas->order) - 1;
	void *old;

	lockdep_assert_held(&xa->xa_lock);
	if (xas->err)
		return NULL;
	if (!xas->order) {
		old = xa_entry(xa, &first);
		siblings = siblings_of(xa, first);
		n = entry ? 0 : siblings;
	} else {
		pgoff_t at = first;

		old = xa_entry(xa, &at);
	}
	smp_store_release(&xa->slots[first], entry);
	for (unsigned int i = 1; i <= n; i++)
		slot_store(xa, first + i, entry ? xa_mk_sibling(first) : NULL);
	return old;
}

void *__xa_store(struct xarray *xa, pgoff_t index, void *entry, gfp_t gfp)
{
	XA_STATE(xas, xa, index);

	(void)gfp;
	return xas_store(&xas, entry);
}

void *__xa_cmpxchg(struct xarray *xa, pgoff_t index, void *old, void *entry, gfp_t gfp)
{
	XA_STATE(xas, xa, index);
	void *curr = xas_load(&xas);

	(void)gfp;
	if (curr == old)
		xas_store(&xas, entry);
	return curr;
}

/* The next entry from xas->index on, xas->index becoming its first slot or, within it, staying. NULL: none up to max. */
void *xas_find(struct xa_state *xas, pgoff_t max)
{
	while (xas->index < FILE_PAGES && xas->index <= max) {
		void *entry = xas_load(xas);

		if (entry)
			return entry;
		xas->index++;
	}
	return NULL;
}

/* The next entry behind xas->index; siblings, which are the rest of what stands there, are passed over. */
void *xas_next_entry(struct xa_state *xas, pgoff_t max)
{
	while (++xas->index < FILE_PAGES && xas->index <= max) {
		void *entry = slot_dereference(xas->xa->slots[xas->index]);

		if (entry && !xa_is_sibling(entry))
			return found(entry);
	}
	return NULL;
}

void *xas_next(struct xa_state *xas)
{
	if (xas->restart)
		return xas_load(xas);
	return ++xas->index < FILE_PAGES ? found(slot_dereference(xas->xa->slots[xas->index])) : NULL;
}

/* One node, as if a split of this kind always needed one: the kernel's need depends on how the orders fall on its chunks. */
void xas_split_alloc(struct xa_state *xas, void *entry, unsigned int order, gfp_t gfp)
{
	(void)entry;
	VM_WARN_ON(xas->order >= order);
	xas->alloc = kmem_cache_alloc(&machine->radix_tree_node_cache, gfp);
	if (!xas->alloc)
		xas->err = -ENOMEM;
}

static void node_used(struct xa_state *xas)
{
	if (xas->alloc)
		kmem_cache_free(&machine->radix_tree_node_cache, xas->alloc);
	xas->alloc = NULL;
}

/* Pieces of xas->order, from the last to the first, all of them `entry`: the caller replaces them one by one. */
static void split_slots(struct xa_state *xas, void *entry, unsigned int order)
{
	pgoff_t first = xas->index & ~((1ul << order) - 1);
	unsigned int piece = 1u << xas->order;

	lockdep_assert_held(&xas->xa->xa_lock);
	for (unsigned int at = (1u << order) - piece;; at -= piece) {
		slot_store(xas->xa, first + at, entry);
		for (unsigned int i = 1; i < piece; i++)
			slot_store(xas->xa, first + at + i, xa_mk_sibling(first + at));
		if (!at)
			break;
	}
}

void xas_split(struct xa_state *xas, void *entry, unsigned int order)
{
	split_slots(xas, entry, order);
	node_used(xas);
}

/* Interrupts are off and the lock is held: what memory it needs it gets at once or not at all. */
void xas_try_split(struct xa_state *xas, void *entry, unsigned int order)
{
	if (!xas->alloc)
		xas->alloc = kmem_cache_alloc(&machine->radix_tree_node_cache, GFP_NOWAIT);
	if (!xas->alloc) {
		xas->err = -ENOMEM;
		return;
	}
	split_slots(xas, entry, order);
	node_used(xas);
}

bool xas_nomem(struct xa_state *xas, gfp_t gfp)
{
	if (xas->err != -ENOMEM) {
		node_used(xas);
		return false;
	}
	xas->alloc = kmem_cache_alloc(&machine->radix_tree_node_cache, gfp);
	if (!xas->alloc)
		return false;
	xas->err = 0;
	xas->restart = true;
	return true;
}

void xas_destroy(struct xa_state *xas)
{
	node_used(xas);
}
