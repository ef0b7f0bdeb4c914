/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of operations, and what is common to them: holding an address space, telling of user space. */
#include "ops_internal.h"

static int (*const op_table[OP_COUNT])(const u8 *args) = {
#define OP(id, name, a0, a1, a2, a3, help) op_##id,
#include <foliofuzz/op.def>
#undef OP
};

int ops_run(const struct prog_op *op)
{
	return op_table[op->id](op->args);
}

struct mm_struct *mm_pin(unsigned int slot)
{
	struct mm_struct *mm;

	spin_lock(&machine->mmlist_lock);
	mm = machine->mms[slot];
	if (mm)
		atomic_inc(&mm->mm_users);
	spin_unlock(&machine->mmlist_lock);
	return mm;
}

void mm_unpin(struct mm_struct *mm)
{
	mmput(mm);
}

void user_note(enum user_event event, unsigned int mm, unsigned int vpn, unsigned int nr, u32 token,
	       unsigned int value)
{
	struct user_note note = {
		.event = (u8)event, .mm = (u8)mm, .vpn = (u8)vpn, .nr = (u8)nr,
		.value = (u8)value, .token = token,
	};

	engine_note(NOTE_USER, &note, NULL);
}
