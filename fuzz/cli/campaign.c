/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * campaign.c - many executions in one or several processes, and the sum of what they saw.
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 100 };

void campaign_execution(const struct campaign *c, u64 i, struct prog *prog, struct run_options *o)
{
	struct prng r;

	*o = c->options->run;
	o->seed += i / campaign_programs(c);
	o->snapshot = c->input_count == 1; /* several take turns */
	if (c->input_count) {
		*prog = c->inputs[i % c->input_count].prog;
		return;
	}
	prng_seed(&r, o->seed);
	prog_generate(prog, &r);
	options_apply(c->options, prog, true);
}

/* All of it is written before a worker starts or by one worker alone, but for the atomic members.
 */
static size_t size_of_portfolios(const struct campaign *c)
{
	return campaign_programs(c) * sizeof(struct portfolio);
}

static void *map_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	HARNESS_BUG_ON(p == MAP_FAILED);
	return p;
}

static struct campaign_shared *shared_create(const struct campaign *c)
{
	const struct options *o = c->options;
	struct campaign_shared *s = map_shared(sizeof(struct campaign_shared) + o->jobs * sizeof(struct worker));

	if (o->run.strategy == STRATEGY_PORTFOLIO) {
		s->portfolios = map_shared(size_of_portfolios(c));
		for (u64 n = 0; n < campaign_programs(c); n++)
			portfolio_begin(&s->portfolios[n]);
	}
	s->jobs = o->jobs;
	s->parent = (u32)getpid();
	s->first_find = UINT64_MAX;
	if (o->seconds)
		s->deadline = clock_now() + o->seconds * 1000;
	return s;
}

static void shared_destroy(const struct campaign *c, struct campaign_shared *s)
{
	if (s->portfolios)
		munmap(s->portfolios, size_of_portfolios(c));
	munmap(s, sizeof(*s) + s->jobs * sizeof(struct worker));
}

static void check_time(struct campaign_shared *s)
{
	if (interrupt_seen() || (s->deadline && clock_now() >= s->deadline))
		campaign_stop(s);
}

static void sum_stats(struct run_stats *sum, const struct campaign_shared *s)
{
	memset(sum, 0, sizeof(*sum));
	for (u32 k = 0; k < s->jobs; k++)
		run_stats_add(sum, &s->workers[k].stats);
}

static void tick_alone(struct campaign_shared *s)
{
	check_time(s);
	status_tick(&s->workers[0].stats);
}

/* Nobody waits for a worker whose parent has died. */
static void tick_worker(struct campaign_shared *s)
{
	if ((u32)getppid() != s->parent)
		campaign_stop(s);
	check_time(s);
}

static pid_t start_worker(const struct campaign *c, struct campaign_shared *s, u32 k)
{
	pid_t pid = fork();

	if (pid < 0) {
		fprintf(stderr, "foliofuzz: cannot start process %u: %s\n", k, strerror(errno));
		return -1;
	}
	if (pid)
		return pid;
	worker_run(c, s, k, tick_worker);
	_exit(EXIT_CLEAN);
}

static bool worker_ended_well(const struct campaign_shared *s, u32 k, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CLEAN)
		return true;
	fprintf(stderr, "foliofuzz: process %u %s %d in execution %llu\n", k,
		WIFSIGNALED(status) ? "was ended by signal" : "exited with code",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		(unsigned long long)s->workers[k].current);
	return false;
}

/* Reaps what has ended; the number of workers that still run. */
static u32 reap(struct campaign_shared *s, pid_t *pids, bool *lost)
{
	u32 running = 0;

	for (u32 k = 0; k < s->jobs; k++) {
		int status;

		if (pids[k] <= 0)
			continue;
		if (waitpid(pids[k], &status, WNOHANG) != pids[k]) {
			running++;
			continue;
		}
		pids[k] = 0;
		if (!worker_ended_well(s, k, status)) {
			*lost = true;
			campaign_stop(s);
		}
	}
	return running;
}

static void run_processes(const struct campaign *c, struct campaign_shared *s, bool *lost)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	pid_t pids[CAMPAIGN_JOBS_MAX];
	struct run_stats sum;

	fflush(stdout);
	for (u32 k = 0; k < s->jobs; k++) {
		pids[k] = start_worker(c, s, k);
		if (pids[k] < 0) {
			*lost = true;
			campaign_stop(s);
		}
	}
	while (reap(s, pids, lost)) {
		check_time(s);
		sum_stats(&sum, s);
		status_tick(&sum);
		nanosleep(&poll, NULL);
	}
}

static struct campaign_find *find_of_title(struct campaign_result *r, const char *title)
{
	for (u32 n = 0; n < r->find_count; n++)
		if (!strcmp(r->finds[n].title, title))
			return &r->finds[n];
	return NULL;
}

static void merge_find(struct campaign_result *r, const struct campaign_find *f)
{
	struct campaign_find *known = find_of_title(r, f->title);

	if (!known && r->find_count == CAMPAIGN_FINDS_MAX) {
		r->finds_dropped += f->count;
	} else if (!known) {
		r->finds[r->find_count++] = *f;
	} else {
		known->count += f->count;
		if (f->index < known->index) {
			u64 count = known->count;

			*known = *f;
			known->count = count;
		}
	}
}

static int by_index(const void *a, const void *b)
{
	const struct campaign_find *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static void collect(const struct campaign *c, struct campaign_result *r, const struct campaign_shared *s)
{
	sum_stats(&r->stats, s);
	for (u32 k = 0; k < s->jobs; k++) {
		const struct worker *w = &s->workers[k];

		r->digest += w->digest;
		progress_add(&r->progress, &w->progress);
		r->finds_dropped += w->finds_dropped;
		for (u32 n = 0; n < w->find_count; n++)
			merge_find(r, &w->finds[n]);
	}
	r->progress.programs = c->input_count;
	qsort(r->finds, r->find_count, sizeof(r->finds[0]), by_index);
}

void campaign_run(const struct campaign *c, struct campaign_result *r)
{
	struct campaign_shared *s = shared_create(c);

	memset(r, 0, sizeof(*r));
	interrupt_catch();
	status_begin();
	if (s->jobs == 1)
		worker_run(c, s, 0, tick_alone);
	else
		run_processes(c, s, &r->worker_lost);
	collect(c, r, s);
	status_end(&r->stats);
	interrupt_release();
	r->interrupted = interrupt_seen();
	/* Which later finds other workers made before they heard of the first is a matter of
	 * timing. */
	if (!c->options->keep_going && r->find_count)
		r->find_count = 1;
	shared_destroy(c, s);
}
