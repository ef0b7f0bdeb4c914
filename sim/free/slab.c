/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects from the arena, as sim/kernel/slab.c has them: no memory is used twice within an execution but that of type-safe caches. So a late
 * access meets what the object was, and is no crash: nobody looks out for it here. One guard for all caches and the arena.
 */
#include "free_internal.h"
#include <linux/fault.h>
#include <linux/slab.h>
#include <string.h>

static struct free_guard slab;

/* Byte by byte: memset() is TSan's own wherever it is called. */
static void mark_typesafe(struct kmem_cache *c, void *object, u8 state)
{
	u32 first = arena_offset(object) >> ARENA_GRAIN_SHIFT, last = (arena_offset(object) + c->size - 1) >> ARENA_GRAIN_SHIFT;

	for (u32 grain = first; grain <= last; grain++)
		__atomic_store_n(&arena_state[grain], state, __ATOMIC_RELAXED);
}

/* The guard is held. NULL: a pool is used up. */
static void *take(struct kmem_cache *c)
{
	void *object;

	if (c->pool && c->allocated == c->pool_objects)
		return NULL;
	if (c->pool) {
		object = c->pool + c->allocated * c->size;
	} else if (c->free) {
		object = c->free;
		c->free = *kmem_cache_link(c, object);
		mark_typesafe(c, object, 0);
	} else {
		object = arena_alloc(c->size + 16);
	}
	c->live++;
	c->allocated++;
	return object;
}

void *kmem_cache_alloc_at(const struct site *s, struct kmem_cache *c, gfp_t gfp)
{
	bool fail = alloc_should_fail_at(s, gfp);
	void *object;

	engine_point(s, c, EVENT_ALLOC);
	if (fail)
		return NULL;
	guard_lock(&slab);
	object = take(c);
	guard_unlock(&slab);
	if (object)
		free_edge_acquire(object);
	return object;
}

void kmem_cache_free_at(const struct site *s, struct kmem_cache *c, void *object)
{
	engine_point(s, object, EVENT_FREE);
	free_edge_release(object);
	guard_lock(&slab);
	if (unlikely(!c->live || arena_state[arena_offset(object) >> ARENA_GRAIN_SHIFT]))
		engine_find(VERDICT_USE_AFTER_FREE, "double free", s->function, "%s", c->name);
	c->live--;
	if (c->flags & SLAB_TYPESAFE_BY_RCU) {
		*kmem_cache_link(c, object) = c->free;
		c->free = object;
		mark_typesafe(c, object, SLAB_FREE);
	} else {
		arena_mark(object, c->size, SLAB_DEAD);
	}
	guard_unlock(&slab);
}
