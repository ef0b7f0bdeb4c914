/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/compiler.h - marked accesses, and their plain cousins.
 *
 * plain_read/plain_write/plain_rmw_bits stand where the kernel uses plain C on a field that another CPU
 * may access without this one's lock: points for the engine, plain for TSan (and volatile for the compiler,
 * so that the access is there even if its value is not used). data_race() marks an access
 * whose race the kernel accepts.
 */
#ifndef _LINUX_COMPILER_H
#define _LINUX_COMPILER_H

#include <linux/types.h>
#include <foliofuzz/access.h>

#define barrier() __asm__ __volatile__("" ::: "memory")
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#define __maybe_unused __attribute__((unused))
#ifndef fallthrough
#define fallthrough __attribute__((fallthrough))
#endif

#define READ_ONCE(x)                                                           \
	({                                                                     \
		__typeof__(&(x)) p_ = &(x);                                    \
		engine_point(SITE("READ_ONCE", "", #x), p_, EVENT_READ);       \
		access_load(p_, __ATOMIC_RELAXED);                             \
	})
#define WRITE_ONCE(x, val)                                                     \
	do {                                                                   \
		__typeof__(&(x)) p_ = &(x);                                    \
		__typeof__(x) val_ = (val);                                    \
		engine_point(SITE("WRITE_ONCE", "", #x), p_, EVENT_WRITE);     \
		access_store(p_, val_, __ATOMIC_RELAXED);                      \
	} while (0)

#define plain_read(x)                                                          \
	({                                                                     \
		__typeof__(&(x)) p_ = &(x);                                    \
		engine_point(SITE("plain_read", "", #x), p_, EVENT_PLAIN_READ);\
		access_volatile(p_);                                           \
	})
#define plain_write(x, val)                                                    \
	do {                                                                   \
		__typeof__(&(x)) p_ = &(x);                                    \
		__typeof__(x) val_ = (val);                                    \
		engine_point(SITE("plain_write", "", #x), p_,                  \
			     EVENT_PLAIN_WRITE);                               \
		access_volatile(p_) = val_;                                    \
	} while (0)
/* x = op applied to x, as two steps: `expr` is in terms of the loaded value old_. */
#define plain_rmw(x, expr)                                                     \
	do {                                                                   \
		__typeof__(&(x)) p_ = &(x);                                    \
		engine_point(SITE("plain_rmw", "load", #x), p_,                \
			     EVENT_PLAIN_READ);                                \
		__typeof__(x) old_ = *p_;                                      \
		engine_point(SITE("plain_rmw", "store", #x), p_,               \
			     EVENT_PLAIN_WRITE);                               \
		*p_ = (expr);                                                  \
	} while (0)
/* Plain change of a flags word: load, then store; every bit outside clear|set is meant to stay. */
#define plain_rmw_bits(x, clear_mask, set_mask)                                \
	do {                                                                   \
		__typeof__(&(x)) p_ = &(x);                                    \
		unsigned long clear_ = (clear_mask), set_ = (set_mask);        \
		engine_point(SITE("plain_rmw_bits", "load", #x), p_,           \
			     EVENT_BIT_LOAD);                                  \
		unsigned long old_ = *p_;                                      \
		engine_point_bits(SITE("plain_rmw_bits", "store", #x), p_,     \
				  EVENT_BIT_STORE, clear_, set_);              \
		*p_ = (old_ & ~clear_) | set_;                                 \
	} while (0)
/*
 * The same by the word's sole owner: a folio that is new, frozen or being freed. Two steps to the engine; marked for
 * TSan, because walkers by PFN (memory_failure()) may meet it and the kernel accepts that. What is lost by it is
 * the lost-update oracle's to say.
 */
#define plain_rmw_bits_owned(x, clear_mask, set_mask)                          \
	do {                                                                   \
		__typeof__(&(x)) p_ = &(x);                                    \
		unsigned long clear_ = (clear_mask), set_ = (set_mask);        \
		engine_point(SITE("plain_rmw_bits", "load", #x), p_,           \
			     EVENT_BIT_LOAD);                                  \
		unsigned long old_ = access_load(p_, __ATOMIC_RELAXED);        \
		engine_point_bits(SITE("plain_rmw_bits", "store", #x), p_,     \
				  EVENT_BIT_STORE, clear_, set_);              \
		access_store(p_, (old_ & ~clear_) | set_, __ATOMIC_RELAXED);   \
	} while (0)
/*
 * x = op applied to x under x's lock, where readers look without it and the kernel accepts what they see: two steps
 * that TSan takes for marked ones.
 */
#define plain_rmw_racy(x, expr)                                                \
	do {                                                                   \
		__typeof__(&(x)) p_ = &(x);                                    \
		engine_point(SITE("plain_rmw", "load", #x), p_,                \
			     EVENT_PLAIN_READ);                                \
		__typeof__(x) old_ = access_load(p_, __ATOMIC_RELAXED);        \
		engine_point(SITE("plain_rmw", "store", #x), p_,               \
			     EVENT_PLAIN_WRITE);                               \
		access_store(p_, (expr), __ATOMIC_RELAXED);                    \
	} while (0)
/* Plain store of a whole flags word: every bit is meant. */
#define plain_write_bits(x, val)                                               \
	do {                                                                   \
		__typeof__(&(x)) p_ = &(x);                                    \
		unsigned long val_ = (val);                                    \
		engine_point_bits(SITE("plain_write_bits", "", #x), p_,        \
				  EVENT_BIT_STORE, ~0ul, val_);                \
		*p_ = val_;                                                    \
	} while (0)

/*
 * What the kernel accepts: `row` of the benign list (benign.def, counted from 1), so that the oracles can count how often it was
 * met. `object` is what it is about: a folio, a page, a queue's list. `expr` makes one marked access, the last before the note.
 */
#define accepted_race(row, object) engine_note(NOTE_BENIGN, (void *)((row) - 1ul), object)
#define data_race(row, object, expr)                                                   \
	({                                                                     \
		__typeof__(expr) seen_ = (expr);                               \
		accepted_race(row, object);                                    \
		seen_;                                                         \
	})
#define plain_read_racy(x)                                                     \
	({                                                                     \
		__typeof__(&(x)) p_ = &(x);                                    \
		engine_point(SITE("data_race", "", #x), p_, EVENT_PLAIN_READ); \
		access_load(p_, __ATOMIC_RELAXED);                             \
	})

/* A function that looks at what may be anybody's: TSan does not watch it. */
#define __no_kcsan __attribute__((no_sanitize("thread")))
/*
 * What a reboot cleans up depends on the execution before, and is nothing of the one that begins: fuzzing engines, to which the same input has to
 * show the same edges, do not see it.
 */
#if defined(__clang__) && __clang_major__ >= 13
#define __reboot __attribute__((no_sanitize("coverage"), noinline))
#else
#define __reboot
#endif
/* With a bug on, a null pointer, or one near it, is followed there: the find is oops.c's, and not UBSan's. */
#define __follows_null __attribute__((no_sanitize("null", "alignment", "pointer-overflow")))

/* A look that is no step: an assertion's, or at what cannot change meanwhile. No point. */
#define assert_read(x) access_load(&(x), __ATOMIC_RELAXED)

/* A store by the one CPU that has the object, before it is visible: no point. Walkers by PFN may look, so marked for TSan. */
#define plain_init(x, val) access_store(&(x), (val), __ATOMIC_RELAXED)

/* A plain store whose race against unlocked readers the kernel accepts: marked, for TSan. */
#define plain_write_racy(x, val)                                               \
	do {                                                                   \
		__typeof__(&(x)) p_ = &(x);                                    \
		__typeof__(x) val_ = (val);                                    \
		engine_point(SITE("plain_write", "", #x), p_,                  \
			     EVENT_PLAIN_WRITE);                               \
		access_store(p_, val_, __ATOMIC_RELAXED);                      \
	} while (0)

#define smp_store_release(p, val)                                              \
	do {                                                                   \
		__typeof__(p) p_ = (p);                                        \
		__typeof__(*p_) val_ = (val);                                  \
		engine_point(SITE("smp_store_release", "", #p), p_,            \
			     EVENT_WRITE);                                     \
		access_store(p_, val_, __ATOMIC_RELEASE);                      \
	} while (0)
#define smp_load_acquire(p)                                                    \
	({                                                                     \
		__typeof__(p) p_ = (p);                                        \
		engine_point(SITE("smp_load_acquire", "", #p), p_, EVENT_READ);\
		access_load(p_, __ATOMIC_ACQUIRE);                             \
	})

/*
 * Sequential consistency needs no fences, and so the controlled vehicles have none; TSan, which does not model them, is told of a release and an
 * acquire on one global word. That hides races that a fence of another pair of
 * locations would not order.
 */
extern char smp_fence;
#define smp_mb()                                                               \
	do {                                                                   \
		race_release(&smp_fence);                                      \
		access_fence(__ATOMIC_SEQ_CST);                                \
		race_acquire(&smp_fence);                                      \
	} while (0)
#define smp_rmb() (access_fence(__ATOMIC_ACQUIRE), race_acquire(&smp_fence))
#define smp_wmb() (race_release(&smp_fence), access_fence(__ATOMIC_RELEASE))
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()

#endif
