/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Happens-before edges of the engine's own: a lane's start and end against its runner. Weak symbols, because the
 * engine is compiled without instrumentation in every build.
 */
#include "engine_internal.h"

void __tsan_acquire(void *addr) __attribute__((weak));
void __tsan_release(void *addr) __attribute__((weak));

void edge_release(void *p)
{
	if (__tsan_release)
		__tsan_release(p);
}

void edge_acquire(void *p)
{
	if (__tsan_acquire)
		__tsan_acquire(p);
}
