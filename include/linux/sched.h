/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/sched.h - the task that runs on this CPU, and giving the CPU away. */
#ifndef _LINUX_SCHED_H
#define _LINUX_SCHED_H

#include <linux/spinlock.h>

#define current this_cpu()
void might_sleep_at(const struct site *s);
void cond_resched_at(const struct site *s);

#define might_sleep() might_sleep_at(SITE("might_sleep", "", ""))
#define cond_resched() cond_resched_at(SITE("cond_resched", "", ""))
/* Spinning or retrying: lets others go first. */
#define cpu_relax() engine_yield(SITE("cpu_relax", "", ""))

/* Until work queued on that CPU could run: it holds no spinlock and has not disabled preemption. Sleeps. */
void wait_cpu_preemptible_at(const struct site *s, unsigned cpu);
/* The work that ran in that CPU's stead is done. */
void work_done_on(unsigned cpu);
/* Until an interrupt that is sent to that CPU has been taken there: its interrupts are on. Returns at once for this CPU. */
void wait_cpu_irqs_on_at(const struct site *s, unsigned cpu);
#define wait_cpu_irqs_on(cpu) wait_cpu_irqs_on_at(SITE("smp_call_function", "", ""), cpu)
#define wait_cpu_preemptible(cpu) wait_cpu_preemptible_at(SITE("flush_work", "", ""), cpu)

#endif
