/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * triage_write.c - what triage leaves: for each title a folder with the minimal program and how it is read, and above them an index for
 * people, SARIF and JUnit.
 */
#include "cli.h"
#include "../report/finds.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLUG_MAX = 100 };

static const char *const group_files[] = { "min.prog", "report.txt", "trace.html", "perfetto.json" };

/* A file in memory, to be written at once. */
struct page {
	char *data;
	size_t size;
	FILE *out;
};

static FILE *page_open(struct page *p)
{
	p->out = open_memstream(&p->data, &p->size);
	HARNESS_BUG_ON(!p->out);
	return p->out;
}

static bool page_write(struct page *p, const char *folder, const char *name)
{
	char path[4096];
	struct text t;
	bool ok;

	HARNESS_BUG_ON(fclose(p->out));
	text_init(&t, path, sizeof(path));
	text_printf(&t, "%s/%s", folder, name);
	ok = !t.truncated && write_file(path, p->data, p->size);
	free(p->data);
	return ok;
}

/* The title as the name of a folder: letters, digits and '_', what is between them as one '-'. */
static void put_slug(struct text *t, const char *title)
{
	bool gap = false;

	for (; *title && t->len < SLUG_MAX; title++) {
		bool letter = (*title >= 'a' && *title <= 'z') || (*title >= 'A' && *title <= 'Z') || (*title >= '0' && *title <= '9') ||
			      *title == '_';

		if (letter && gap && t->len)
			text_printf(t, "-");
		if (letter)
			text_printf(t, "%c", *title);
		gap = !letter;
	}
	if (*title)
		text_printf(t, "-");
}

static bool is_taken(const char *slug, const struct find_group *before, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (!strcmp(before[i].slug, slug))
			return true;
	return false;
}

/* A title may be that of two bugs, then the bug tells them apart; two may make one name, and a long one is cut: then the hash does. */
static char *slug_of(const char *title, int cause, const struct find_group *before, u32 count)
{
	char buf[SLUG_MAX + 128];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	put_slug(&t, title);
	if (is_taken(buf, before, count))
		text_printf(&t, "--%s", cause >= 0 ? bug_table[cause].name : cause == CAUSE_NEW ? "new" : "unclear");
	if (is_taken(buf, before, count))
		text_printf(&t, "-");
	if (buf[t.len - 1] == '-')
		text_printf(&t, "%08x", (u32)hash_string(title));
	return strdup(buf);
}

/* The minimal program as its file will say it, and what that file shows: nothing else proves it. */
static bool settle(const struct triage *t, const struct triage_group *work, struct prog *prog, struct run_result *r)
{
	static struct prog read_back;
	static char text[PROG_TEXT_MAX + 1];
	const struct triage_file *f = &t->files[t->order[work->first]];
	struct run_options o = t->options->run;
	struct prog_error err;
	struct text words;
	size_t size;

	*prog = work->prog;
	text_init(&words, prog->comment, sizeof(prog->comment));
	text_printf(&words, "%s\n%s by foliofuzz triage, from one of %u", f->title, work->note ? "Kept" : "Minimised", work->count);
	o.strategy = STRATEGY_REPLAY;
	o.record = true;
	run_one(prog, &o, r, NULL);
	text_init(&words, prog->expect, sizeof(prog->expect));
	report_expect(&words, r);
	if (words.truncated)
		prog->expect[0] = '\0';
	size = prog_print(prog, text, sizeof(text));
	if (size >= sizeof(text) || !prog_parse(&read_back, text, size, &err))
		return false;
	*prog = read_back;
	run_one(prog, &o, r, NULL);
	return !strcmp(r->title, f->title);
}

static void name_files(const struct triage *t, const struct triage_group *work, struct find_group *g)
{
	const char **names = calloc(work->count, sizeof(*names));
	u32 *order = &t->order[work->first];

	HARNESS_BUG_ON(!names);
	for (u32 n = 0; n < work->count; n++)
		names[n] = t->files[order[n]].name;
	g->files = names;
	g->file_count = work->count;
}

static void name_cause(const struct triage_file *f, struct find_group *g)
{
	char buf[256];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	triage_tell_cause(&t, f->cause);
	g->known = strdup(buf);
	g->bug = f->cause >= 0 ? bug_table[f->cause].name : NULL;
}

static void print_report(FILE *out, const struct report_replay *replay, const struct find_group *g, const struct story *story)
{
	report_header(out, replay, &g->result);
	if (g->known[0])
		fprintf(out, "%s\n", g->known);
	story_print(out, story);
	fprintf(out, "\n%u file%s with this title, smaller ones first:\n", g->file_count, g->file_count == 1 ? "" : "s");
	for (u32 n = 0; n < g->file_count; n++)
		fprintf(out, "  %s\n", g->files[n]);
}

/* Of the run that has just been recorded. */
static bool write_group(const struct triage *t, const char *folder, const struct prog *prog, struct find_group *g)
{
	struct run_options o = t->options->run;
	struct report_replay replay = { .file = "min.prog", .options = &o };
	struct story story = story_of_run(prog, &g->result);
	char path[4096];
	struct page page;
	struct text text;
	bool ok;

	print_report(page_open(&page), &replay, g, &story);
	fflush(page.out);
	g->report = strdup(page.data);
	HARNESS_BUG_ON(!g->report);
	ok = page_write(&page, folder, "report.txt");
	trace_html_print(page_open(&page), &story, result_json(&replay, &g->result));
	ok = page_write(&page, folder, "trace.html") && ok;
	json_print(page_open(&page), trace_perfetto(&story, result_json(&replay, &g->result)));
	ok = page_write(&page, folder, "perfetto.json") && ok;
	text_init(&text, path, sizeof(path));
	text_printf(&text, "%s/min.prog", folder);
	return ok && !text.truncated && prog_write_text(path, prog);
}

static int make_group(const struct triage *t, const char *out, const struct triage_group *work, struct find_group *g)
{
	static struct prog prog;
	char folder[4096];
	struct text text;
	bool shown = settle(t, work, &prog, &g->result);

	g->operations = operations_of(&prog);
	g->deviations = prog.sched.deviation_count;
	g->note = work->note;
	name_files(t, work, g);
	name_cause(&t->files[t->order[work->first]], g);
	text_init(&text, folder, sizeof(folder));
	text_printf(&text, "%s/finds/%s", out, g->slug);
	if (text.truncated || !folder_make(folder))
		return EXIT_BAD_INPUT;
	folder_sweep(folder);
	if (!write_group(t, folder, &prog, g))
		return EXIT_BAD_INPUT;
	if (!shown)
		fprintf(stderr, "%s/min.prog: does not show the find again\n", folder);
	return shown ? EXIT_CLEAN : EXIT_HARNESS;
}

/* Folders of titles that an earlier run found: their four files, and no others, are ours to remove. */
static void remove_stale(const char *out, const struct find_index *x)
{
	char path[4096];
	struct text t;
	struct dirent *entry;
	DIR *dir;

	text_init(&t, path, sizeof(path));
	text_printf(&t, "%s/finds", out);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		bool now = entry->d_name[0] == '.';

		for (u32 i = 0; i < x->group_count; i++)
			now |= !strcmp(x->groups[i].slug, entry->d_name);
		for (size_t i = 0; !now && i < ARRAY_SIZE(group_files); i++) {
			text_init(&t, path, sizeof(path));
			text_printf(&t, "%s/%s", entry->d_name, group_files[i]);
			unlinkat(dirfd(dir), path, 0);
		}
		if (!now)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

static void collect_dropped(const struct triage *t, struct find_index *x)
{
	struct find_dropped *dropped = calloc(t->paths.count + 1, sizeof(*dropped));

	HARNESS_BUG_ON(!dropped);
	for (u32 i = 0; i < t->paths.count; i++)
		if (!t->files[i].title[0])
			dropped[x->dropped_count++] = (struct find_dropped){ t->files[i].name, t->files[i].why + strspn(t->files[i].why, ": ") };
	x->dropped = dropped;
}

static bool write_index(const char *out, const struct find_index *x)
{
	struct page page;
	bool ok;

	finds_html_print(page_open(&page), x);
	ok = page_write(&page, out, "index.html");
	json_print(page_open(&page), finds_sarif(x));
	ok = page_write(&page, out, "results.sarif") && ok;
	finds_junit_print(page_open(&page), x);
	return page_write(&page, out, "junit.xml") && ok;
}

static void free_index(struct find_index *x, struct find_group *groups)
{
	for (u32 i = 0; i < x->group_count; i++) {
		free((void *)groups[i].slug);
		free((void *)groups[i].files);
		free((void *)groups[i].known);
		free(groups[i].report);
	}
	free(groups);
	free((void *)x->dropped);
}

int triage_write(const struct triage *t, const char *out)
{
	struct find_group *groups = calloc(t->group_count + 1, sizeof(*groups));
	struct find_index x = { .groups = groups, .file_count = (u32)t->paths.count };
	int code = EXIT_CLEAN;

	HARNESS_BUG_ON(!groups);
	for (u32 i = 0; i < t->group_count && code != EXIT_BAD_INPUT; i++) {
		const struct triage_file *f = &t->files[t->order[t->groups[i].first]];

		groups[i].slug = slug_of(f->title, f->cause, groups, i);
		x.group_count = i + 1;
		code = exit_worst(code, make_group(t, out, &t->groups[i], &groups[i]));
	}
	collect_dropped(t, &x);
	if (code != EXIT_BAD_INPUT) {
		remove_stale(out, &x);
		if (!write_index(out, &x))
			code = EXIT_BAD_INPUT;
	}
	free_index(&x, groups);
	return code;
}
