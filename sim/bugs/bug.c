/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bug.c - the catalogue of switchable bugs and the table of generations, from their .def files,
 * and what of them the running execution has switched on.
 */
#include <foliofuzz/bug.h>

#include <string.h>

const struct bug_row bug_table[BUG_COUNT] = {
#define BUG(id, name_, commit_, file_, generations_, help_)                                        \
	[BUG_##id] = {                                                                             \
		.name = name_,                                                                     \
		.commit = commit_,                                                                 \
		.file = file_,                                                                     \
		.help = help_,                                                                     \
		.generations = generations_,                                                       \
	},
#include <foliofuzz/bug.def>
#undef BUG
};
_Static_assert(BUG_COUNT <= BUG_SET_MAX, "struct bug_set holds so many bugs");

const struct generation_row generation_table[GENERATION_COUNT] = {
#define GENERATION(id, name_, queue_, help_, variants_)                                            \
	[GENERATION_##id] = { .name = name_, .queue = queue_, .help = help_, .variants = variants_ },
#include <foliofuzz/generation.def>
};
_Static_assert(GENERATION_COUNT <= 32, "enum generation_mask has 32 bits");

struct bug_state bug_state = { .generation = GENERATION_DEFAULT };

void bug_state_set(enum generation generation, const struct bug_switches *switches)
{
	struct bug_switches state = { .on = { { 0 } } };

	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (bug_table[id].generations & (1u << generation))
			bug_set_add(&state.on, id);
	if (switches)
		bug_switches_add(&state, switches);
	bug_state.generation = generation;
	bug_state.on = state.on;
}

void bug_switch(struct bug_switches *s, unsigned id, bool on)
{
	bug_set_remove(on ? &s->off : &s->on, id);
	bug_set_add(on ? &s->on : &s->off, id);
}

bool bug_switch_word(struct bug_switches *s, const char *word)
{
	bool on = word[0] != '-';
	int id = bug_find(on ? word : word + 1);

	if (id >= 0)
		bug_switch(s, (unsigned)id, on);
	return id >= 0;
}

void bug_switches_add(struct bug_switches *s, const struct bug_switches *more)
{
	for (unsigned i = 0; i < ARRAY_SIZE(s->on.bits); i++) {
		s->on.bits[i] = (s->on.bits[i] & ~more->off.bits[i]) | more->on.bits[i];
		s->off.bits[i] = (s->off.bits[i] & ~more->on.bits[i]) | more->off.bits[i];
	}
}

int bug_find(const char *name)
{
	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (!strcmp(bug_table[id].name, name))
			return (int)id;
	return -1;
}

int generation_find(const char *name)
{
	for (unsigned g = 0; g < GENERATION_COUNT; g++)
		if (!strcmp(generation_table[g].name, name))
			return (int)g;
	return -1;
}
