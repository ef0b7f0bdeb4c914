/* SPDX-License-Identifier: GPL-2.0-only */
/* One sleeper and its wake-ups; see linux/rcuwait.h. */
#include "kernel_internal.h"
#include <linux/rcuwait.h>

struct sleeper {
	const struct rcuwait *w;
	u32 seen;
};

static bool woken(const volatile void *arg)
{
	const struct sleeper *s = (const struct sleeper *)(uintptr_t)arg;

	return s->w->wakeups != s->seen;
}

u32 rcuwait_prepare(const struct rcuwait *w)
{
	return w->wakeups;
}

void rcuwait_sleep_at(const struct site *s, struct rcuwait *w, u32 seen)
{
	const struct sleeper sleeper = { w, seen };

	sleeping_allowed("rcuwait_wait_event");
	engine_wait(s, w, EVENT_WAIT, woken, &sleeper);
	edge_acquire(w);
}

void rcuwait_wake_up_at(const struct site *s, struct rcuwait *w)
{
	engine_point(s, w, EVENT_WRITE);
	edge_release(w);
	w->wakeups++;
	engine_kick();
}
