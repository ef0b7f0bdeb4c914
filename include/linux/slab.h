/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/slab.h - objects from the arena. A freed object is dead at once: no memory is used twice within an
 * execution, so that every late access is seen. The exception is a SLAB_TYPESAFE_BY_RCU cache, as
 * in the kernel: its objects are reused at once, last freed first, and are dead
 * to non-speculative use only.
 */
#ifndef _LINUX_SLAB_H
#define _LINUX_SLAB_H

#include <linux/compiler.h>
#include <linux/gfp_types.h>

#define SLAB_TYPESAFE_BY_RCU 1u

struct kmem_cache {
	const char *name;
	u32 size;      /* bytes of an object */
	u32 flags;
	void *free;    /* typesafe caches: freed objects, linked through their last word */
	u32 live;      /* objects allocated and not freed */
	u32 allocated; /* allocations so far */
	char *pool;    /* not NULL: objects come from here, each once, and not from the arena */
	u32 pool_objects;
};

void kmem_cache_init(struct kmem_cache *c, const char *name, u32 size, u32 flags);
/*
 * A cache whose objects stand in an array of the machine, so that some can be there at boot. When all have been used, an
 * allocation fails. Clears what the last machine used; *c must have been initialised so, or be zero.
 */
void kmem_cache_init_pool(struct kmem_cache *c, const char *name, u32 size, void *pool, u32 objects);
/* At boot. */
void *kmem_cache_alloc_boot(struct kmem_cache *c);
/* What links free objects of a typesafe cache: behind the object, where no late reader looks. */
static inline void **kmem_cache_link(const struct kmem_cache *c, void *object)
{
	return (void **)((char *)object + ((c->size + 7) & ~7u));
}
/* Zeroed on first use; a reused typesafe object keeps its old content. NULL: injected failure. */
void *kmem_cache_alloc_at(const struct site *s, struct kmem_cache *c, gfp_t gfp);
void kmem_cache_free_at(const struct site *s, struct kmem_cache *c, void *object);

#define kmem_cache_alloc(c, gfp) kmem_cache_alloc_at(SITE("kmem_cache_alloc", "", #c), c, gfp)
#define kmem_cache_free(c, object) kmem_cache_free_at(SITE("kmem_cache_free", "", #object), c, object)

#endif
