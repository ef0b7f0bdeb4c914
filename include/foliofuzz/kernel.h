/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - state of the kernel primitives: what each CPU holds, lock classes and their order, RCU
 * callbacks, slab caches. Lives at the start of the arena; the replica's state follows it.
 */
#ifndef FOLIOFUZZ_KERNEL_H
#define FOLIOFUZZ_KERNEL_H

#include <foliofuzz/engine.h>

#define KERN_BYTES 16384u /* arena bytes reserved for struct kern */
#define KERN_CPUS ENGINE_LANES_MAX
#define LOCKS_HELD_MAX 24
#define LOCK_CLASSES_MAX 64

struct mm_struct;
struct rcu_head;

/*
 * A lock class: all locks initialised with the same expression (last member's name), as lockdep's key per
 * init site. Collected in a linker section; `index` is given by kern_init() in the order of the
 * names, so it is the same in every build.
 */
struct lock_class {
	const char *expr;
	char name[24];
	u32 index;
	u32 subclass;
} __attribute__((aligned(64)));
#define LOCK_CLASS(ex, sub)                                                    \
	({                                                                     \
		static struct lock_class __attribute__((                       \
			section("foliofuzz_classes"), used)) class_here = {    \
			.expr = (ex), .subclass = (sub)                        \
		};                                                             \
		(const struct lock_class *)&class_here;                        \
	})

enum lock_mode { LOCK_EXCLUSIVE, LOCK_SHARED };
struct held_lock {
	const volatile void *lock;
	const struct lock_class *class;
	const struct site *site;
	u8 mode, try, bit;
};

struct cpu_context {
	struct held_lock held[LOCKS_HELD_MAX];
	u8 held_count;
	u8 irqs_off;   /* nesting is by saved flags, so 0 or 1 */
	u8 in_irq;
	u16 preempt;   /* spinlocks, irq-free sections, get_cpu() */
	u16 rcu_nesting;
	u32 rcu_sections; /* sections ended so far: a grace period waits for a change */
	struct mm_struct *mm;
};

struct rcu_callback {
	struct rcu_head *head;
	void (*func)(struct rcu_head *);
	u8 waits;                       /* CPUs in a section when it was queued */
	u32 sections[ENGINE_CPUS_MAX];  /* their rcu_sections then */
};
#define RCU_CALLBACKS_MAX 64

/*
 * arena_state of a freed object. FREE: of a type-safe cache; who may look at what of it the oracle knows. NO_ENTRY: in use, the part of a
 * page table behind its last entry. PAGE_FREE: a struct page whose page is free.
 */
enum slab_state { SLAB_DEAD = 1, SLAB_FREE = 2, SLAB_NO_ENTRY = 3, PAGE_FREE = 4 };

struct kern_state {
	struct cpu_context cpu[KERN_CPUS];
	u64 class_after[LOCK_CLASSES_MAX]; /* classes taken while holding this one */
	u64 class_used;                    /* rows of class_after that are not zero */
	u64 class_in_irq, class_irqs_on;   /* taken in interrupt context / with irqs enabled */
	struct rcu_callback rcu[RCU_CALLBACKS_MAX];
	u8 rcu_count;
};
#define kern ((struct kern_state *)arena_memory)
_Static_assert(sizeof(struct kern_state) <= KERN_BYTES, "struct kern_state outgrew its place");

static inline struct cpu_context *this_cpu(void)
{
	return &kern->cpu[engine_cpu()];
}

/* Once per process. */
void kern_init(void);
/* A freshly booted kernel; costs what the last execution used. */
void kern_reset(void);
/* Adds its state to *s, when no lock is held and no callback is queued: else it is a harness defect. */
void kern_save(struct snapshot *s);
/* At the end of an operation nothing may be held and every section must be closed; else a find. */
void kern_check_idle(const char *operation);
/* 0 of a lane that is no CPU. */
unsigned kern_locks_held(unsigned cpu);
/* In whatever mode. A lane that is no CPU holds none. */
bool kern_holds(unsigned cpu, const volatile void *lock);
/* Lines "cpu0 waits for X, held by cpu1" and what each CPU holds. */
void kern_describe_locks(struct text *t);

#endif
