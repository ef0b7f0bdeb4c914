/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * durable.c - files that are there whole or not at all, whenever the machine or a process stops: written beside the place where they
 * belong, synced, renamed.
 */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* <unistd.h> has it with _GNU_SOURCE, which makes other headers want the kernel's <linux/types.h> and find the replica's. */
int syncfs(int fd);

#define TEMPORARY_SUFFIX ".tmp"

static bool complain(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return false;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* A device or a pipe takes the bytes as they come. */
static bool write_into(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write_all(fd, data, size);

	if (!ok)
		complain(path);
	if (fd >= 0 && close(fd) && ok)
		ok = complain(path);
	return ok;
}

/* The folder of a path: as it is named, with a slash at its end; "" for the current one. */
static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash + 1 - path) : 0;
}

/* What was renamed into a folder is there after a crash of the machine once the folder is synced. */
static bool sync_folder(const char *path)
{
	size_t length = folder_length(path);
	char folder[4096];
	struct text t;
	bool ok;
	int fd;

	text_init(&t, folder, sizeof(folder));
	text_printf(&t, "%.*s", (int)length, path);
	fd = open(length ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems cannot sync a folder, and say so with EINVAL. */
	ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Beside its place. False after a complaint. */
static bool write_temporary(const char *temporary, const void *data, size_t size, bool sync)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), error;
	bool ok = fd >= 0 && write_all(fd, data, size) && (!sync || fsync(fd) == 0);

	if (fd >= 0 && close(fd))
		ok = false;
	error = errno;
	if (!ok && fd >= 0)
		unlink(temporary);
	errno = error;
	return ok;
}

static bool put_in_place(const char *temporary, const char *path)
{
	int error;

	if (rename(temporary, path) == 0)
		return true;
	error = errno;
	unlink(temporary);
	errno = error;
	return false;
}

/* ".NAME.PID.tmp" in the same folder; false when that cannot be. */
static bool name_temporary(char *temporary, size_t room, const char *path)
{
	size_t length = folder_length(path);
	struct text t;

	text_init(&t, temporary, room);
	text_printf(&t, "%.*s.%s.%ld" TEMPORARY_SUFFIX, (int)length, path, path + length, (long)getpid());
	errno = t.truncated ? ENAMETOOLONG : EISDIR;
	return !t.truncated && path[length];
}

bool write_file(const char *path, const void *data, size_t size)
{
	char temporary[4096];
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return complain(path);
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_into(path, data, size);
	return (name_temporary(temporary, sizeof(temporary), path) && write_temporary(temporary, data, size, true) &&
		put_in_place(temporary, path) && sync_folder(path)) ||
	       complain(path);
}

bool file_batch_add(struct file_batch *b, const char *path, const void *data, size_t size)
{
	char temporary[4096];

	if (b->count == FILE_BATCH_MAX && !file_batch_write(b))
		return false;
	if (!name_temporary(temporary, sizeof(temporary), path) || !write_temporary(temporary, data, size, false))
		return complain(path);
	b->files[b->count].temporary = strdup(temporary);
	b->files[b->count].path = strdup(path);
	HARNESS_BUG_ON(!b->files[b->count].temporary || !b->files[b->count].path);
	b->count++;
	return true;
}

/* All that its file system holds back, ours included. */
static bool sync_all_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && syncfs(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok || complain(path);
}

bool file_batch_write(struct file_batch *b)
{
	bool ok = !b->count || sync_all_of(b->files[0].temporary);

	for (u32 i = 0; i < b->count; i++) {
		if (ok && !put_in_place(b->files[i].temporary, b->files[i].path))
			ok = complain(b->files[i].path);
		if (ok && i + 1 == b->count)
			ok = sync_folder(b->files[i].path) || complain(b->files[i].path);
		free(b->files[i].temporary);
		free(b->files[i].path);
	}
	b->count = 0;
	return ok;
}

bool folder_make(const char *path)
{
	char prefix[4096];
	struct stat st;

	for (size_t i = 1; i <= strlen(path) && i < sizeof(prefix); i++) {
		if (path[i] && path[i] != '/')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = '\0';
		if (mkdir(prefix, 0777) && errno != EEXIST)
			return complain(prefix);
	}
	if (stat(path, &st))
		return complain(path);
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) || complain(path);
}

bool folder_try(const char *path)
{
	char probe[4096];
	struct text t;
	int fd;

	text_init(&t, probe, sizeof(probe));
	text_printf(&t, "%s/.probe.%ld" TEMPORARY_SUFFIX, path, (long)getpid());
	fd = open(probe, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return complain(path);
	close(fd);
	unlink(probe);
	return true;
}

static bool is_temporary(const char *name)
{
	size_t length = strlen(name), suffix = strlen(TEMPORARY_SUFFIX);

	return name[0] == '.' && length > suffix && !strcmp(name + length - suffix, TEMPORARY_SUFFIX);
}

void folder_sweep(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_temporary(entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}
