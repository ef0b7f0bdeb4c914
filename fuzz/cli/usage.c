/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usage.c - the table of options, help, and complaints about a command line.
 */
#include "cli.h"

static const struct {
	const char *flag, *value, *help;
} option_table[OPTION_COUNT] = {
#define OPTION(id, flag, value, help) { flag, value, help },
#include <foliofuzz/option.def>
#undef OPTION
};

const char *option_flag(enum option_id id)
{
	return option_table[id].flag;
}

bool option_takes_value(enum option_id id)
{
	return option_table[id].value[0];
}

static void print_examples(FILE *out, const char *examples)
{
	fprintf(out, "\nexamples:\n");
	while (*examples) {
		const char *end = examples;

		while (*end && *end != '\n')
			end++;
		fprintf(out, "  %.*s\n", (int)(end - examples), examples);
		examples = *end ? end + 1 : end;
	}
}

void usage_print(FILE *out, const struct command *c)
{
	fprintf(out, "usage: foliofuzz %s%s%s [OPTIONS]\n\n%s\n\noptions:\n", c->name,
		c->args[0] ? " " : "", c->args, c->summary);
	for (unsigned id = 0; id < OPTION_COUNT; id++) {
		char flag[40];
		struct text t;

		if (!(c->accepts & (1u << id)))
			continue;
		text_init(&t, flag, sizeof(flag));
		text_printf(&t, "%s %s", option_table[id].flag, option_table[id].value);
		fprintf(out, "  %-20s %s\n", flag, option_table[id].help);
	}
	fprintf(out, "  %-20s %s\n", "--help", "this text");
	print_examples(out, c->examples);
}

int usage_error(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "foliofuzz %s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see foliofuzz %s --help\n", c->name);
	return EXIT_BAD_INPUT;
}
