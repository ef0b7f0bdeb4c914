/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fiber vehicle: a CPU is a stack, and a switch is a few instructions. What sanitizers and libFuzzer need to
 * know about a switch is said here, once, through weak symbols, so that the same object serves every build.
 */
#include "engine_internal.h"

void __sanitizer_start_switch_fiber(void **fake_save, const void *bottom, size_t size) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom_old, size_t *size_old) __attribute__((weak));
void __msan_start_switch_fiber(const void *bottom, size_t size) __attribute__((weak));
void __msan_finish_switch_fiber(const void **bottom_old, size_t *size_old) __attribute__((weak));
void *__tsan_get_current_fiber(void) __attribute__((weak));
void *__tsan_create_fiber(unsigned flags) __attribute__((weak));
void __tsan_destroy_fiber(void *fiber) __attribute__((weak));
void __tsan_switch_to_fiber(void *fiber, unsigned flags) __attribute__((weak));
#define TSAN_ABANDONED_MAX 1024 /* executions, before fibers are made anew */
#define TSAN_SWITCH_NO_SYNC 1u /* __tsan_switch_to_fiber_no_sync */

struct fiber vehicle_fibers[ENGINE_CONTEXTS];

static struct vehicle_fiber {
	void *fake_stack;        /* ASan's, while switched away */
	const void *stack_bottom; /* what ASan and MSan are told of this context */
	size_t stack_size;
	void *tsan_fiber;
	uintptr_t lowest_stack; /* libFuzzer's stack depth, while switched away */
} contexts[ENGINE_CONTEXTS];
static bool prepared, observed; /* observed: some runtime wants to hear of switches */
static unsigned switched_from;
static uintptr_t *lowest_stack;

/* On the new stack, first thing: who came from where. */
static void after_switch(unsigned self)
{
	struct vehicle_fiber *c = &contexts[self];
	struct vehicle_fiber *from = &contexts[switched_from];

	if (__sanitizer_finish_switch_fiber)
		__sanitizer_finish_switch_fiber(c->fake_stack, &from->stack_bottom, &from->stack_size);
	if (__msan_finish_switch_fiber)
		__msan_finish_switch_fiber(&from->stack_bottom, &from->stack_size);
	if (lowest_stack)
		*lowest_stack = c->lowest_stack;
}

static void fiber_main(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;

	if (observed)
		after_switch(cpu);
	lane_main(cpu);
}

void vehicle_fiber_switch(unsigned from, unsigned to)
{
	struct vehicle_fiber *f = &contexts[from], *t = &contexts[to];

	if (lowest_stack) {
		f->lowest_stack = *lowest_stack;
		/* what a lane uses of its own stack is no feature of the input */
		*lowest_stack = UINTPTR_MAX;
	}
	switched_from = from;
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(&f->fake_stack, t->stack_bottom, t->stack_size);
	if (__msan_start_switch_fiber)
		__msan_start_switch_fiber(t->stack_bottom, t->stack_size);
	if (__tsan_switch_to_fiber)
		__tsan_switch_to_fiber(t->tsan_fiber, TSAN_SWITCH_NO_SYNC);
	fiber_switch(&vehicle_fibers[from], &vehicle_fibers[to]);
	after_switch(from);
}

/*
 * An abandoned lane has left functions without their ends, and ThreadSanitizer keeps a stack of calls for each fiber, which would
 * overflow after some thirty thousand finds. From the runner; no lane is in the middle of anything.
 */
void vehicle_fiber_abandoned(void)
{
	static unsigned since;

	if (!__tsan_destroy_fiber || ++since < TSAN_ABANDONED_MAX)
		return;
	since = 0;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		__tsan_destroy_fiber(contexts[i].tsan_fiber);
		contexts[i].tsan_fiber = __tsan_create_fiber(0);
	}
}

bool vehicle_fiber_prepare(void)
{
	if (likely(prepared)) {
		/* the caller may be another thread than last time */
		if (__tsan_get_current_fiber)
			contexts[ENGINE_RUNNER].tsan_fiber = __tsan_get_current_fiber();
		return !observed;
	}
	prepared = true;
	observed = __sanitizer_start_switch_fiber || __msan_start_switch_fiber || __tsan_switch_to_fiber ||
		   (engine_sancov_lowest_stack && engine_sancov_lowest_stack());
	if (engine_sancov_lowest_stack)
		lowest_stack = engine_sancov_lowest_stack();
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		struct vehicle_fiber *c = &contexts[i];

		fiber_create(&vehicle_fibers[i], ENGINE_STACK_SIZE, fiber_main, (void *)(uintptr_t)i);
		c->stack_bottom = vehicle_fibers[i].stack;
		c->stack_size = vehicle_fibers[i].stack_size;
		c->lowest_stack = UINTPTR_MAX;
		if (__tsan_create_fiber)
			c->tsan_fiber = __tsan_create_fiber(0);
	}
	fiber_adopt(&vehicle_fibers[ENGINE_RUNNER]);
	if (__tsan_get_current_fiber)
		contexts[ENGINE_RUNNER].tsan_fiber = __tsan_get_current_fiber();
	return !observed;
}
