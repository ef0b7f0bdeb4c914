/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explore_state.c - the state of a search as a file: three lines that say whose it is, the state, and a checksum over both.
 */
#include "explore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "foliofuzz explore state 2"
enum { HEADER_MAX = 400, PERIOD_MS = 2000 };

/* The default schedule's execution: a search is of no use to a build in which it goes otherwise. */
static u64 default_hash(const struct run_options *options, const struct prog *p)
{
	const struct bounded_schedule none = { .count = 0 };
	struct run_options o = *options;
	struct run_result r;

	o.strategy = STRATEGY_BOUNDED;
	o.schedule = &none;
	o.search = NULL;
	run_one(p, &o, &r, NULL);
	return r.hash;
}

/* What decides the search besides the program: options and build. */
void explore_state_init(struct explore_state *s, const struct options *o, const struct prog *p, const char *how)
{
	static char printed[PROG_TEXT_MAX];
	struct prog program = *p;
	struct text t;

	*s = (struct explore_state){ .path = o->state };
	program.sched.kind = SCHED_NONE;
	program.comment[0] = program.expect[0] = 0;
	s->program = hash_bytes(printed, prog_print(&program, printed, sizeof(printed)));
	text_init(&t, s->how, sizeof(s->how));
	text_printf(&t, "%s build=%016" PRIx64 " steps=%u%s", how, o->state ? default_hash(&o->run, p) : 0, o->run.steps_max ? o->run.steps_max : RUN_STEPS_DEFAULT,
		    o->run.strict_hwpoison ? " strict-hwpoison" : "");
	s->due = clock_now() + PERIOD_MS;
}

bool explore_state_due(struct explore_state *s)
{
	if (!s->path || clock_now() < s->due)
		return false;
	s->due = clock_now() + PERIOD_MS;
	return true;
}

static size_t header(const struct explore_state *s, char *buf)
{
	return (size_t)snprintf(buf, HEADER_MAX, MAGIC "\nprogram %016" PRIx64 "\n%s\n", s->program, s->how);
}

static bool write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

bool explore_state_write(const struct explore_state *s, const void *data, size_t size)
{
	char head[HEADER_MAX], beside[4096];
	size_t n = header(s, head);
	u64 sum = hash_bytes(head, n) ^ hash_bytes(data, size);
	bool ok;
	int fd;

	snprintf(beside, sizeof(beside), "%s.new", s->path);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	ok = fd >= 0 && write_all(fd, head, n) && write_all(fd, data, size) && write_all(fd, &sum, sizeof(sum)) && !fsync(fd);
	if (fd >= 0 && close(fd))
		ok = false;
	if (ok && !rename(beside, s->path))
		return true;
	fprintf(stderr, "%s: %s\n", ok ? s->path : beside, strerror(errno));
	return false;
}

static bool read_all(const char *path, u8 **data, size_t *size)
{
	FILE *f = fopen(path, "rb");
	size_t room = 0, n;

	if (!f)
		return errno == ENOENT;
	do {
		room = room ? 2 * room : 1u << 16;
		*data = realloc(*data, room);
		HARNESS_BUG_ON(!*data);
		n = fread(*data + *size, 1, room - *size, f);
		*size += n;
	} while (*size == room);
	if (ferror(f)) {
		fclose(f);
		return false;
	}
	fclose(f);
	return true;
}

/* NULL, or what is wrong. */
static const char *check(const struct explore_state *s, const u8 *data, size_t size, size_t *begin)
{
	char head[HEADER_MAX], *line;
	size_t n = header(s, head);
	u64 sum;

	if (size < strlen(MAGIC) + 1 || memcmp(data, MAGIC "\n", strlen(MAGIC) + 1))
		return "expected '" MAGIC "', found something else";
	line = strchr(head, '\n') + 1;
	if (size < (size_t)(line - head) + 25 || memcmp(data + (line - head), line, 25))
		return "expected the state of this program, found another program's";
	if (size < n || memcmp(data, head, n))
		return "expected the state of a search with these options and this build, found other options or another build";
	if (size < n + sizeof(sum))
		return "expected a whole state, found the end";
	memcpy(&sum, data + size - sizeof(sum), sizeof(sum));
	*begin = n;
	return sum == (hash_bytes(head, n) ^ hash_bytes(data + n, size - n - sizeof(sum))) ? NULL : "expected a whole state, found a damaged one";
}

/* The third line, for people. */
static void print_options(const struct explore_state *s, const u8 *data, size_t size)
{
	const u8 *at = data;

	for (unsigned i = 0; i < 2 && at; i++) {
		at = memchr(at, '\n', size - (size_t)(at - data));
		at = at ? at + 1 : NULL;
	}
	fprintf(stderr, "here:     %s\n", s->how);
	if (at)
		fprintf(stderr, "the file: %.*s\n", (int)strnlen((const char *)at, strcspn((const char *)at, "\n")), (const char *)at);
}

bool explore_state_read(const struct explore_state *s, u8 **data, size_t *size)
{
	size_t begin = 0;
	const char *wrong;

	*data = NULL;
	*size = 0;
	if (!s->path)
		return true;
	if (!read_all(s->path, data, size)) {
		fprintf(stderr, "%s: %s\n", s->path, strerror(errno));
		free(*data);
		return false;
	}
	if (!*data)
		return true;
	wrong = check(s, *data, *size, &begin);
	if (wrong) {
		fprintf(stderr, "%s: %s\n", s->path, wrong);
		if (strstr(wrong, "options"))
			print_options(s, *data, *size);
		free(*data);
		return false;
	}
	*size -= begin + sizeof(u64);
	memmove(*data, *data + begin, *size);
	return true;
}

void explore_state_drop(const struct explore_state *s)
{
	if (s->path)
		unlink(s->path);
}
