/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prng.c - xoroshiro128++ seeded by splitmix64: the only source of randomness in the project.
 */
#include <foliofuzz/base.h>

static u64 splitmix(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void prng_seed(struct prng *r, u64 seed)
{
	r->s[0] = splitmix(&seed);
	r->s[1] = splitmix(&seed);
}

bool prng_chance(struct prng *r, u32 num, u32 den)
{
	return prng_below(r, den) < num;
}
