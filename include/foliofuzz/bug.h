/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bug.h - the switches: which historical bugs are put back, and which release's protocols
 * the replica follows. Set once before an execution, constant during it.
 */
#ifndef FOLIOFUZZ_BUG_H
#define FOLIOFUZZ_BUG_H

#include <foliofuzz/base.h>

enum generation {
#define GENERATION(id, name, queue, help, variants) GENERATION_##id,
#include <foliofuzz/generation.def>
	GENERATION_COUNT,
	GENERATION_DEFAULT = GENERATION_V7_1_REPAIRED
};
enum generation_mask {
#define GENERATION(id, name, queue, help, variants) GEN_##id = 1u << GENERATION_##id,
#include <foliofuzz/generation.def>
};

enum bug_id {
#define BUG(id, name, commit, file, generations, help) BUG_##id,
#include <foliofuzz/bug.def>
#undef BUG
	BUG_COUNT
};

#define BUG_SET_MAX 256
struct bug_set {
	u64 bits[BUG_SET_MAX / 64];
};
/* What a program or a user wants, whatever the release shipped with. A bug is in one of them at most. */
struct bug_switches {
	struct bug_set on;
	struct bug_set off; /* repaired even where the release shipped it */
};
struct bug_row {
	const char *name, *commit, *file, *help;
	u32 generations;
};
struct generation_row {
	const char *name, *queue, *help, *variants;
};
extern const struct bug_row bug_table[BUG_COUNT];
extern const struct generation_row generation_table[GENERATION_COUNT];

/* What the running execution has switched on (own bugs and those the release shipped with). */
struct bug_state {
	struct bug_set on;
	enum generation generation;
};
extern struct bug_state bug_state;

/* Sets bug_state: what `generation` shipped with, and then `switches` (NULL: none). */
void bug_state_set(enum generation generation, const struct bug_switches *switches);
static inline bool bug_set_has(const struct bug_set *s, unsigned id)
{
	return (s->bits[id >> 6] >> (id & 63)) & 1;
}
static inline void bug_set_add(struct bug_set *s, unsigned id)
{
	s->bits[id >> 6] |= 1ull << (id & 63);
}
static inline void bug_set_remove(struct bug_set *s, unsigned id)
{
	s->bits[id >> 6] &= ~(1ull << (id & 63));
}
/* The last word about a bug counts. */
void bug_switch(struct bug_switches *s, unsigned id, bool on);
/* "id" switches on, "-id" off; false: no such bug. */
bool bug_switch_word(struct bug_switches *s, const char *word);
/* As if `more` had been said after *s. */
void bug_switches_add(struct bug_switches *s, const struct bug_switches *more);
/* Index by text name, -1 if there is none. */
int bug_find(const char *name);
int generation_find(const char *name);

#ifdef FOLIOFUZZ_NO_BUGS
#define bug_enabled(id) 0
#else
#define bug_enabled(id) bug_set_has(&bug_state.on, BUG_##id)
#endif
static inline bool generation_is(enum generation g)
{
	return bug_state.generation == g;
}
/* The protocols of the running generation are those of `g` or newer (repaired counts as its release). */
static inline bool generation_at_least(enum generation g)
{
	return bug_state.generation >= g;
}

#endif
