/* SPDX-License-Identifier: GPL-2.0-only */
/* A bit of a word as a lock, spinning or sleeping. */
#include "kernel_internal.h"
#include <linux/bit_spinlock.h>

struct bit_ref {
	const unsigned long *addr;
	int nr;
};

static bool bit_is_clear(const volatile void *arg)
{
	const struct bit_ref *r = (const struct bit_ref *)(uintptr_t)arg;

	return !((*r->addr >> r->nr) & 1);
}

static unsigned acquire_flags(bool sleeps)
{
	return ACQUIRE_BIT | (sleeps ? ACQUIRE_SLEEPS : 0);
}

static void taken(const struct site *s, int nr, unsigned long *addr, const struct lock_class *class,
		  bool sleeps, unsigned flags)
{
	*(volatile unsigned long *)addr |= 1ul << nr;
	if (!sleeps)
		this_cpu()->preempt++;
	edge_acquire(addr);
	lockdep_acquired(s, addr, class, acquire_flags(sleeps) | flags);
}

void bit_lock_at(const struct site *s, int nr, unsigned long *addr, const struct lock_class *class,
		 bool sleeps)
{
	const struct bit_ref ref = { addr, nr };

	lockdep_check(s, addr, class, acquire_flags(sleeps));
	engine_wait_bits(s, addr, EVENT_BIT_LOCK, bit_is_clear, &ref, 0, 1ul << nr);
	taken(s, nr, addr, class, sleeps, 0);
}

bool bit_trylock_at(const struct site *s, int nr, unsigned long *addr, const struct lock_class *class,
		    bool sleeps)
{
	bool refuse = engine_fault(s);

	lockdep_check(s, addr, class, acquire_flags(sleeps) | ACQUIRE_TRY);
	if (refuse) {
		engine_point(s, addr, EVENT_READ);
		return false;
	}
	engine_point_bits(s, addr, EVENT_BIT_TRYLOCK, 0, 1ul << nr);
	if ((*addr >> nr) & 1)
		return false;
	taken(s, nr, addr, class, sleeps, ACQUIRE_TRY);
	return true;
}

void bit_unlock_at(const struct site *s, int nr, unsigned long *addr, bool sleeps)
{
	engine_point_bits(s, addr, EVENT_BIT_UNLOCK, 1ul << nr, 0);
	if (unlikely(!((*addr >> nr) & 1)))
		engine_find(VERDICT_LOCK_RULE, "unlock of an unlocked bit", NULL, "%s of %s", s->detail,
			    s->expr);
	edge_release(addr);
	*(volatile unsigned long *)addr &= ~(1ul << nr);
	lockdep_release(addr, acquire_flags(sleeps));
	if (!sleeps)
		this_cpu()->preempt--;
	engine_kick();
}

void bit_wait_at(const struct site *s, int nr, unsigned long *addr)
{
	const struct bit_ref ref = { addr, nr };

	sleeping_allowed(s->detail);
	engine_wait(s, addr, EVENT_WAIT, bit_is_clear, &ref);
	edge_acquire(addr);
}
