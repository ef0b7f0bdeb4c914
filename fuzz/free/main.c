/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * foliofuzz-free: runs programs on the free vehicle, some executions in a child process each, under a watchdog. Not for people: foliofuzz run
 * --vehicle free starts it, and speaks for it (batch.h). A child ends with its first find, which cannot be unwound.
 */
#include "batch.h"

#include <errno.h>
#include <foliofuzz/free.h>
#include <foliofuzz/oracle.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* <sys/prctl.h> wants the kernel's <linux/types.h>, and finds the replica's. */
int prctl(int option, ...);
#define PR_SET_PDEATHSIG 1

enum { EXIT_FOUND = 2, POLL_US = 1000 };

/* What a child tells its parent while it runs; nothing of it goes through a call that could block. */
static struct shared {
	struct free_lane lanes[ENGINE_LANES_MAX];
	u64 done; /* executions of the batch; atomic */
	bool stop; /* after the execution that is running; atomic */
	u32 races; /* reports of ThreadSanitizer; atomic */
	struct free_find find;
} *shared;

static struct {
	struct free_request request;
	struct prog *programs;
	struct free_answer answer;
	u64 start;
} job;

static volatile sig_atomic_t interrupts;

static void on_interrupt(int number)
{
	(void)number;
	interrupts++;
}

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* Processor time of a child. */
static u64 cpu_ms(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* ---- the child ---- */

void __tsan_on_report(void *report);
void __tsan_on_report(void *report)
{
	(void)report;
	__atomic_add_fetch(&shared->races, 1, __ATOMIC_RELAXED);
}

static __attribute__((noreturn)) void on_found(const struct engine_verdict *v)
{
	struct free_find *f = &shared->find;

	f->kind = v->cpu < ENGINE_LANES_MAX && v->verdict != VERDICT_ASSERTION ? FREE_CRASH : FREE_STATE;
	free_title(v, f->title);
	memcpy(f->message, v->message, sizeof(f->message));
	_exit(EXIT_FOUND);
}

static _Noreturn void child(const struct prog *prog, u64 first, u64 count)
{
	struct free_options o = { .generation = -1 };
	struct free_config config = { .lanes = shared->lanes, .delay = job.request.delay, .seed = job.request.seed ^ hash_mix(1, first),
				      .hooks = &oracle_free_hooks, .found = on_found };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN); /* the parent ends it */
	free_begin(&config);
	for (u64 i = 0; i < count && !__atomic_load_n(&shared->stop, __ATOMIC_RELAXED); i++) {
		free_run(prog, &o);
		__atomic_add_fetch(&shared->done, 1, __ATOMIC_RELAXED);
	}
	_exit(0);
}

/* ---- finds ---- */

static void count_find(const struct free_find *f)
{
	struct free_answer *a = &job.answer;

	for (u32 i = 0; i < a->find_count; i++)
		if (a->finds[i].kind == f->kind && !strcmp(a->finds[i].title, f->title)) {
			a->finds[i].count++;
			return;
		}
	if (a->find_count == FREE_FINDS_MAX) {
		a->dropped++;
		return;
	}
	a->finds[a->find_count] = *f;
	a->finds[a->find_count++].count = 1;
}

/* By the operations that the threads are in: where they stand in them is chance, and is said in the message. */
static void describe_hang(struct free_find *f)
{
	const char *names[ENGINE_LANES_MAX];
	unsigned n = 0;
	struct text title, message;

	text_init(&title, f->title, sizeof(f->title));
	text_init(&message, f->message, sizeof(f->message));
	text_printf(&title, "hang: no operation ends");
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++) {
		const struct free_lane *l = &shared->lanes[cpu];
		unsigned at = n;

		if (!l->op_site)
			continue;
		while (at && strcmp(names[at - 1], l->op_site->function) > 0)
			at--;
		memmove(names + at + 1, names + at, (n++ - at) * sizeof(*names));
		names[at] = l->op_site->function;
		if (l->site)
			text_printf(&message, "%scpu%u is in %s, at %s(%s)", n > 1 ? "; " : "", cpu, l->site->function, l->site->primitive,
				    l->site->detail);
	}
	for (unsigned i = 0; i < n; i++)
		text_printf(&title, "%s%s", i ? " / " : " in ", names[i]);
}

static void describe_death(struct free_find *f, int status)
{
	f->kind = FREE_CRASH;
	if (WIFSIGNALED(status))
		snprintf(f->title, sizeof(f->title), "crash: signal %d", WTERMSIG(status));
	else
		snprintf(f->title, sizeof(f->title), "crash: exit code %d", WEXITSTATUS(status));
	f->message[0] = 0;
}

static void describe_races(struct free_find *f)
{
	f->kind = FREE_RACE;
	snprintf(f->title, sizeof(f->title), "data-race: reported by ThreadSanitizer");
	snprintf(f->message, sizeof(f->message), "on standard error; %u of them in the first batch that had one", shared->races);
}

/* ---- the watchdog ---- */

static bool time_is_up(void)
{
	return interrupts || (job.request.milliseconds && now_ms() - job.start >= job.request.milliseconds);
}

/* What the last execution that ended left: when, and after how much of the child's time. */
struct progress {
	u64 done, at, cpu;
};

static bool hangs(struct progress *p, pid_t pid)
{
	u64 done = __atomic_load_n(&shared->done, __ATOMIC_RELAXED), now = now_ms();

	if (done != p->done)
		*p = (struct progress){ done, now, cpu_ms(pid) };
	return now - p->at >= FREE_HANG_MS && cpu_ms(pid) - p->cpu >= FREE_HANG_CPU_MS;
}

/* Returns the status of the child, or -1 when it hung and was killed. */
static int watch(pid_t pid)
{
	struct progress p = { .at = now_ms() };
	int status;

	do {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		HARNESS_BUG_ON(ended < 0 && errno != EINTR);
		if (ended == pid)
			return status;
		if (time_is_up())
			__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
		usleep(POLL_US);
	} while (!hangs(&p, pid));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

/* One child's share: `count` executions of a program. True: it found something. */
static bool run_batch(u32 program, u64 count)
{
	struct free_find *f = &shared->find;
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	HARNESS_BUG_ON(pid < 0);
	if (!pid)
		child(&job.programs[program], job.answer.executions, count);
	status = watch(pid);
	if (shared->races && WIFEXITED(status) && status != -1 && !f->title[0])
		status = 0; /* the code is TSan's, and its reports are counted below */
	f->program = program;
	f->execution = job.answer.executions + shared->done;
	f->milliseconds = now_ms() - job.start;
	job.answer.batches++;
	job.answer.executions += shared->done + (status != 0);
	if (status == -1) {
		f->kind = FREE_HANG;
		describe_hang(f);
	} else if (status && !f->title[0]) {
		describe_death(f, status);
	}
	if (status)
		count_find(f);
	if (shared->races) {
		describe_races(f);
		count_find(f);
	}
	return status || shared->races;
}

static void run_job(void)
{
	const struct free_request *r = &job.request;
	u64 *left = calloc(r->programs, sizeof(*left)), open = r->programs;

	HARNESS_BUG_ON(!left);
	for (u32 p = 0; p < r->programs; p++)
		left[p] = r->runs ? r->runs : UINT64_MAX;
	for (u32 p = 0; open && !time_is_up(); p = (p + 1) % r->programs) {
		u64 before = job.answer.executions;

		if (!left[p])
			continue;
		if (run_batch(p, left[p] < FREE_BATCH ? left[p] : FREE_BATCH) && !r->keep_going)
			break;
		left[p] -= r->runs ? job.answer.executions - before : 0;
		open -= !left[p];
	}
	free(left);
}

/* ---- the two ends of the pipe ---- */

static void read_all(void *data, size_t size)
{
	if (fread(data, 1, size, stdin) == size)
		return;
	fprintf(stderr, "foliofuzz-free: expected a request of foliofuzz run --vehicle free, found the end\n");
	exit(1);
}

static void read_request(void)
{
	read_all(&job.request, sizeof(job.request));
	if (job.request.build != FREE_BUILD || !job.request.programs) {
		fprintf(stderr, "foliofuzz-free: expected a request of the foliofuzz that was built with it\n");
		exit(1);
	}
	job.programs = calloc(job.request.programs, sizeof(*job.programs));
	HARNESS_BUG_ON(!job.programs);
	read_all(job.programs, job.request.programs * sizeof(*job.programs));
}

int main(void)
{
	read_request();
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	HARNESS_BUG_ON(shared == MAP_FAILED);
	job.start = now_ms();
	run_job();
	job.answer.interrupted = interrupts;
	job.answer.milliseconds = now_ms() - job.start;
	return fwrite(&job.answer, sizeof(job.answer), 1, stdout) == 1 && !fflush(stdout) ? 0 : 4;
}
