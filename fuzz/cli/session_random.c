/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_random.c - the engine of a campaign that needs no instrumentation: processes that change programs out of the corpus, or make new
 * ones, and keep what shows a pair of conflicting accesses (the last one's site, this one's site, on one object and two CPUs) that none
 * before has shown. The schedule is part of the program, as a fuzzer's bytes: most often a few switches, as most bugs need no more.
 */
#include "session.h"

#include <signal.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 50, DEATHS_MAX = 100, SWITCHES_MAX = 6, CHANGES_MAX = 4 };

struct corpus_entry {
	bool there; /* set behind the rest */
	struct prog prog;
};
/* Shared by the processes. */
struct random_shared {
	u32 next; /* entry that nobody has; may pass the end */
	u8 seen[SESSION_FEATURES];
	struct prog at[CAMPAIGN_JOBS_MAX]; /* what each process runs */
	struct corpus_entry corpus[SESSION_CORPUS_MAX];
};
struct random_engine {
	struct session *session;
	struct random_shared *shared;
	struct run_options options;
	struct prng prng;
	pid_t pids[CAMPAIGN_JOBS_MAX]; /* 0: none */
	u32 deaths, written /* entries of the corpus that are files */;
};

static u32 corpus_size(const struct random_engine *e)
{
	u32 n = __atomic_load_n(&e->shared->next, __ATOMIC_ACQUIRE);

	return n < SESSION_CORPUS_MAX ? n : SESSION_CORPUS_MAX;
}

/* Half of the time one of the newest quarter. NULL: there is none, or it is just being written. */
static const struct prog *pick(struct random_engine *e)
{
	u32 n = corpus_size(e), newest = n / 4 + 1, i;

	if (!n)
		return NULL;
	i = prng_chance(&e->prng, 1, 2) ? n - 1 - prng_below(&e->prng, newest) : prng_below(&e->prng, n);
	return __atomic_load_n(&e->shared->corpus[i].there, __ATOMIC_ACQUIRE) ? &e->shared->corpus[i].prog : NULL;
}

static void make_new(struct random_engine *e, struct prog *p)
{
	prog_generate(p, &e->prng);
	memset(&p->sched, 0, sizeof(p->sched));
	p->sched.kind = SCHED_BYTES;
	for (unsigned n = prng_below(&e->prng, SWITCHES_MAX + 1); n > 0; n--)
		calm_add_switch(p, &e->prng);
}

static void make(struct random_engine *e, struct prog *p)
{
	const struct prog *base = prng_chance(&e->prng, 1, 4) ? NULL : pick(e), *other;

	if (base) {
		*p = *base;
		other = prng_chance(&e->prng, 1, 8) ? pick(e) : NULL;
		if (other)
			prog_splice(p, other, &e->prng);
		for (unsigned n = 1 + prng_below(&e->prng, CHANGES_MAX); n > 0; n--)
			prog_mutate(p, &e->prng);
	} else {
		make_new(e, p);
	}
	session_set_world(e->session, p);
}

/* How many of the last run's pairs nobody has shown. */
static u32 new_features(struct random_engine *e, const struct prog *p, const struct run_result *r)
{
	static struct story_link *links;
	static u32 room;
	struct story s = story_of_run(p, r);
	u32 count = 0;

	if (s.count >= room) {
		free(links);
		room = 2 * s.count + 1;
		links = malloc(room * sizeof(*links));
		HARNESS_BUG_ON(!links);
	}
	story_links(&s, links);
	for (u32 i = 0; i < s.count; i++) {
		u8 *seen;

		if (!links[i].meets)
			continue;
		seen = &e->shared->seen[hash_mix(s.trace[links[i].meets - 1].site->hash, s.trace[i].site->hash) % SESSION_FEATURES];
		count += !__atomic_load_n(seen, __ATOMIC_RELAXED) && !__atomic_exchange_n(seen, 1, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&e->session->shared->features, count, __ATOMIC_RELAXED);
	return count;
}

/* The parent writes its file: a disk that syncs is slower than we are. */
static void publish(struct random_engine *e, const struct prog *p)
{
	u32 i = __atomic_fetch_add(&e->shared->next, 1, __ATOMIC_ACQ_REL);

	if (i >= SESSION_CORPUS_MAX)
		return;
	e->shared->corpus[i].prog = *p;
	__atomic_store_n(&e->shared->corpus[i].there, true, __ATOMIC_RELEASE);
}

/* Writes what the processes have published; what one was at when it died is passed over at the end. */
static void write_inputs(struct random_engine *e, bool last)
{
	static struct file_batch batch;
	struct session_shared *x = e->session->shared;
	u32 end = corpus_size(e), added = 0;

	for (; e->written < end && !x->failed; e->written++) {
		const struct corpus_entry *entry = &e->shared->corpus[e->written];
		bool there = __atomic_load_n(&entry->there, __ATOMIC_ACQUIRE);

		if (!there && !last)
			break;
		added += there && session_add_input(e->session, &entry->prog, &batch);
	}
	if (!file_batch_write(&batch))
		x->failed = x->stop = true;
	x->corpus += added;
}

static void execute(struct random_engine *e, u32 k)
{
	struct prog *p = &e->shared->at[k];
	struct session *s = e->session;
	struct run_result r;

	make(e, p);
	run_one(p, &e->options, &r, NULL);
	__atomic_fetch_add(&s->shared->executions, 1, __ATOMIC_RELAXED);
	if (verdict_is_find(r.verdict))
		session_add_find(s, p, &r);
	else if (r.verdict == VERDICT_CLEAN && new_features(e, p, &r))
		publish(e, p);
}

static bool is_enough(const struct session *s)
{
	return s->options->runs && __atomic_load_n(&s->shared->executions, __ATOMIC_RELAXED) >= s->options->runs;
}

static _Noreturn void work(struct random_engine *e, u32 k, pid_t parent)
{
	struct session *s = e->session;

	die_with_parent();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	/* Another stream in each session and in each process, the same in the same. */
	prng_seed(&e->prng, hash_mix(hash_mix(s->options->run.seed, s->executions), ((u64)e->deaths << 32) + k));
	while (!session_stopped(s) && !is_enough(s) && getppid() == parent)
		execute(e, k);
	_exit(EXIT_CLEAN);
}

static bool start(struct random_engine *e, u32 k)
{
	pid_t parent = getpid();

	fflush(NULL);
	e->pids[k] = fork();
	if (e->pids[k] == 0)
		work(e, k, parent);
	if (e->pids[k] > 0)
		return true;
	fprintf(stderr, "foliofuzz campaign: cannot start a process: %s\n", strerror(errno));
	e->pids[k] = 0;
	return false;
}

/* A process that died has another in its place; after too many it is the machine or all that we run. */
static void bury(struct random_engine *e, u32 k, int status)
{
	e->pids[k] = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CLEAN)
		return;
	session_add_broken(e->session, &e->shared->at[k]);
	if (++e->deaths < DEATHS_MAX && !session_stopped(e->session))
		start(e, k);
	else
		e->session->shared->stop = true;
}

static bool reap(struct random_engine *e)
{
	bool running = false;

	for (u32 k = 0; k < e->session->options->jobs; k++) {
		int status;

		if (e->pids[k] && waitpid(e->pids[k], &status, WNOHANG) == e->pids[k])
			bury(e, k, status);
		running |= e->pids[k] != 0;
	}
	return running;
}

/* In a child: what an input of the corpus does to the process is not done to the campaign. */
static void replay_input(void *arg, u32 i)
{
	struct random_engine *e = arg;
	struct prog *p = &e->shared->corpus[i].prog;
	struct run_result r;

	run_one(p, &e->options, &r, NULL);
	if (verdict_is_find(r.verdict))
		session_add_find(e->session, p, &r);
	else
		new_features(e, p, &r);
}

static void load_input(struct random_engine *e, const char *path)
{
	static struct input in;
	char complaint[256];
	struct text why;

	text_init(&why, complaint, sizeof(complaint));
	if (!input_read(&in, path, true, &why)) {
		fprintf(stderr, "%s%s; left out\n", path, complaint);
		return;
	}
	session_set_world(e->session, &in.prog);
	publish(e, &in.prog);
}

/* What the corpus shows is known again once it has been replayed. */
static bool load_corpus(struct random_engine *e)
{
	struct pool pool = { .verb = "inputs of the corpus replayed", .jobs = e->session->options->jobs, .work = replay_input, .arg = e };
	struct file_list list = { 0 };
	char path[SESSION_PATH_MAX];
	bool ok = session_path(path, e->session->dir, "corpus", "") && files_below(&list, path, "");

	for (size_t i = 0; ok && i < list.count; i++)
		load_input(e, list.paths[i]);
	files_free(&list);
	e->written = e->session->shared->corpus = pool.pieces = corpus_size(e);
	pool.state = pool_memory(pool.pieces);
	return ok && pool_run(&pool);
}

bool session_random(struct session *s)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	static struct random_engine e;

	e.session = s;
	e.shared = pool_memory(sizeof(*e.shared));
	e.options = s->options->run;
	e.options.strategy = STRATEGY_REPLAY; /* an input of the corpus may have another kind of schedule than bytes */
	e.options.record = true;
	if (!load_corpus(&e))
		return interrupt_seen();
	for (u32 k = 0; k < s->options->jobs; k++)
		if (!start(&e, k))
			s->shared->stop = true;
	while (reap(&e)) {
		session_tick(s);
		write_inputs(&e, false);
		nanosleep(&poll, NULL);
	}
	write_inputs(&e, true);
	return true;
}
