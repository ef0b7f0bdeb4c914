/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.c - the folder of a campaign: opened by one process at a time, reported on, left.
 */
#include "session.h"
#include "../report/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_MS = 2000, FIRST_REPORT_MS = 1000, REPORT_MS = 10000, TERMINAL_MS = 200 };

static bool complain(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return false;
}

bool session_path(char *path, const char *dir, const char *folder, const char *name)
{
	struct text t;

	text_init(&t, path, SESSION_PATH_MAX);
	text_printf(&t, "%s%s%s%s%s", dir, folder[0] ? "/" : "", folder, name[0] ? "/" : "", name);
	if (t.truncated)
		fprintf(stderr, "%s: name too long\n", dir);
	return !t.truncated;
}

static bool make_folders(const char *dir)
{
	static const char *const folders[] = { "", "corpus", "crashes", "broken" };
	char path[SESSION_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (!session_path(path, dir, folders[i], "") || !folder_make(path) || !folder_try(path))
			return false;
	return true;
}

/* Of the files that killed processes left, none can be somebody's at work once the lock is ours. */
static void sweep_folders(const char *dir)
{
	static const char *const folders[] = { "", "corpus", "crashes", "broken" };
	char path[SESSION_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (session_path(path, dir, folders[i], ""))
			folder_sweep(path);
}

static bool take_lock(struct session *s)
{
	const struct timespec poll = { .tv_nsec = 20000000 };
	char path[SESSION_PATH_MAX];

	if (!session_path(path, s->dir, "", "lock"))
		return false;
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (s->lock < 0)
		return complain(path);
	/* Processes of a campaign that was killed just now have it for a moment still. */
	for (u64 until = clock_now() + LOCK_MS; clock_now() < until; nanosleep(&poll, NULL))
		if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
			return true;
	fprintf(stderr, "%s: another campaign is at work in this folder\n", s->dir);
	return false;
}

/* A kill may have cut the last line short. */
static bool cut_half_line(int fd, const char *text, size_t size)
{
	while (size && text[size - 1] != '\n')
		size--;
	return ftruncate(fd, (off_t)size) == 0;
}

static u64 number_of(const json_t *line, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(line, name));

	return n > 0 ? (u64)n : 0;
}

/* What the sessions before have counted: the last line that can be read. */
static void take_up(struct session *s, char *text)
{
	char *next;

	for (char *line = text; *line; line = next) {
		json_t *json;

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		json = json_loads(line, 0, NULL);
		if (json_is_object(json)) {
			s->executions = number_of(json, "executions");
			s->seconds = number_of(json, "seconds");
		}
		json_decref(json);
	}
}

static bool load_stats(struct session *s)
{
	char path[SESSION_PATH_MAX], *text;
	struct stat st;
	bool ok;
	int fd;

	if (!session_path(path, s->dir, "", "stats.jsonl"))
		return false;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || fstat(fd, &st))
		return complain(path);
	text = calloc(1, (size_t)st.st_size + 1);
	HARNESS_BUG_ON(!text);
	ok = (read(fd, text, (size_t)st.st_size) == st.st_size && cut_half_line(fd, text, (size_t)st.st_size)) || complain(path);
	if (ok)
		take_up(s, text);
	free(text);
	close(fd);
	return ok;
}

bool session_open(struct session *s, const struct options *o)
{
	*s = (struct session){ .options = o, .dir = o->files[0], .lock = -1 };
	if (!make_folders(s->dir) || !take_lock(s))
		return false;
	sweep_folders(s->dir);
	if (!load_stats(s))
		return false;
	s->shared = pool_memory(sizeof(*s->shared));
	s->start = s->reported = s->shared->last_new = clock_now();
	s->period = FIRST_REPORT_MS;
	s->due = s->start + s->period;
	session_load_finds(s);
	return true;
}

void session_close(struct session *s)
{
	if (s->lock >= 0)
		close(s->lock);
}

void session_set_world(const struct session *s, struct prog *p)
{
	p->world.bugs = (struct bug_switches){ .on = { { 0 } } };
	prog_set_generation(p, GENERATION_DEFAULT);
	options_apply(s->options, p, true);
}

static u64 executions_so_far(const struct session *s)
{
	return s->executions + __atomic_load_n(&s->shared->executions, __ATOMIC_RELAXED);
}

static u64 per_second(const struct session *s, u64 now)
{
	u64 n = __atomic_load_n(&s->shared->executions, __ATOMIC_RELAXED) - s->reported_executions;

	return now > s->reported ? n * 1000 / (now - s->reported) : 0;
}

/* One write, at the end of the file: a line is there or is the last one and cut off. */
static void append_stats(struct session *s, json_t *json)
{
	char path[SESSION_PATH_MAX], *line = json_dumps(json, JSON_COMPACT);
	size_t size;
	int fd;

	HARNESS_BUG_ON(!line);
	json_decref(json);
	size = strlen(line);
	line[size] = '\n'; /* in place of the NUL: what is written has a length */
	session_path(path, s->dir, "", "stats.jsonl");
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, line, size + 1) != (ssize_t)size + 1 || fsync(fd)) {
		complain(path);
		s->shared->failed = s->shared->stop = true;
	}
	if (fd >= 0)
		close(fd);
	free(line);
}

static void report(struct session *s, u64 now)
{
	const struct session_shared *x = s->shared;

	append_stats(s, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "seconds",
				  (json_int_t)(s->seconds + (now - s->start) / 1000), "executions", (json_int_t)executions_so_far(s),
				  "per_second", (json_int_t)per_second(s, now), "corpus", (json_int_t)x->corpus, "features",
				  (json_int_t)x->features, "finds", (json_int_t)x->finds, "titles", (json_int_t)x->titles, "last_new",
				  (json_int_t)((now - x->last_new) / 1000)));
	s->reported = now;
	s->reported_executions = x->executions;
	s->period = 2 * s->period < REPORT_MS ? 2 * s->period : REPORT_MS;
	s->due = now + s->period;
}

static void show(const struct session *s, u64 now, const char *end)
{
	const struct session_shared *x = s->shared;

	fprintf(stderr,
		"%llu executions, %llu/s, corpus %u, features %u, %s%u find%s of %u title%s%s, last new %llu s ago, report in %llu s%s",
		(unsigned long long)executions_so_far(s), (unsigned long long)per_second(s, now), x->corpus, x->features,
		x->finds ? colour_find(stderr) : "", x->finds, x->finds == 1 ? "" : "s", x->titles, x->titles == 1 ? "" : "s",
		x->finds ? colour_off(stderr) : "", (unsigned long long)((now - x->last_new) / 1000),
		(unsigned long long)(s->due > now ? (s->due - now + 999) / 1000 : 0), end);
}

bool session_stopped(const struct session *s)
{
	return __atomic_load_n(&s->shared->stop, __ATOMIC_RELAXED);
}

void session_tick(struct session *s)
{
	const struct options *o = s->options;
	bool terminal = isatty(STDERR_FILENO);
	u64 now = clock_now();

	if (interrupt_seen() || (o->seconds && now >= s->start + o->seconds * 1000) || (o->runs && s->shared->executions >= o->runs))
		__atomic_store_n(&s->shared->stop, true, __ATOMIC_RELAXED);
	if (terminal && now >= s->shown + TERMINAL_MS) {
		show(s, now, "\033[K\r");
		s->shown = now;
	}
	if (now < s->due)
		return;
	if (!terminal)
		show(s, now, "\n");
	report(s, now);
}

int session_end(struct session *s)
{
	const struct session_shared *x = s->shared;
	int code = x->finds ? EXIT_FOUND : EXIT_CLEAN;
	u64 now = clock_now();

	s->reported = s->start; /* the last rate is that of the whole session */
	s->reported_executions = 0;
	if (isatty(STDERR_FILENO))
		fputs("\033[K", stderr);
	report(s, now);
	printf("%llu executions in %llu s, corpus %u, features %u, %u find%s of %u title%s kept in %s/crashes\n",
	       (unsigned long long)executions_so_far(s), (unsigned long long)(s->seconds + (now - s->start) / 1000), x->corpus, x->features,
	       x->finds, x->finds == 1 ? "" : "s", x->titles, x->titles == 1 ? "" : "s", s->dir);
	if (interrupt_seen())
		code = exit_worst(code, EXIT_INCOMPLETE);
	if (x->broken)
		code = EXIT_HARNESS;
	return x->failed ? EXIT_BAD_INPUT : code;
}
