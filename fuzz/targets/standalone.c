/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * standalone.c - a fuzz target without an engine: gives it the content of files and says so in TAP.
 * A find traps in the middle of the plan, as it would end an engine.
 */
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

enum { INPUT_MAX = 16 << 20 };

static struct {
	char **paths;
	size_t count;
} inputs;

static void append(const char *path)
{
	inputs.paths = realloc(inputs.paths, (inputs.count + 1) * sizeof(*inputs.paths));
	HARNESS_BUG_ON(!inputs.paths);
	inputs.paths[inputs.count] = strdup(path);
	HARNESS_BUG_ON(!inputs.paths[inputs.count]);
	inputs.count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void collect(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int n = 0;

	if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
		append(path);
		return;
	}
	n = scandir(path, &entries, is_visible, by_bytes);
	if (n < 0) {
		append(path); /* to be said when it is read */
		return;
	}
	for (int i = 0; i < n; i++) {
		char below[4096];

		snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
		collect(below);
		free(entries[i]);
	}
	free(entries);
}

static u8 *read_stream(FILE *f, size_t *size)
{
	u8 *data = malloc(INPUT_MAX), *exact;

	HARNESS_BUG_ON(!data);
	*size = fread(data, 1, INPUT_MAX, f);
	/* To the byte, so that AddressSanitizer sees a read past the end. */
	exact = malloc(*size ? *size : 1);
	HARNESS_BUG_ON(!exact);
	memcpy(exact, data, *size);
	free(data);
	return exact;
}

static bool run_file(const char *path, unsigned repeat)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	size_t size;
	u8 *data;
	bool ok;

	if (!f)
		return false;
	data = read_stream(f, &size);
	ok = !ferror(f);
	if (f != stdin)
		fclose(f);
	for (unsigned i = 0; ok && i < repeat; i++)
		ok = LLVMFuzzerTestOneInput(data, size) == 0;
	free(data);
	return ok;
}

static int usage(const char *name, const char *expected, const char *found)
{
	fprintf(stderr,
		"%s: expected %s, found '%s'\n"
		"usage: %s [--repeat=N] [--kernel=G] [--bug=ID,...] [--vehicle=V] [--guide=LIST] FILE|DIR|-...\n",
		name, expected, found, name);
	return 1;
}

static bool set_repeat(const char *s, unsigned *repeat)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	*repeat = (unsigned)n;
	return *s >= '0' && *s <= '9' && !*end && n >= 1 && n <= 1000000000;
}

/* What target_init() takes, and what only an engine would. */
static bool is_others_option(const char *s)
{
	return !strncmp(s, "--kernel=", 9) || !strncmp(s, "--bug=", 6) || !strncmp(s, "--program=", 10) ||
	       !strncmp(s, "--vehicle=", 10) || !strncmp(s, "--guide=", 8) || !strncmp(s, "--mutate=", 9) ||
	       !strcmp(s, "-ignore_remaining_args=1") ||
	       !strcmp(s, "--");
}

static int run_all(unsigned repeat)
{
	int failed = 0;

	printf("1..%zu\n", inputs.count);
	for (size_t i = 0; i < inputs.count; i++) {
		bool ok;

		fflush(stdout);
		ok = run_file(inputs.paths[i], repeat);
		printf("%s %zu - %s%s%s\n", ok ? "ok" : "not ok", i + 1, inputs.paths[i],
		       ok ? "" : ": ", ok ? "" : strerror(errno));
		failed |= !ok;
		free(inputs.paths[i]);
	}
	free(inputs.paths);
	return failed;
}

int main(int argc, char **argv)
{
	unsigned repeat = 1;
	bool named = false;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--repeat=", 9)) {
			if (!set_repeat(argv[i] + 9, &repeat))
				return usage(argv[0], "a number from 1", argv[i] + 9);
		} else if (argv[i][0] == '-' && argv[i][1]) {
			if (!is_others_option(argv[i]))
				return usage(argv[0], "an option", argv[i]);
		} else {
			collect(argv[i]);
			named = true;
		}
	}
	return named ? run_all(repeat) : usage(argv[0], "a file", "nothing");
}
