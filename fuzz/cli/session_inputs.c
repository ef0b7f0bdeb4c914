/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_inputs.c - the corpus of a campaign as the engines of others take it, that run it as it is: bytes that are no find. And what they
 * leave behind at a find, replayed here.
 */
#include "session.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Moves a file between two folders of ours. */
static bool move(const struct session *s, const char *from, const char *to, const char *name)
{
	char old[SESSION_PATH_MAX], new[SESSION_PATH_MAX];

	if (!session_path(old, s->dir, from, name) || !session_path(new, s->dir, to, name))
		return false;
	if (rename(old, new) == 0)
		return true;
	fprintf(stderr, "%s: %s\n", old, strerror(errno));
	return false;
}

struct inputs {
	struct session *session;
	struct file_list list;
};

static const char *name_in_corpus(const struct inputs *x, u32 i)
{
	return strrchr(x->list.paths[i], '/') + 1;
}

/*
 * libFuzzer ends at an input of the corpus that is a find, each time that it starts, and AFL++ leaves it out: such a one stands aside, and is
 * back for the next session, whose kernel and bugs may be others. So does a text, once its binary form is there.
 */
static void look_at_input(void *arg, u32 i)
{
	static struct input in;
	struct inputs *x = arg;
	struct run_options o = x->session->options->run;
	struct run_result r;
	char complaint[256];
	struct text why;

	text_init(&why, complaint, sizeof(complaint));
	if (!input_read(&in, x->list.paths[i], true, &why)) {
		fprintf(stderr, "%s%s; left out\n", x->list.paths[i], complaint);
		return;
	}
	session_set_world(x->session, &in.prog);
	o.strategy = STRATEGY_REPLAY;
	run_one(&in.prog, &o, &r, NULL);
	if (verdict_is_find(r.verdict))
		session_add_find(x->session, &in.prog, &r);
	else if (!in.binary)
		session_add_input(x->session, &in.prog, NULL);
	if (verdict_is_find(r.verdict) || !in.binary)
		move(x->session, "corpus", "aside", name_in_corpus(x, i));
}

static bool take_back(struct session *s)
{
	struct file_list list = { 0 };
	char path[SESSION_PATH_MAX];
	bool ok = session_path(path, s->dir, "aside", "") && folder_make(path) && files_below(&list, path, "");

	for (size_t i = 0; ok && i < list.count; i++)
		ok = move(s, "aside", "corpus", strrchr(list.paths[i], '/') + 1);
	files_free(&list);
	return ok;
}

bool session_settle_corpus(struct session *s)
{
	struct inputs x = { .session = s };
	struct pool pool = { .verb = "inputs of the corpus replayed", .jobs = s->options->jobs, .work = look_at_input, .arg = &x };
	char path[SESSION_PATH_MAX];
	bool ok = take_back(s) && session_path(path, s->dir, "corpus", "") && files_below(&x.list, path, "");

	pool.pieces = (u32)x.list.count;
	pool.state = pool_memory(pool.pieces);
	ok = ok && pool_run(&pool);
	for (u32 i = 0; ok && i < pool.pieces; i++)
		if (pool.state[i] == PIECE_LOST) {
			fprintf(stderr, "foliofuzz campaign: a process died at %s, which is moved to %s/broken\n", x.list.paths[i], s->dir);
			s->shared->broken = true;
			ok = move(s, "corpus", "broken", name_in_corpus(&x, i));
		}
	files_free(&x.list);
	return ok;
}

u32 session_count_corpus(const struct session *s)
{
	char path[SESSION_PATH_MAX];
	struct dirent *entry;
	u32 n = 0;
	DIR *dir;

	if (!session_path(path, s->dir, "corpus", ""))
		return 0;
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

/* ---- artifacts ---- */
/* Shared with the process that replays it. */
struct artifact {
	struct session *session;
	bool of_this_session;
	u8 state;
	struct input input;
};

/* Another session may have had another kernel and other bugs: what is no find for this one is an input like any other. */
static void replay_artifact(void *arg, u32 i)
{
	struct artifact *a = arg;
	struct run_options o = a->session->options->run;
	struct run_result r;

	(void)i;
	o.strategy = STRATEGY_REPLAY;
	run_one(&a->input.prog, &o, &r, NULL);
	if (verdict_is_find(r.verdict))
		session_add_find(a->session, &a->input.prog, &r);
	else if (a->of_this_session)
		session_add_broken(a->session, &a->input.prog);
	else
		session_add_input(a->session, &a->input.prog, NULL);
}

/* Bytes that are not all of it, since a kill cut it off, are a program, too. */
bool session_take_artifact(struct session *s, const char *path, bool of_this_session)
{
	static struct artifact *a;
	struct pool pool = { .verb = "replayed", .jobs = 1, .pieces = 1, .work = replay_artifact };
	char complaint[256];
	struct text why;

	if (access(path, F_OK))
		return false;
	if (!a)
		a = pool_memory(sizeof(*a));
	text_init(&why, complaint, sizeof(complaint));
	a->session = s;
	a->of_this_session = of_this_session;
	a->state = PIECE_WAITING;
	pool.arg = a;
	pool.state = &a->state;
	if (input_read(&a->input, path, true, &why)) {
		session_set_world(s, &a->input.prog);
		if (!pool_run(&pool))
			return true;
		if (a->state == PIECE_LOST)
			session_add_broken(s, &a->input.prog);
	}
	unlink(path);
	return true;
}
