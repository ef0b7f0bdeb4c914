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

static bool add(struct file_list *list, const char *path, bool named, const struct stat *except);

static bool add_directory(struct file_list *list, const char *path, const struct stat *except)
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
		ok = ok && !t.truncated && add(list, below, false, except);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return ok;
}

/* A pipe or a device among what is found is no program: opening it may take for ever. */
static bool add(struct file_list *list, const char *path, bool named, const struct stat *except)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (named && !strcmp(path, "-")) {
		append(list, path);
		return true;
	}
	if (stat(path, &st)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	if (except && st.st_dev == except->st_dev && st.st_ino == except->st_ino)
		return true;
	if (S_ISDIR(st.st_mode))
		return add_directory(list, path, except);
	if (named || (S_ISREG(st.st_mode) && is_program_name(slash ? slash + 1 : path)))
		append(list, path);
	return true;
}

bool files_add(struct file_list *list, const char *path)
{
	size_t before = list->count;

	if (!add(list, path, true, NULL))
		return false;
	if (list->count > before)
		return true;
	fprintf(stderr, "%s: expected programs, found none below it\n", path);
	return false;
}

bool files_below(struct file_list *list, const char *folder, const char *except)
{
	struct stat st;

	return add_directory(list, folder, stat(except, &st) ? NULL : &st);
}

void files_free(struct file_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct file_list){ 0 };
}
