/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects from the arena; see linux/slab.h for when one is dead and when it is used again. */
#include "kernel_internal.h"
#include <linux/fault.h>
#include <linux/slab.h>
#include <string.h>

/* Not arena_mark(): to a sanitizer the object stays what it is. */
static void mark_typesafe(struct kmem_cache *c, void *object, u8 state)
{
	u32 first = arena_offset(object) >> ARENA_GRAIN_SHIFT, last = (arena_offset(object) + c->size - 1) >> ARENA_GRAIN_SHIFT;

	memset(arena_state + first, state, last - first + 1);
}

void *kmem_cache_alloc_at(const struct site *s, struct kmem_cache *c, gfp_t gfp)
{
	bool fail = alloc_should_fail_at(s, gfp);
	void *object;

	engine_point(s, c, EVENT_ALLOC);
	if (fail || (c->pool && c->allocated == c->pool_objects))
		return NULL;
	if (c->pool) {
		object = c->pool + c->allocated * c->size;
	} else if (c->free) {
		object = c->free;
		c->free = *kmem_cache_link(c, object);
		edge_acquire(object);
		mark_typesafe(c, object, 0);
	} else {
		engine_touch(ENGINE_OBJECT_ARENA, TOUCH_WRITE);
		object = arena_alloc(c->size + 16);
	}
	c->live++;
	c->allocated++;
	engine_note(NOTE_SLAB_ALLOCATED, object, c->name);
	return object;
}

void kmem_cache_free_at(const struct site *s, struct kmem_cache *c, void *object)
{
	engine_point(s, object, EVENT_FREE);
	if (unlikely(!c->live || arena_state[arena_offset(object) >> ARENA_GRAIN_SHIFT]))
		engine_find(VERDICT_USE_AFTER_FREE, "double free", s->function, "%s", c->name);
	engine_note(NOTE_SLAB_FREED, object, c->name);
	engine_touch(engine_object_id(c), TOUCH_WRITE);
	c->live--;
	if (c->flags & SLAB_TYPESAFE_BY_RCU) {
		*kmem_cache_link(c, object) = c->free;
		c->free = object;
		mark_typesafe(c, object, SLAB_FREE);
	} else {
		arena_mark(object, c->size, SLAB_DEAD);
	}
	/* after the marks, which the next owner takes off */
	edge_release(object);
}
