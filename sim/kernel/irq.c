/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupt and preemption state of the CPU, sleeping points, and the two ways a kernel can fail on purpose. */
#include "kernel_internal.h"
#include <linux/bug.h>
#include <linux/fault.h>
#include <linux/irqflags.h>
#include <linux/sched.h>

unsigned long irq_save_(void)
{
	struct cpu_context *c = this_cpu();
	unsigned long was = c->irqs_off;

	c->irqs_off = 1;
	return was;
}

void irq_restore_(unsigned long flags)
{
	struct cpu_context *c = this_cpu();

	if (c->irqs_off && !flags) {
		edge_release(&c->irqs_off);
		c->irqs_off = 0;
		engine_kick();
		return;
	}
	c->irqs_off = (u8)flags;
}

bool irqs_disabled(void)
{
	return this_cpu()->irqs_off;
}

void irq_enter(void)
{
	struct cpu_context *c = this_cpu();

	HARNESS_BUG_ON(c->irqs_off || c->in_irq);
	c->in_irq = c->irqs_off = 1;
}

void irq_exit(void)
{
	struct cpu_context *c = this_cpu();

	c->in_irq = c->irqs_off = 0;
}

/* Work that other CPUs queue here runs while this CPU can be preempted: that orders it against what is done with preemption off. */
void preempt_disable(void)
{
	this_cpu()->preempt++;
	edge_acquire(&this_cpu()->preempt);
}

void preempt_enable(void)
{
	if (unlikely(!this_cpu()->preempt))
		engine_find(VERDICT_LOCK_RULE, "unmatched preempt_enable", NULL, "preempt count is 0");
	edge_release(&this_cpu()->preempt);
	this_cpu()->preempt--;
	engine_kick();
}

void might_sleep_at(const struct site *s)
{
	sleeping_allowed(s->function);
}

void cond_resched_at(const struct site *s)
{
	sleeping_allowed(s->function);
}

bool alloc_should_fail_at(const struct site *s, gfp_t gfp)
{
	if (gfp & __GFP_DIRECT_RECLAIM)
		sleeping_allowed(s->function);
	return !(gfp & __GFP_NOFAIL) && engine_fault(s);
}

void work_done_on(unsigned cpu)
{
	edge_release(&kern->cpu[cpu].preempt);
}

_Noreturn void kernel_bug_at(const struct site *s, const char *kind, const char *cond)
{
	engine_find(VERDICT_KERNEL_BUG, cond, s->function, "%s(%s) in %s", kind, cond, s->function);
}

_Noreturn void bad_page_at(const struct site *s, const char *reason)
{
	engine_find(VERDICT_BAD_PAGE, reason, s->function, "%s in %s", reason, s->function);
}

static bool cpu_preemptible(const volatile void *arg)
{
	return ((const struct cpu_context *)(uintptr_t)arg)->preempt == 0;
}

void wait_cpu_preemptible_at(const struct site *s, unsigned cpu)
{
	sleeping_allowed("flush_work");
	/* preempt_disable() is no event, so what held when the wait ended need not hold when this CPU runs */
	do
		engine_wait(s, &kern->cpu[cpu], EVENT_WAIT, cpu_preemptible, &kern->cpu[cpu]);
	while (!cpu_preemptible(&kern->cpu[cpu]));
	edge_acquire(&kern->cpu[cpu].preempt);
}

static bool cpu_irqs_on(const volatile void *arg)
{
	return !((const struct cpu_context *)(uintptr_t)arg)->irqs_off;
}

void wait_cpu_irqs_on_at(const struct site *s, unsigned cpu)
{
	if (cpu == engine_cpu())
		return;
	/* as above */
	do
		engine_wait(s, &kern->cpu[cpu], EVENT_WAIT, cpu_irqs_on, &kern->cpu[cpu]);
	while (!cpu_irqs_on(&kern->cpu[cpu]));
	edge_acquire(&kern->cpu[cpu].irqs_off);
}
