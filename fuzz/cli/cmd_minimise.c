/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_minimise.c - foliofuzz minimise: a find with everything taken away that it does not need.
 */
#include "cli.h"

#include <string.h>
#include <unistd.h>

static const struct command command = {
	.name = "minimise",
	.args = "FILE",
	.summary = "Takes operations, CPUs, preemptions, failures and parameters away for as long as the\n"
		   "title stays the same. In what is left none can be spared.",
	.examples = "foliofuzz minimise lost-update-7b21e0d4.prog -o min.prog\n"
		    "foliofuzz minimise crash-3f2a -o min.prog\n",
	.accepts = ACCEPTS(OUT) | ACCEPTS(KERNEL) | ACCEPTS(BUG) | ACCEPTS(STEPS) | ACCEPTS(STRICT_HWPOISON) |
		   ACCEPTS(STRATEGY) | ACCEPTS(SEED),
	.files_min = 1,
	.files_max = 1,
};

static void progress(u64 runs)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%llu executions", (unsigned long long)runs);
}

static void describe(struct prog *p, const struct run_result *r)
{
	struct text t;

	if (!p->comment[0]) {
		text_init(&t, p->comment, sizeof(p->comment));
		text_printf(&t, "%s", r->title);
	}
	text_init(&t, p->expect, sizeof(p->expect));
	report_expect(&t, r);
	if (t.truncated)
		p->expect[0] = '\0';
}

/* A find of a random walk: its schedule is drawn again, and written down. */
static bool draw(struct prog *p, const struct options *o)
{
	static struct prog_sched sched;
	struct run_options run = o->run;
	struct run_result r;

	run.record = true;
	run_one(p, &run, &r, NULL);
	if (!verdict_is_find(r.verdict))
		return true;
	if (run_deviations(&sched)) {
		p->sched = sched;
		return true;
	}
	return calm_schedule(p, &run, &r) || thin_schedule(p, &run, &r) || minimise_drawn(p, &run, &r);
}

static bool print_or_write(const struct options *o, const struct prog *p)
{
	static char text[PROG_TEXT_MAX + 1];

	if (o->out && strcmp(o->out, "-"))
		return prog_write_text(o->out, p);
	prog_print(p, text, sizeof(text));
	fputs(text, stdout);
	return true;
}

int cmd_minimise(int argc, char **argv)
{
	static struct input in;
	struct run_result r;
	struct options o;
	unsigned before;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (!input_load_for(&in, &o))
		return EXIT_BAD_INPUT;
	before = operations_of(&in.prog);
	if (o.given & ACCEPTS(STRATEGY) && !draw(&in.prog, &o))
		fprintf(stderr, "%s: expected a schedule that can be written down, found more than %d deviations\n",
			in.path, PROG_DEVIATIONS_MAX);
	if (!minimise(&in.prog, &o.run, progress, &r)) {
		fprintf(stderr, "%s: expected a program that ends with a find, found: %s\n", in.path, verdict_name(r.verdict));
		return EXIT_BAD_INPUT;
	}
	describe(&in.prog, &r);
	fprintf(stderr, "%s%u operations of %u, %u deviations: %s\n", isatty(STDERR_FILENO) ? "\r" : "", operations_of(&in.prog),
		before, in.prog.sched.deviation_count, r.title);
	return print_or_write(&o, &in.prog) ? EXIT_CLEAN : EXIT_BAD_INPUT;
}
