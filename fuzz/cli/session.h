/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - fuzzing for long, in a folder that can be left and taken up again at any instant:
 *
 *	DIR/corpus/      inputs that showed something new, in binary; a .prog that is put there becomes one
 *	DIR/crashes/     finds, each a .prog that says itself on which kernel and with which bugs it runs
 *	DIR/broken/      inputs that ended a process without a find: defects of the harness
 *	DIR/aside/       inputs that libFuzzer is not to start from, until the next session
 *	DIR/stats.jsonl  a line for each report, over all sessions
 *	DIR/lock         held by the session that is at work
 *
 * An input or a find counts once its file is whole and synced.
 */
#ifndef FUZZ_CLI_SESSION_H
#define FUZZ_CLI_SESSION_H

#include "cli.h"

#define SESSION_PATH_MAX 4096

enum {
	SESSION_TITLES_MAX = 1024,
	SESSION_FINDS_OF_A_TITLE = 64, /* more of one title are counted, not kept */
	SESSION_CORPUS_MAX = 16384,
	SESSION_FEATURES = 65536,
};

/* Shared by all processes; counters are atomic. */
struct session_shared {
	u64 executions; /* of this session */
	u64 finds_seen;
	u64 last_new;	/* clock_now() of the last new input or title */
	u32 corpus, features;
	u32 finds, titles; /* kept, of all sessions */
	bool stop, failed /* a file could not be written */, broken;
	struct {
		u64 title; /* hash, 0: free */
		u32 count;
	} title[SESSION_TITLES_MAX];
};

struct session {
	const struct options *options;
	const char *dir;
	int lock;
	struct session_shared *shared;
	u64 start;		 /* clock_now() */
	u64 executions, seconds; /* of earlier sessions */
	u64 reported, reported_executions, due, period; /* of reports: frequent at first, for sessions that do not last */
	u64 shown;
};

/* ---- session.c ---- */
/* Makes or takes up the folder. False after a complaint. */
bool session_open(struct session *s, const struct options *o);
void session_close(struct session *s);
/* DIR/<folder>/<name> */
bool session_path(char *path, const char *dir, const char *folder, const char *name);
/* To be called now and then by the process that began: status line, reports, --time, --runs and signals. */
void session_tick(struct session *s);
bool session_stopped(const struct session *s);
/* The last report and what it all came to; an exit code. */
int session_end(struct session *s);
/* The world of a program that an engine made: that of the options, as in a fuzz target. */
void session_set_world(const struct session *s, struct prog *p);

/* ---- session_find.c ---- */
/* Counts the titles of DIR/crashes. */
void session_load_finds(struct session *s);
/* Keeps a find, if there are not enough of its title already. Any process. */
void session_add_find(struct session *s, const struct prog *p, const struct run_result *r);
/* An input at which a process died. */
void session_add_broken(struct session *s, const struct prog *p);
/* An input of DIR/corpus; true when it was not there yet. Any process. With a batch it is there once that is written. */
bool session_add_input(struct session *s, const struct prog *p, struct file_batch *batch);

/* ---- session_random.c, session_libfuzzer.c: engines. False after a complaint. ---- */
bool session_random(struct session *s);
bool session_libfuzzer(struct session *s);

#endif
