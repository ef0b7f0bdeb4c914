/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Portfolio: several strategies take turns, since which of them finds a bug soon differs by orders of magnitude from bug to bug. Executions
 * come in epochs; within one the shares are fixed, and for the next they follow what each strategy has shown that was new: pairs
 * of accesses of different CPUs that had not met before (algorithms.md 4.6). A part of the budget is shared evenly whatever happens, so every
 * strategy's own guarantee holds, later.
 *
 * No paper's: a bandit whose reward is that of RFF and Krace (ASPLOS 2024, S&P 2020), but without chance. An epoch's decision is computed from
 * sums over the epochs before, and which execution of an epoch is whose is a fixed permutation. So a search is a function of program
 * and seed, whoever runs which execution.
 */
#include <foliofuzz/explore.h>
#include <string.h>

/* `first`: share of the first epoch, of PORTFOLIO_EPOCH. */
static const struct {
	u8 strategy, first;
} arms[PORTFOLIO_ARMS] = {
	{ STRATEGY_RACE, 32 }, { STRATEGY_PCT, 8 }, { STRATEGY_POS, 8 }, { STRATEGY_SURW, 7 }, { STRATEGY_RF, 5 }, { STRATEGY_RANDOM, 4 },
};
enum { FLOOR = 4, STRIDE = 27 };

void portfolio_begin(struct portfolio *p)
{
	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < PORTFOLIO_ARMS; i++)
		p->share[i] = arms[i].first;
}

/* Position of slot n, so that the slots of an arm lie far apart. */
static u32 position(u32 n)
{
	return n * STRIDE % PORTFOLIO_EPOCH;
}

static unsigned arm_at(const struct portfolio *p, u32 slot)
{
	u32 at = position(slot);
	unsigned arm = 0;

	while (at >= p->share[arm])
		at -= p->share[arm++];
	return arm;
}

struct portfolio_choice portfolio_choose(const struct portfolio *p, u64 n)
{
	struct portfolio_choice c;

	c.arm = arm_at(p, n % PORTFOLIO_EPOCH);
	c.strategy = arms[c.arm].strategy;
	c.execution = p->given[c.arm];
	for (u32 i = 0; i < n % PORTFOLIO_EPOCH; i++)
		c.execution += arm_at(p, i) == c.arm;
	return c;
}

void portfolio_note(struct portfolio *p, unsigned arm, const struct engine_watch *w)
{
	for (unsigned i = 0; i < WATCH_WORDS; i++)
		if (w->pairs[i] & ~p->shown[arm][i])
			__atomic_fetch_or(&p->shown[arm][i], w->pairs[i], __ATOMIC_RELAXED);
}

/* New pairs of each arm, in which older epochs count ever less, per 1024 executions. */
static u32 yield_of(struct portfolio *p, unsigned arm)
{
	u32 new = 0;

	for (unsigned i = 0; i < WATCH_WORDS; i++)
		new += (u32)__builtin_popcountll(p->shown[arm][i] & ~p->known[i]);
	p->yield[arm] = p->yield[arm] / 2 + new;
	p->effort[arm] = p->effort[arm] / 2 + p->share[arm];
	return p->yield[arm] * 1024 / p->effort[arm];
}

void portfolio_epoch(struct portfolio *p)
{
	u32 yields[PORTFOLIO_ARMS], sum = 0, left = PORTFOLIO_EPOCH - FLOOR * PORTFOLIO_ARMS, best = 0, free_share = left;

	for (unsigned i = 0; i < PORTFOLIO_ARMS; i++) {
		p->given[i] += p->share[i];
		sum += yields[i] = 1 + yield_of(p, i);
		best = yields[i] > yields[best] ? i : best;
	}
	for (unsigned i = 0; i < PORTFOLIO_ARMS; i++) {
		u32 more = (u32)((u64)free_share * yields[i] / sum);

		p->share[i] = (u8)(FLOOR + more);
		left -= more;
		for (unsigned k = 0; k < WATCH_WORDS; k++) {
			p->known[k] |= p->shown[i][k];
			p->shown[i][k] = 0;
		}
	}
	p->share[best] = (u8)(p->share[best] + left);
}
