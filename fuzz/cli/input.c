/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * input.c - a program out of a file, text or binary. How the two are told apart: fuzz/README.md.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* One byte more than is accepted, to see that there is more. */
static char content[PROG_TEXT_MAX + 1];

static bool complain(struct text *why, const char *what)
{
	text_printf(why, ": %s", what);
	return false;
}

static bool read_stream(FILE *f, size_t *size, struct text *why)
{
	struct stat st;

	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
		return complain(why, "expected a file, found a directory");
	*size = fread(content, 1, sizeof(content), f);
	if (ferror(f))
		return complain(why, strerror(errno));
	if (*size == 0)
		return complain(why, "expected a program, found an empty file");
	if (*size > PROG_TEXT_MAX) {
		text_printf(why, ": expected at most %d bytes, found more", PROG_TEXT_MAX);
		return false;
	}
	return true;
}

static bool read_path(const char *path, size_t *size, struct text *why)
{
	FILE *f;
	bool ok;

	if (!strcmp(path, "-"))
		return read_stream(stdin, size, why);
	f = fopen(path, "rb");
	if (!f)
		return complain(why, strerror(errno));
	ok = read_stream(f, size, why);
	fclose(f);
	return ok;
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n >= k && !strcmp(s + n - k, suffix);
}

static bool is_printable(const char *s, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((s[i] < 0x20 || s[i] > 0x7e) && s[i] != '\n' && s[i] != '\t' && s[i] != '\r')
			return false;
	return true;
}

static bool line_is_ours(const char *line, size_t size)
{
	static const char *const words[] = { "world", "setup", "cpu" };

	while (size && (*line == ' ' || *line == '\t')) {
		line++;
		size--;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (size >= strlen(words[i]) && !memcmp(line, words[i], strlen(words[i])))
			return true;
	return false;
}

static bool is_text(const char *path, const char *s, size_t size)
{
	if (has_suffix(path, ".prog"))
		return true;
	if (!is_printable(s, size))
		return false;
	if (s[0] == '#')
		return true;
	for (const char *line = s, *end = s + size; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		if (line_is_ours(line, (size_t)(end - line)))
			return true;
		line = newline ? newline + 1 : end;
	}
	return false;
}

bool input_read(struct input *in, const char *path, bool lenient, struct text *why)
{
	struct prog_error err;
	size_t size;

	in->path = path;
	if (!read_path(path, &size, why))
		return false;
	in->binary = !is_text(path, content, size);
	if (!in->binary && prog_parse(&in->prog, content, size, &err))
		return true;
	if (!in->binary && (!lenient || has_suffix(path, ".prog"))) {
		text_printf(why, ":%u:%u: %s", err.line, err.column, err.message);
		return false;
	}
	in->binary = true;
	prog_decode(&in->prog, (const u8 *)content, size);
	return true;
}

bool input_load(struct input *in, const char *path)
{
	char complaint[256];
	struct text why;

	text_init(&why, complaint, sizeof(complaint));
	if (input_read(in, path, false, &why))
		return true;
	fprintf(stderr, "%s%s\n", path, complaint);
	return false;
}

bool input_load_for(struct input *in, const struct options *o)
{
	const char *wrong;

	if (!input_load(in, o->files[0]))
		return false;
	wrong = options_apply(o, &in->prog, in->binary);
	if (wrong)
		fprintf(stderr, "%s: %s\n", in->path, wrong);
	return !wrong;
}
