/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 2: no object (mm, VMA, page table, chain, clusters of swap) is touched after it was freed, and none is left at the end. The
 * engine asks before the access, so this verdict comes before a sanitizer's. Objects of type-safe caches
 * are never dead to who tests what it has found: an anon_vma to all, a VMA to who looks at the two words of its lock, which tell
 * that it is free. And an entry of a page table is looked for in the table: entries end where its lock begins, which is memory of somebody
 * else in the kernel. (Up to eight entries behind the end are seen, as many as a huge folio has; none before the first.)
 */
#include "oracle_internal.h"
#include <string.h>

static const char *name_of(const volatile void *object)
{
	const char *name = oracle.slab_name[arena_offset(object) >> ARENA_GRAIN_SHIFT];

	return name ? name : "object";
}

static bool typesafe_access(const struct event *ev, u8 state)
{
	if (state != SLAB_FREE)
		return false;
	return name_of(ev->object) != machine->vma_cache.name || !strcmp(ev->site->field, "vm_refcnt") ||
	       !strcmp(ev->site->field, "vm_lock_seq");
}

/* Entries are read, written and exchanged; what stands behind them is locked, plain under a lock, or waits for a grace period. */
static bool entry_access(const struct event *ev)
{
	return (ev->kind == EVENT_READ || ev->kind == EVENT_WRITE || ev->kind == EVENT_RMW) && strcmp(ev->site->field, "rcu");
}

void freed_object_dead(const struct event *ev, u8 state)
{
	if (state == SLAB_NO_ENTRY) {
		if (entry_access(ev))
			engine_find(VERDICT_BAD_STATE, "entry outside its page table", NULL, "%s of %s, behind the last entry",
				    event_verb((enum event_kind)ev->kind), ev->site->expr);
		return;
	}
	/* kmem_cache_free() of a dead object is its own verdict */
	if (ev->kind == EVENT_FREE || typesafe_access(ev, state))
		return;
	engine_find(VERDICT_USE_AFTER_FREE, name_of(ev->object), NULL, "%s of %s after its %s was freed",
		    event_verb((enum event_kind)ev->kind), ev->site->expr, name_of(ev->object));
}

static u32 object_size(const char *cache)
{
	const struct kmem_cache *const caches[] = {
		&machine->mm_cache, &machine->vma_cache, &machine->anon_vma_cache,
		&machine->anon_vma_chain_cache, &machine->ptdesc_cache, &machine->memcg_cache,
		&machine->objcg_cache, &machine->list_lru_cache, &machine->swap_cluster_cache,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(caches); i++)
		if (caches[i]->name == cache)
			return caches[i]->size;
	return 1;
}

/* Its grains and no more: what lies behind has a name of its own. */
void freed_object_note(enum note note, const volatile void *object, const char *cache)
{
	u32 first = arena_offset(object) >> ARENA_GRAIN_SHIFT;
	u32 last = (arena_offset(object) + object_size(cache) - 1) >> ARENA_GRAIN_SHIFT;

	for (u32 grain = first; grain <= last && grain < ARENA_GRAINS; grain++)
		oracle.slab_name[grain] = cache;
	if (oracle.names <= last)
		oracle.names = (u16)(last < ARENA_GRAINS ? last + 1 : ARENA_GRAINS);
	/* Entries fill the first grain; of a freed table all are dead. */
	if (note == NOTE_SLAB_ALLOCATED && cache == machine->ptdesc_cache.name)
		memset(arena_state + first + 1, SLAB_NO_ENTRY, last - first);
}
_Static_assert(offsetof(struct ptdesc, ptl) == ARENA_GRAIN, "the entries of a table are one grain");

static bool cache_is_empty(const struct kmem_cache *c)
{
	if (!c->live)
		return true;
	engine_report(VERDICT_BAD_REFERENCE, c->name, "teardown", NULL, "%u of %u objects were not freed",
		      c->live, c->allocated);
	return false;
}

/*
 * A cgroup that was removed, with what it gave away, is gone when nothing is charged any more; poisoned pages may be for
 * good.
 */
static bool cgroups_are_gone(void)
{
	u32 online = 0;

	for (unsigned id = 0; id < NR_MEMCGS; id++)
		online += machine->memcgs[id] != NULL;
	for_each_touched_pfn(pfn)
		if (oracle.pages[pfn].poisoned_by)
			return true;
	if (machine->memcg_cache.live != online) {
		engine_report(VERDICT_BAD_REFERENCE, "mem_cgroup", "teardown", NULL, "%u live, %u online",
			      machine->memcg_cache.live, online);
		return false;
	}
	if (!machine->objcg_cache.live || machine->objcg_cache.live == online * NR_NODES)
		return true;
	engine_report(VERDICT_BAD_REFERENCE, "obj_cgroup", "teardown", NULL, "%u live, %u online", machine->objcg_cache.live,
		      online * NR_NODES);
	return false;
}

/* A swap device that is there has its clusters, and one that is off has none. */
static bool swap_clusters_are_one(void)
{
	const struct kmem_cache *c = &machine->swap_cluster_cache;

	if (c->live == (machine->swap_info.cluster_info != NULL))
		return true;
	engine_report(VERDICT_BAD_REFERENCE, c->name, "teardown", NULL, "%u of %u objects were not freed", c->live, c->allocated);
	return false;
}

bool freed_object_end(void)
{
	if (!cgroups_are_gone() || !swap_clusters_are_one())
		return false;
	return cache_is_empty(&machine->mm_cache) && cache_is_empty(&machine->vma_cache) &&
	       cache_is_empty(&machine->anon_vma_cache) && cache_is_empty(&machine->anon_vma_chain_cache) &&
	       cache_is_empty(&machine->ptdesc_cache) && cache_is_empty(&machine->radix_tree_node_cache);
}
