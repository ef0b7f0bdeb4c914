/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pool.c - pieces of work for several processes. A process that dies loses the piece that it was at and no other: another takes its place.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 20, QUIET_MS = 2000, TERMINAL_MS = 200, LOG_MS = 5000 };

/* <sys/prctl.h> wants the kernel's <linux/types.h>, and finds the replica's. */
int prctl(int option, ...);
#define PR_SET_PDEATHSIG 1

void die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Shared by the processes. */
struct pool_shared {
	u32 next; /* piece that nobody has; atomic */
	u32 done; /* atomic */
	u32 at[CAMPAIGN_JOBS_MAX]; /* piece + 1 of each process, 0: none */
};
struct pool_run {
	const struct pool *pool;
	struct pool_shared *shared;
	pid_t pids[CAMPAIGN_JOBS_MAX]; /* 0: none */
	u64 start, due;
};

void *pool_memory(size_t size)
{
	void *p = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	HARNESS_BUG_ON(p == MAP_FAILED);
	return p;
}

/* The parent alone listens to signals; a child ends with it. */
static _Noreturn void work(const struct pool_run *r, u32 k, pid_t parent)
{
	struct pool_shared *s = r->shared;
	u32 i;

	die_with_parent();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	while (getppid() == parent && (i = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED)) < r->pool->pieces) {
		s->at[k] = i + 1;
		r->pool->work(r->pool->arg, i);
		r->pool->state[i] = PIECE_DONE;
		s->at[k] = 0;
		__atomic_fetch_add(&s->done, 1, __ATOMIC_RELAXED);
	}
	_exit(EXIT_CLEAN);
}

static bool start(struct pool_run *r, u32 k)
{
	pid_t parent = getpid();

	fflush(NULL);
	r->pids[k] = fork();
	if (r->pids[k] == 0)
		work(r, k, parent);
	if (r->pids[k] > 0)
		return true;
	fprintf(stderr, "foliofuzz: cannot start a process: %s\n", strerror(errno));
	r->pids[k] = 0;
	return false;
}

static void kill_all(const struct pool_run *r)
{
	for (u32 k = 0; k < r->pool->jobs; k++)
		if (r->pids[k])
			kill(r->pids[k], SIGKILL);
}

/* Process k has ended; true if another is to go on in its place. */
static bool bury(struct pool_run *r, u32 k, int status)
{
	u32 at = r->shared->at[k];

	r->pids[k] = 0;
	r->shared->at[k] = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CLEAN)
		return false;
	if (at) {
		r->pool->state[at - 1] = PIECE_LOST;
		__atomic_fetch_add(&r->shared->done, 1, __ATOMIC_RELAXED);
	}
	return true;
}

static bool reap(struct pool_run *r)
{
	bool running = false;

	for (u32 k = 0; k < r->pool->jobs; k++) {
		int status;

		if (!r->pids[k])
			continue;
		if (waitpid(r->pids[k], &status, WNOHANG) == r->pids[k] && (!bury(r, k, status) || interrupt_seen() || !start(r, k)))
			continue;
		running = true;
	}
	return running;
}

/* What a line says of the time that is left goes by the pieces so far. */
static void tell(struct pool_run *r)
{
	u64 now = clock_now(), spent = now - r->start;
	u32 done = __atomic_load_n(&r->shared->done, __ATOMIC_RELAXED), all = r->pool->pieces;
	bool terminal = isatty(STDERR_FILENO);

	if (now < r->due)
		return;
	r->due = now + (terminal ? TERMINAL_MS : LOG_MS);
	fprintf(stderr, "%u of %u %s, %llu s", done, all, r->pool->verb, (unsigned long long)(spent / 1000));
	if (done)
		fprintf(stderr, ", about %llu s to go", (unsigned long long)(spent * (all - done) / done / 1000));
	fputs(terminal ? "\033[K\r" : "\n", stderr);
}

bool pool_run(const struct pool *p)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	struct pool_run r = { .pool = p, .shared = pool_memory(sizeof(*r.shared)), .start = clock_now() };

	r.due = r.start + QUIET_MS;
	for (u32 k = 0; k < p->jobs && k < p->pieces; k++)
		if (!start(&r, k))
			break;
	while (reap(&r)) {
		if (interrupt_seen())
			kill_all(&r);
		tell(&r);
		nanosleep(&poll, NULL);
	}
	if (r.due > r.start + QUIET_MS && isatty(STDERR_FILENO))
		fputs("\033[K", stderr);
	munmap(r.shared, sizeof(*r.shared));
	/* No process could be started. */
	for (u32 i = 0; i < p->pieces && !interrupt_seen(); i++)
		if (p->state[i] == PIECE_WAITING)
			p->state[i] = PIECE_LOST;
	return !interrupt_seen();
}
