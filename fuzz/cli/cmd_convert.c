/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_convert.c - foliofuzz convert: a program in its other form, or with its schedule anchored.
 */
#include "cli.h"

#include <string.h>
#include <unistd.h>

static const struct command command = {
	.name = "convert",
	.args = "FILE",
	.summary =
		"Writes a text program as binary and a binary one as text. With --anchor the\n"
		"program is run and its schedule written as anchored deviations, which survive a\n"
		"rebuild (text, unless --to says binary). Comments and expect exist in text only.",
	.examples = "foliofuzz convert crash-3f2a -o x.prog\n"
		    "foliofuzz convert x.prog -o corpus/x\n"
		    "foliofuzz convert --anchor crash-3f2a -o x.prog\n",
	.accepts = ACCEPTS(ANCHOR) | ACCEPTS(TO) | ACCEPTS(OUT) | ACCEPTS(KERNEL) | ACCEPTS(BUG) |
		   ACCEPTS(STEPS) | ACCEPTS(STRICT_HWPOISON),
	.files_min = 1,
	.files_max = 1,
};

static char buffer[PROG_TEXT_MAX + 1];

static int failed(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	return EXIT_HARNESS;
}

/* Runs the program's schedule, writes it down anchored, and proves that it is the same. */
static int anchor(struct input *in, const struct options *o)
{
	static struct prog_sched sched;
	struct run_options run = o->run;
	struct run_result before, after;

	run.strategy = STRATEGY_REPLAY;
	run.record = true;
	run_one(&in->prog, &run, &before, NULL);
	if (!run_deviations(&sched)) {
		fprintf(stderr, "%s: expected a schedule of at most %d deviations, found more\n",
			in->path, PROG_DEVIATIONS_MAX);
		return EXIT_BAD_INPUT;
	}
	in->prog.sched = sched;
	run_one(&in->prog, &run, &after, NULL);
	if (before.hash != after.hash)
		return failed(in->path, "the anchored schedule gives another execution");
	return -1;
}

static enum prog_form form_of_output(const struct input *in, const struct options *o)
{
	if (o->to != FORM_OTHER)
		return o->to;
	return o->anchor || in->binary ? FORM_TEXT : FORM_BINARY;
}

static size_t render(const struct prog *p, enum prog_form form)
{
	size_t size;

	if (form == FORM_TEXT)
		size = prog_print(p, buffer, sizeof(buffer));
	else
		size = prog_encode(p, (u8 *)buffer, sizeof(buffer));
	HARNESS_BUG_ON(!size || size >= sizeof(buffer));
	return size;
}

static int write_out(const struct options *o, const struct prog *p, enum prog_form form)
{
	size_t size = render(p, form);

	if (o->out && strcmp(o->out, "-"))
		return write_file(o->out, buffer, size) ? EXIT_CLEAN : EXIT_BAD_INPUT;
	if (form == FORM_BINARY && isatty(STDOUT_FILENO))
		return usage_error(&command,
				   "expected -o FILE for binary output, found a terminal");
	fwrite(buffer, 1, size, stdout);
	return EXIT_CLEAN;
}

int cmd_convert(int argc, char **argv)
{
	static struct input in;
	struct options o;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (!input_load_for(&in, &o))
		return EXIT_BAD_INPUT;
	code = o.anchor ? anchor(&in, &o) : -1;
	return code >= 0 ? code : write_out(&o, &in.prog, form_of_output(&in, &o));
}
