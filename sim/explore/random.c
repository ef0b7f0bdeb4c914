/* SPDX-License-Identifier: GPL-2.0-only */
/* Random walk (algorithms.md 4.1): at each point every enabled CPU is as likely to go on. The baseline. */
#include <foliofuzz/explore.h>

static void random_begin(struct strategy *s, u64 seed)
{
	prng_seed(&((struct random_strategy *)s)->prng, seed);
}

/* The n-th set bit of a mask of lanes, without a branch that a random choice would mispredict. */
#define ROW(m) { (u8)(NTH0(m)), (u8)(NTH0(DROP(m))), (u8)(NTH0(DROP(DROP(m)))),                    \
		 (u8)(NTH0(DROP(DROP(DROP(m))))), (u8)(NTH0(DROP(DROP(DROP(DROP(m)))))) }
#define DROP(m) ((m) & ((m) - 1))
#define NTH0(m) ((m) ? __builtin_ctz((unsigned)(m) | 32u) : 0)
#define ROWS4(m) ROW(m), ROW((m) + 1), ROW((m) + 2), ROW((m) + 3)
static const u8 nth_bit[1u << ENGINE_LANES_MAX][ENGINE_LANES_MAX] = {
	ROWS4(0), ROWS4(4), ROWS4(8), ROWS4(12), ROWS4(16), ROWS4(20), ROWS4(24), ROWS4(28)
};
#define COUNT(m) (((m) & 1) + ((m) >> 1 & 1) + ((m) >> 2 & 1) + ((m) >> 3 & 1) + ((m) >> 4 & 1))
#define COUNTS4(m) COUNT(m), COUNT((m) + 1), COUNT((m) + 2), COUNT((m) + 3)
static const u8 bit_count[1u << ENGINE_LANES_MAX] = {
	COUNTS4(0), COUNTS4(4), COUNTS4(8), COUNTS4(12), COUNTS4(16), COUNTS4(20), COUNTS4(24), COUNTS4(28)
};

static unsigned random_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct random_strategy *r = (struct random_strategy *)s;

	(void)current;
	return nth_bit[enabled][prng_below(&r->prng, bit_count[enabled])];
}

void random_strategy_init(struct random_strategy *r)
{
	r->strategy = (struct strategy){ "random", random_begin, random_next, NULL };
}
