/* SPDX-License-Identifier: GPL-2.0-only */
/* Stacks for fibers, with a guard page, and their first frame. */
#include "fiber.h"
#include <foliofuzz/base.h>
#include <sys/mman.h>
#include <unistd.h>

static void *stack_map(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	HARNESS_BUG_ON(p == MAP_FAILED);
	HARNESS_BUG_ON(mprotect(p, page, PROT_NONE));
	return p + page;
}

#ifdef FOLIOFUZZ_UCONTEXT
#include <stdlib.h>
#include <ucontext.h>

static void ucontext_entry(unsigned high, unsigned low)
{
	struct fiber *f = (struct fiber *)((uintptr_t)high << 16 << 16 | low);

	f->fn(f->arg);
	__builtin_trap();
}

void fiber_create(struct fiber *f, size_t stack_size, void (*fn)(void *arg), void *arg)
{
	ucontext_t *u = calloc(1, sizeof(*u));

	HARNESS_BUG_ON(!u || getcontext(u));
	f->stack = stack_map(stack_size);
	f->stack_size = stack_size;
	f->fn = fn;
	f->arg = arg;
	f->sp = u;
	u->uc_stack.ss_sp = f->stack;
	u->uc_stack.ss_size = stack_size;
	makecontext(u, (void (*)(void))ucontext_entry, 2, (unsigned)((uintptr_t)f >> 16 >> 16),
		    (unsigned)(uintptr_t)f);
}

void fiber_adopt(struct fiber *f)
{
	if (!f->sp)
		f->sp = calloc(1, sizeof(ucontext_t));
	HARNESS_BUG_ON(!f->sp);
}

void fiber_swap_contexts(struct fiber *from, struct fiber *to)
{
	swapcontext(from->sp, to->sp);
}
#else
void fiber_start(void);
void fiber_entry(struct fiber *f);

void fiber_entry(struct fiber *f)
{
	f->fn(f->arg);
	__builtin_trap();
}

/* The frame that fiber_swap() expects to find; see swap_*.S. */
static void *fiber_stack_init(struct fiber *f)
{
	uintptr_t top = (uintptr_t)f->stack + f->stack_size;
	void **sp = (void **)(top & ~(uintptr_t)63);

#if defined(__x86_64__)
	*--sp = NULL; /* keeps the call in fiber_start aligned */
	*--sp = NULL;
	*--sp = (void *)fiber_start;
	*--sp = NULL; /* rbp */
	*--sp = NULL; /* rbx */
	*--sp = f;    /* r12 */
	*--sp = NULL; /* r13 */
	*--sp = NULL; /* r14 */
	*--sp = NULL; /* r15 */
#else
	sp -= 20;
	for (int i = 0; i < 20; i++)
		sp[i] = NULL;
	sp[0] = f;                   /* x19 */
	sp[11] = (void *)fiber_start; /* x30 */
#endif
	return sp;
}

void fiber_create(struct fiber *f, size_t stack_size, void (*fn)(void *arg), void *arg)
{
	f->stack = stack_map(stack_size);
	f->stack_size = stack_size;
	f->fn = fn;
	f->arg = arg;
	f->sp = fiber_stack_init(f);
}

void fiber_adopt(struct fiber *f)
{
	(void)f;
}
#endif
