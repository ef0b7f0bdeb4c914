/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guide.c - what an execution showed besides edges (sim/explore/guide.c), as each engine takes it: libFuzzer reads a section of counters, which it
 * clears before each run; AFL++ has guards numbered, and a map that it clears. A cell is 0 or 1. Not instrumented.
 */
#include "target.h"

#include <foliofuzz/explore.h>
#include <stdio.h>
#include <string.h>

/* libFuzzer clears whole words. Nobody here reads them. */
static u8 counters[GUIDE_CELLS] __attribute__((section("__libfuzzer_extra_counters"), aligned(64), used));
_Static_assert(GUIDE_CELLS % 64 == 0 && GUIDE_CELLS <= 65536, "whole words, and few enough to be gone through each time");

static u32 guards[GUIDE_CELLS];
static struct guide guide;
static bool is_set;

/* Of AFL++'s runtime. Others define the latter two as well, to refuse them. */
void __afl_manual_init(void) __attribute__((weak));
void __sanitizer_cov_trace_pc_guard_init(u32 *start, u32 *stop) __attribute__((weak));
void __sanitizer_cov_trace_pc_guard(u32 *guard) __attribute__((weak));

/* Before the map is made, whose size is the number of guards. */
static void __attribute__((constructor)) number_guards(void)
{
	if (__afl_manual_init)
		__sanitizer_cov_trace_pc_guard_init(guards, guards + GUIDE_CELLS);
}

bool target_guide_set(const char *list)
{
	u32 kinds = 0;

	while (*list) {
		size_t len = strcspn(list, ",");
		char word[16];
		int kind;

		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		kind = guide_find(word);
		if (kind < 0 && strcmp(word, "none"))
			return false;
		if (kind >= 0)
			kinds |= 1u << kind;
		list += len + (list[len] == ',');
	}
	guide_init(&guide, kinds);
	is_set = true;
	return true;
}

struct guide *target_guide(void)
{
	if (!is_set)
		guide_init(&guide, guide_default());
	is_set = true;
	return guide.kinds ? &guide : NULL;
}

void target_guide_tell(const struct guide *g)
{
	for (u32 i = 0; i < g->count; i++)
		if (__afl_manual_init)
			__sanitizer_cov_trace_pc_guard(&guards[g->shown[i]]);
		else
			counters[g->shown[i]] = 1;
}
