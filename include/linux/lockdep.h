/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/lockdep.h - assertions about held locks; the checks themselves are in sim/kernel/lockdep.c. */
#ifndef _LINUX_LOCKDEP_H
#define _LINUX_LOCKDEP_H

#include <linux/spinlock.h>

#endif
