/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arena: one block of memory for everything simulated. Objects are named by their offset in it, which
 * is why allocation is a bump of one pointer and nothing is ever given back singly.
 */
#include <foliofuzz/base.h>
#include <string.h>

/* Declared weakly, so that one object file serves builds with and without ASan. */
void __asan_poison_memory_region(void const volatile *addr, size_t size) __attribute__((weak));
void __asan_unpoison_memory_region(void const volatile *addr, size_t size) __attribute__((weak));

unsigned char arena_memory[ARENA_SIZE] __attribute__((aligned(4096)));
u8 arena_state[ARENA_GRAINS];

/* The two ends of what arena_alloc() hands out, as offsets. */
static struct {
	u32 start, next;
} arena;

static size_t round_up(size_t size)
{
	return (size + ARENA_GRAIN - 1) & ~(size_t)(ARENA_GRAIN - 1);
}

void *arena_world(size_t size)
{
	void *p = arena_memory + arena.start;

	HARNESS_BUG_ON(arena.next != arena.start);
	HARNESS_BUG_ON(arena.start + round_up(size) > ARENA_SIZE);
	arena.start += (u32)round_up(size);
	arena.next = arena.start;
	return p;
}

void *arena_alloc(size_t size)
{
	void *p = arena_memory + arena.next;

	HARNESS_BUG_ON(arena.next + round_up(size) > ARENA_SIZE);
	arena.next += (u32)round_up(size);
	return p;
}

void arena_mark(void *p, size_t size, u8 state)
{
	u32 first = arena_offset(p) >> ARENA_GRAIN_SHIFT;

	memset(arena_state + first, state, round_up(size) >> ARENA_GRAIN_SHIFT);
	if (state && __asan_poison_memory_region)
		__asan_poison_memory_region(p, size);
	if (!state && __asan_unpoison_memory_region)
		__asan_unpoison_memory_region(p, size);
}

void arena_reset(void)
{
	size_t used = arena.next - arena.start;

	if (!used)
		return;
	arena_mark(arena_memory + arena.start, used, 0);
	memset(arena_memory + arena.start, 0, used);
	arena.next = arena.start;
}

void arena_cut(u32 next)
{
	if (arena.next > next) {
		arena_mark(arena_memory + next, arena.next - next, 0);
		memset(arena_memory + next, 0, arena.next - next);
	}
	arena.next = next;
}

size_t arena_world_size(void)
{
	return arena.start;
}

size_t arena_used(void)
{
	return arena.next;
}
