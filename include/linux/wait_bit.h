/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/wait_bit.h - waiting for a bit: the sleeping forms of linux/bit_spinlock.h. */
#ifndef _LINUX_WAIT_BIT_H
#define _LINUX_WAIT_BIT_H

#include <linux/bit_spinlock.h>

#endif
