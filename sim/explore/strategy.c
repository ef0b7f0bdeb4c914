/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of strategies. */
#include <foliofuzz/explore.h>
#include <string.h>

static const char *const names[STRATEGY_COUNT] = {
#define STRATEGY(id, name, help) name,
#include <foliofuzz/strategy.def>
#undef STRATEGY
};

const char *strategy_name(enum strategy_id id)
{
	return names[id];
}

int strategy_find(const char *name)
{
	for (int i = 0; i < STRATEGY_COUNT; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

bool strategy_draws(enum strategy_id id)
{
	switch (id) {
	case STRATEGY_RANDOM:
	case STRATEGY_PCT:
	case STRATEGY_POS:
	case STRATEGY_SURW:
	case STRATEGY_RF:
	case STRATEGY_RACE:
	case STRATEGY_PORTFOLIO:
		return true;
	default:
		return false;
	}
}
