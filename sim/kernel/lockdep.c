/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lock rules, checked on every execution whether or not it deadlocks: no recursion, one order of classes,
 * no class both in interrupts and with interrupts enabled, no sleeping while atomic, release by the owner.
 * After the kernel's lockdep, with its graph forgotten between executions, so that a verdict depends on
 * one program alone.
 */
#include "kernel_internal.h"
#include <linux/lockdep.h>
#include <string.h>

extern struct lock_class __start_foliofuzz_classes[] __attribute__((weak));
extern struct lock_class __stop_foliofuzz_classes[] __attribute__((weak));

/* Last identifier of the expression: "&vma->vm_mm->page_table_lock" -> "page_table_lock". */
static void class_name(struct lock_class *c)
{
	const char *end = c->expr + strlen(c->expr), *start;
	size_t len;

	while (end > c->expr && strchr(")] \t", end[-1]))
		end--;
	for (start = end; start > c->expr && !strchr(">.&(* ", start[-1]);)
		start--;
	len = (size_t)(end - start);
	if (len > sizeof(c->name) - 3)
		len = sizeof(c->name) - 3;
	memcpy(c->name, start, len);
	memcpy(c->name + len, c->subclass ? "/1" : "", c->subclass ? 3 : 1);
}

/* Equal names are one class. Indices follow the names' order, not the linker's. */
void kern_init(void)
{
	u32 next = 0;

	for (struct lock_class *c = __start_foliofuzz_classes; c < __stop_foliofuzz_classes; c++)
		class_name(c);
	for (struct lock_class *c = __start_foliofuzz_classes; c < __stop_foliofuzz_classes; c++)
		c->index = UINT32_MAX;
	for (;;) {
		const char *least = NULL;

		for (struct lock_class *c = __start_foliofuzz_classes; c < __stop_foliofuzz_classes; c++)
			if (c->index == UINT32_MAX && (!least || strcmp(c->name, least) < 0))
				least = c->name;
		if (!least)
			break;
		HARNESS_BUG_ON(next == LOCK_CLASSES_MAX);
		for (struct lock_class *c = __start_foliofuzz_classes; c < __stop_foliofuzz_classes; c++)
			if (c->index == UINT32_MAX && !strcmp(c->name, least))
				c->index = next;
		next++;
	}
}

/* All classes that are taken, directly or not, while `index` is held. */
static u64 reachable(u32 index)
{
	u64 seen = 0, todo = kern->class_after[index];

	while (todo) {
		unsigned c = (unsigned)__builtin_ctzll(todo);

		seen |= 1ull << c;
		todo &= ~(1ull << c);
		todo |= kern->class_after[c] & ~seen;
	}
	return seen;
}

static void check_order(const struct held_lock *h, const struct lock_class *class)
{
	u32 from = h->class->index, to = class->index;

	if (likely((kern->class_after[from] >> to) & 1))
		return;
	if (kern->class_after[to] && (reachable(to) >> from) & 1)
		engine_find(VERDICT_LOCK_RULE, "lock order", h->site->function,
			    "%s is taken while holding %s, and elsewhere in this run the other way round",
			    class->name, h->class->name);
	kern->class_after[from] |= 1ull << to;
	kern->class_used |= 1ull << from;
}

static void check_irq(const struct cpu_context *c, const struct lock_class *class)
{
	u64 bit = 1ull << class->index;

	if (c->in_irq)
		kern->class_in_irq |= bit;
	else if (!c->irqs_off)
		kern->class_irqs_on |= bit;
	if (unlikely(kern->class_in_irq & kern->class_irqs_on & bit))
		engine_find(VERDICT_LOCK_RULE, "irq-unsafe lock", NULL,
			    "%s is taken in an interrupt and, elsewhere, with interrupts enabled",
			    class->name);
}

void sleeping_allowed(const char *what)
{
	const struct cpu_context *c = this_cpu();

	if (unlikely(c->preempt || c->irqs_off || c->rcu_nesting || c->in_irq))
		engine_find(VERDICT_LOCK_RULE, "sleeping while atomic", NULL,
			    "%s may sleep: preempt count %u, irqs %s, rcu nesting %u, %s held last",
			    what, c->preempt, c->irqs_off ? "off" : "on", c->rcu_nesting,
			    c->held_count ? c->held[c->held_count - 1].class->name : "nothing");
}

void lockdep_check(const struct site *s, const volatile void *lock, const struct lock_class *class,
		   unsigned flags)
{
	const struct cpu_context *c = this_cpu();

	(void)s;
	if ((flags & ACQUIRE_SLEEPS) && !(flags & ACQUIRE_TRY))
		sleeping_allowed(class->name);
	if (!(flags & ACQUIRE_SLEEPS))
		check_irq(c, class);
	if (flags & ACQUIRE_TRY)
		return;
	for (unsigned i = 0; i < c->held_count; i++) {
		const struct held_lock *h = &c->held[i];

		if (unlikely(h->lock == lock || h->class->index == class->index))
			engine_find(VERDICT_LOCK_RULE, "recursive locking", h->site->function,
				    "%s is taken while a lock of its class is held", class->name);
		check_order(h, class);
	}
}

void lockdep_acquired(const struct site *s, const volatile void *lock, const struct lock_class *class,
		      unsigned flags)
{
	struct cpu_context *c = this_cpu();

	HARNESS_BUG_ON(c->held_count == LOCKS_HELD_MAX);
	c->held[c->held_count++] = (struct held_lock){
		.lock = lock, .class = class, .site = s,
		.mode = flags & ACQUIRE_SHARED ? LOCK_SHARED : LOCK_EXCLUSIVE,
		.try = !!(flags & ACQUIRE_TRY), .bit = !!(flags & ACQUIRE_BIT),
	};
}

static const struct held_lock *held_by(unsigned cpu, const volatile void *lock)
{
	for (unsigned i = 0; i < kern->cpu[cpu].held_count; i++)
		if (kern->cpu[cpu].held[i].lock == lock)
			return &kern->cpu[cpu].held[i];
	return NULL;
}

static const struct held_lock *held_elsewhere(const volatile void *lock)
{
	const struct held_lock *held = NULL;

	for (unsigned cpu = 0; !held && cpu < KERN_CPUS; cpu++)
		held = held_by(cpu, lock);
	return held;
}

bool lockdep_release(const volatile void *lock, unsigned flags)
{
	struct cpu_context *c = this_cpu();
	const struct held_lock *other;

	for (unsigned i = c->held_count; i-- > 0;) {
		if (c->held[i].lock != lock)
			continue;
		engine_note(NOTE_UNLOCKING, lock, c->held[i].class->name);
		for (c->held_count--; i < c->held_count; i++)
			c->held[i] = c->held[i + 1];
		return true;
	}
	other = held_elsewhere(lock);
	if (!other && (flags & ACQUIRE_BIT))
		return false;
	engine_find(VERDICT_LOCK_RULE, "unlock by another", other ? other->site->function : NULL,
		    "%s", other ? "the lock is held by another CPU" : "the lock is not held");
}

/* Locks that the replica makes of counters and tells of (linux/lockdep.h): sleeping ones. */
void lock_acquire_shared_at(const struct site *s, const volatile void *lock, const struct lock_class *class)
{
	lockdep_acquired(s, lock, class, ACQUIRE_SLEEPS | ACQUIRE_SHARED | ACQUIRE_TRY);
}

void lock_acquire_exclusive_at(const struct site *s, const volatile void *lock, const struct lock_class *class)
{
	lockdep_check(s, lock, class, ACQUIRE_SLEEPS);
	lockdep_acquired(s, lock, class, ACQUIRE_SLEEPS);
}

void lock_release_at(const volatile void *lock)
{
	lockdep_release(lock, ACQUIRE_SLEEPS);
}

bool lock_is_held_(const volatile void *lock);
bool lock_is_held_(const volatile void *lock)
{
	return held_by(engine_cpu(), lock);
}

_Noreturn void lock_not_held_at(const struct site *s);
_Noreturn void lock_not_held_at(const struct site *s)
{
	engine_find(VERDICT_LOCK_RULE, "lock not held", s->function, "%s", s->expr);
}

void kern_check_idle(const char *operation)
{
	const struct cpu_context *c = this_cpu();

	if (likely(!c->held_count && !c->preempt && !c->irqs_off && !c->rcu_nesting))
		return;
	if (c->held_count)
		engine_find(VERDICT_LOCK_RULE, "lock held at exit",
			    c->held[c->held_count - 1].site->function, "%s ends with %s held",
			    operation, c->held[c->held_count - 1].class->name);
	engine_find(VERDICT_LOCK_RULE, "section open at exit", NULL,
		    "%s ends with preempt count %u, irqs %s, rcu nesting %u", operation, c->preempt,
		    c->irqs_off ? "off" : "on", c->rcu_nesting);
}

bool kern_holds(unsigned cpu, const volatile void *lock)
{
	return cpu < ARRAY_SIZE(kern->cpu) && held_by(cpu, lock);
}

unsigned kern_locks_held(unsigned cpu)
{
	return cpu < ARRAY_SIZE(kern->cpu) ? kern->cpu[cpu].held_count : 0;
}

void kern_describe_locks(struct text *t)
{
	for (unsigned cpu = 0; cpu < KERN_CPUS; cpu++) {
		const struct cpu_context *c = &kern->cpu[cpu];

		for (unsigned i = 0; i < c->held_count; i++)
			text_printf(t, "cpu%u holds %s, taken in %s\n", cpu, c->held[i].class->name,
				    c->held[i].site->function);
	}
}

void kern_save(struct snapshot *s)
{
	for (unsigned cpu = 0; cpu < KERN_CPUS; cpu++) {
		struct cpu_context *c = &kern->cpu[cpu];

		HARNESS_BUG_ON(c->held_count);
		snapshot_add(s, &c->held_count, sizeof(*c) - offsetof(struct cpu_context, held_count));
	}
	HARNESS_BUG_ON(kern->rcu_count);
	snapshot_add(s, kern->class_after, offsetof(struct kern_state, rcu) - offsetof(struct kern_state, class_after));
	snapshot_add(s, &kern->rcu_count, sizeof(kern->rcu_count));
}

void kern_reset(void)
{
	for (unsigned cpu = 0; cpu < KERN_CPUS; cpu++) {
		struct cpu_context *c = &kern->cpu[cpu];

		c->held_count = c->irqs_off = c->in_irq = 0;
		c->preempt = c->rcu_nesting = 0;
		c->rcu_sections = 0;
		c->mm = NULL;
	}
	for (u64 m = kern->class_used; m; m &= m - 1)
		kern->class_after[__builtin_ctzll(m)] = 0;
	kern->class_used = kern->class_in_irq = kern->class_irqs_on = 0;
	kern->rcu_count = 0;
}
