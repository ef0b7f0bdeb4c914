/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read-copy-update. A grace period that began when some CPUs were inside sections is over when each of them has
 * left that section: rcu_sections counts the ends, so a later section of the same CPU does not prolong it, and
 * none that began before is missed.
 */
#include "kernel_internal.h"
#include <linux/rcupdate.h>

void rcu_read_lock_at(const struct site *s)
{
	engine_point(s, NULL, EVENT_RCU_LOCK);
	this_cpu()->rcu_nesting++;
}

void rcu_read_unlock_at(const struct site *s)
{
	struct cpu_context *c = this_cpu();

	engine_point(s, NULL, EVENT_RCU_UNLOCK);
	if (unlikely(!c->rcu_nesting))
		engine_find(VERDICT_LOCK_RULE, "unmatched rcu_read_unlock", s->function, "no section is open");
	if (--c->rcu_nesting)
		return;
	c->rcu_sections++;
	edge_release(&kern->rcu_count);
	engine_kick();
}

bool rcu_read_lock_held(void)
{
	return this_cpu()->rcu_nesting != 0;
}

static void grace_begin(struct rcu_callback *cb)
{
	cb->waits = 0;
	for (unsigned cpu = 0; cpu < ENGINE_CPUS_MAX; cpu++) {
		engine_touch(ENGINE_OBJECT_RCU_NEST + cpu, TOUCH_READ);
		cb->sections[cpu] = kern->cpu[cpu].rcu_sections;
		if (kern->cpu[cpu].rcu_nesting)
			cb->waits |= (u8)(1u << cpu);
	}
}

static bool grace_over(const volatile void *arg)
{
	const struct rcu_callback *cb = (const struct rcu_callback *)(uintptr_t)arg;

	for (unsigned m = cb->waits; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		if (kern->cpu[cpu].rcu_sections == cb->sections[cpu])
			return false;
	}
	return true;
}

/* Callbacks are called in the order in which they were queued, so the first decides. */
static bool first_is_due(const volatile void *arg)
{
	(void)arg;
	return kern->rcu_count && grace_over(&kern->rcu[0]);
}

static void rcu_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	while (kern->rcu_count) {
		struct rcu_callback cb;

		engine_wait(SITE("grace_period", "", ""), kern->rcu, EVENT_GRACE, first_is_due, NULL);
		cb = kern->rcu[0];
		engine_touch(ENGINE_OBJECT_CALLBACKS, TOUCH_WRITE);
		kern->rcu_count--;
		for (unsigned i = 0; i < kern->rcu_count; i++)
			kern->rcu[i] = kern->rcu[i + 1];
		edge_acquire(&kern->rcu_count);
		edge_acquire(cb.head);
		cb.func(cb.head);
		engine_touch(ENGINE_OBJECT_CALLBACKS, TOUCH_READ);
	}
}

void call_rcu_at(const struct site *s, struct rcu_head *head, void (*func)(struct rcu_head *))
{
	struct rcu_callback *cb;

	engine_point(s, head, EVENT_WRITE);
	HARNESS_BUG_ON(kern->rcu_count == RCU_CALLBACKS_MAX);
	engine_touch(ENGINE_OBJECT_CALLBACKS, TOUCH_WRITE);
	cb = &kern->rcu[kern->rcu_count++];
	cb->head = head;
	cb->func = func;
	grace_begin(cb);
	edge_release(head);
	engine_lane_start(ENGINE_LANE_RCU, rcu_lane, NULL);
	engine_kick();
}

void synchronize_rcu_at(const struct site *s)
{
	struct rcu_callback cb;

	sleeping_allowed("synchronize_rcu");
	grace_begin(&cb);
	engine_wait(s, kern->rcu, EVENT_GRACE, grace_over, &cb);
	edge_acquire(&kern->rcu_count);
}
