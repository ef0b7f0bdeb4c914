/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench_tools.c - what looks for a bug in wall time: both fuzz targets, the portfolio, and the free vehicle without and with delays. Each is
 * started as somebody would start it who has the bug's program without a schedule; starting is part of its time.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 12, WORD = 8192, EXIT_TARGET_FOUND = 77, POLL_MS = 2, GRACE_MS = 10000, PATH = 4096 };

/* ---- fuzz targets ---- */

/* Without an engine the target is a replayer, to which options are files that are not there. */
static bool has_engine(const char *path)
{
	char command[PATH + 32], line[256];
	bool found = false;
	FILE *help;

	if (strchr(path, '\'') || access(path, X_OK))
		return false;
	snprintf(command, sizeof(command), "'%s' -help=1 2>&1", path);
	help = popen(command, "r");
	while (help && fgets(line, sizeof(line), help))
		found |= strstr(line, "max_total_time") != NULL;
	if (help)
		pclose(help);
	return found;
}

/* Beside this program, or in the build of the preset `fuzz` beside this one's. */
static bool find_target(char *path, const char *name)
{
	static const char *const places[] = { "", "../fuzz/" };
	char self[PATH / 2], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	slash[1] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, PATH, "%s%s%s", self, places[i], name);
		if (has_engine(path))
			return true;
	}
	return false;
}

struct words {
	char buf[WORDS_MAX][WORD];
	struct text t[WORDS_MAX];
	int n;
};

static struct text *word(struct words *w)
{
	HARNESS_BUG_ON(w->n == WORDS_MAX - 1);
	text_init(&w->t[w->n], w->buf[w->n], WORD);
	return &w->t[w->n++];
}

static _Noreturn void execute(struct words *w)
{
	char *argv[WORDS_MAX + 1];

	for (int i = 0; i < w->n; i++)
		argv[i] = w->buf[i];
	argv[w->n] = NULL;
	die_with_parent();
	HARNESS_BUG_ON(!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr));
	setenv("ASAN_OPTIONS", "exitcode=77:symbolize=0", 1); /* as libFuzzer's own */
	execv(argv[0], argv);
	_exit(EXIT_BAD_INPUT);
}

/* Until it ends by itself; -1 when it had to be killed. */
static int wait_for(pid_t pid, u64 deadline)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000L };
	int status;

	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_TARGET_FOUND;
		if (clock_now() >= deadline) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		nanosleep(&poll, NULL);
	}
}

static enum wall_result run_target(struct words *w, const struct wall_search *s, u32 *ms)
{
	u64 start = clock_now();
	int code;
	pid_t pid;

	text_printf(word(w), "-seed=%u", s->seed);
	text_printf(word(w), "-max_total_time=%u", s->seconds);
	text_printf(word(w), "-timeout=60");
	text_printf(word(w), "-exact_artifact_path=/dev/null");
	text_printf(word(w), "-detect_leaks=0");
	fflush(NULL);
	pid = fork();
	HARNESS_BUG_ON(pid < 0);
	if (!pid)
		execute(w);
	code = wait_for(pid, start + s->seconds * 1000 + GRACE_MS);
	*ms = (u32)(clock_now() - start);
	if (code == EXIT_TARGET_FOUND)
		return *ms <= s->seconds * 1000 ? WALL_FOUND : WALL_MISSED;
	return code == 0 ? WALL_MISSED : WALL_FAILED;
}

/* The program of the bug as an input; its path in `path`. */
static bool write_seed(char *path, size_t size, const struct prog *p)
{
	static u8 binary[PROG_BINARY_MAX];
	const char *dir = getenv("TMPDIR");
	size_t n = prog_encode(p, binary, sizeof(binary));
	bool ok;
	int fd;

	snprintf(path, size, "%s/foliofuzz-seed.XXXXXX", dir ? dir : "/tmp");
	fd = mkstemp(path);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	ok = write(fd, binary, n) == (ssize_t)n;
	close(fd);
	return ok;
}

static enum wall_result search_program_fuzzer(const struct wall_search *s, u32 *ms)
{
	static struct words w;
	char path[PATH], seed[PATH];
	const struct prog_world *world = &s->prog->world;
	enum wall_result result;

	w.n = 0;
	if (!find_target(path, "program_fuzzer") || !write_seed(seed, sizeof(seed), s->prog))
		return WALL_FAILED;
	text_printf(word(&w), "%s", path);
	text_printf(word(&w), "-seed_inputs=%s", seed);
	text_printf(word(&w), "-max_len=4096");
	text_printf(word(&w), "--kernel=%s", generation_table[world->generation].name);
	bug_switches_option(word(&w), &world->bugs);
	result = run_target(&w, s, ms);
	unlink(seed);
	return result;
}

static enum wall_result search_schedule_fuzzer(const struct wall_search *s, u32 *ms)
{
	static struct words w;
	char path[PATH];

	w.n = 0;
	if (!find_target(path, "schedule_fuzzer"))
		return WALL_FAILED;
	text_printf(word(&w), "%s", path);
	text_printf(word(&w), "--program=%s", s->path);
	return run_target(&w, s, ms);
}

static bool program_fuzzer_is_there(void)
{
	char path[PATH];

	return find_target(path, "program_fuzzer");
}

static bool schedule_fuzzer_is_there(void)
{
	char path[PATH];

	return find_target(path, "schedule_fuzzer");
}

/* ---- ours ---- */

static enum wall_result search_portfolio(const struct wall_search *s, u32 *ms)
{
	u64 start = clock_now();
	struct run_result r;

	run_forget();
	for (u32 i = 0; (*ms = (u32)(clock_now() - start)) < s->seconds * 1000; i++) {
		bench_run_next(s->prog, STRATEGY_PORTFOLIO, s->seed, i, &r);
		if (!verdict_is_find(r.verdict))
			continue;
		*ms = (u32)(clock_now() - start);
		return WALL_FOUND;
	}
	return WALL_MISSED;
}

static enum wall_result search_free(const struct wall_search *s, bool delay, u32 *ms)
{
	struct free_request r = { .programs = 1, .seed = s->seed, .milliseconds = s->seconds * 1000, .delay = delay };
	static struct free_answer answer;
	u64 start = clock_now();

	if (!free_ask(&r, &s->prog, &answer))
		return WALL_FAILED;
	*ms = (u32)(clock_now() - start);
	return answer.find_count ? WALL_FOUND : WALL_MISSED;
}

static enum wall_result search_free_plain(const struct wall_search *s, u32 *ms)
{
	return search_free(s, false, ms);
}

static enum wall_result search_free_delay(const struct wall_search *s, u32 *ms)
{
	return search_free(s, true, ms);
}

static bool always_there(void)
{
	return true;
}

const struct wall_tool wall_tools[WALL_TOOLS] = {
	{ "program_fuzzer", program_fuzzer_is_there, search_program_fuzzer },
	{ "schedule_fuzzer", schedule_fuzzer_is_there, search_schedule_fuzzer },
	{ "portfolio", always_there, search_portfolio },
	{ "free", always_there, search_free_plain },
	{ "free-delay", always_there, search_free_delay },
};
