/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * world.c - what a fuzz target's programs run on, from the build and the command line; and what else that says.
 */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../mutators/mutators.h"

#ifndef FOLIOFUZZ_TARGET_BUGS
#define FOLIOFUZZ_TARGET_BUGS ""
#endif
#ifndef FOLIOFUZZ_TARGET_KERNEL
#define FOLIOFUZZ_TARGET_KERNEL ""
#endif

static struct {
	struct bug_switches bugs;
	int generation; /* -1: not named */
	enum vehicle vehicle;
} target = { .generation = -1 };

static _Noreturn void refuse(const char *what, const char *found)
{
	fprintf(stderr, "fuzz target: expected %s, found '%s'\n", what, found);
	exit(1);
}

static void set_bugs(const char *list)
{
	char name[64];

	while (*list) {
		size_t len = strcspn(list, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, list);
		if (!bug_switch_word(&target.bugs, name))
			refuse("the id of a bug", name);
		list += len + (list[len] == ',');
	}
}

static void set_kernel(const char *name)
{
	target.generation = generation_find(name);
	if (target.generation < 0)
		refuse("the name of a kernel", name);
}

static void set_vehicle(const char *name)
{
	if (!strcmp(name, "pthread"))
		target.vehicle = VEHICLE_PTHREAD;
	else if (!strcmp(name, "fiber"))
		target.vehicle = VEHICLE_FIBER;
	else
		refuse("fiber or pthread", name);
}

static void set_guide(const char *list)
{
	if (target_guide_set && !target_guide_set(list))
		refuse("none, or some of rf, locks and state", list);
}

static void set_mutate(const char *list)
{
	if (mutate_set && !mutate_set(list))
		refuse("none, or some of cross and reverse", list);
}

bool target_takes_options_away(void)
{
#ifdef FOLIOFUZZ_AFL
	return true;
#else
	return false;
#endif
}

void target_init(int *argc, char **argv)
{
	static const struct {
		const char *prefix;
		void (*set)(const char *value);
	} options[] = {
		{ "--bug=", set_bugs },
		{ "--kernel=", set_kernel },
		{ "--vehicle=", set_vehicle },
		{ "--guide=", set_guide },
		{ "--mutate=", set_mutate },
	};

	int kept = 1;

	set_bugs(FOLIOFUZZ_TARGET_BUGS);
	if (FOLIOFUZZ_TARGET_KERNEL[0])
		set_kernel(FOLIOFUZZ_TARGET_KERNEL);
	/* Everything else is the engine's. */
	for (int i = 1; i < *argc; i++) {
		bool ours = false;

		for (size_t k = 0; k < ARRAY_SIZE(options); k++)
			if (!strncmp(argv[i], options[k].prefix, strlen(options[k].prefix))) {
				options[k].set(argv[i] + strlen(options[k].prefix));
				ours = true;
			}
		if (!ours || !target_takes_options_away())
			argv[kept++] = argv[i];
	}
	if (kept < *argc)
		argv[kept] = NULL;
	*argc = kept;
}

enum vehicle target_vehicle(void)
{
	return target.vehicle;
}

void target_set_world(struct prog *p, bool keep)
{
	if (!keep) {
		p->world.bugs = (struct bug_switches){ .on = { { 0 } } };
		prog_set_generation(p, GENERATION_DEFAULT);
	}
	if (target.generation >= 0)
		prog_set_generation(p, (enum generation)target.generation);
	bug_switches_add(&p->world.bugs, &target.bugs);
}
