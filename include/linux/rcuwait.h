/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/rcuwait.h - one sleeper, woken by whoever makes its condition true. A wake-up that is left out is lost: the sleeper
 * looks at its condition before it sleeps, and after each wake-up.
 */
#ifndef _LINUX_RCUWAIT_H
#define _LINUX_RCUWAIT_H

#include <linux/compiler.h>

struct rcuwait {
	u32 wakeups;
};
#define rcuwait_init(w) ((void)((w)->wakeups = 0))
u32 rcuwait_prepare(const struct rcuwait *w);
void rcuwait_sleep_at(const struct site *s, struct rcuwait *w, u32 seen);
void rcuwait_wake_up_at(const struct site *s, struct rcuwait *w);
#define rcuwait_wake_up(w) rcuwait_wake_up_at(SITE("rcuwait_wake_up", "", #w), w)
#define rcuwait_wait_event(w, condition)                                       \
	do {                                                                   \
		struct rcuwait *w_ = (w);                                      \
		u32 seen_ = rcuwait_prepare(w_);                               \
		while (!(condition)) {                                         \
			rcuwait_sleep_at(SITE("rcuwait_wait_event", "", #w), w_, seen_); \
			seen_ = rcuwait_prepare(w_);                           \
		}                                                              \
	} while (0)

#endif
