/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/irqflags.h - interrupt state of the simulated CPU. Not points: only an interrupt on the same CPU
 * could tell, and one arrives at points only, when they are enabled.
 */
#ifndef _LINUX_IRQFLAGS_H
#define _LINUX_IRQFLAGS_H

#include <linux/compiler.h>

unsigned long irq_save_(void);           /* returns the old state, disables */
void irq_restore_(unsigned long flags);
bool irqs_disabled(void);

#define local_irq_save(flags) ((flags) = irq_save_())
#define local_irq_restore(flags) irq_restore_(flags)
#define local_irq_disable() ((void)irq_save_())
#define local_irq_enable() irq_restore_(0)

/* A hardware interrupt on this CPU, which had them enabled. Not points, as above. */
void irq_enter(void);
void irq_exit(void);

void preempt_disable(void);
void preempt_enable(void);

#endif
