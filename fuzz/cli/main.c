/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - foliofuzz: which command a command line means.
 */
#include "cli.h"

#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "run", cmd_run, "search: random programs, or given ones, under many schedules" },
	{ "replay", cmd_replay, "show an execution again: verdict, hash and story" },
	{ "convert", cmd_convert, "a program from text to binary and back; anchor its schedule" },
	{ "explore", cmd_explore, "every schedule of a program with few preemptions" },
	{ "minimise", cmd_minimise, "take away from a find what it does not need" },
	{ "campaign", cmd_campaign, "fuzz for long in a folder; stop and go on at any instant" },
	{ "triage", cmd_triage, "sort crash files: a folder and a minimal program for each title" },
	{ "bugs", cmd_bugs, "the historical bugs that can be switched on" },
	{ "ops", cmd_ops, "the operations that programs are made of" },
	{ "oracles", cmd_oracles, "what is checked, what a verdict means, which races are accepted" },
	{ "generations", cmd_generations, "the kernels that can be run" },
	{ "bench", cmd_bench, "how fast the engine is; detect: how soon each strategy finds each bug" },
};

static void print_help(FILE *out)
{
	fprintf(out, "usage: foliofuzz COMMAND [ARGUMENTS]\n\n"
		     "A deterministic concurrency fuzzer over a userspace replica of the kernel's "
		     "folio code.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n"
		     "foliofuzz COMMAND --help says more, with examples.\n"
		     "exit: 0 clean, 1 usage or bad input, 2 bug found, 3 incomplete, 4 the "
		     "harness failed\n");
}

/* The worst is the last of these. */
static int severity(int code)
{
	static const int order[] = { EXIT_CLEAN, EXIT_INCOMPLETE, EXIT_FOUND, EXIT_BAD_INPUT,
				    EXIT_HARNESS };
	int i = 0;

	while (order[i] != code)
		i++;
	return i;
}

int exit_worst(int a, int b)
{
	return severity(a) > severity(b) ? a : b;
}

static int finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	perror("foliofuzz: standard output");
	return exit_worst(code, EXIT_HARNESS);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_BAD_INPUT;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return finish(EXIT_CLEAN);
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return finish(commands[i].run(argc - 1, argv + 1));
	fprintf(stderr, "foliofuzz: expected a command, found '%s'; see foliofuzz --help\n",
		argv[1]);
	return EXIT_BAD_INPUT;
}
