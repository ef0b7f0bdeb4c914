/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read-copy-update, and one sleeper's wake-ups. A grace period is waited for: until each CPU that was in a section when it began has left
 * it. Callbacks are called by a thread of their own, one after the other, as soon as their grace period is over: hides what needs them
 * late, which is when a controlled one may come.
 */
#define _GNU_SOURCE
#include "free_internal.h"
#include <errno.h>
#include <linux/rcupdate.h>
#include <linux/rcuwait.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FUTEX_WAIT_PRIVATE_ = 128, FUTEX_WAKE_PRIVATE_ = 129 };

static struct free_guard queue;
static u32 queued; /* futex: callbacks so far */
static u32 called; /* of them */

static void futex(u32 *word, int op, u32 value)
{
	while (syscall(SYS_futex, word, op, value, NULL, NULL, 0) < 0 && errno == EINTR)
		;
}

void rcu_read_lock_at(const struct site *s)
{
	struct cpu_context *c = this_cpu();

	engine_point(s, NULL, EVENT_RCU_LOCK);
	__atomic_store_n(&c->rcu_nesting, (u16)(c->rcu_nesting + 1), __ATOMIC_SEQ_CST);
	access_fence(__ATOMIC_SEQ_CST);
}

void rcu_read_unlock_at(const struct site *s)
{
	struct cpu_context *c = this_cpu();
	bool last;

	engine_point(s, NULL, EVENT_RCU_UNLOCK);
	if (unlikely(!c->rcu_nesting))
		engine_find(VERDICT_LOCK_RULE, "unmatched rcu_read_unlock", s->function, "no section is open");
	/* Counted when it has ended: who sees the count and then the nesting must not wait for a section more. */
	last = c->rcu_nesting == 1;
	__atomic_store_n(&c->rcu_nesting, (u16)(c->rcu_nesting - 1), __ATOMIC_RELEASE);
	if (last)
		__atomic_store_n(&c->rcu_sections, c->rcu_sections + 1, __ATOMIC_RELEASE);
}

bool rcu_read_lock_held(void)
{
	return this_cpu()->rcu_nesting != 0;
}

/* A section that ends between the two looks has ended: a later one of that CPU is not waited for. */
static void grace_begin(struct rcu_callback *cb)
{
	access_fence(__ATOMIC_SEQ_CST);
	cb->waits = 0;
	for (unsigned cpu = 0; cpu < ENGINE_CPUS_MAX; cpu++) {
		cb->sections[cpu] = __atomic_load_n(&kern->cpu[cpu].rcu_sections, __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&kern->cpu[cpu].rcu_nesting, __ATOMIC_ACQUIRE))
			cb->waits |= (u8)(1u << cpu);
	}
}

static void grace_wait(const struct rcu_callback *cb)
{
	unsigned turns = 0;

	for (unsigned m = cb->waits; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		while (__atomic_load_n(&kern->cpu[cpu].rcu_sections, __ATOMIC_ACQUIRE) == cb->sections[cpu])
			free_relax(&turns);
	}
	access_fence(__ATOMIC_SEQ_CST);
}

void synchronize_rcu_at(const struct site *s)
{
	struct rcu_callback cb;

	engine_point(s, kern->rcu, EVENT_GRACE);
	grace_begin(&cb);
	grace_wait(&cb);
}

void call_rcu_at(const struct site *s, struct rcu_head *head, void (*func)(struct rcu_head *))
{
	struct rcu_callback cb = { .head = head, .func = func };

	engine_point(s, head, EVENT_WRITE);
	grace_begin(&cb);
	guard_lock(&queue);
	HARNESS_BUG_ON(kern->rcu_count == RCU_CALLBACKS_MAX);
	kern->rcu[kern->rcu_count++] = cb;
	guard_unlock(&queue);
	__atomic_add_fetch(&queued, 1, __ATOMIC_RELEASE);
	futex(&queued, FUTEX_WAKE_PRIVATE_, 1);
}

static struct rcu_callback dequeue(void)
{
	struct rcu_callback first;

	guard_lock(&queue);
	first = kern->rcu[0];
	kern->rcu_count--;
	for (unsigned i = 0; i < kern->rcu_count; i++)
		kern->rcu[i] = kern->rcu[i + 1];
	guard_unlock(&queue);
	return first;
}

_Noreturn void free_rcu_main(void)
{
	for (;;) {
		u32 seen = __atomic_load_n(&queued, __ATOMIC_ACQUIRE);
		struct rcu_callback cb;

		if (seen == called) {
			futex(&queued, FUTEX_WAIT_PRIVATE_, seen);
			continue;
		}
		cb = dequeue();
		grace_wait(&cb);
		cb.func(cb.head);
		__atomic_store_n(&called, called + 1, __ATOMIC_RELEASE);
	}
}

void free_rcu_barrier(void)
{
	unsigned turns = 0;

	while (__atomic_load_n(&called, __ATOMIC_ACQUIRE) != __atomic_load_n(&queued, __ATOMIC_ACQUIRE))
		free_relax(&turns);
}

/* ---- rcuwait ---- */

u32 rcuwait_prepare(const struct rcuwait *w)
{
	u32 seen = __atomic_load_n(&w->wakeups, __ATOMIC_SEQ_CST);

	access_fence(__ATOMIC_SEQ_CST); /* set_current_state() before the look at the condition */
	return seen;
}

void rcuwait_sleep_at(const struct site *s, struct rcuwait *w, u32 seen)
{
	unsigned turns = 0;

	engine_point(s, w, EVENT_WAIT);
	while (__atomic_load_n(&w->wakeups, __ATOMIC_ACQUIRE) == seen)
		free_relax(&turns);
}

void rcuwait_wake_up_at(const struct site *s, struct rcuwait *w)
{
	engine_point(s, w, EVENT_WRITE);
	access_fence(__ATOMIC_SEQ_CST);
	__atomic_add_fetch(&w->wakeups, 1, __ATOMIC_SEQ_CST);
}
