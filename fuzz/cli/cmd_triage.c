/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_triage.c - foliofuzz triage: many crash files become one folder for each title.
 */
#include "cli.h"
#include "../report/json.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const struct command command = {
	.name = "triage",
	.args = "DIR",
	.summary = "Replays the crash files below DIR (of libFuzzer, AFL++ or foliofuzz; any bytes are one), or below\n"
		   "DIR/crashes where that is there, leaves out and names what shows no find, groups the others by\n"
		   "title (where bugs are on, also by the one that it takes) and minimises the smallest of each group.\n"
		   "Writes OUT/index.html, OUT/results.sarif, OUT/junit.xml and, for each group, OUT/finds/<title>/\n"
		   "{min.prog,report.txt,trace.html,perfetto.json}. OUT is `triage` unless -o names it. The same files\n"
		   "give the same bytes. A file that is no text runs, as in a fuzz target, on the default kernel without\n"
		   "bugs unless --kernel and --bug say otherwise.",
	.examples = "foliofuzz triage crashes\n"
		    "foliofuzz triage work --jobs 4 -o report\n"
		    "foliofuzz triage out/default/crashes --kernel v6.12 --bug partially-mapped-nonatomic\n",
	.accepts = ACCEPTS(OUT) | ACCEPTS(JOBS) | ACCEPTS(KERNEL) | ACCEPTS(BUG) | ACCEPTS(STEPS) | ACCEPTS(STRICT_HWPOISON) |
		   ACCEPTS(JSON),
	.files_min = 1,
	.files_max = 1,
};

static const char *plural(u32 n)
{
	return n == 1 ? "" : "s";
}

static const struct triage_file *file_of(const struct triage *t, const struct triage_group *g)
{
	return &t->files[t->order[g->first]];
}

static u32 count_titles(const struct triage *t)
{
	u32 n = 0;

	for (u32 i = 0; i < t->group_count; i++)
		n += !i || strcmp(file_of(t, &t->groups[i])->title, file_of(t, &t->groups[i - 1])->title);
	return n;
}

static void print_text(const struct triage *t, const char *out)
{
	u32 titles = count_titles(t);

	for (u32 i = 0; i < t->group_count; i++) {
		const struct triage_file *f = file_of(t, &t->groups[i]);

		printf("%6u  %s", t->groups[i].count, f->title);
		if (f->cause >= 0)
			printf("  [%s]", bug_table[f->cause].name);
		putchar('\n');
	}
	for (u32 i = 0; i < t->paths.count; i++)
		if (!t->files[i].title[0])
			printf("dropped  %s%s\n", t->files[i].name, t->files[i].why);
	printf("%zu file%s, %u find%s with %u title%s; see %s/index.html\n", t->paths.count, plural((u32)t->paths.count), t->find_count,
	       plural(t->find_count), titles, plural(titles), out);
}

static const char *bug_name(int cause)
{
	return cause >= 0 ? bug_table[cause].name : NULL;
}

static json_t *group_json(const struct triage *t, const struct triage_group *g)
{
	json_t *files = json_array();

	for (u32 n = 0; n < g->count; n++)
		json_array_append_new(files, json_string(t->files[t->order[g->first + n]].name));
	return json_pack("{s:s, s:s*, s:b, s:o}", "title", file_of(t, g)->title, "bug", bug_name(file_of(t, g)->cause), "minimised", !g->note,
			 "files", files);
}

static void print_json(const struct triage *t)
{
	json_t *groups = json_array(), *dropped = json_array();

	for (u32 i = 0; i < t->group_count; i++)
		json_array_append_new(groups, group_json(t, &t->groups[i]));
	for (u32 i = 0; i < t->paths.count; i++)
		if (!t->files[i].title[0])
			json_array_append_new(dropped, json_pack("{s:s, s:s}", "file", t->files[i].name, "why", t->files[i].why + strspn(t->files[i].why, ": ")));
	json_print(stdout, json_pack("{s:s, s:i, s:o, s:o}", "command", "triage", "files", (int)t->paths.count, "titles", groups, "dropped",
				     dropped));
}

/* What cannot be read is said on standard error, too: it is the one reason that is no property of the file. */
static int code_of(const struct triage *t)
{
	int code = t->find_count ? EXIT_FOUND : EXIT_CLEAN;

	for (u32 i = 0; i < t->paths.count; i++) {
		if (t->files[i].unreadable) {
			fprintf(stderr, "%s%s\n", t->paths.paths[i], t->files[i].why);
			code = exit_worst(code, EXIT_BAD_INPUT);
		}
		if (t->files[i].differs)
			code = EXIT_HARNESS;
	}
	return t->worker_lost ? EXIT_HARNESS : code;
}

static int triage(struct triage *t, const char *folder, const char *out)
{
	int code;

	interrupt_catch();
	if (!triage_run(t, folder)) {
		fprintf(stderr, "foliofuzz triage: interrupted, nothing is written\n");
		return EXIT_INCOMPLETE;
	}
	interrupt_release();
	code = triage_write(t, out);
	if (code == EXIT_BAD_INPUT)
		return code;
	if (t->options->json)
		print_json(t);
	else
		print_text(t, out);
	return exit_worst(code, code_of(t));
}

static bool is_folder(const char *path)
{
	struct stat st;

	if (stat(path, &st)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	if (!S_ISDIR(st.st_mode))
		fprintf(stderr, "%s: expected a folder, found a file\n", path);
	return S_ISDIR(st.st_mode);
}

/* The folder of a campaign has its finds in one of its own. */
static const char *folder_of_finds(const char *dir)
{
	static char below[4096];
	struct stat st;
	struct text t;

	text_init(&t, below, sizeof(below));
	text_printf(&t, "%s/crashes", dir);
	return !t.truncated && stat(below, &st) == 0 && S_ISDIR(st.st_mode) ? below : dir;
}

/* Whether OUT can be written to is known before the work and not after it. */
int cmd_triage(int argc, char **argv)
{
	struct options o;
	struct triage t = { .options = &o };
	int code = options_parse(&o, &command, argc, argv);
	const char *out, *folder;

	if (code >= 0)
		return code;
	out = o.out ? o.out : "triage";
	if (!is_folder(o.files[0]) || !folder_make(out) || !folder_try(out))
		return EXIT_BAD_INPUT;
	folder_sweep(out);
	code = EXIT_BAD_INPUT;
	folder = folder_of_finds(o.files[0]);
	if (files_below(&t.paths, folder, out))
		code = triage(&t, folder, out);
	triage_free(&t);
	return code;
}
