/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - what people and fuzzing services read of an execution: how to see it again, the stable
 * title, the story in columns, the same as JSON, and the crash of a fuzz target.
 */
#ifndef FUZZ_REPORT_H
#define FUZZ_REPORT_H

#include <foliofuzz/run.h>
#include <stdio.h>

/* Phases of an execution as struct event counts them. */
enum report_phase { PHASE_SETUP = 1, PHASE_PARALLEL = 2, PHASE_TEARDOWN = 3 };

/* ---- report.c ---- */
/* What a command line that shows an execution again has to name. */
struct report_replay {
	const char *file;     /* as its reader will name it */
	const char *strategy; /* NULL: the schedule is the file's */
	const struct run_options *options;
	const struct prog_world
		*world; /* its kernel= and bugs= are not the file's; NULL: they are */
};
/* "foliofuzz replay lost-update-7b21e0d4.prog", fit for a shell. */
void report_command(struct text *t, const struct report_replay *replay);
/* Replay line and title line. */
void report_header(FILE *out, const struct report_replay *replay, const struct run_result *r);
/* "lost-update-7b21e0d4.prog" */
void report_file_name(struct text *t, const struct run_result *r);
/* "lost-update PG_has_hwpoisoned": what a program's `expect` says of this result. */
void report_expect(struct text *t, const struct run_result *r);
/* `expect` holds the verdict, or the verdict and the invariant, or the title. */
bool report_meets(const char *expect, const struct run_result *r);

/* ---- story.c ---- */
struct story {
	const struct prog *prog;
	const struct run_result *result;
	const struct event *trace;
	u32 count;
	bool full; /* every event, not only what matters */
};
/* A story of the last recorded run_one(). */
struct story story_of_run(const struct prog *prog, const struct run_result *result);
void story_print(FILE *out, const struct story *s);
/* "__set_bit store" of a bit and an object: "__set_bit(PG_partially_mapped) store f0.page1.flags". */
void story_event(struct text *t, const struct event *ev);

/* ---- select.c ---- */
/* Index of the event at which the find was made; `count` when it was made behind the last one. */
u32 story_find_event(const struct story *s);
/* keep[i] becomes 1 for the events that a reader needs. */
void story_select(const struct story *s, u8 *keep);

/* ---- links.c ---- */
/* Indices + 1 of other events, 0: none. */
struct story_link {
	u32 meets; /* the latest access by another CPU that this one conflicts with */
	u32 until; /* the release of the lock that this event took */
};
/* links[i] for each event of the story. */
void story_links(const struct story *s, struct story_link *links);

/* ---- crash.c ---- */
/*
 * The end of a fuzz target that made a find: prints what fuzzing services parse, then the report of
 * the last recorded run_one(), and traps.
 */
/* The same for a sequence of operations, `count` of which were begun. */
_Noreturn void crash_assert_sequence_clean(const struct prog_world *world, const struct prog_op *ops, size_t count,
					   const struct run_result *r);
_Noreturn void crash_assert_clean(const struct report_replay *replay, const struct prog *prog,
				  const struct run_result *r);
/* "ASSERTION FAILED: lost-update/PG_has_hwpoisoned in deferred_split_folio", at most 80 bytes. */
void crash_title(struct text *t, const struct run_result *r);
/* "DEDUP_TOKEN: PG_has_hwpoisoned--deferred_split_folio" */
void crash_token(struct text *t, const struct run_result *r);

#endif
