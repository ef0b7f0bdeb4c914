/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device: a process's memory moved to it and back, evicted, made exclusive; the device's own loads and stores; its removal.
 *
 * What the device reads and writes through its mirror is the process's memory: it is told to the content oracle as the process's own.
 */
#include "ops_internal.h"
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>
#include <linux/page-flags.h>

#define ACCESS_TRIES 8
#define DEVICE __attribute__((no_sanitize("thread")))

int op_to_device(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int moved;

	if (!mm)
		return -ESRCH;
	moved = dmirror_migrate_to_device(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]), args[3]);
	mm_unpin(mm);
	return moved > 0 ? 0 : -ENOENT;
}

int op_to_system(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int moved;

	if (!mm)
		return -ESRCH;
	moved = dmirror_migrate_to_system(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]));
	mm_unpin(mm);
	return moved > 0 ? 0 : -ENOENT;
}

int op_device_evict(const u8 *args)
{
	if (args[0] >= NR_DEVICE_PAGES / HPAGE_PMD_NR)
		return dmirror_evict_all();
	return dmirror_evict(args[0]);
}

int op_device_exclusive(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	user_note(USER_COPY, args[0], args[1], 1, 0, 0);
	err = dmirror_exclusive(mm, vpn_to_addr(args[1]));
	user_note(USER_COPY, args[0], args[1], 1, 0, 0);
	mm_unpin(mm);
	return err;
}

/* One access by the device's own translation; its table is locked. -ENOENT: it has none; -EHWPOISON: the memory is broken. */
static DEVICE int device_touch(struct mm_struct *mm, unsigned long entry, unsigned int vpn, bool write, u32 *token)
{
	unsigned long pfn = entry >> DPT_PFN_SHIFT;

	if (!(entry & DPT_VALID) || (write && !(entry & DPT_WRITE)))
		return -ENOENT;
	if (write)
		folio_mark_dirty(page_folio(pfn_to_page(pfn)));
	engine_point(SITE("device", "", "content"), &machine->content[pfn], write ? EVENT_WRITE : EVENT_READ);
	if (access_volatile(&machine->memmap[pfn].flags) & BIT(PG_hwpoison))
		return -EHWPOISON;
	if (write)
		access_volatile(&machine->content[pfn]) = *token;
	else
		*token = (u32)access_volatile(&machine->content[pfn]);
	user_note(USER_ACCESS, mm->slot, vpn, 1, (u32)pfn, 0);
	return 0;
}

static int device_access(struct mm_struct *mm, unsigned int vpn, bool write, u32 *token)
{
	struct mmu_notifier_subscription *mirror = dmirror_of(mm);
	int err = -ENOMEM;

	if (!mirror)
		return err;
	for (int i = 0; i < ACCESS_TRIES; i++) {
		mutex_lock(&mirror->mirror_mutex);
		err = device_touch(mm, mirror->pt[vpn], vpn, write, token);
		mutex_unlock(&mirror->mirror_mutex);
		if (err != -ENOENT)
			return err;
		err = dmirror_fault(mirror, vpn_to_addr(vpn), write);
		if (err)
			return err;
	}
	return -EAGAIN;
}

int op_device_read(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	u32 token = 0;
	int err;

	if (!mm)
		return -ESRCH;
	user_note(USER_READ_BEGIN, args[0], args[1], 1, 0, 0);
	err = device_access(mm, args[1], false, &token);
	user_note(err ? USER_READ_FAILED : USER_READ_END, args[0], args[1], 1, token, 0);
	mm_unpin(mm);
	return err;
}

int op_device_write(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	u32 token;
	int err;

	if (!mm)
		return -ESRCH;
	token = engine_token();
	user_note(USER_WRITE_BEGIN, args[0], args[1], 1, token, 0);
	err = device_access(mm, args[1], true, &token);
	user_note(USER_WRITE_END, args[0], args[1], 1, token, err == 0);
	mm_unpin(mm);
	return err;
}

int op_device_close(const u8 *args)
{
	(void)args;
	return dmirror_remove();
}

int op_device_open(const u8 *args)
{
	(void)args;
	return dmirror_probe();
}
