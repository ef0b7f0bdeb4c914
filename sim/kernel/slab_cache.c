/* SPDX-License-Identifier: GPL-2.0-only */
/* Caches of objects, and what is in them at boot: for every vehicle. */
#include <foliofuzz/base.h>
#include <linux/slab.h>
#include <string.h>

void kmem_cache_init(struct kmem_cache *c, const char *name, u32 size, u32 flags)
{
	*c = (struct kmem_cache){ .name = name, .size = size, .flags = flags };
}

void kmem_cache_init_pool(struct kmem_cache *c, const char *name, u32 size, void *pool, u32 objects)
{
	u32 used = c->allocated;

	*c = (struct kmem_cache){ .name = name, .size = size, .pool = pool, .pool_objects = objects };
	if (!used)
		return;
	arena_mark(pool, (size_t)used * size, 0);
	memset(pool, 0, (size_t)used * size);
}

void *kmem_cache_alloc_boot(struct kmem_cache *c)
{
	HARNESS_BUG_ON(c->pool && c->allocated == c->pool_objects);
	c->live++;
	return c->pool ? c->pool + c->allocated++ * c->size : (c->allocated++, arena_alloc(c->size + 16));
}
