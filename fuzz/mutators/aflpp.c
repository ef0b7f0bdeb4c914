/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aflpp.c - the structure-aware mutator as AFL++ calls it (its custom mutator API): a library of its own, named in
 * AFL_CUSTOM_MUTATOR_LIBRARY. What it makes depends on the data, the seed that AFL++ gives it and the number of calls, and on the target's options,
 * which it is told in FOLIOFUZZ_TARGET ("--bug=ID --kernel=G"), for it runs programs in afl-fuzz itself.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../targets/target.h"
#include "mutators.h"

enum { CROSS_ONE_IN = 8, BYTES_MAX = 16 << 10 };

struct mutator {
	u32 seed, calls;
	u8 out[BYTES_MAX];
	u8 canonical[BYTES_MAX];
	const char *what; /* of the last afl_custom_fuzz() */
	u64 *executions;  /* for who wants to know more often than once a minute; NULL: nobody */
	/* trimming: the program so far, and the operations that are still to be tried, from the last to the first */
	struct prog trimmed, candidate, processed;
	u32 lane, op;
	int step, steps;
};

void *afl_custom_init(void *afl, unsigned int seed);
void afl_custom_deinit(void *data);
size_t afl_custom_fuzz(void *data, u8 *buf, size_t size, u8 **out, u8 *add, size_t add_size, size_t max);
const char *afl_custom_describe(void *data, size_t max);
size_t afl_custom_post_process(void *data, u8 *buf, size_t size, u8 **out);
u8 afl_custom_splice_optout(void *data);
int afl_custom_init_trim(void *data, u8 *buf, size_t size);
size_t afl_custom_trim(void *data, u8 **out);
int afl_custom_post_trim(void *data, unsigned char success);

/* A file of 8 bytes that `foliofuzz campaign` reads. */
static u64 *map_count(const char *path)
{
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(u64)) == 0)
		p = mmap(NULL, sizeof(u64), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return p != MAP_FAILED ? p : NULL;
}

static void set_options(void)
{
	static char words[16 << 10];
	char *argv[64] = { words }, *next;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", getenv("FOLIOFUZZ_TARGET") ? getenv("FOLIOFUZZ_TARGET") : "");
	for (char *word = strtok_r(words, " ", &next); word && argc < 63; word = strtok_r(NULL, " ", &next))
		argv[argc++] = word;
	target_init(&argc, argv);
}

void *afl_custom_init(void *afl, unsigned int seed)
{
	struct mutator *m = calloc(1, sizeof(*m));

	(void)afl;
	set_options();
	if (!m)
		return NULL;
	m->seed = seed;
	m->executions = map_count(getenv("FOLIOFUZZ_EXECUTIONS"));
	return m;
}

void afl_custom_deinit(void *data)
{
	free(data);
}

/* AFL++ counts what comes back with 0 bytes as a failed try. */
size_t afl_custom_fuzz(void *data, u8 *buf, size_t size, u8 **out, u8 *add, size_t add_size, size_t max)
{
	struct mutator *m = data;
	u32 seed = m->seed + 0x9e3779b1u * m->calls++;
	size_t limit = max < sizeof(m->out) ? max : sizeof(m->out);

	*out = m->out;
	if (add && add_size && m->calls % CROSS_ONE_IN == 0) {
		m->what = "cross";
		return mutate_cross_bytes(buf, size, add, add_size, m->out, limit, seed);
	}
	m->what = "program";
	if (size > limit)
		size = limit;
	memcpy(m->out, buf, size);
	return mutate_bytes(m->out, size, limit, seed);
}

/* Becomes a part of the file's name. */
const char *afl_custom_describe(void *data, size_t max)
{
	const struct mutator *m = data;

	return m->what && max > strlen(m->what) ? m->what : "";
}

/* Before each execution. Havoc makes any bytes; what the target is given, and what is kept, is the program that they mean. */
size_t afl_custom_post_process(void *data, u8 *buf, size_t size, u8 **out)
{
	struct mutator *m = data;
	size_t n;

	if (m->executions)
		++*m->executions;
	prog_decode(&m->processed, buf, size);
	n = prog_encode(&m->processed, m->canonical, sizeof(m->canonical));
	*out = n ? m->canonical : buf;
	return n ? n : size;
}

/* Two programs are joined at operations, not at bytes: afl_custom_fuzz() does it. */
u8 afl_custom_splice_optout(void *data)
{
	(void)data;
	return 1;
}

int afl_custom_init_trim(void *data, u8 *buf, size_t size)
{
	struct mutator *m = data;

	prog_decode(&m->trimmed, buf, size);
	m->lane = PROG_LANE_TEARDOWN + 1;
	m->op = 0;
	m->step = m->steps = 0;
	for (unsigned lane = 0; lane <= PROG_LANE_TEARDOWN; lane++)
		m->steps += prog_lane_at(&m->trimmed, lane)->count;
	return m->steps;
}

/* The program without its next operation. */
size_t afl_custom_trim(void *data, u8 **out)
{
	struct mutator *m = data;

	while (!m->op) {
		m->lane--;
		m->op = prog_lane_at(&m->trimmed, m->lane)->count;
	}
	m->candidate = m->trimmed;
	prog_remove_op(&m->candidate, m->lane, --m->op);
	*out = m->out;
	return prog_encode(&m->candidate, m->out, sizeof(m->out));
}

int afl_custom_post_trim(void *data, unsigned char success)
{
	struct mutator *m = data;

	if (success)
		m->trimmed = m->candidate;
	return ++m->step;
}
