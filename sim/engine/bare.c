/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bare loop: the same stacks and the same switch as the fiber vehicle, a random pick before every step, and
 * nothing else. It is what `bench` divides by.
 */
#include "fiber.h"
#include <foliofuzz/bench.h>

static struct {
	struct fiber runner, stacks[ENGINE_CPUS_MAX];
	u32 left[ENGINE_CPUS_MAX];
	u32 alive;
	struct prng prng;
	u64 switches;
	bool ready;
} bare;

static unsigned pick(void)
{
	u32 mask = bare.alive, n = prng_below(&bare.prng, (u32)__builtin_popcount(mask));

	while (n--)
		mask &= mask - 1;
	return (unsigned)__builtin_ctz(mask);
}

static void go_to(unsigned self, unsigned next)
{
	if (next == self)
		return;
	bare.switches++;
	fiber_switch(&bare.stacks[self], &bare.stacks[next]);
}

static void bare_main(void *arg)
{
	unsigned self = (unsigned)(uintptr_t)arg;

	for (;;) {
		while (--bare.left[self])
			go_to(self, pick());
		bare.alive &= ~(1u << self);
		if (bare.alive)
			go_to(self, pick());
		else
			fiber_switch(&bare.stacks[self], &bare.runner);
	}
}

u64 bare_loop(unsigned cpus, u32 steps, u64 executions, u64 seed)
{
	HARNESS_BUG_ON(cpus < 1 || cpus > ENGINE_CPUS_MAX || !steps);
	if (!bare.ready) {
		for (uintptr_t i = 0; i < ENGINE_CPUS_MAX; i++)
			fiber_create(&bare.stacks[i], ENGINE_STACK_SIZE, bare_main, (void *)i);
		fiber_adopt(&bare.runner);
		bare.ready = true;
	}
	bare.switches = 0;
	prng_seed(&bare.prng, seed);
	for (u64 e = 0; e < executions; e++) {
		for (unsigned i = 0; i < cpus; i++)
			bare.left[i] = steps;
		bare.alive = (1u << cpus) - 1;
		fiber_switch(&bare.runner, &bare.stacks[pick()]);
	}
	return bare.switches;
}
