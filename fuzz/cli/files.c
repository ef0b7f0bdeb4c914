/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * files.c - the programs that the arguments of `run` mean: files as they are, directories searched
 * in the order of names, so that execution i is the same everywhere.
 */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void append(struct file_list *list, const char *path)
{
	char **paths = realloc(list->paths, (list->count + 1) * sizeof(*paths));

	HARNESS_BUG_ON(!paths);
	list->paths = paths;
	paths[list->count] = strdup(path);
	HARNESS_BUG_ON(!paths[list->count]);
	list->count++;
}

/* Stories, golden traces and the like stand beside programs; an engine's files have no suffix. */
static bool is_program_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return !dot || !strcmp(dot, ".prog");
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

struct walk {
	struct file_list *list;
	const struct stat *except; /* a folder to pass over, or NULL */
	bool lenient; /* what cannot be looked at is left to whoever reads it */
};
static bool add(const struct walk *w, const char *path, bool named);

static bool add_directory(const struct walk *w, const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_visible, by_bytes);
	bool ok = n >= 0;

	if (!ok)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		char below[4096];
		struct text t;

		text_init(&t, below, sizeof(below));
		text_printf(&t, "%s/%s", path, entries[i]->d_name);
		ok = ok && !t.truncated && add(w, below, false);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return ok;
}

/* A pipe or a device among what is found is no program: opening it may take for ever. */
static bool add(const struct walk *w, const char *path, bool named)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (named && !strcmp(path, "-")) {
		append(w->list, path);
		return true;
	}
	if (stat(path, &st)) {
		if (!w->lenient)
			fprintf(stderr, "%s: %s\n", path, strerror(errno));
		else if (is_program_name(slash ? slash + 1 : path))
			append(w->list, path);
		return w->lenient;
	}
	if (w->except && st.st_dev == w->except->st_dev && st.st_ino == w->except->st_ino)
		return true;
	if (S_ISDIR(st.st_mode))
		return add_directory(w, path);
	if (named || (S_ISREG(st.st_mode) && is_program_name(slash ? slash + 1 : path)))
		append(w->list, path);
	return true;
}

bool files_add(struct file_list *list, const char *path)
{
	const struct walk w = { .list = list };
	size_t before = list->count;

	if (!add(&w, path, true))
		return false;
	if (list->count > before)
		return true;
	fprintf(stderr, "%s: expected programs, found none below it\n", path);
	return false;
}

bool files_below(struct file_list *list, const char *folder, const char *except)
{
	struct stat st;
	const struct walk w = { .list = list, .except = stat(except, &st) ? NULL : &st, .lenient = true };

	return add_directory(&w, folder);
}

void files_free(struct file_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct file_list){ 0 };
}
