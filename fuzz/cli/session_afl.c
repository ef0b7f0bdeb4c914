/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_afl.c - AFL++ as the engine of a campaign: a main and secondaries of afl-fuzz on the program_fuzzer beside foliofuzz, with the
 * project's mutators. Each session begins from DIR/corpus; what their queues gain goes there, and what is put there comes to the main;
 * crashes are replayed here and kept under their titles. DIR/afl is what they are at: it is taken from before it is removed.
 */
#include "session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SEEDS = 16, LOOK_MS = 1000, SETTLED_S = 1 /* nobody is writing a file of that age */ };
#define FOLDER "afl"
#define MUTATORS "libfoliofuzz_afl.so"

/* Builds of the target beside the plain one, program_fuzzer_<name>, in the order in which processes behind the main take them. */
static const char *const variants[] = { "asan", "cmplog", "tsan" };

struct afl_instance {
	char name[32]; /* of its folder */
	char target[SESSION_PATH_MAX];
	char cmplog[SESSION_PATH_MAX]; /* "": none */
	u32 taken;		       /* entries of its queue below this are */
};
static struct {
	struct process_engine engine;
	char mutators[SESSION_PATH_MAX];
	struct afl_instance instances[CAMPAIGN_JOBS_MAX];
} afl;

/* ---- folders ---- */
static bool path_in(char *path, const struct session *s, const char *instance, const char *rest)
{
	char below[SESSION_PATH_MAX];

	return session_path(below, FOLDER, instance, rest) && session_path(path, s->dir, below, "");
}

static void remove_tree(char *path)
{
	char *const paths[] = { path, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info != FTS_D)
			remove(entry->fts_accpath);
	if (tree)
		fts_close(tree);
}

static int is_entry(const struct dirent *d)
{
	return !strncmp(d->d_name, "id:", 3);
}

static bool is_settled(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size && time(NULL) > st.st_mtime + SETTLED_S;
}

/* ---- what they have ---- */
/* The others are the corpus itself, and what came from an instance that has it. */
static bool is_its_own(const char *name)
{
	return !strstr(name, ",orig:") && !strstr(name, ",sync:");
}

static void take_input(struct session *s, const char *path, struct file_batch *batch)
{
	static struct input in;
	char complaint[256];
	struct text why;

	text_init(&why, complaint, sizeof(complaint));
	if (!input_read(&in, path, true, &why))
		return;
	session_set_world(s, &in.prog);
	session_add_input(s, &in.prog, batch);
}

/* Entries behind those that were taken; with `running`, up to one that may not be whole. */
static void take_queue(struct session *s, struct afl_instance *a, bool running)
{
	static struct file_batch batch;
	char folder[SESSION_PATH_MAX], path[SESSION_PATH_MAX];
	struct dirent **entries;
	bool more = path_in(folder, s, a->name, "queue");
	int count = more ? scandir(folder, &entries, is_entry, alphasort) : -1;

	for (int i = 0; i < count; i++) {
		u32 id = (u32)strtoul(entries[i]->d_name + 3, NULL, 10);

		more = more && session_path(path, folder, "", entries[i]->d_name) && (!running || is_settled(path));
		if (more && id >= a->taken) {
			if (is_its_own(entries[i]->d_name))
				take_input(s, path, &batch);
			a->taken = id + 1;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (!file_batch_write(&batch))
		s->shared->failed = s->shared->stop = true;
}

/* For so long at most while they run: reports are due. */
static void take_crashes(struct session *s, const struct afl_instance *a, const char *below, bool running, bool of_this_session)
{
	char folder[SESSION_PATH_MAX], path[SESSION_PATH_MAX];
	u64 until = clock_now() + LOOK_MS;
	struct dirent **entries;
	int count = path_in(folder, s, a->name, below) ? scandir(folder, &entries, is_entry, alphasort) : -1;

	for (int i = 0; i < count; i++) {
		if (!interrupt_seen() && (!running || clock_now() < until) && session_path(path, folder, "", entries[i]->d_name) &&
		    (!running || is_settled(path)))
			session_take_artifact(s, path, of_this_session);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* A hang is an input at which a process did not end; replayed, it does, or it is a defect of the harness. */
static void take_all(struct session *s, struct afl_instance *a, bool running, bool of_this_session)
{
	take_queue(s, a, running);
	take_crashes(s, a, "crashes", running, of_this_session);
	take_crashes(s, a, "hangs", running, of_this_session);
}

/* What a session left that was killed. False: interrupted, it stays. */
static bool take_leftovers(struct session *s)
{
	static struct afl_instance a;
	char folder[SESSION_PATH_MAX];
	struct dirent *d;
	DIR *dir;

	if (!path_in(folder, s, "", ""))
		return false;
	dir = opendir(folder);
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.' && strlen(d->d_name) < sizeof(a.name)) {
			strcpy(a.name, d->d_name);
			a.taken = 0;
			take_all(s, &a, false, false);
		}
	if (dir)
		closedir(dir);
	if (interrupt_seen())
		return false;
	remove_tree(folder);
	return folder_make(folder);
}

/* ---- what they say ---- */
/* The number behind a name of fuzzer_stats, which is written once a minute and at the end. */
static u64 statistic(const struct session *s, const struct afl_instance *a, const char *name)
{
	char path[SESSION_PATH_MAX], line[256];
	u64 value = 0;
	FILE *f = path_in(path, s, a->name, "fuzzer_stats") ? fopen(path, "r") : NULL;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && strchr(line, ':'))
			value = strtoull(strchr(line, ':') + 1, NULL, 10);
	if (f)
		fclose(f);
	return value;
}

static bool path_of_count(char *path, const struct session *s, const struct afl_instance *a)
{
	char name[64];
	struct text t;

	text_init(&t, name, sizeof(name));
	text_printf(&t, ".%s.executions", a->name);
	return path_in(path, s, name, "");
}

/* The mutators count what they are asked for, each moment. */
static u64 counted(const struct session *s, const struct afl_instance *a)
{
	char path[SESSION_PATH_MAX];
	u64 value = 0;
	int fd = path_of_count(path, s, a) ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0 && read(fd, &value, sizeof(value)) != sizeof(value))
		value = 0;
	if (fd >= 0)
		close(fd);
	return value;
}

static void read_statistics(struct process_engine *e, u32 k, bool at_end)
{
	struct session_shared *x = e->session->shared;
	const struct afl_instance *a = &afl.instances[k];
	u64 edges = statistic(e->session, a, "edges_found");

	engine_executions(e, &e->processes[k], counted(e->session, a));
	if (at_end)
		engine_executions(e, &e->processes[k], statistic(e->session, a, "execs_done"));
	if (edges > x->features)
		x->features = (u32)edges;
}

/* Shared memory of afl-fuzz outlives it when it is killed, unless it is removed while it is in use: then it goes with its last user. */
static void release_shared_memory(const struct process_engine *e)
{
	FILE *f = fopen("/proc/sysvipc/shm", "r");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		int id, creator, users;

		if (sscanf(line, "%*d %d %*o %*u %d %*d %d", &id, &creator, &users) != 3 || !users)
			continue;
		for (u32 k = 0; k < e->session->options->jobs; k++)
			if (creator == e->processes[k].pid)
				shmctl(id, IPC_RMID, NULL);
	}
	if (f)
		fclose(f);
}

static void look(struct process_engine *e)
{
	release_shared_memory(e);
	for (u32 k = 0; k < e->session->options->jobs; k++)
		if (e->processes[k].pid) {
			read_statistics(e, k, false);
			take_all(e->session, &afl.instances[k], true, true);
		}
}

/* ---- processes ---- */
/* The user's own settings of other variables hold. */
static void set_environment(const struct session *s, const struct afl_instance *a)
{
	static const char *const settings[][2] = {
		{ "AFL_NO_UI", "1" },
		{ "AFL_NO_COLOR", "1" },
		{ "AFL_NO_CRASH_README", "1" },
		{ "AFL_SKIP_CPUFREQ", "1" },
		{ "AFL_NO_AFFINITY", "1" },
		{ "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1" },
		{ "AFL_FORKSRV_INIT_TMOUT", "30000" },
		{ "AFL_FAST_CAL", "1" }, /* an input does the same each time */
		{ "AFL_SYNC_TIME", "1" },
		{ "ASAN_OPTIONS", "abort_on_error=1:symbolize=0:detect_odr_violation=0" },
		{ "TSAN_OPTIONS", "abort_on_error=1:symbolize=0:halt_on_error=1:report_signal_unsafe=0" },
	};
	char count[SESSION_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		setenv(settings[i][0], settings[i][1], 1);
	setenv("AFL_CUSTOM_MUTATOR_LIBRARY", afl.mutators, 1);
	if (path_of_count(count, s, a))
		setenv("FOLIOFUZZ_EXECUTIONS", count, 1);
}

/* They run programs, too, and on the same kernel. */
static void tell_mutators(const struct engine_words *w, u32 first)
{
	static char words[16 << 10];
	struct text t;

	text_init(&t, words, sizeof(words));
	for (u32 i = first; i < w->count; i++)
		text_printf(&t, "%s%s", i > first ? " " : "", w->word[i]);
	setenv("FOLIOFUZZ_TARGET", words, 1);
}

static void put_words(struct process_engine *e, u32 k, struct engine_words *w)
{
	const struct session *s = e->session;
	const struct options *o = s->options;
	const struct afl_instance *a = &afl.instances[k];
	u32 first;

	set_environment(s, a);
	engine_word(w, "afl-fuzz");
	engine_word(w, "-i%s/corpus", s->dir);
	engine_word(w, "-o%s/" FOLDER, s->dir);
	engine_word(w, "-%c%s", k ? 'S' : 'M', a->name);
	if (!k)
		engine_word(w, "-F%s/corpus", s->dir);
	if (a->cmplog[0])
		engine_word(w, "-c%s", a->cmplog);
	engine_word(w, "-mnone");
	engine_word(w, "-t60000");
	engine_word(w, "-G4096");
	engine_word(w, "-s%u", (u32)(o->run.seed + s->executions + e->started) | 1);
	if (o->runs > s->shared->executions)
		engine_word(w, "-E%llu", (unsigned long long)((o->runs - s->shared->executions + o->jobs - 1) / o->jobs));
	engine_word(w, "--");
	engine_word(w, "%s", a->target);
	first = w->count;
	engine_words_of_target(w, o);
	tell_mutators(w, first);
}

/* Its folder is another one's when it begins again. */
static bool ended(struct process_engine *e, u32 k, int status)
{
	struct afl_instance *a = &afl.instances[k];
	char path[SESSION_PATH_MAX];

	read_statistics(e, k, true);
	take_all(e->session, a, false, true);
	if (!interrupt_seen() && path_in(path, e->session, a->name, "")) {
		remove_tree(path);
		if (path_of_count(path, e->session, a))
			unlink(path);
		a->taken = 0;
	}
	return status == 0;
}

/* The main runs the plain target; those behind it the other builds that are there, once each, and the plain one. */
static void cast(struct process_engine *e)
{
	u32 k = 0, jobs = e->session->options->jobs;
	struct text t;

	for (size_t v = 0; v <= ARRAY_SIZE(variants) + jobs && k < jobs; v++) {
		struct afl_instance *a = &afl.instances[k];
		const char *variant = v && v <= ARRAY_SIZE(variants) ? variants[v - 1] : NULL;
		char name[64];

		strcpy(a->target, e->target);
		text_init(&t, name, sizeof(name));
		text_printf(&t, "program_fuzzer_%s", variant ? variant : "");
		if (variant && !session_find_beside(strcmp(variant, "cmplog") ? a->target : a->cmplog, name)) {
			a->cmplog[0] = '\0';
			continue;
		}
		text_init(&t, a->name, sizeof(a->name));
		if (k)
			text_printf(&t, "%s%u", variant ? variant : "plain", k);
		else
			text_printf(&t, "main");
		k++;
	}
}

/* As afl-fuzz looks for it. */
static bool is_afl_target(const char *path)
{
	static const char mark[] = "##SIG_AFL_PERSISTENT##";
	size_t matched = 0;
	FILE *f = fopen(path, "r");
	int c;

	while (f && matched < sizeof(mark) - 1 && (c = getc(f)) != EOF)
		matched = c == mark[matched] ? matched + 1 : c == '#' ? 1 + (matched == 2) : 0;
	if (f)
		fclose(f);
	if (matched < sizeof(mark) - 1)
		fprintf(stderr, "%s: expected a target with AFL++, found one without; build the preset `afl` and use its foliofuzz\n", path);
	return matched == sizeof(mark) - 1;
}

static bool has_afl(void)
{
	bool found = system("command -v afl-fuzz >/dev/null 2>&1") == 0;

	if (!found)
		fprintf(stderr, "afl-fuzz: not found; scripts/packages afl installs AFL++\n");
	return found;
}

/* AFL++ starts from nothing less than an input. One without operations is no find. */
static void plant_seeds(struct session *s)
{
	static struct prog p;
	struct prng r;

	if (session_count_corpus(s))
		return;
	prng_seed(&r, s->options->run.seed);
	for (u32 i = 0; i < SEEDS; i++) {
		if (i)
			prog_generate(&p, &r);
		else
			prog_decode(&p, (const u8 *)"", 0);
		session_set_world(s, &p);
		session_add_input(s, &p, NULL);
	}
}

bool session_afl(struct session *s)
{
	struct process_engine *e = &afl.engine;
	char folder[SESSION_PATH_MAX];

	*e = (struct process_engine){ .session = s, .put_words = put_words, .look = look, .ended = ended };
	if (!has_afl() || !session_need_beside(e->target, "program_fuzzer", "afl") || !is_afl_target(e->target) ||
	    !session_need_beside(afl.mutators, MUTATORS, "afl"))
		return false;
	if (!take_leftovers(s))
		return interrupt_seen();
	plant_seeds(s);
	if (!session_settle_corpus(s))
		return interrupt_seen();
	cast(e);
	session_processes(e);
	if (!interrupt_seen() && path_in(folder, s, "", ""))
		remove_tree(folder);
	return true;
}
