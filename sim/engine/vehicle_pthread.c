/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pthread vehicle: a CPU is a POSIX thread from a pool, and exactly one of them holds the baton. The baton is
 * handed on by a raw futex call in uninstrumented code, since a mutex or semaphore would be a happens-before
 * edge that hides every race from TSan.
 */
#define _GNU_SOURCE
#include "engine_internal.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From linux/futex.h, which our own linux/ headers shadow. */
enum { FUTEX_WAIT_PRIVATE_ = 128, FUTEX_WAKE_PRIVATE_ = 129 };

static struct baton {
	u32 has_it; /* futex word */
} __attribute__((aligned(64))) batons[ENGINE_CONTEXTS];
static struct {
	bool started;
	pid_t owner; /* process that started the pool; a fork has none */
	cpu_set_t one_core;
} pool;

static void futex(u32 *word, int op, u32 value)
{
	while (syscall(SYS_futex, word, op, value, NULL, NULL, 0) < 0 && errno == EINTR)
		;
}

static void baton_wait(unsigned self)
{
	u32 *word = &batons[self].has_it;

	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		futex(word, FUTEX_WAIT_PRIVATE_, 0);
	__atomic_store_n(word, 0, __ATOMIC_RELAXED);
}

static void baton_pass(unsigned to)
{
	__atomic_store_n(&batons[to].has_it, 1, __ATOMIC_RELEASE);
	futex(&batons[to].has_it, FUTEX_WAKE_PRIVATE_, 1);
}

void vehicle_pthread_switch(unsigned from, unsigned to)
{
	baton_pass(to);
	baton_wait(from);
}

static void *thread_main(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;

	/* Sharing a core makes a hand-off 30 times cheaper; where it is not allowed it is only slower. */
	pthread_setaffinity_np(pthread_self(), sizeof(pool.one_core), &pool.one_core);
	baton_wait(cpu);
	lane_main(cpu);
	return NULL;
}

static void pool_start(void)
{
	pthread_attr_t attr;

	CPU_ZERO(&pool.one_core);
	CPU_SET((size_t)sched_getcpu(), &pool.one_core);
	HARNESS_BUG_ON(pthread_attr_init(&attr));
	HARNESS_BUG_ON(pthread_attr_setstacksize(&attr, 1u << 20));
	HARNESS_BUG_ON(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
	for (uintptr_t i = 0; i < ENGINE_LANES_MAX; i++) {
		pthread_t thread;

		batons[i].has_it = 0;
		HARNESS_BUG_ON(pthread_create(&thread, &attr, thread_main, (void *)i));
	}
	pthread_attr_destroy(&attr);
	pool.started = true;
	pool.owner = getpid();
}

void vehicle_pthread_prepare(void)
{
	if (!pool.started || pool.owner != getpid())
		pool_start();
}
