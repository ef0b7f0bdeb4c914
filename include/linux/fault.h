/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/fault.h - injected failures: which ask fails is part of the program (fail=N). */
#ifndef _LINUX_FAULT_H
#define _LINUX_FAULT_H

#include <linux/compiler.h>
#include <linux/gfp_types.h>

bool alloc_should_fail_at(const struct site *s, gfp_t gfp);
#define alloc_should_fail(gfp) alloc_should_fail_at(SITE("alloc", "", #gfp), gfp)

#endif
