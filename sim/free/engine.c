/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine's interface on threads that nobody schedules: a point is at most a delay, and there is nothing to record, to hash or to unwind.
 * Lane 0 is the caller's thread; the others are a pool, which waits by futex between phases and behind a spinning barrier for the
 * start of one, so that the lanes do overlap.
 */
#define _GNU_SOURCE
#include "free_internal.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* From linux/futex.h, which our own linux/ headers shadow. */
enum { FUTEX_WAIT_PRIVATE_ = 128, FUTEX_WAKE_PRIVATE_ = 129 };
enum { NULL_PAGE = 4096 };

__thread struct engine_now engine_now = { ENGINE_LANES_MAX };
static const struct engine_hooks no_hooks;

/* Only its thread touches it, but for `phase`. */
static struct lane {
	struct prng prng;
	u16 fail, asks;
	u32 phase; /* futex: the last one that it is to take part in */
} __attribute__((aligned(64))) lanes[ENGINE_LANES_MAX];

static struct {
	struct free_config config;
	bool started;
	u32 phase;
	unsigned width; /* lanes of the running phase */
	lane_fn fn;
	void *arg;
	u32 arrived, left; /* lanes at the barrier, and behind their end */
	u32 tokens;
	u32 found;
	struct engine_verdict verdict;
} run;

/* ---- points ---- */

enum { DELAY_ODDS = 16, DELAY_TURNS = 256 };

/* One point in sixteen waits: half of them give the core away, and the others burn some time on it. */
static __attribute__((noinline)) void delay(struct lane *l)
{
	u64 r = prng_next(&l->prng);
	unsigned turns = 0;

	if (r % DELAY_ODDS)
		return;
	if (r >> 32 & 1) {
		sched_yield();
		return;
	}
	for (u64 n = r >> 40 & (DELAY_TURNS - 1); n; n--)
		free_relax(&turns);
}

void engine_point(const struct site *site, const volatile void *object, enum event_kind kind)
{
	(void)object;
	(void)kind;
	run.config.lanes[engine_now.cpu].site = site;
	if (unlikely(run.config.delay))
		delay(&lanes[engine_now.cpu]);
}

void engine_point_bits(const struct site *site, const volatile void *object, enum event_kind kind, unsigned long clear,
		       unsigned long set)
{
	const struct event ev = { .site = site, .object = object, .kind = (u8)kind, .cpu = (u8)engine_now.cpu, .clear = clear, .set = set };

	engine_point(site, object, kind);
	if (run.config.hooks->written)
		run.config.hooks->written(&ev);
}

/* When it returns ready() has been true; whoever takes what it waited for has to look whether it still is. */
void engine_wait(const struct site *site, const volatile void *object, enum event_kind kind, bool (*ready)(const volatile void *),
		 const volatile void *arg)
{
	unsigned turns = 0;

	engine_point(site, object, kind);
	while (!ready(arg))
		free_relax(&turns);
	free_edge_acquire((void *)(uintptr_t)object);
}

void engine_yield(const struct site *site)
{
	static __thread unsigned turns;

	engine_point(site, NULL, EVENT_YIELD);
	free_relax(&turns);
}

void engine_note(enum note note, const volatile void *a, const volatile void *b)
{
	if (run.config.hooks->note)
		run.config.hooks->note(note, a, b);
}

u32 engine_token(void)
{
	return __atomic_add_fetch(&run.tokens, 1, __ATOMIC_RELAXED);
}

bool engine_fault(const struct site *site)
{
	struct lane *l = &lanes[engine_now.cpu];

	(void)site;
	return ++l->asks == l->fail;
}

void engine_op_begin(const struct site *site, unsigned op, unsigned fail)
{
	struct lane *l = &lanes[engine_now.cpu];

	(void)op;
	l->fail = (u16)fail;
	l->asks = 0;
	run.config.lanes[engine_now.cpu].op_site = site;
}

void engine_op_end(const struct site *site)
{
	(void)site;
	lanes[engine_now.cpu].fail = 0;
	run.config.lanes[engine_now.cpu].op_site = NULL;
}

/* Nobody asks which steps commute, or how a head on a stack is called. */
void engine_touch(u32 object_id, enum touch_kind how)
{
	(void)object_id;
	(void)how;
}

u32 engine_object_id(const volatile void *object)
{
	(void)object;
	return 0;
}

void engine_stack_object_add(const volatile void *object, size_t size, const char *function, const char *name)
{
	(void)object;
	(void)size;
	(void)function;
	(void)name;
}

void engine_stack_object_remove(const volatile void *object)
{
	(void)object;
}

const struct engine_stats *engine_stats(void)
{
	static const struct engine_stats none;

	return &none;
}

const struct engine_verdict *engine_verdict(void)
{
	return &run.verdict;
}

/* ---- steps that are more than one access (foliofuzz/access.h) ---- */

static struct free_guard steps[ENGINE_LANES_MAX];

void access_step_begin(unsigned n)
{
	guard_lock(&steps[n]);
}

void access_step_end(unsigned n)
{
	guard_unlock(&steps[n]);
}

/* Here, where TSan does not see it: hardware is no party to a race. */
bool access_hardware_mark(unsigned long *p, unsigned long seen, unsigned long bits)
{
	return __atomic_compare_exchange_n(p, &seen, seen | bits, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* ---- finds ---- */

/* Of two lanes the first speaks, and the process ends while the other waits for it. */
static _Noreturn void end_with(enum verdict verdict, const char *invariant, const char *function, const char *other, const char *fmt,
			       va_list ap)
{
	struct engine_verdict *v = &run.verdict;
	struct text t;

	while (__atomic_exchange_n(&run.found, 1, __ATOMIC_ACQUIRE))
		pause();
	*v = (struct engine_verdict){ .verdict = verdict, .invariant = invariant, .function = function, .other = other,
				      .cpu = (u8)engine_now.cpu };
	text_init(&t, v->message, sizeof(v->message));
	text_vprintf(&t, fmt, ap);
	run.config.found(v);
}

_Noreturn void engine_find(enum verdict verdict, const char *invariant, const char *other, const char *fmt, ...)
{
	const struct site *site = engine_now.cpu < ENGINE_LANES_MAX ? run.config.lanes[engine_now.cpu].site : NULL;
	va_list ap;

	va_start(ap, fmt);
	end_with(verdict, invariant, site ? site->function : "lane", other, fmt, ap);
}

void engine_report(enum verdict verdict, const char *invariant, const char *function, const char *other, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_with(verdict, invariant, function, other, fmt, ap);
}

/*
 * What a racing world may do to itself: a page fault of the kernel is an oops. In a lane it is a find; elsewhere it is the harness's own.
 */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	struct sigaction again = { .sa_handler = SIG_DFL };

	if (engine_now.cpu < ENGINE_LANES_MAX) {
		pthread_sigmask(SIG_SETMASK, &((ucontext_t *)context)->uc_sigmask, NULL);
		engine_find(VERDICT_KERNEL_BUG, (unsigned long)info->si_addr < NULL_PAGE ? "null pointer followed" : "wild pointer followed",
			    NULL, "at %p", info->si_addr);
	}
	sigaction(signal, &again, NULL);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* ---- phases ---- */

static void futex(u32 *word, int op, u32 value)
{
	while (syscall(SYS_futex, word, op, value, NULL, NULL, 0) < 0 && errno == EINTR)
		;
}

/* From the last arrival on all of them run. */
static void start_together(void)
{
	unsigned turns = 0;

	__atomic_add_fetch(&run.arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&run.arrived, __ATOMIC_ACQUIRE) < run.width)
		free_relax(&turns);
}

static void take_part(unsigned cpu)
{
	start_together();
	free_edge_acquire(&run.phase);
	run.fn(run.arg, cpu);
	free_edge_release(&lanes[cpu]);
	__atomic_add_fetch(&run.left, 1, __ATOMIC_ACQ_REL);
}

static void *lane_thread(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	u32 seen = 0;

	engine_now.cpu = cpu;
	for (;;) {
		u32 now;

		while ((now = __atomic_load_n(&lanes[cpu].phase, __ATOMIC_ACQUIRE)) == seen)
			futex(&lanes[cpu].phase, FUTEX_WAIT_PRIVATE_, seen);
		seen = now;
		take_part(cpu);
	}
	return NULL;
}

static void *rcu_thread(void *arg)
{
	(void)arg;
	engine_now.cpu = ENGINE_LANE_RCU;
	free_rcu_main();
}

static void pool_start(void)
{
	pthread_t thread;

	for (uintptr_t cpu = 1; cpu < ENGINE_CPUS_MAX; cpu++)
		HARNESS_BUG_ON(pthread_create(&thread, NULL, lane_thread, (void *)cpu));
	run.started = true;
}

void free_begin(const struct free_config *config)
{
	pthread_t thread;

	run.config = *config;
	if (!run.config.hooks)
		run.config.hooks = &no_hooks;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		prng_seed(&lanes[i].prng, hash_mix(config->seed, i));
	catch_faults();
	/* also one lane may queue callbacks */
	HARNESS_BUG_ON(pthread_create(&thread, NULL, rcu_thread, NULL));
}

bool engine_phase(unsigned width, lane_fn fn, void *arg)
{
	unsigned turns = 0;

	HARNESS_BUG_ON(width < 1 || width > ENGINE_CPUS_MAX);
	run.width = width;
	run.fn = fn;
	run.arg = arg;
	run.arrived = run.left = 0;
	free_edge_release(&run.phase);
	if (width > 1 && !run.started)
		pool_start();
	run.phase++;
	for (unsigned cpu = 1; cpu < width; cpu++) {
		__atomic_store_n(&lanes[cpu].phase, run.phase, __ATOMIC_RELEASE);
		futex(&lanes[cpu].phase, FUTEX_WAKE_PRIVATE_, 1);
	}
	engine_now.cpu = 0;
	take_part(0);
	while (__atomic_load_n(&run.left, __ATOMIC_ACQUIRE) < width)
		free_relax(&turns);
	free_rcu_barrier();
	engine_now.cpu = ENGINE_LANES_MAX;
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++)
		free_edge_acquire(&lanes[cpu]);
	return true;
}
