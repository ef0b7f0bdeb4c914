/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bit of a word as a lock, as lock.c has the others. The rest of the word belongs to others, who hold the bit and read it plainly while somebody
 * tries for it: so TSan is told of the edges and does not see the accesses.
 */
#include "free_internal.h"
#include <linux/bit_spinlock.h>

static bool bit_take(int nr, unsigned long *addr)
{
	if ((__atomic_fetch_or(addr, 1ul << nr, __ATOMIC_ACQUIRE) >> nr) & 1)
		return false;
	free_edge_acquire(addr);
	return true;
}

static void bit_wait_clear(int nr, const unsigned long *addr)
{
	unsigned turns = 0;

	while ((__atomic_load_n(addr, __ATOMIC_ACQUIRE) >> nr) & 1)
		free_relax(&turns);
	free_edge_acquire((void *)(uintptr_t)addr);
}

void bit_lock_at(const struct site *s, int nr, unsigned long *addr, const struct lock_class *class, bool sleeps)
{
	(void)class;
	(void)sleeps;
	engine_point_bits(s, addr, EVENT_BIT_LOCK, 0, 1ul << nr);
	while (!bit_take(nr, addr))
		bit_wait_clear(nr, addr);
}

bool bit_trylock_at(const struct site *s, int nr, unsigned long *addr, const struct lock_class *class, bool sleeps)
{
	bool refuse = engine_fault(s);

	(void)class;
	(void)sleeps;
	engine_point_bits(s, addr, EVENT_BIT_TRYLOCK, 0, 1ul << nr);
	return !refuse && bit_take(nr, addr);
}

void bit_unlock_at(const struct site *s, int nr, unsigned long *addr, bool sleeps)
{
	(void)sleeps;
	engine_point_bits(s, addr, EVENT_BIT_UNLOCK, 1ul << nr, 0);
	free_edge_release(addr);
	if (unlikely(!((__atomic_fetch_and(addr, ~(1ul << nr), __ATOMIC_RELEASE) >> nr) & 1)))
		engine_find(VERDICT_LOCK_RULE, "unlock of an unlocked bit", NULL, "%s of %s", s->detail, s->expr);
}

void bit_wait_at(const struct site *s, int nr, unsigned long *addr)
{
	engine_point(s, addr, EVENT_WAIT);
	bit_wait_clear(nr, addr);
}
