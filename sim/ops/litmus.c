/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations of litmus programs: words, locks and RCU, and nothing of the replica. Each is one point but where its help says otherwise.
 * Locks are the engine's own waiting and no spinlock_t: lockdep would speak before a deadlock is one.
 */
#include "litmus.h"
#include "ops_internal.h"
#include <stddef.h>
#include <string.h>

void ops_boot(void)
{
	memset(litmus, 0, sizeof(*litmus));
	litmus->folio.ref.counter = 2;
	litmus->folio.link.next = litmus->folio.link.prev = &litmus->folio.link;
	litmus->queue.next = litmus->queue.prev = &litmus->queue;
}

void ops_save(struct snapshot *s)
{
	snapshot_add(s, litmus, sizeof(*litmus));
}

/* By what things are and not by where they lie: links as what they point to. */
u64 ops_state(void)
{
	const struct litmus_folio *f = &litmus->folio;
	u64 h = hash_bytes(litmus->regs, sizeof(litmus->regs));

	for (unsigned i = 0; i < PROG_WORDS; i++)
		h = hash_mix(h, (u64)litmus->words[i].value.counter);
	for (unsigned i = 0; i < PROG_LOCKS; i++)
		h = hash_mix(h, litmus->locks[i].owner);
	h = hash_mix(h, (u64)(u32)f->ref.counter << 32 | (unsigned)f->partially_mapped << 1 | f->freed);
	h = hash_mix(h, (unsigned)(f->link.next == &f->link) | (unsigned)(litmus->queue.next == &litmus->queue) << 1 |
				(u64)(u32)litmus->queue_len << 2);
	return h;
}

bool ops_object_name(struct text *t, const volatile void *object)
{
	size_t offset = (uintptr_t)object - (uintptr_t)litmus;

	if (offset >= sizeof(*litmus))
		return false;
	if (offset < offsetof(struct litmus_state, locks))
		text_printf(t, "x%zu", offset / sizeof(struct litmus_word));
	else if (offset < offsetof(struct litmus_state, regs))
		text_printf(t, "l%zu", (offset - offsetof(struct litmus_state, locks)) / sizeof(struct litmus_lock));
	else
		text_printf(t, "%s", offset < offsetof(struct litmus_state, queue) ? "folio" : "queue");
	return true;
}

bool litmus_skips(void)
{
	u8 *skip = &litmus->skip[engine_cpu()];

	if (!*skip)
		return false;
	--*skip;
	return true;
}

static atomic_long_t *word(u8 arg)
{
	return &litmus->words[arg].value;
}

static int set_reg(u8 arg, long value)
{
	litmus->regs[engine_cpu()][arg] = (u8)value;
	return 0;
}

int op_load(const u8 *args)
{
	atomic_long_t *x = word(args[1]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	return set_reg(args[0], atomic_long_read(x));
}

int op_store(const u8 *args)
{
	atomic_long_t *x = word(args[0]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	atomic_long_set(x, args[1]);
	return 0;
}

int op_store_reg(const u8 *args)
{
	atomic_long_t *x = word(args[0]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	atomic_long_set(x, litmus->regs[engine_cpu()][args[1]] + args[2]);
	return 0;
}

int op_atomic_add(const u8 *args)
{
	atomic_long_t *x = word(args[0]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	atomic_long_add(args[1], x);
	return 0;
}

int op_fetch_add(const u8 *args)
{
	atomic_long_t *x = word(args[1]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	return set_reg(args[0], atomic_long_fetch_add(args[2], x));
}

int op_set_bit(const u8 *args)
{
	atomic_long_t *x = word(args[0]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	set_bit(args[1], (unsigned long *)&x->counter);
	return 0;
}

int op_plain_set_bit(const u8 *args)
{
	atomic_long_t *x = word(args[0]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	__set_bit(args[1], (unsigned long *)&x->counter);
	return 0;
}

int op_cmpxchg(const u8 *args)
{
	atomic_long_t *x = word(args[1]);
	long seen;

	if (litmus_skips())
		return LITMUS_SKIPPED;
	seen = atomic_long_cmpxchg(x, args[2], args[3]);
	if (seen != args[2])
		engine_touch(0, TOUCH_WROTE_NOTHING);
	return set_reg(args[0], seen);
}

/* Asked by the engine, between two steps. */
static __no_kcsan bool is_free(const volatile void *lock)
{
	return !access_load(&((const struct litmus_lock *)(uintptr_t)lock)->owner, __ATOMIC_RELAXED);
}

/* True whenever it was free, since waiting for it and taking it are one step; free CPUs may be late. */
static bool take(struct litmus_lock *lock)
{
	u32 nobody = 0;

	return access_cmpxchg(&lock->owner, &nobody, engine_cpu() + 1, __ATOMIC_ACQUIRE);
}

int op_lock(const u8 *args)
{
	struct litmus_lock *lock = &litmus->locks[args[0]];

	if (litmus_skips())
		return LITMUS_SKIPPED;
	do
		engine_wait(SITE("lock", "", "lock"), lock, EVENT_LOCK, is_free, lock);
	while (!take(lock));
	return 0;
}

int op_trylock(const u8 *args)
{
	struct litmus_lock *lock = &litmus->locks[args[1]];
	bool refuse;

	if (litmus_skips())
		return LITMUS_SKIPPED;
	refuse = engine_fault(SITE("trylock", "", "lock"));
	engine_point(SITE("trylock", "", "lock"), lock, EVENT_TRYLOCK);
	if (refuse || !take(lock)) {
		engine_touch(0, TOUCH_WROTE_NOTHING);
		return set_reg(args[0], 0);
	}
	return set_reg(args[0], 1);
}

int op_unlock(const u8 *args)
{
	struct litmus_lock *lock = &litmus->locks[args[0]];

	if (litmus_skips())
		return LITMUS_SKIPPED;
	engine_point(SITE("unlock", "", "lock"), lock, EVENT_UNLOCK);
	if (access_load(&lock->owner, __ATOMIC_RELAXED) != engine_cpu() + 1)
		engine_find(VERDICT_LOCK_RULE, "unlock by another", NULL, "l%u", args[0]);
	access_store(&lock->owner, 0, __ATOMIC_RELEASE);
	return 0;
}

int op_rcu_lock(const u8 *args)
{
	(void)args;
	if (litmus_skips())
		return LITMUS_SKIPPED;
	rcu_read_lock();
	return 0;
}

int op_rcu_unlock(const u8 *args)
{
	(void)args;
	if (litmus_skips())
		return LITMUS_SKIPPED;
	rcu_read_unlock();
	return 0;
}

int op_rcu_sync(const u8 *args)
{
	(void)args;
	if (litmus_skips())
		return LITMUS_SKIPPED;
	synchronize_rcu();
	return 0;
}

static void store_later(struct rcu_head *head)
{
	struct litmus_word *w = container_of(head, struct litmus_word, rcu);

	u8 value;

	engine_touch(engine_object_id(head), TOUCH_READ);
	access_step_begin(0);
	value = w->later;
	access_step_end(0);
	atomic_long_set(&w->value, value);
}

int op_rcu_store(const u8 *args)
{
	struct litmus_word *w = &litmus->words[args[0]];

	if (litmus_skips())
		return LITMUS_SKIPPED;
	access_step_begin(0); /* from call_rcu()'s point on */
#ifdef FOLIOFUZZ_FREE
	w->later = args[1]; /* there the callback may run at once */
	call_rcu(&w->rcu, store_later);
#else
	call_rcu(&w->rcu, store_later);
	w->later = args[1];
#endif
	access_step_end(0);
	return 0;
}

int op_when(const u8 *args)
{
	unsigned cpu = engine_cpu();

	if (litmus_skips())
		return LITMUS_SKIPPED;
	if (litmus->regs[cpu][args[0]] != args[1])
		litmus->skip[cpu] = args[2];
	return 0;
}

static int assert_that(bool holds)
{
	if (!holds)
		engine_find(VERDICT_ASSERTION, "what the program asserts", NULL, "it does not hold");
	return 0;
}

int op_assert_is(const u8 *args)
{
	atomic_long_t *x = word(args[0]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	return assert_that(atomic_long_read(x) == args[1]);
}

int op_assert_reg(const u8 *args)
{
	if (litmus_skips())
		return LITMUS_SKIPPED;
	return assert_that(litmus->regs[engine_cpu()][args[0]] == args[1]);
}

int op_assert_either(const u8 *args)
{
	atomic_long_t *x = word(args[0]), *y = word(args[2]);

	if (litmus_skips())
		return LITMUS_SKIPPED;
	return assert_that(atomic_long_read(x) == args[1] || atomic_long_read(y) == args[3]);
}
