/* SPDX-License-Identifier: GPL-2.0-only */
/* Files: read, write, readahead, write-back, truncate, holes, and mapping them. */
#include "ops_internal.h"
#include <linux/fs.h>
#include <linux/pagemap.h>

int op_file_read(const u8 *args)
{
	struct file *file = &machine->files[args[0]];
	u64 token = 0;
	int err;

	user_note(USER_FILE_READ_BEGIN, args[0], args[1], 1, 0, 0);
	err = file->f_inode->shmem ? shmem_file_read(file, args[1], &token) : filemap_read(file, args[1], &token);
	user_note(err ? USER_FILE_READ_FAILED : USER_FILE_READ_END, args[0], args[1], 1, (u32)token, 0);
	return err;
}

/* read(2) of several pages. What of them it has read is what each showed at some time during the call. */
int op_file_read_pages(const u8 *args)
{
	struct file *file = &machine->files[args[0]];
	unsigned int nr = args[2] < FILE_READ_MAX ? args[2] : FILE_READ_MAX;
	u64 tokens[FILE_READ_MAX] = { 0 };
	int done;

	if (file->f_inode->shmem)
		return -EINVAL;
	if (args[1] + nr > FILE_PAGES)
		nr = FILE_PAGES - args[1];
	for (unsigned int i = 0; i < nr; i++)
		user_note(USER_FILE_READ_BEGIN, args[0], args[1] + i, 1, 0, 0);
	done = filemap_read_pages(file, args[1], nr, tokens);
	for (unsigned int i = 0; i < nr; i++)
		user_note((int)i < done ? USER_FILE_READ_END : USER_FILE_READ_FAILED, args[0], args[1] + i, 1, (u32)tokens[i], 0);
	return done < 0 ? done : 0;
}

/* The order is what a new folio may have. */
int op_file_write(const u8 *args)
{
	struct file *file = &machine->files[args[0]];
	u32 token = engine_token();
	int err;

	user_note(USER_FILE_WRITE_BEGIN, args[0], args[1], 1, token, 0);
	file_open_write(file);
	inode_lock(file->f_inode);
	err = file->f_inode->shmem ? shmem_file_write(file, args[1], token, args[2]) :
				     generic_perform_write(file, args[1], token, args[2]);
	inode_unlock(file->f_inode);
	file_close_write(file);
	user_note(USER_FILE_WRITE_END, args[0], args[1], 1, token, err == 0);
	return err;
}

int op_file_readahead(const u8 *args)
{
	struct file *file = &machine->files[args[0]];

	if (file->f_inode->shmem)
		return -EINVAL;
	return page_cache_ra_order(file->f_mapping, args[1], args[2]);
}

int op_file_sync(const u8 *args)
{
	struct file *file = &machine->files[args[0]];

	return file->f_inode->shmem ? -EINVAL : filemap_write_and_wait(file->f_mapping);
}

int op_file_invalidate(const u8 *args)
{
	struct file *file = &machine->files[args[0]];

	if (file->f_inode->shmem)
		return -EINVAL;
	invalidate_mapping_pages(file->f_mapping, 0, FILE_PAGES - 1);
	return 0;
}

int op_truncate(const u8 *args)
{
	int err;

	user_note(USER_FILE_DISCARD_BEGIN, args[0], args[1], FILE_PAGES, 0, 0);
	file_open_write(&machine->files[args[0]]);
	err = vfs_truncate(&machine->inodes[args[0]], args[1]);
	file_close_write(&machine->files[args[0]]);
	user_note(USER_FILE_DISCARD_END, args[0], args[1], FILE_PAGES, 0, !err);
	return err;
}

int op_punch(const u8 *args)
{
	unsigned int nr = args[1] + args[2] <= FILE_PAGES ? args[2] : FILE_PAGES - args[1];
	int err;

	user_note(USER_FILE_DISCARD_BEGIN, args[0], args[1], nr, 0, 0);
	file_open_write(&machine->files[args[0]]);
	err = vfs_punch_hole(&machine->inodes[args[0]], args[1], args[1] + nr);
	file_close_write(&machine->files[args[0]]);
	user_note(USER_FILE_DISCARD_END, args[0], args[1], nr, 0, !err);
	return err;
}

int op_fallocate(const u8 *args)
{
	struct file *file = &machine->files[args[0]];
	int err;

	if (!file->f_inode->shmem)
		return -EINVAL;
	user_note(USER_FILE_PROMISE_BEGIN, args[0], args[1], args[2], 0, 0);
	err = shmem_fallocate(file, args[1], args[2], args[3]);
	user_note(USER_FILE_PROMISE_END, args[0], args[1], args[2], 0, !err);
	return err;
}

/* MAP_FIXED: file page n at virtual page vpn, n being vpn modulo the file's size, so that huge folios fit. */
static int mmap_op(const u8 *args, bool shared)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned int pgoff = args[1] % FILE_PAGES, room = FILE_PAGES - pgoff, nr = args[2];
	u32 what = (u32)args[3] << 8 | pgoff;
	int err;

	if (!mm)
		return -ESRCH;
	if (nr > room)
		nr = room;
	user_note(USER_MAP_BEGIN, args[0], args[1], nr, what, shared ? MAPPING_SHARED : MAPPING_PRIVATE);
	user_discard_begin(args[0], args[1], nr);
	if (shared)
		file_open_write(&machine->files[args[3]]);
	err = mmap_file_region(mm, vpn_to_addr(args[1]), nr_to_len(args[1], nr), &machine->files[args[3]], pgoff,
			       VM_READ | VM_WRITE | VM_MAYWRITE | (shared ? VM_SHARED : 0));
	if (shared)
		file_close_write(&machine->files[args[3]]);
	user_discard_end(args[0], args[1], nr, !err);
	user_note(USER_MAP_END, args[0], args[1], nr, what, !err);
	mm_unpin(mm);
	return err;
}

int op_mmap_file(const u8 *args)
{
	return mmap_op(args, false);
}

int op_mmap_shared(const u8 *args)
{
	return mmap_op(args, true);
}

/* A read or write fault that brings a folio of this order into the cache, if none is there. */
int op_fault_file(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	if (args[3])
		user_note(USER_COPY, args[0], args[1], 1, 0, 0);
	err = fault_in(mm, args[1], args[2], args[3]);
	if (args[3])
		user_note(USER_COPY, args[0], args[1], 1, 0, 0);
	mm_unpin(mm);
	return err;
}
