/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stuck.c - where a livelock or a deadlock is, for its title. Which operation happened to call it and which step came last are chance, and
 * what one bug shows should have one name. Of a lane that goes round for ever it is the outermost thing that it takes in each round: what it
 * takes while it holds the fewest locks, a lock before an RCU section. Of lanes that wait it is where they wait, and of two the first by name.
 */
#include "engine_internal.h"

#include <string.h>

static unsigned locks_held(unsigned cpu)
{
	return engine.hooks->locks_held ? engine.hooks->locks_held(cpu) : 0;
}

void stuck_begin(void)
{
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++)
		engine.lanes[cpu].round = NULL;
}

static bool takes_a_lock(const struct event *ev)
{
	return ev->kind == EVENT_LOCK || ev->kind == EVENT_TRYLOCK || ev->kind == EVENT_BIT_LOCK || ev->kind == EVENT_BIT_TRYLOCK;
}

static bool is_before(const char *a, const char *b)
{
	return !b || strcmp(a, b) < 0;
}

/* Sites that a lane left behind before it went round hold no fewer locks than those of a round: an operation that ends holds none. */
void stuck_note(struct lane *l, unsigned cpu)
{
	const struct event *ev = &l->pending;
	/* a section counts as a half, on top of the locks */
	unsigned locks = 2 * locks_held(cpu) + !takes_a_lock(ev);

	if (!takes_a_lock(ev) && ev->kind != EVENT_RCU_LOCK)
		return;
	if (l->round && (locks > l->round_locks || (locks == l->round_locks && !is_before(ev->site->function, l->round->function))))
		return;
	l->round = ev->site;
	l->round_locks = locks;
}

const char *stuck_round(void)
{
	const char *function = NULL;

	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++) {
		const struct site *site = engine.lanes[cpu].round;

		if (site && is_before(site->function, function))
			function = site->function;
	}
	return function;
}

/* Nobody waits for a CPU that holds no lock, so where there are some that do the others only stand behind them. */
void stuck_waiters(const char *functions[2])
{
	u32 waiters = engine.runnable, holders = 0;

	for (u32 m = waiters; m; m &= m - 1)
		if (locks_held((unsigned)__builtin_ctz(m)))
			holders |= m & -m;
	functions[0] = functions[1] = NULL;
	for (u32 m = holders ? holders : waiters; m; m &= m - 1) {
		const char *f = engine.lanes[__builtin_ctz(m)].pending.site->function;

		if (is_before(f, functions[0])) {
			functions[1] = functions[0];
			functions[0] = f;
		} else if (strcmp(f, functions[0]) && is_before(f, functions[1])) {
			functions[1] = f;
		}
	}
}
