/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * schedule_fuzzer.c - this target executes one program, chosen at build time or by --program=FILE; its input is the
 * schedule. Bytes are dealt to the operations like cards, so that a longer input refines a shorter
 * one.
 */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule_prog.h"

static struct prog prog;

#define OPTION "--program="

static void refuse(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	exit(1);
}

static void parse_file(const char *path)
{
	static char text[PROG_TEXT_MAX];
	struct prog_error err;
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		refuse(path, "cannot be read");
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (!prog_parse(&prog, text, n, &err))
		refuse(path, err.message);
}

/* True: the command line names a program, which is a word of ours and none of the engine's. */
static bool parse_named(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strncmp(argv[i], OPTION, strlen(OPTION)))
			continue;
		parse_file(argv[i] + strlen(OPTION));
		if (!target_takes_options_away())
			return true;
		memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof(*argv));
		--*argc;
		return true;
	}
	return false;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct prog_error err;

	if (!parse_named(argc, *argv) && !prog_parse(&prog, schedule_prog_text, sizeof(schedule_prog_text) - 1, &err))
		harness_defect("schedule_prog.h", (int)err.line, "%s", err.message);
	target_init(argc, *argv);
	target_set_world(&prog, true);
	target_keep_setup(&prog);
	return 0;
}

/* One byte for every operation. False when there was room for none. */
static bool deal_round(struct prog_sched *s, const uint8_t **data, const uint8_t *end)
{
	bool dealt = false;

	for (unsigned l = 0; l < prog.world.cpus; l++)
		for (unsigned i = 0; i < prog.lanes[l].count && *data < end; i++) {
			if (s->stream_len[l][i] == PROG_STREAM_MAX)
				continue;
			s->stream[l][i][s->stream_len[l][i]++] = *(*data)++;
			dealt = true;
		}
	return dealt;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	memset(&prog.sched, 0, sizeof(prog.sched));
	prog.sched.kind = SCHED_BYTES;
	while (data < end && deal_round(&prog.sched, &data, end))
		;
	target_assert_clean(&prog, false);
	return 0;
}
