/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - fuzzing for long, in a folder that can be left and taken up again at any instant:
 *
 *	DIR/corpus/      inputs that showed something new, in binary; a .prog that is put there becomes one
 *	DIR/crashes/     finds, each a .prog that says itself on which kernel and with which bugs it runs
 *	DIR/broken/      inputs that ended a process without a find: defects of the harness
 *	DIR/aside/       inputs that libFuzzer and AFL++ are not to start from, until the next session
 *	DIR/afl/         what AFL++ is at; taken from and removed when it ends, or else by the next session
 *	DIR/stats.jsonl  a line for each report, over all sessions
 *	DIR/lock         held by the session that is at work
 *
 * An input or a find counts once its file is whole and synced.
 */
#ifndef FUZZ_CLI_SESSION_H
#define FUZZ_CLI_SESSION_H

#include "cli.h"

#include <sys/types.h>

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

/* ---- session_inputs.c ---- */
/* Makes the corpus one that an engine can start from. False after a complaint, or interrupted. */
bool session_settle_corpus(struct session *s);
u32 session_count_corpus(const struct session *s);
/*
 * An input at which a process of an engine ended: replayed, kept as a find, or else as a defect of the harness (of an earlier session: as an
 * input), and removed; left where it is when interrupted. False: there is none.
 */
bool session_take_artifact(struct session *s, const char *path, bool of_this_session);

/* ---- session_process.c: programs that fuzz, as many as --jobs ---- */
enum { ENGINE_WORDS_MAX = 32, ENGINE_TAIL = 2048 };
struct engine_words {
	u32 count;
	char word[ENGINE_WORDS_MAX][8192];
};
struct engine_process {
	pid_t pid; /* 0: none */
	int output;
	char line[512];
	size_t length;
	char tail[ENGINE_TAIL + 1]; /* what it said last */
	u64 executions;
};
struct process_engine {
	struct session *session;
	char target[SESSION_PATH_MAX];
	struct engine_process processes[CAMPAIGN_JOBS_MAX];
	u32 started, deaths;
	bool stopping;
	/* Called in process k before it becomes the engine's: its command line. It may set its environment. */
	void (*put_words)(struct process_engine *e, u32 k, struct engine_words *w);
	void (*read_line)(struct process_engine *e, struct engine_process *p); /* may be NULL */
	/* Each second, and when all have ended: takes what is new. May be NULL. */
	void (*look)(struct process_engine *e);
	/* Process k has, with this status: takes what it leaves. False: it failed. */
	bool (*ended)(struct process_engine *e, u32 k, int status);
};
/* Until the session is stopped or no process can be started. */
void session_processes(struct process_engine *e);
/* What process p has made so far. */
void engine_executions(struct process_engine *e, struct engine_process *p, u64 executions);
void engine_word(struct engine_words *w, const char *fmt, ...) FORMAT_PRINTF(2, 3);
/* Kernel and bugs of the options, as fuzz targets take them. */
void engine_words_of_target(struct engine_words *w, const struct options *o);
/* Of a file beside foliofuzz, its path. False: it is not there, after a complaint that names the preset that makes it. */
bool session_need_beside(char *path, const char *name, const char *preset);
/* The same without a complaint. */
bool session_find_beside(char *path, const char *name);

/* ---- session_random.c, session_libfuzzer.c, session_afl.c: engines. False after a complaint. ---- */
bool session_random(struct session *s);
bool session_libfuzzer(struct session *s);
bool session_afl(struct session *s);

#endif
