/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fiber.h - a stack and a way to switch to it: assembly on x86-64 and aarch64, ucontext elsewhere (or with
 * FOLIOFUZZ_UCONTEXT). Also used by the bare loop of `bench`, which is this and nothing else.
 */
#ifndef ENGINE_FIBER_H
#define ENGINE_FIBER_H

#include <stddef.h>

#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(FOLIOFUZZ_UCONTEXT)
#define FOLIOFUZZ_UCONTEXT 1
#endif

struct fiber {
	void *sp;          /* saved stack pointer, or the ucontext */
	void *stack;       /* lowest usable byte; NULL for the runner's own stack */
	size_t stack_size; /* bytes */
	void (*fn)(void *arg);
	void *arg;
};

/* Maps a stack with a guard page below it; fn never returns. */
void fiber_create(struct fiber *f, size_t stack_size, void (*fn)(void *arg), void *arg);
/* Prepares the calling context to be switched away from. */
void fiber_adopt(struct fiber *f);

#ifdef FOLIOFUZZ_UCONTEXT
void fiber_swap_contexts(struct fiber *from, struct fiber *to);
static inline void fiber_switch(struct fiber *from, struct fiber *to)
{
	fiber_swap_contexts(from, to);
}
#else
void fiber_swap(void **save_sp, void *load_sp);
static inline void fiber_switch(struct fiber *from, struct fiber *to)
{
	fiber_swap(&from->sp, to->sp);
}
#endif

#endif
