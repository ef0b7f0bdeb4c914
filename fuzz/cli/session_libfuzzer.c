/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_libfuzzer.c - libFuzzer as the engine of a campaign: processes of the program_fuzzer beside foliofuzz on one corpus. A find ends such
 * a process; its input is replayed here, kept under its title, and the process started again.
 */
#include "session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 50, STOP_MS = 5000, DEATHS_MAX = 10 /* one after the other, without an input */, TAIL = 2048, WORDS_MAX = 16 };
#define TARGET "program_fuzzer"
#define ARTIFACT "artifact."

struct fuzzer {
	pid_t pid; /* 0: none */
	int output;
	char line[512];
	size_t length;
	char tail[TAIL + 1]; /* what it said last */
	u64 executions;	     /* of this process */
};
struct libfuzzer_engine {
	struct session *session;
	char target[SESSION_PATH_MAX];
	struct fuzzer fuzzers[CAMPAIGN_JOBS_MAX];
	u32 started, deaths;
	bool stopping;
};

/* ---- the target ---- */
static bool find_target(char *path)
{
	char self[SESSION_PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	if (!slash || !session_path(path, self, "", TARGET))
		return false;
	if (access(path, X_OK) == 0)
		return true;
	fprintf(stderr, "%s: %s; build the preset `fuzz`\n", path, strerror(errno));
	return false;
}

/* Without an engine the target is a replayer, to which options are files that are not there. */
static bool has_engine(const char *target)
{
	char line[256];
	struct text command;
	char buf[SESSION_PATH_MAX + 64];
	bool found = false;
	FILE *help;

	if (strchr(target, '\'')) {
		fprintf(stderr, "%s: expected a path without a quote\n", target);
		return false;
	}
	text_init(&command, buf, sizeof(buf));
	text_printf(&command, "'%s' -help=1 2>&1", target);
	help = popen(buf, "r");
	while (help && fgets(line, sizeof(line), help))
		found |= strstr(line, "max_total_time") != NULL;
	if (help)
		pclose(help);
	if (!found)
		fprintf(stderr, "%s: expected a target with libFuzzer, found one without an engine; build the preset `fuzz` and use its foliofuzz\n",
			target);
	return found;
}

/* ---- inputs ---- */
/* Moves a file between two folders of ours. */
static bool move(const struct session *s, const char *from, const char *to, const char *name)
{
	char old[SESSION_PATH_MAX], new[SESSION_PATH_MAX];

	if (!session_path(old, s->dir, from, name) || !session_path(new, s->dir, to, name))
		return false;
	if (rename(old, new) == 0)
		return true;
	fprintf(stderr, "%s: %s\n", old, strerror(errno));
	return false;
}

struct inputs {
	struct session *session;
	struct file_list list;
};

static const char *name_in_corpus(const struct inputs *x, u32 i)
{
	return strrchr(x->list.paths[i], '/') + 1;
}

/*
 * libFuzzer ends at an input of the corpus that is a find, each time that it starts: such a one stands aside, and is back for the next
 * session, whose kernel and bugs may be others. So does a text, once its binary form is there.
 */
static void look_at_input(void *arg, u32 i)
{
	static struct input in;
	struct inputs *x = arg;
	struct run_options o = x->session->options->run;
	struct run_result r;
	char complaint[256];
	struct text why;

	text_init(&why, complaint, sizeof(complaint));
	if (!input_read(&in, x->list.paths[i], true, &why)) {
		fprintf(stderr, "%s%s; left out\n", x->list.paths[i], complaint);
		return;
	}
	session_set_world(x->session, &in.prog);
	o.strategy = STRATEGY_REPLAY;
	run_one(&in.prog, &o, &r, NULL);
	if (verdict_is_find(r.verdict))
		session_add_find(x->session, &in.prog, &r);
	else if (!in.binary)
		session_add_input(x->session, &in.prog, NULL);
	if (verdict_is_find(r.verdict) || !in.binary)
		move(x->session, "corpus", "aside", name_in_corpus(x, i));
}

static bool take_back(struct session *s)
{
	struct file_list list = { 0 };
	char path[SESSION_PATH_MAX];
	bool ok = session_path(path, s->dir, "aside", "") && folder_make(path) && files_below(&list, path, "");

	for (size_t i = 0; ok && i < list.count; i++)
		ok = move(s, "aside", "corpus", strrchr(list.paths[i], '/') + 1);
	files_free(&list);
	return ok;
}

static bool settle_corpus(struct session *s)
{
	struct inputs x = { .session = s };
	struct pool pool = { .verb = "inputs of the corpus replayed", .jobs = s->options->jobs, .work = look_at_input, .arg = &x };
	char path[SESSION_PATH_MAX];
	bool ok = take_back(s) && session_path(path, s->dir, "corpus", "") && files_below(&x.list, path, "");

	pool.pieces = (u32)x.list.count;
	pool.state = pool_memory(pool.pieces);
	ok = ok && pool_run(&pool);
	for (u32 i = 0; ok && i < pool.pieces; i++)
		if (pool.state[i] == PIECE_LOST) {
			fprintf(stderr, "foliofuzz campaign: a process died at %s, which is moved to %s/broken\n", x.list.paths[i], s->dir);
			s->shared->broken = true;
			ok = move(s, "corpus", "broken", name_in_corpus(&x, i));
		}
	files_free(&x.list);
	return ok;
}

static u32 count_corpus(const struct session *s)
{
	char path[SESSION_PATH_MAX];
	struct dirent *entry;
	u32 n = 0;
	DIR *dir;

	if (!session_path(path, s->dir, "corpus", ""))
		return 0;
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

/* ---- finds ---- */
struct artifact {
	struct session *session;
	struct input input;
};

static void replay_artifact(void *arg, u32 i)
{
	struct artifact *a = arg;
	struct run_options o = a->session->options->run;
	struct run_result r;

	(void)i;
	o.strategy = STRATEGY_REPLAY;
	run_one(&a->input.prog, &o, &r, NULL);
	if (verdict_is_find(r.verdict))
		session_add_find(a->session, &a->input.prog, &r);
	else
		session_add_broken(a->session, &a->input.prog);
}

/*
 * The input at which a process ended. It goes once what became of it is on the disk; one that a kill left behind is looked at by the next
 * session. Bytes that are not all of it are a program, too, and no find.
 */
static bool take_artifact(struct session *s, const char *path)
{
	static struct artifact *a;
	struct pool pool = { .verb = "replayed", .jobs = 1, .pieces = 1, .work = replay_artifact };
	char complaint[256];
	struct text why;

	if (access(path, F_OK))
		return false;
	if (!a)
		a = pool_memory(sizeof(*a));
	text_init(&why, complaint, sizeof(complaint));
	a->session = s;
	pool.arg = a;
	if (input_read(&a->input, path, true, &why)) {
		session_set_world(s, &a->input.prog);
		pool.state = pool_memory(1);
		pool_run(&pool);
		if (pool.state[0] == PIECE_LOST)
			session_add_broken(s, &a->input.prog);
	}
	unlink(path);
	return true;
}

static void take_all_artifacts(struct session *s)
{
	char path[SESSION_PATH_MAX], name[32];
	struct text t;

	for (u32 k = 0; k < CAMPAIGN_JOBS_MAX; k++) {
		text_init(&t, name, sizeof(name));
		text_printf(&t, ARTIFACT "%u", k);
		if (session_path(path, s->dir, "", name))
			take_artifact(s, path);
	}
}

/* ---- what it says ---- */
static u64 number_behind(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* "#1234	NEW    cov: 345 ft: 678 corp: 12/3456b ... exec/s: 789 ..." */
static void read_line(struct libfuzzer_engine *e, struct fuzzer *f)
{
	struct session_shared *x = e->session->shared;
	u64 executions, features;

	if (f->line[0] != '#')
		return;
	executions = strtoull(f->line + 1, NULL, 10);
	if (executions > f->executions) {
		x->executions += executions - f->executions;
		f->executions = executions;
	}
	features = number_behind(f->line, " ft: ");
	if (features > x->features)
		x->features = (u32)features;
	if (strstr(f->line, "\tNEW "))
		x->last_new = clock_now();
}

static void keep_tail(struct fuzzer *f, const char *data, size_t size)
{
	size_t have = strlen(f->tail), drop = have + size > TAIL ? have + size - TAIL : 0;

	memmove(f->tail, f->tail + drop, have - drop + 1);
	strncat(f->tail, data, size);
}

static void read_output(struct libfuzzer_engine *e, struct fuzzer *f)
{
	char data[1024];
	ssize_t n;

	while ((n = read(f->output, data, sizeof(data))) > 0) {
		keep_tail(f, data, (size_t)n);
		for (ssize_t i = 0; i < n; i++) {
			if (data[i] == '\n') {
				f->line[f->length] = '\0';
				read_line(e, f);
				f->length = 0;
			} else if (f->length + 1 < sizeof(f->line)) {
				f->line[f->length++] = data[i];
			}
		}
	}
}

/* ---- processes ---- */
static _Noreturn void execute(const struct libfuzzer_engine *e, u32 k, int output)
{
	static char words[WORDS_MAX][8192];
	const struct options *o = e->session->options;
	char *argv[WORDS_MAX + 1];
	struct text t[WORDS_MAX];
	int n = 0;

	for (int i = 0; i < WORDS_MAX; i++)
		text_init(&t[i], words[i], sizeof(words[i]));
	text_printf(&t[n++], "%s", e->target);
	text_printf(&t[n++], "%s/corpus", e->session->dir);
	text_printf(&t[n++], "-seed=%u", (u32)(o->run.seed + e->session->executions + e->started) | 1);
	text_printf(&t[n++], "-exact_artifact_path=%s/" ARTIFACT "%u", e->session->dir, k);
	text_printf(&t[n++], "-max_len=4096");
	text_printf(&t[n++], "-timeout=60");
	text_printf(&t[n++], "-reload=10");
	text_printf(&t[n++], "-print_final_stats=0");
	text_printf(&t[n++], "-ignore_remaining_args=1");
	if (o->generation >= 0)
		text_printf(&t[n++], "--kernel=%s", generation_table[o->generation].name);
	bug_switches_option(&t[n++], &o->bugs);
	for (int i = 0; i < n; i++)
		argv[i] = words[i];
	argv[n] = NULL;
	die_with_parent();
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	setpgid(0, 0); /* a terminal's interrupt is ours alone; it gets its own from us */
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execv(e->target, argv);
	perror(e->target);
	_exit(EXIT_BAD_INPUT);
}

static bool start(struct libfuzzer_engine *e, u32 k)
{
	struct fuzzer *f = &e->fuzzers[k];
	int ends[2];

	*f = (struct fuzzer){ .pid = 0 };
	if (pipe(ends)) {
		perror("foliofuzz campaign: pipe");
		return false;
	}
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	e->started++;
	fflush(NULL);
	f->pid = fork();
	if (f->pid == 0)
		execute(e, k, ends[1]);
	close(ends[1]);
	f->output = ends[0];
	if (f->pid > 0)
		return true;
	fprintf(stderr, "foliofuzz campaign: cannot start a process: %s\n", strerror(errno));
	close(ends[0]);
	f->pid = 0;
	return false;
}

static void bury(struct libfuzzer_engine *e, u32 k)
{
	struct fuzzer *f = &e->fuzzers[k];
	struct session_shared *x = e->session->shared;
	char path[SESSION_PATH_MAX], name[32];
	struct text t;

	read_output(e, f);
	close(f->output);
	f->pid = 0;
	text_init(&t, name, sizeof(name));
	text_printf(&t, ARTIFACT "%u", k);
	if (session_path(path, e->session->dir, "", name) && take_artifact(e->session, path)) {
		e->deaths = 0;
	} else if (!e->stopping && ++e->deaths >= DEATHS_MAX) {
		fprintf(stderr, "%s\nfoliofuzz campaign: %s ends again and again without an input; above is what it said last\n", f->tail, e->target);
		x->broken = x->stop = true;
	}
	if (!e->stopping && !session_stopped(e->session) && !start(e, k))
		x->stop = true;
}

static bool look_at_all(struct libfuzzer_engine *e)
{
	bool running = false;

	for (u32 k = 0; k < e->session->options->jobs; k++) {
		struct fuzzer *f = &e->fuzzers[k];

		if (!f->pid)
			continue;
		read_output(e, f);
		if (waitpid(f->pid, NULL, WNOHANG) == f->pid)
			bury(e, k);
		running |= f->pid != 0;
	}
	return running;
}

static void signal_all(const struct libfuzzer_engine *e, int number)
{
	for (u32 k = 0; k < e->session->options->jobs; k++)
		if (e->fuzzers[k].pid)
			kill(e->fuzzers[k].pid, number);
}

/* At SIGTERM libFuzzer ends between two executions; what does not is killed. */
static void stop_all(struct libfuzzer_engine *e)
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

bool session_libfuzzer(struct session *s)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	static struct libfuzzer_engine e;
	bool running = true;
	u64 counted = 0;

	e.session = s;
	if (!find_target(e.target) || !has_engine(e.target) || !settle_corpus(s))
		return interrupt_seen();
	take_all_artifacts(s);
	for (u32 k = 0; k < s->options->jobs && running; k++)
		running = start(&e, k);
	while (running && !session_stopped(s)) {
		running = look_at_all(&e);
		if (clock_now() > counted + 1000) {
			s->shared->corpus = count_corpus(s);
			counted = clock_now();
		}
		session_tick(s);
		nanosleep(&poll, NULL);
	}
	stop_all(&e);
	s->shared->corpus = count_corpus(s);
	return true;
}
