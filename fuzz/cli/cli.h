/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cli.h - what the commands of foliofuzz share: options, input files, campaigns of executions and
 * what becomes of their finds.
 */
#ifndef FUZZ_CLI_H
#define FUZZ_CLI_H

#include <foliofuzz/explore.h>
#include <foliofuzz/run.h>
#include <stdio.h>

#include "../free/batch.h"
#include "../report/progress.h"
#include "../report/report.h"

enum exit_code { EXIT_CLEAN, EXIT_BAD_INPUT, EXIT_FOUND, EXIT_INCOMPLETE, EXIT_HARNESS };
/* Of two codes the one that more needs attention: harness, bad input, found, incomplete, clean. */
int exit_worst(int a, int b);

/* ---- the commands; each returns an exit code ---- */
int cmd_run(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_explore(int argc, char **argv);
int cmd_minimise(int argc, char **argv);
int cmd_campaign(int argc, char **argv);
int cmd_triage(int argc, char **argv);
int cmd_bugs(int argc, char **argv);
int cmd_ops(int argc, char **argv);
int cmd_oracles(int argc, char **argv);
int cmd_generations(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int bench_detect(int argc, char **argv); /* bench_detect.c */
int bench_snapshot(void);                /* bench_snapshot.c */
/* cmd_bench.c: the median, after sorting. */
double bench_median(double *v, unsigned count);
/* The program that `bench` measures, or what is wrong with it; NULL: nothing. */
const char *bench_demo_program(struct prog *prog);

/* ---- options.c ---- */
enum option_id {
#define OPTION(id, flag, value, help) OPTION_##id,
#include <foliofuzz/option.def>
#undef OPTION
	OPTION_COUNT
};
#define PREEMPTIONS_MAX 8
#define FAULTS_MAX 8
#define ACCEPTS(id) (1u << OPTION_##id)

struct command {
	const char *name;
	const char *args; /* "FILE..." */
	const char *summary;
	const char *examples; /* lines, each "foliofuzz ...\n" */
	u32 accepts;	      /* mask of ACCEPTS() */
	int files_min, files_max;
};
enum trace_form { TRACE_NONE, TRACE_TEXT, TRACE_JSON, TRACE_PERFETTO, TRACE_HTML };
enum prog_form { FORM_OTHER, FORM_TEXT, FORM_BINARY };
enum fuzz_engine { ENGINE_RANDOM, ENGINE_LIBFUZZER, ENGINE_AFL };

struct options {
	struct run_options run; /* its generation and bugs stay unset: see options_apply() */
	u32 given;		/* mask of ACCEPTS() */
	int generation;		/* -1: the program's */
	struct bug_switches bugs;
	bool forget_bugs;
	u64 runs;
	u64 seconds;
	u32 repeat, jobs;
	u32 preemptions, faults;
	bool dpor;
	const char *state; /* file, or NULL */
	u64 budget;
	enum trace_form trace;
	enum prog_form to;
	enum fuzz_engine engine;
	const char *out;
	bool json, keep_going, digest, anchor, quick, delay, wall;
	u32 seeds, wall_seconds; /* 0: not said */
	char **files;
	int file_count;
};
/* -1: go on; else the exit code, after help or a complaint was printed. */
int options_parse(struct options *o, const struct command *c, int argc, char **argv);
/*
 * Makes a program what --kernel and --bug want. NULL, or what is wrong with it for that kernel;
 * never with `lenient`, which drops what the kernel lacks.
 */
const char *options_apply(const struct options *o, struct prog *p, bool lenient);

/* "--bug=ID,-ID": as a fuzz target takes it. */
void bug_switches_option(struct text *t, const struct bug_switches *bugs);

/* ---- usage.c ---- */
void usage_print(FILE *out, const struct command *c);
const char *option_flag(enum option_id id);
bool option_takes_value(enum option_id id);
/* Prints "foliofuzz run: <complaint>" and where help is; returns EXIT_BAD_INPUT. */
int usage_error(const struct command *c, const char *fmt, ...) FORMAT_PRINTF(2, 3);

/* ---- number.c ---- */
bool number_parse(const char *s, u64 min, u64 max, u64 *value);
/* "30", "30s", "10m", "2h" */
bool duration_parse(const char *s, u64 *seconds);

/* ---- input.c ---- */
struct input {
	const char *path;
	struct prog prog;
	bool binary;
};
/* False after a complaint on standard error. "-" is standard input. */
bool input_load(struct input *in, const char *path);
/* The command's only program, as its options want it. */
bool input_load_for(struct input *in, const struct options *o);
/*
 * The same with the complaint, from behind the path (": No such file..."), in a text. `lenient`: what looks like text and is none is
 * a fuzzer's input, unless its name says that it is text.
 */
bool input_read(struct input *in, const char *path, bool lenient, struct text *why);

/* ---- files.c ---- */
struct file_list {
	char **paths;
	size_t count;
};
/* The path itself, or for a directory the programs below it, sorted. False after a complaint. */
bool files_add(struct file_list *list, const char *path);
/*
 * The programs below a folder, none is no error; without those below `except`, a folder that may not be there. What has vanished or
 * cannot be looked at is in the list: reading it says why.
 */
bool files_below(struct file_list *list, const char *folder, const char *except);
void files_free(struct file_list *list);

/* ---- interrupt.c ---- */
void interrupt_catch(void);
void interrupt_release(void);
/* Since interrupt_catch(). */
bool interrupt_seen(void);

/* ---- pool.c: work in pieces, for several processes ---- */
enum { PIECE_WAITING, PIECE_DONE, PIECE_LOST /* the process that did it died */ };
struct pool {
	const char *verb; /* "replayed": of the line that says how far it is */
	u32 jobs, pieces;
	/* Does piece i. In a process of its own: what is to be seen of it goes to memory of pool_memory(). */
	void (*work)(void *arg, u32 i);
	void *arg;
	u8 *state; /* of each piece, out of pool_memory() */
};
/* Zeroed and shared with the processes of a pool; for as long as the program runs. */
void *pool_memory(size_t size);
/* False when it was interrupted. interrupt_catch() is the caller's. */
bool pool_run(const struct pool *p);
/* Called in a child: the kernel kills it when its parent ends. */
void die_with_parent(void);

/* ---- campaign.c ---- */
#define CAMPAIGN_FINDS_MAX 64
#define CAMPAIGN_JOBS_MAX 256
/* Execution i of program i % count, or of the i-th random program; a function of i and this alone.
 */
struct campaign {
	const struct options *options;
	struct file_list files;
	struct input *inputs; /* of the files; none: random programs */
	size_t input_count;
	u64 limit; /* executions */
};
struct campaign_find {
	u64 index, count; /* the first execution with this title, and how many had it */
	int strategy;	  /* of the first: a portfolio may have chosen it, */
	u64 seed;	  /* and its seed */
	char title[RUN_TITLE_MAX];
};
struct campaign_result {
	struct run_stats stats;
	struct progress progress;
	u64 digest;
	struct campaign_find finds[CAMPAIGN_FINDS_MAX]; /* by index */
	u32 find_count;
	u64 finds_dropped; /* more titles than there is room for */
	bool interrupted;
	bool worker_lost;
};
void campaign_run(const struct campaign *c, struct campaign_result *r);
/* How many programs take turns; random ones count as one. */
static inline u64 campaign_programs(const struct campaign *c)
{
	return c->input_count ? c->input_count : 1;
}
/* Program and options of execution i; what a portfolio makes of the options is not in them. */
void campaign_execution(const struct campaign *c, u64 i, struct prog *prog, struct run_options *o);

/* ---- free.c: the free vehicle, in another program ---- */
/* Options that do not go together with it, or with another: an exit code after a complaint, or -1. */
int free_refuses(const struct options *o, const struct command *c);
/* Runs the inputs there and says what was found; an exit code. */
int free_run_command(const struct campaign *c);
/* Sends r and its programs; false when there is no answer, after a complaint. */
bool free_ask(struct free_request *r, const struct prog *const *programs, struct free_answer *answer);

/* ---- bench_detect.c ---- */
/* Execution i of a search for a bug. */
void bench_run_next(const struct prog *p, int strategy, u64 seed, u32 i, struct run_result *r);

/* ---- bench_tools.c ---- */
#define WALL_SEEDS_MAX 100
enum wall_result { WALL_NONE, WALL_FOUND, WALL_MISSED, WALL_FAILED /* it could not be started, or ended badly */ };
struct wall_search {
	const struct prog *prog; /* with the bug's switch, and without a schedule */
	const char *path;	 /* where that stands */
	u32 seed;
	u32 seconds; /* at most */
};
struct wall_tool {
	const char *name;
	bool (*is_there)(void);
	/* *ms: how long it took. */
	enum wall_result (*search)(const struct wall_search *s, u32 *ms);
};
#define WALL_TOOLS 5
extern const struct wall_tool wall_tools[WALL_TOOLS];

/* ---- bench_wall.c ---- */
int bench_wall(const struct options *o, const struct command *c);

/* ---- worker.c: one process's share of a campaign ---- */
struct worker {
	struct run_stats stats;
	struct progress progress;
	u64 epoch; /* that it has come to, of a portfolio; atomic */
	u64 digest, current;
	struct campaign_find finds[CAMPAIGN_FINDS_MAX];
	u32 find_count;
	u64 finds_dropped;
};
/* Shared by all processes of a campaign. */
struct campaign_shared {
	u64 first_find;	  /* lowest index of a find at which everybody stops; atomic */
	u64 deadline;	  /* of clock_now(), 0: none */
	bool stop;	  /* atomic */
	u32 jobs, parent; /* process id */
	u64 epoch, epoch_claimed; /* of the portfolios; atomic */
	struct portfolio *portfolios; /* of each program; NULL: another strategy */
	struct worker workers[];
};
/* `tick` is called now and then. */
void worker_run(const struct campaign *c, struct campaign_shared *s, u32 k,
		void (*tick)(struct campaign_shared *s));
bool campaign_is_stopped(const struct campaign_shared *s);
void campaign_stop(struct campaign_shared *s);

/* ---- status.c ---- */
/* Milliseconds of a steady clock; for progress and --time only, never for an execution. */
u64 clock_now(void);
void status_begin(void);
/* An estimate of how many executions there will be, `before` of which are not among those that status_tick() is told of. */
void status_expect(double executions, u64 before);
/* Prints the status line when it is due. */
void status_tick(const struct run_stats *stats);
/* Removes the status line, and says how long it took. */
void status_end(const struct run_stats *stats);
/* Escape sequences for `out`, or "" when it is no terminal or NO_COLOR is set. */
const char *colour_find(FILE *out);
const char *colour_off(FILE *out);

/* ---- archive.c ---- */
/* A find as a file. `prog` holds what was written, and `result` what replaying it gives. */
struct archive {
	struct prog prog;
	struct run_options options;
	struct run_result result;
	char path[4096];
	const char *strategy; /* NULL: the file's own schedule shows the find again */
	bool faithful;	      /* replaying the file gives the title that was found */
	bool unwritten;	      /* the file could not be written, and a complaint was */
};
/*
 * Runs execution i again and archives it. False when it is no find this time, after a complaint.
 * Leaves the trace of the replay to be read.
 */
bool archive_find(struct archive *a, const struct campaign *c, const struct campaign_find *f);
/* Program as text into a file; false after a complaint. */
bool prog_write_text(const char *path, const struct prog *p);

/* ---- durable.c: each false after a complaint ---- */
/* All of the file or none of it, on the disk when this returns; a device or a pipe is written to as it is. */
bool write_file(const char *path, const void *data, size_t size);
/* Many files of one folder, for one sync: they are there once the batch is written. Adding writes it when it is full. */
#define FILE_BATCH_MAX 256
struct file_batch {
	u32 count;
	struct {
		char *temporary, *path;
	} files[FILE_BATCH_MAX];
};
bool file_batch_add(struct file_batch *b, const char *path, const void *data, size_t size);
bool file_batch_write(struct file_batch *b);
/* The folder and those above it; no error if it is there. */
bool folder_make(const char *path);
/* Can a file be made in it? */
bool folder_try(const char *path);
/* Removes what write_file() of a process that was killed has left. Nobody else may be writing there. */
void folder_sweep(const char *path);

/* ---- calm.c ---- */
/*
 * Looks for a schedule with few switches under which `prog` ends with the same title as `r`; on
 * success prog->sched is that schedule, as bytes.
 */
bool calm_schedule(struct prog *prog, const struct run_options *o, const struct run_result *r);
bool calm_schedule_within(struct prog *prog, const struct run_options *o, const struct run_result *r,
			  unsigned switches, unsigned tries);

/* Stays for a while in one operation, and then lets another CPU go on: in a schedule of bytes. */
void calm_add_switch(struct prog *p, struct prng *r);

/* ---- thin.c ---- */
/*
 * Thins the schedule of a find that `o` draws to the deviations that its title needs. On success prog->sched is that schedule;
 * false when more are left than a program can hold.
 */
bool thin_schedule(struct prog *prog, const struct run_options *o, const struct run_result *r);

/* ---- bug_folder.c: a folder of corpus/bugs, below the current directory ---- */
#define BUG_FOLDERS "corpus/bugs"
#define BUG_BUDGET_MAX 1000000u
/* "Found within N STRATEGY schedules." */
struct bug_budget {
	u32 schedules; /* 1 to BUG_BUDGET_MAX */
	char strategy[12];
};
struct bug_folder {
	char expect[96]; /* of min.prog */
	int oracle;	 /* bug_oracle() of it */
	bool has_search;
	struct bug_budget budget; /* of the search from free.prog */
	u32 points, preemptions;  /* of min.prog, as trace.txt has it; 0: it does not say */
};
/* False after a complaint of `foliofuzz bugs VERB`. */
bool bugs_folders_are_there(const char *verb);
/* False: there is no min.prog. */
bool bug_folder_load(struct bug_folder *b, unsigned id);
/* Path of a file in the bug's folder; false: there is none. */
bool bug_file_path(char *path, size_t size, unsigned id, const char *name);
/* False: there is none, or, after a complaint, it is no program. in->path is valid until the next call. */
bool bug_prog_load(struct input *in, unsigned id, const char *name);
/* Its text, the caller's to free; NULL: there is none. */
char *bug_text(unsigned id, const char *name);
/* False: the comment of a free.prog does not say. */
bool bug_budget_read(struct bug_budget *b, const char *comment);
/* Number, from 0, of the oracle that reports what a program's `expect` says; -1: none, it is a check of the replica itself. */
int bug_oracle(const char *expect);

/* ---- bugs_show.c ---- */
#define BUGS_NEAREST_MAX 3
void bugs_show(unsigned id, bool json);
/* The row of bug.def as an object, the caller's to release. */
struct json_t *bug_json(unsigned id);
/* "; near it: ID, ID" of the bugs whose names look like `word`, or nothing. */
void bugs_nearest(struct text *t, const char *word);

/* ---- bugs_readme.c ---- */
/* Prints corpus/bugs/README.md; an exit code. */
int bugs_readme(void);

/* ---- bugs_check.c ---- */
/* Prints a table; EXIT_HARNESS when a bug does not do what is said of it. */
int bugs_check(const struct options *o, const bool *wanted);

/* ---- bugs_pairs.c ---- */
/* Prints the exceptions of all pairs of which one is wanted; EXIT_HARNESS when they are others than those listed. */
int bugs_pairs(const struct options *o, const bool *wanted);

/* ---- bugs_minimise.c ---- */
/* Prints a table; EXIT_HARNESS when a min.prog is not what minimise leaves of it, or more than a tenth of fresh finds stay longer. */
int bugs_minimise(const struct options *o, const bool *wanted);

/* ---- minimise.c ---- */
/*
 * For a find of a random walk that has too many switches to be written down: drops operations for as long as some random schedule
 * still shows it, and then looks for a calm one. False: there is none.
 */
bool minimise_drawn(struct prog *p, const struct run_options *o, const struct run_result *found);
/*
 * Leaves of a find what it needs, under the same title; false when it is none, or its schedule cannot be written down. `tick`
 * is told how many executions there were; may be NULL.
 */
bool minimise(struct prog *p, const struct run_options *o, void (*tick)(u64 runs), struct run_result *result);

/* Operations of all lanes. */
unsigned operations_of(const struct prog *p);

/* ---- triage.c: crash files replayed, sorted by title, and one of each title made small ---- */
/* Which of the bugs that the program's world switches on is to blame, if it is one: a number of bug_table, or */
enum {
	CAUSE_UNASKED = -1, /* none is on */
	CAUSE_NEW = -2,	    /* it is shown without any of them, too */
	CAUSE_UNCLEAR = -3, /* none of them alone decides */
};
struct triage_file {
	char *name; /* below the folder, printable */
	bool unreadable, differs; /* two replays do */
	enum verdict verdict;
	char title[RUN_TITLE_MAX]; /* "": no find */
	char why[256];		   /* no find: what instead, from behind the name (": clean", ":1:8: expected...") */
	u32 operations, preemptions, points;
	int cause;
};
struct triage_group {
	u32 first, count; /* of triage.order */
	struct prog prog; /* what is left of the smallest */
	const char *note; /* why it is not minimal; NULL: it is */
};
struct triage {
	const struct options *options;
	struct file_list paths;
	struct triage_file *files; /* one for each path */
	u32 *order;		   /* files that show a find, by title and cause, smaller ones first */
	u32 find_count;
	struct triage_group *groups;
	u32 group_count;
	bool worker_lost;
};
/* Replays the files of t->paths, sorts and minimises. False when it was interrupted. */
bool triage_run(struct triage *t, const char *folder);
void triage_free(struct triage *t);

/* ---- triage_cause.c ---- */
/* Of a program that shows this title under these options. */
int triage_cause(const struct prog *p, const struct run_options *o, const char *title);
/* "known bug: ID; fix: COMMIT", or what else is to be said; "" of CAUSE_UNASKED. */
void triage_tell_cause(struct text *t, int cause);

/* ---- triage_write.c ---- */
/* Writes all of OUT; an exit code. */
int triage_write(const struct triage *t, const char *out);

/* ---- summary.c ---- */
void summary_print(FILE *out, const struct run_stats *stats, const struct progress *progress);

#endif
