/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seeds.c - no target: makes of committed programs, which are text, what the targets take for input.
 *
 * usage: fuzz_seeds OUT PROGRAM...
 *
 * OUT/programs has them in binary, OUT/operations their operations one after the other, OUT/texts themselves; a file a program, named
 * after its path. Exit code 1: a program cannot be read, or a file not written.
 */
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char text[PROG_TEXT_MAX];
static size_t text_size;

static size_t as_text(const struct prog *p, u8 *data, size_t size)
{
	(void)p;
	(void)size;
	memcpy(data, text, text_size);
	return text_size;
}

static const struct form {
	const char *folder;
	size_t (*write)(const struct prog *p, u8 *data, size_t size);
} forms[] = {
	{ "programs", prog_encode },
	{ "operations", prog_encode_ops },
	{ "texts", as_text },
};

static _Noreturn void refuse(const char *path, const char *why)
{
	fprintf(stderr, "fuzz_seeds: %s: %s\n", path, why);
	exit(1);
}

static void read_program(struct prog *p, const char *path)
{
	struct prog_error err;
	FILE *f = fopen(path, "rb");

	if (!f)
		refuse(path, strerror(errno));
	text_size = fread(text, 1, sizeof(text), f);
	if (ferror(f))
		refuse(path, strerror(errno));
	fclose(f);
	if (!prog_parse(p, text, text_size, &err))
		refuse(path, err.message);
}

/* corpus/bugs/x/min.prog is corpus-bugs-x-min. */
static void name_of(char *name, size_t size, const char *path)
{
	size_t len = strlen(path), suffix = strlen(".prog");

	if (len >= suffix && !strcmp(path + len - suffix, ".prog"))
		len -= suffix;
	if (len >= size)
		refuse(path, strerror(ENAMETOOLONG));
	for (size_t i = 0; i < len; i++)
		name[i] = path[i] == '/' ? '-' : path[i];
	name[len] = '\0';
}

static void write_seed(const char *out, const struct form *form, const char *name, const struct prog *p)
{
	static u8 data[PROG_TEXT_MAX];
	size_t size = form->write(p, data, sizeof(data));
	char path[8192];
	FILE *f;

	HARNESS_BUG_ON(!size);
	snprintf(path, sizeof(path), "%s/%s/%s", out, form->folder, name);
	f = fopen(path, "wb");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		refuse(path, strerror(errno));
}

static void make_folder(const char *path)
{
	if (mkdir(path, 0777) && errno != EEXIST)
		refuse(path, strerror(errno));
}

int main(int argc, char **argv)
{
	static struct prog prog;
	char name[4096];

	if (argc < 3) {
		fprintf(stderr, "usage: fuzz_seeds OUT PROGRAM...\n");
		return 1;
	}
	make_folder(argv[1]);
	for (size_t k = 0; k < ARRAY_SIZE(forms); k++) {
		snprintf(name, sizeof(name), "%s/%s", argv[1], forms[k].folder);
		make_folder(name);
	}
	for (int i = 2; i < argc; i++) {
		read_program(&prog, argv[i]);
		name_of(name, sizeof(name), argv[i]);
		for (size_t k = 0; k < ARRAY_SIZE(forms); k++)
			write_seed(argv[1], &forms[k], name, &prog);
	}
	return 0;
}
