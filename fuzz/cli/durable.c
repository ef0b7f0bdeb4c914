/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * durable.c - files that are there whole or not at all, whenever the machine or a process stops: written beside the place where they
 * belong, synced, renamed.
 */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool write_beside(const char *temporary, const char *path, const void *data, size_t size)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), error;
	bool ok = fd >= 0 && write_all(fd, data, size) && fsync(fd) == 0;

	if (fd >= 0 && close(fd))
		ok = false;
	ok = ok && rename(temporary, path) == 0 && sync_folder(path);
	error = errno;
	if (!ok && fd >= 0)
		unlink(temporary);
	errno = error;
	return ok || complain(path);
}

bool write_file(const char *path, const void *data, size_t size)
{
	size_t length = folder_length(path);
	char temporary[4096];
	struct stat st;
	struct text t;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return complain(path);
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_into(path, data, size);
	text_init(&t, temporary, sizeof(temporary));
	text_printf(&t, "%.*s.%s.%ld" TEMPORARY_SUFFIX, (int)length, path, path + length, (long)getpid());
	if (t.truncated || !path[length]) {
		errno = t.truncated ? ENAMETOOLONG : EISDIR;
		return complain(path);
	}
	return write_beside(temporary, path, data, size);
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
