/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/gfp_types.h - what an allocation may do. */
#ifndef _LINUX_GFP_TYPES_H
#define _LINUX_GFP_TYPES_H

#include <linux/types.h>

#define __GFP_DIRECT_RECLAIM 0x400u /* may sleep */
#define __GFP_NOFAIL 0x8000u        /* never an injected failure */
#define __GFP_COMP 0x40000u
#define GFP_ATOMIC 0x20u
#define GFP_NOWAIT 0x800u
#define GFP_KERNEL (__GFP_DIRECT_RECLAIM | 0xc0u)
#define GFP_TRANSHUGE (GFP_KERNEL | __GFP_COMP)

#endif
