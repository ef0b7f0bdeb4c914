/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_find.c - what a campaign keeps: finds by title, and inputs. A file is named by what it holds, so that the same one is written
 * once, whoever comes upon it and after however many kills.
 */
#include "session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(struct session *s)
{
	__atomic_store_n(&s->shared->failed, true, __ATOMIC_RELAXED);
	__atomic_store_n(&s->shared->stop, true, __ATOMIC_RELAXED);
}

static void note_new(struct session *s)
{
	__atomic_store_n(&s->shared->last_new, clock_now(), __ATOMIC_RELAXED);
}

/* How many of that title there are, this one included; 0: there is no room for its title. */
static u32 count_title(struct session *s, const char *title)
{
	struct session_shared *x = s->shared;
	u64 hash = hash_string(title) | 1;

	for (u32 i = 0; i < SESSION_TITLES_MAX; i++) {
		u32 at = (u32)(hash + i) % SESSION_TITLES_MAX;
		u64 was = 0;

		if (__atomic_compare_exchange_n(&x->title[at].title, &was, hash, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			__atomic_fetch_add(&x->titles, 1, __ATOMIC_RELAXED);
			note_new(s);
			was = hash;
		}
		if (was == hash)
			return __atomic_add_fetch(&x->title[at].count, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

/* The first line of a find's comment is its title. */
static void load_find(struct session *s, const char *path)
{
	static struct input in;
	char complaint[256];
	struct text why;

	text_init(&why, complaint, sizeof(complaint));
	if (!input_read(&in, path, false, &why)) {
		fprintf(stderr, "%s%s\n", path, complaint);
		return;
	}
	in.prog.comment[strcspn(in.prog.comment, "\n")] = '\0';
	count_title(s, in.prog.comment);
	s->shared->finds++;
}

void session_load_finds(struct session *s)
{
	struct file_list list = { 0 };
	char path[SESSION_PATH_MAX];

	if (session_path(path, s->dir, "crashes", "") && files_below(&list, path, ""))
		for (size_t i = 0; i < list.count; i++)
			load_find(s, list.paths[i]);
	files_free(&list);
}

static void describe(struct prog *p, const struct run_result *r)
{
	struct text t;

	text_init(&t, p->comment, sizeof(p->comment));
	text_printf(&t, "%s\nFound by foliofuzz campaign", r->title);
	text_init(&t, p->expect, sizeof(p->expect));
	report_expect(&t, r);
	if (t.truncated)
		p->expect[0] = '\0';
}

void session_add_find(struct session *s, const struct prog *p, const struct run_result *r)
{
	static struct prog copy;
	char path[SESSION_PATH_MAX], name[128];
	struct text t;
	u32 n;

	__atomic_fetch_add(&s->shared->finds_seen, 1, __ATOMIC_RELAXED);
	text_init(&t, name, sizeof(name));
	text_printf(&t, "%s-%016" PRIx64 ".prog", verdict_name(r->verdict), r->hash);
	if (!session_path(path, s->dir, "crashes", name))
		return fail(s);
	if (access(path, F_OK) == 0)
		return;
	n = count_title(s, r->title);
	if (!n || n > SESSION_FINDS_OF_A_TITLE)
		return;
	copy = *p;
	describe(&copy, r);
	if (!prog_write_text(path, &copy))
		return fail(s);
	__atomic_fetch_add(&s->shared->finds, 1, __ATOMIC_RELAXED);
}

/* The name of a program's binary form. */
static void name_of(char *name, const u8 *data, size_t size)
{
	struct text t;

	text_init(&t, name, 17);
	text_printf(&t, "%016" PRIx64, hash_bytes(data, size));
}

void session_add_broken(struct session *s, const struct prog *p)
{
	static u8 data[PROG_BINARY_MAX];
	char path[SESSION_PATH_MAX], name[32];
	size_t size = prog_encode(p, data, sizeof(data));

	s->shared->broken = true;
	name_of(name, data, size);
	strcat(name, ".prog");
	if (!session_path(path, s->dir, "broken", name))
		return fail(s);
	fprintf(stderr, "foliofuzz campaign: a process died at an input, kept as %s\n", path);
	if (!prog_write_text(path, p))
		fail(s);
}

bool session_add_input(struct session *s, const struct prog *p, struct file_batch *batch)
{
	static u8 data[PROG_BINARY_MAX];
	char path[SESSION_PATH_MAX], name[17];
	size_t size = prog_encode(p, data, sizeof(data));

	name_of(name, data, size);
	if (!size || !session_path(path, s->dir, "corpus", name))
		return false;
	if (access(path, F_OK) == 0)
		return false;
	if (batch ? !file_batch_add(batch, path, data, size) : !write_file(path, data, size)) {
		fail(s);
		return false;
	}
	note_new(s);
	return true;
}
