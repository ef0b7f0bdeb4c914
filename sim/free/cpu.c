/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU is besides its thread: interrupts, preemption, work that others queue on it, and the kernel's own assertions.
 *
 * A thread is a CPU, so nothing preempts it but the host. An interrupt is taken by the operation that says so (irq_put()), between two of
 * its own CPU's operations: hides what one would meet in the middle of another. Work on a CPU is done by whoever queues it, while that CPU has
 * preemption on: a lock of each CPU, which the outermost preempt_disable() takes. A spinlock does not take it: hides that the work would wait
 * for those as well.
 *
 * Order: worker, work of another CPU, work of one's own. Nothing else is taken inside the first two.
 */
#include "free_internal.h"
#include <linux/bug.h>
#include <linux/fault.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/slab.h>

/* As the original: what lockdep says of contexts is not checked. */
static struct free_guard work[KERN_CPUS];
static struct free_guard worker; /* one at a time works on another CPU */

unsigned long irq_save_(void)
{
	struct cpu_context *c = this_cpu();
	unsigned long was = c->irqs_off;

	__atomic_store_n(&c->irqs_off, 1, __ATOMIC_SEQ_CST);
	access_fence(__ATOMIC_SEQ_CST);
	return was;
}

void irq_restore_(unsigned long flags)
{
	__atomic_store_n(&this_cpu()->irqs_off, (u8)flags, __ATOMIC_RELEASE);
}

bool irqs_disabled(void)
{
	return this_cpu()->irqs_off;
}

void irq_enter(void)
{
	this_cpu()->in_irq = 1;
	(void)irq_save_();
}

void irq_exit(void)
{
	this_cpu()->in_irq = 0;
	irq_restore_(0);
}

void preempt_disable(void)
{
	if (!this_cpu()->preempt++)
		guard_lock(&work[engine_cpu()]);
}

void preempt_enable(void)
{
	if (unlikely(!this_cpu()->preempt))
		engine_find(VERDICT_LOCK_RULE, "unmatched preempt_enable", NULL, "preempt count is 0");
	if (!--this_cpu()->preempt)
		guard_unlock(&work[engine_cpu()]);
}

/* Its own work a CPU does by itself; work_done_on() is called as well. */
void wait_cpu_preemptible_at(const struct site *s, unsigned cpu)
{
	engine_point(s, &kern->cpu[cpu], EVENT_WAIT);
	if (cpu == engine_cpu())
		return;
	guard_lock(&worker);
	guard_lock(&work[cpu]);
}

void work_done_on(unsigned cpu)
{
	if (cpu == engine_cpu())
		return;
	guard_unlock(&work[cpu]);
	guard_unlock(&worker);
}

void wait_cpu_irqs_on_at(const struct site *s, unsigned cpu)
{
	unsigned turns = 0;

	if (cpu == engine_cpu())
		return;
	engine_point(s, &kern->cpu[cpu], EVENT_WAIT);
	access_fence(__ATOMIC_SEQ_CST);
	while (__atomic_load_n(&kern->cpu[cpu].irqs_off, __ATOMIC_ACQUIRE))
		free_relax(&turns);
}

void might_sleep_at(const struct site *s)
{
	(void)s;
}

void cond_resched_at(const struct site *s)
{
	(void)s;
}

bool alloc_should_fail_at(const struct site *s, gfp_t gfp)
{
	return !(gfp & __GFP_NOFAIL) && engine_fault(s);
}

_Noreturn void kernel_bug_at(const struct site *s, const char *kind, const char *cond)
{
	engine_find(VERDICT_KERNEL_BUG, cond, s->function, "%s(%s) in %s", kind, cond, s->function);
}

_Noreturn void bad_page_at(const struct site *s, const char *reason)
{
	engine_find(VERDICT_BAD_PAGE, reason, s->function, "%s in %s", reason, s->function);
}

/* What titles of deadlocks go by, and here nobody sees one. */
unsigned kern_locks_held(unsigned cpu)
{
	(void)cpu;
	return 0;
}

/* Asked with nothing in flight. */
bool kern_holds(unsigned cpu, const volatile void *lock)
{
	(void)cpu;
	(void)lock;
	return false;
}

void kern_check_idle(const char *operation)
{
	(void)operation;
}

void kern_reset(void)
{
	for (unsigned cpu = 0; cpu < KERN_CPUS; cpu++)
		kern->cpu[cpu] = (struct cpu_context){ .held_count = 0 };
	kern->rcu_count = 0;
}
