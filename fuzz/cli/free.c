/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * free.c - foliofuzz run --vehicle free: programs on threads that nobody schedules, as a stress test would run them, by foliofuzz-free, which stands
 * beside this program. Finds are counted by title, and are neither archived nor hashed: they do not replay.
 */
#include "cli.h"
#include "../report/json.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const kinds[] = { [FREE_CRASH] = "crash", [FREE_STATE] = "state", [FREE_HANG] = "hang", [FREE_RACE] = "race" };

/* Beside this program, under whatever name that was started. */
static bool helper_path(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size);
	char *slash;

	if (n < 0 || (size_t)n >= size - sizeof("foliofuzz-free"))
		return false;
	path[n] = 0;
	slash = strrchr(path, '/');
	strcpy(slash ? slash + 1 : path, "foliofuzz-free");
	return access(path, X_OK) == 0;
}

static bool write_all(int fd, const void *data, size_t size)
{
	for (const char *p = data; size;) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *data, size_t size)
{
	for (char *p = data; size;) {
		ssize_t n = read(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

/* The helper, with a pipe to it and one from it; -1: there is none, after a complaint. */
static pid_t start(int *to, int *from)
{
	char path[4096];
	int in[2], out[2];
	pid_t pid;

	if (!helper_path(path, sizeof(path))) {
		fprintf(stderr, "foliofuzz: expected the program foliofuzz-free beside this one: the free vehicle is there\n");
		return -1;
	}
	HARNESS_BUG_ON(pipe(in) || pipe(out));
	fflush(NULL);
	pid = fork();
	HARNESS_BUG_ON(pid < 0);
	if (!pid) {
		die_with_parent();
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]), close(in[1]), close(out[0]), close(out[1]);
		execl(path, "foliofuzz-free", (char *)NULL);
		_exit(EXIT_HARNESS);
	}
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = out[0];
	return pid;
}

bool free_ask(struct free_request *r, const struct prog *const *programs, struct free_answer *answer)
{
	int to, from, status = 0;
	pid_t pid = start(&to, &from);
	bool ok;

	if (pid < 0)
		return false;
	r->build = FREE_BUILD;
	signal(SIGPIPE, SIG_IGN);
	ok = write_all(to, r, sizeof(*r));
	for (u32 i = 0; ok && i < r->programs; i++)
		ok = write_all(to, programs[i], sizeof(**programs));
	close(to);
	ok = ok && read_all(from, answer, sizeof(*answer));
	close(from);
	signal(SIGPIPE, SIG_DFL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ok || status)
		fprintf(stderr, "foliofuzz: foliofuzz-free ended without an answer\n");
	return ok && !status;
}

static json_t *find_json(const struct campaign *c, const struct free_find *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "title", json_string(f->title));
	json_object_set_new(o, "kind", json_string(kinds[f->kind]));
	json_object_set_new(o, "message", json_string(f->message));
	json_object_set_new(o, "program", json_string(c->inputs[f->program].path));
	json_object_set_new(o, "execution", json_integer((json_int_t)f->execution));
	json_object_set_new(o, "milliseconds", json_integer((json_int_t)f->milliseconds));
	json_object_set_new(o, "count", json_integer((json_int_t)f->count));
	return o;
}

static void print_json(const struct campaign *c, const struct free_answer *a)
{
	json_t *o = json_object(), *finds = json_array();

	for (u32 i = 0; i < a->find_count; i++)
		json_array_append_new(finds, find_json(c, &a->finds[i]));
	json_object_set_new(o, "command", json_string("run"));
	json_object_set_new(o, "vehicle", json_string("free"));
	json_object_set_new(o, "delay", json_boolean(c->options->delay));
	json_object_set_new(o, "interrupted", json_boolean(a->interrupted));
	json_object_set_new(o, "executions", json_integer((json_int_t)a->executions));
	json_object_set_new(o, "milliseconds", json_integer((json_int_t)a->milliseconds));
	json_object_set_new(o, "finds", finds);
	json_print(stdout, o);
}

static void print_find(const struct campaign *c, const struct free_find *f)
{
	printf("%sBUG: %s%s\n", colour_find(stdout), f->title, colour_off(stdout));
	printf("  %s, %" PRIu64 " time%s, first in execution %" PRIu64 ", of %s, after %.1f s\n", kinds[f->kind], f->count,
	       f->count == 1 ? "" : "s", f->execution, c->inputs[f->program].path, (double)f->milliseconds / 1000);
	if (f->message[0])
		printf("  %s\n", f->message);
}

static void print_text(const struct campaign *c, const struct free_answer *a)
{
	for (u32 i = 0; i < a->find_count; i++)
		print_find(c, &a->finds[i]);
	if (a->dropped)
		printf("%" PRIu64 " finds have titles beyond the first %d\n", a->dropped, FREE_FINDS_MAX);
	if (a->find_count)
		printf("Nothing to replay: nobody has chosen or seen this schedule. The same program under a controlled one may show it again: foliofuzz run\n");
	printf("%" PRIu64 " executions on free threads in %.1f s, %" PRIu64 " of them a second\n", a->executions, (double)a->milliseconds / 1000,
	       a->executions * 1000 / (a->milliseconds ? a->milliseconds : 1));
}

int free_run_command(const struct campaign *c)
{
	static struct free_answer answer;
	const struct options *o = c->options;
	struct free_request r = { .programs = (u32)c->input_count, .seed = o->run.seed, .milliseconds = o->seconds * 1000,
				  .delay = o->delay, .keep_going = o->keep_going };
	const struct prog **programs = calloc(c->input_count, sizeof(*programs));
	bool ok;

	HARNESS_BUG_ON(!programs);
	for (size_t i = 0; i < c->input_count; i++)
		programs[i] = &c->inputs[i].prog;
	r.runs = c->limit == UINT64_MAX ? 0 : c->limit / c->input_count;
	interrupt_catch();
	ok = free_ask(&r, programs, &answer);
	interrupt_release();
	free(programs);
	if (!ok)
		return EXIT_HARNESS;
	if (o->json)
		print_json(c, &answer);
	else
		print_text(c, &answer);
	return answer.find_count ? EXIT_FOUND : answer.interrupted ? EXIT_INCOMPLETE : EXIT_CLEAN;
}

static const struct {
	enum option_id id;
	const char *why;
} refused[] = {
	{ OPTION_STRATEGY, "nobody chooses the schedule" },
	{ OPTION_STEPS, "nobody counts points, and a watchdog ends what hangs" },
	{ OPTION_STRICT_HWPOISON, "lost updates are not looked for" },
	{ OPTION_JOBS, "it takes the cores that there are" },
	{ OPTION_DIGEST, "executions have no hash" },
	{ OPTION_OUT, "finds do not replay, and are not archived" },
};

int free_refuses(const struct options *o, const struct command *c)
{
	if (o->run.vehicle != VEHICLE_FREE)
		return o->delay ? usage_error(c, "--delay: expected --vehicle free with it: the other vehicles wait for nobody") : -1;
	for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
		if (o->given & 1u << refused[i].id)
			return usage_error(c, "%s: not with --vehicle free, where %s", option_flag(refused[i].id), refused[i].why);
	if (!o->file_count)
		return usage_error(c, "expected PROG with --vehicle free, found nothing");
	return -1;
}
