/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * point.h - the scheduling point: what a primitive of include/linux says to the engine
 * before it touches shared state. The only engine header that reaches the replica (through
 * the primitives).
 *
 * Contract of a primitive: call one of engine_point*(), and then make exactly one access, with no
 * other point in between. The engine lets other CPUs run before the call returns, never
 * after it; so the access and everything up to the next point is one atomic step.
 */
#ifndef FOLIOFUZZ_POINT_H
#define FOLIOFUZZ_POINT_H

#include <foliofuzz/base.h>

enum event_flags { EV_W = 1, EV_A = 2, EV_S = 4, EV_B = 8, EV_N = 16, EV_H = 32 };

enum event_kind {
#define EVENT(id, verb, flags) EVENT_##id,
#include <foliofuzz/event.def>
#undef EVENT
	EVENT_KIND_COUNT
};

enum verdict {
#define VERDICT(id, name, is_find, help) VERDICT_##id,
#include <foliofuzz/verdict.def>
#undef VERDICT
	VERDICT_COUNT
};

/*
 * Where a point stands, as text that no compiler, line shift or build option changes:
 * function, primitive, detail (the bit's name for bit operations, else "") and the expression
 * of the operand. `hash` and `field` are filled in by engine_init() from the other members.
 */
struct site {
	const char *function;
	const char *primitive;
	const char *detail;
	const char *expr;
	char field[24]; /* last member named in expr, e.g. "_refcount" */
	u64 hash;
} __attribute__((aligned(64)));

#define SITE(prim, det, ex)                                                    \
	({                                                                     \
		static struct site __attribute__((section("foliofuzz_sites"),  \
						  used)) site_here = {         \
			.function = __func__,                                  \
			.primitive = (prim),                                   \
			.detail = (det),                                       \
			.expr = (ex),                                          \
		};                                                             \
		(const struct site *)&site_here;                               \
	})

/* One access to *object follows. kind says what it will be. */
void engine_point(const struct site *site, const volatile void *object,
		  enum event_kind kind);
/*
 * The same for a store or read-modify-write that changes bits of a flags word: it is meant to clear
 * `clear` and then set `set` and to leave every other bit alone (EVENT_BIT_RMW: atomically;
 * EVENT_BIT_STORE: the second half of a plain read-modify-write).
 */
void engine_point_bits(const struct site *site, const volatile void *object,
		       enum event_kind kind, unsigned long clear,
		       unsigned long set);
/*
 * As engine_point(), but the CPU is disabled until ready(arg) holds; when it returns, ready(arg) is true
 * and no other CPU has run since. ready() is re-evaluated after any event on `object` and after engine_kick().
 */
void engine_wait(const struct site *site, const volatile void *object,
		 enum event_kind kind, bool (*ready)(const volatile void *arg),
		 const volatile void *arg);
/* The same for taking a bit of a flags word as a lock. */
void engine_wait_bits(const struct site *site, const volatile void *object,
		      enum event_kind kind, bool (*ready)(const volatile void *arg),
		      const volatile void *arg, unsigned long clear, unsigned long set);
/* Some ready() may have changed by other means than an event on its object. */
void engine_kick(void);
/* A spinning or retrying CPU lets others go first: it is disabled until another CPU has made a step. */
void engine_yield(const struct site *site);
/*
 * What a step reads or writes besides the object of its event, for who asks which steps commute (sim/explore/dependence.c): state that
 * decides what happens and that no event of its own names. Never a point. WROTE_NOTHING: the event's own write did not come about (a
 * compare-exchange or trylock that failed). ALL: the step's order to every other matters.
 */
enum touch_kind { TOUCH_READ, TOUCH_WRITE, TOUCH_WROTE_NOTHING, TOUCH_ALL };
void engine_touch(u32 object_id, enum touch_kind how);
/* Ids beside those of the arena. */
#define ENGINE_OBJECT_LANE 0x40000000u      /* + lane: that it runs */
#define ENGINE_OBJECT_RCU_NEST 0x40000010u  /* + CPU: whether it is in a section */
#define ENGINE_OBJECT_RCU_ENDS 0x40000020u  /* + CPU: sections ended */
#define ENGINE_OBJECT_CALLBACKS 0x40000030u /* of RCU, queued */
#define ENGINE_OBJECT_ARENA 0x40000031u     /* where it is cut next */
/*
 * An operation that may fail asks whether it does. Which ask of the running operation fails
 * is part of the program ("fail=N"); never a point by itself.
 */
bool engine_fault(const struct site *site);

/*
 * A broken invariant. Ends the execution (in CPU context does not return; all other
 * lanes are unwound). invariant: stable words without numbers or addresses, e.g.
 * "PG_has_hwpoisoned" or "refcount underflow". other: the second function of the title or
 * NULL; the first is that of the current event.
 */
_Noreturn void engine_find(enum verdict verdict, const char *invariant,
			   const char *other, const char *fmt, ...)
	FORMAT_PRINTF(4, 5);

/*
 * Notes: things that are no accesses but that an oracle wants to hear of, in the order in which they happen. Not
 * points, not in the hash.
 */
enum note {
	NOTE_LIST_ADDED,     /* a: entry, b: head or neighbour; all four links are stored */
	NOTE_LIST_DELETED,   /* a: entry, b: the former prev */
	NOTE_UNLOCKING,      /* a: the lock, b: its class name; still held */
	NOTE_SLAB_ALLOCATED, /* a: object, b: cache name */
	NOTE_SLAB_FREED,     /* a: object, b: cache name */
	NOTE_PAGE_ALLOCATED, /* a: first struct page, b: (void *)order */
	NOTE_PAGE_FREED,     /* a: first struct page, b: (void *)order; checks have passed */
	NOTE_USER,           /* a: const struct user_note * (include/foliofuzz/ops.h) */
	NOTE_OP_BEGIN,       /* the CPU begins an operation; b: (void *)ordinal of the ask that will fail, 0: none */
	NOTE_OP_END,         /* and ends it */
	NOTE_BENIGN,         /* a: (void *)row of the benign list, b: what it is about: an accepted race, if somebody else is at that now */
	NOTE_POISON_LOOK,    /* a: the page, or the head of the folio, that was just tested for poison */
	NOTE_FOLIO_MIGRATING, /* a: src, b: dst; both locked, src unmapped: its content and flags are about to move */
	NOTE_FOLIO_MIGRATED,  /* a: src, b: dst; they have, and dst is on no queue yet */
	NOTE_MIGRATE_RETURN,  /* a: the list that migrate_pages() was given, b: (void *)what it returns */
	NOTE_FOLIO_REPLACED,  /* a: src, b: dst; from here on dst is what src was, whoever copies when */
	NOTE_DEVICE_FAULT,    /* a: the page that a driver is called for: it shall move it to memory of the system */
	NOTE_FILE_DATA_LOST,  /* a: a file's mapping, b: (void *)index; a memory error takes that page, which the disk does not have, from it */
	NOTE_ENTRY_FOUND,     /* a: what a look has found in a slot of an xarray, maybe without its lock: a reference is still to be got */
	NOTE_FOLIO_UNMAPPED,  /* a: a locked folio; a walk of its mappings that trusts no entry without its table's lock has replaced all of them */
	NOTE_COUNT
};
void engine_note(enum note note, const volatile void *a, const volatile void *b);

/* A number that no other call in this execution returns. */
u32 engine_token(void);

/* Which simulated CPU runs now. */
struct engine_now {
	unsigned cpu;
};
#ifdef FOLIOFUZZ_FREE
extern __thread struct engine_now engine_now; /* sim/free: CPUs are threads */
#else
extern struct engine_now engine_now;
#endif
static inline unsigned engine_cpu(void)
{
	return engine_now.cpu;
}

/*
 * On-stack objects (list heads): named by (cpu, function, name, n-th on that CPU) while
 * they live, since a stack address differs between builds.
 */
struct stack_object {
	const volatile void *object;
	size_t size;
	const char *function;
	const char *name;
};
void engine_stack_object_add(const volatile void *object, size_t size,
			     const char *function, const char *name);
void engine_stack_object_remove(const volatile void *object);

/* ---- what a race detector may know: edges are announced, hand-offs never are ---- */
#if defined(__SANITIZE_THREAD__)
#define FOLIOFUZZ_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FOLIOFUZZ_TSAN 1
#endif
#endif
#ifdef FOLIOFUZZ_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define race_acquire(p) __tsan_acquire((void *)(uintptr_t)(p))
#define race_release(p) __tsan_release((void *)(uintptr_t)(p))
#else
#define race_acquire(p) ((void)(p))
#define race_release(p) ((void)(p))
#endif

#endif
