/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot: the parts that their owners named, copied one behind the other. What is put back is what is in use, and all of that: to find
 * out what has changed since costs as much as to copy it. Builds with assertions compare the rest.
 *
 * To ThreadSanitizer the copies are accesses of whoever calls, which is the engine's runner. It comes behind every lane of the executions
 * before and ahead of every lane to come, so no edge between two lanes is made or lost (sim/run/README.md).
 */
#include <foliofuzz/base.h>
#include <stdlib.h>
#include <string.h>

/* Declared weakly, so that one object file serves builds with and without ASan. */
void __asan_poison_memory_region(void const volatile *addr, size_t size) __attribute__((weak));
void __asan_unpoison_memory_region(void const volatile *addr, size_t size) __attribute__((weak));
int __asan_address_is_poisoned(void const volatile *addr) __attribute__((weak));

void snapshot_begin(struct snapshot *s)
{
	s->size = 0;
	s->part_count = s->poison_count = 0;
	s->has_arena = false;
}

void snapshot_add(struct snapshot *s, void *at, size_t size)
{
	HARNESS_BUG_ON(s->part_count == SNAPSHOT_PARTS_MAX);
	if (s->size + size > s->room) {
		s->room = 2 * (s->size + size);
		s->data = realloc(s->data, s->room);
		HARNESS_BUG_ON(!s->data);
	}
	s->parts[s->part_count++] = (struct snapshot_part){ .at = at, .size = size };
	memcpy(s->data + s->size, at, size);
	s->size += size;
}

static size_t used_now(const struct snapshot_part *p)
{
	return (size_t)(*p->end - p->first) * p->unit;
}

void snapshot_add_used(struct snapshot *s, void *at, u32 unit, u32 count, const u16 *end, u16 first)
{
	struct snapshot_part *p = &s->parts[s->part_count];

	snapshot_add(s, at, (size_t)unit * count);
	p->end = end;
	p->first = first;
	p->unit = unit;
	p->used = used_now(p);
}

/* ASan's poison begins and ends where 8 bytes do: so do objects. */
enum { POISON_UNIT = 8 };

static void add_poison(struct snapshot *s, u32 offset)
{
	struct snapshot_poison *last = s->poison_count ? &s->poison[s->poison_count - 1] : NULL;

	if (last && last->offset + last->size == offset) {
		last->size += POISON_UNIT;
		return;
	}
	if (s->poison_count == s->poison_room) {
		s->poison_room = 2 * s->poison_room + 64;
		s->poison = realloc(s->poison, s->poison_room * sizeof(*s->poison));
		HARNESS_BUG_ON(!s->poison);
	}
	s->poison[s->poison_count++] = (struct snapshot_poison){ offset, POISON_UNIT };
}

static void poison(const struct snapshot *s)
{
	for (u32 i = 0; i < s->poison_count; i++)
		__asan_poison_memory_region(arena_memory + s->poison[i].offset, s->poison[i].size);
}

/* Poison is off until snapshot_end(), so that what has it can be copied. */
void snapshot_add_arena(struct snapshot *s)
{
	u32 start = (u32)arena_world_size(), next = (u32)arena_used();

	HARNESS_BUG_ON(s->has_arena || s->part_count);
	s->has_arena = true;
	s->arena_next = next;
	if (__asan_address_is_poisoned) {
		for (u32 i = 0; i < next; i += POISON_UNIT)
			if (__asan_address_is_poisoned(arena_memory + i))
				add_poison(s, i);
		__asan_unpoison_memory_region(arena_memory, next);
	}
	snapshot_add(s, arena_memory + start, next - start);
	snapshot_add(s, arena_state, next >> ARENA_GRAIN_SHIFT);
}

void snapshot_end(struct snapshot *s)
{
	poison(s);
}

#ifndef NDEBUG
static void check(const struct snapshot *s)
{
	const u8 *from = s->data;

	for (unsigned i = 0; i < s->part_count; from += s->parts[i].size, i++)
		HARNESS_BUG_ON(memcmp(s->parts[i].at, from, s->parts[i].size));
}
#endif

void snapshot_restore(const struct snapshot *s)
{
	size_t sizes[SNAPSHOT_PARTS_MAX];
	const u8 *from = s->data;

	/* marks are in parts, too */
	for (unsigned i = 0; i < s->part_count; i++) {
		const struct snapshot_part *p = &s->parts[i];

		sizes[i] = !p->end ? p->size : used_now(p) > p->used ? used_now(p) : p->used;
	}
	if (s->has_arena) {
		arena_cut(s->arena_next);
		if (__asan_unpoison_memory_region)
			__asan_unpoison_memory_region(arena_memory, s->arena_next);
	}
	for (unsigned i = 0; i < s->part_count; from += s->parts[i].size, i++)
		memcpy(s->parts[i].at, from, sizes[i]);
#ifndef NDEBUG
	check(s);
#endif
	poison(s);
}
