/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_process.c - programs that fuzz for a campaign: as many as --jobs, started again when they end, listened to, stopped. They end with
 * the campaign, also when that is killed.
 */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 50, COUNT_MS = 1000, STOP_MS = 5000, DEATHS_MAX = 10 /* one after the other, without an input */ };

/* ---- the target ---- */
static bool beside(char *path, const char *name)
{
	char self[SESSION_PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	return slash && session_path(path, self, "", name);
}

bool session_find_beside(char *path, const char *name)
{
	return beside(path, name) && access(path, X_OK) == 0;
}

bool session_need_beside(char *path, const char *name, const char *preset)
{
	if (!beside(path, name))
		return false;
	if (access(path, R_OK) == 0)
		return true;
	fprintf(stderr, "%s: %s; build the preset `%s`\n", path, strerror(errno), preset);
	return false;
}

/* ---- its words ---- */
void engine_word(struct engine_words *w, const char *fmt, ...)
{
	struct text t;
	va_list ap;

	HARNESS_BUG_ON(w->count == ENGINE_WORDS_MAX);
	text_init(&t, w->word[w->count++], sizeof(w->word[0]));
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
}

void engine_words_of_target(struct engine_words *w, const struct options *o)
{
	struct text t;

	if (o->generation >= 0)
		engine_word(w, "--kernel=%s", generation_table[o->generation].name);
	text_init(&t, w->word[w->count++], sizeof(w->word[0]));
	bug_switches_option(&t, &o->bugs);
}

/* ---- what it says ---- */
static void keep_tail(struct engine_process *p, const char *data, size_t size)
{
	size_t have = strlen(p->tail), drop = have + size > ENGINE_TAIL ? have + size - ENGINE_TAIL : 0;

	memmove(p->tail, p->tail + drop, have - drop + 1);
	strncat(p->tail, data, size);
}

static void read_output(struct process_engine *e, struct engine_process *p)
{
	char data[1024];
	ssize_t n;

	while ((n = read(p->output, data, sizeof(data))) > 0) {
		keep_tail(p, data, (size_t)n);
		for (ssize_t i = 0; i < n; i++) {
			if (data[i] == '\n') {
				p->line[p->length] = '\0';
				if (e->read_line)
					e->read_line(e, p);
				p->length = 0;
			} else if (p->length + 1 < sizeof(p->line)) {
				p->line[p->length++] = data[i];
			}
		}
	}
}

void engine_executions(struct process_engine *e, struct engine_process *p, u64 executions)
{
	if (executions <= p->executions)
		return;
	e->session->shared->executions += executions - p->executions;
	p->executions = executions;
}

/* ---- processes ---- */
static _Noreturn void execute(struct process_engine *e, u32 k, int output)
{
	static struct engine_words w;
	char *argv[ENGINE_WORDS_MAX + 1];

	e->put_words(e, k, &w);
	for (u32 i = 0; i < w.count; i++)
		argv[i] = w.word[i];
	argv[w.count] = NULL;
	die_with_parent();
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	setpgid(0, 0); /* a terminal's interrupt is ours alone; it gets its own from us */
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(EXIT_BAD_INPUT);
}

static bool start(struct process_engine *e, u32 k)
{
	struct engine_process *p = &e->processes[k];
	int ends[2];

	*p = (struct engine_process){ .pid = 0 };
	if (pipe(ends)) {
		perror("foliofuzz campaign: pipe");
		return false;
	}
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	e->started++;
	fflush(NULL);
	p->pid = fork();
	if (p->pid == 0)
		execute(e, k, ends[1]);
	close(ends[1]);
	p->output = ends[0];
	if (p->pid > 0)
		return true;
	fprintf(stderr, "foliofuzz campaign: cannot start a process: %s\n", strerror(errno));
	close(ends[0]);
	p->pid = 0;
	return false;
}

static bool is_enough(const struct session *s)
{
	return session_stopped(s) || (s->options->runs && s->shared->executions >= s->options->runs);
}

static void bury(struct process_engine *e, u32 k, int status)
{
	struct engine_process *p = &e->processes[k];
	struct session_shared *x = e->session->shared;

	read_output(e, p);
	close(p->output);
	p->pid = 0;
	if (e->ended(e, k, status)) {
		e->deaths = 0;
	} else if (!e->stopping && !is_enough(e->session) && ++e->deaths >= DEATHS_MAX) {
		fprintf(stderr, "%s\nfoliofuzz campaign: %s ends again and again without an input; above is what it said last\n", p->tail,
			e->target);
		x->broken = x->stop = true;
	}
	if (!e->stopping && !is_enough(e->session) && !start(e, k))
		x->stop = true;
}

static bool look_at_all(struct process_engine *e)
{
	bool running = false;

	for (u32 k = 0; k < e->session->options->jobs; k++) {
		struct engine_process *p = &e->processes[k];
		int status;

		if (!p->pid)
			continue;
		read_output(e, p);
		if (waitpid(p->pid, &status, WNOHANG) == p->pid)
			bury(e, k, status);
		running |= p->pid != 0;
	}
	return running;
}

static void signal_all(const struct process_engine *e, int number)
{
	for (u32 k = 0; k < e->session->options->jobs; k++)
		if (e->processes[k].pid)
			kill(e->processes[k].pid, number);
}

/* At SIGTERM an engine ends between two executions; what does not is killed. */
static void stop_all(struct process_engine *e)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	u64 until = clock_now() + STOP_MS;

	e->stopping = true;
	signal_all(e, SIGTERM);
	while (look_at_all(e)) {
		if (clock_now() > until)
			signal_all(e, SIGKILL);
		nanosleep(&poll, NULL);
	}
}

static void take_stock(struct process_engine *e)
{
	if (e->look)
		e->look(e);
	e->session->shared->corpus = session_count_corpus(e->session);
}

void session_processes(struct process_engine *e)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	struct session *s = e->session;
	bool running = true;
	u64 counted = 0;

	s->shared->corpus = session_count_corpus(s);
	for (u32 k = 0; k < s->options->jobs && running; k++)
		running = start(e, k);
	while (running && !session_stopped(s)) {
		running = look_at_all(e);
		if (clock_now() > counted + COUNT_MS) {
			take_stock(e);
			counted = clock_now();
		}
		session_tick(s);
		nanosleep(&poll, NULL);
	}
	stop_all(e);
	take_stock(e);
}
