/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User space touching memory, and the kernel holding it: read, write, get.
 *
 * A load or store goes by what its CPU's TLB says, stale or not, or else by a walk that fills the TLB; translation and access are one
 * step, as an instruction is.
 */
#include "ops_internal.h"
#include <linux/page-flags.h>
#include <linux/pgtable.h>
#include <linux/tlbflush.h>

#define ACCESS_RETRIES 8

/* Hardware is no party to a C data race. */
#define HARDWARE __attribute__((no_sanitize("thread")))

/* The page walker of the hardware: no lock, no point of its own. Returns false for a page fault. */
static HARDWARE bool hw_translate(struct mm_struct *mm, unsigned long addr, bool write, unsigned long *pfn,
			 unsigned long **entry, unsigned long *seen)
{
	unsigned long *pmd = &pmd_offset(mm, addr)->pmd;
	unsigned long v = access_volatile(pmd);

	*entry = pmd;
	*seen = v;
	if (!(v & _PAGE_PRESENT))
		return false;
	if (v & _PAGE_PSE) {
		*pfn = (v >> PFN_SHIFT) + pte_index(addr);
		return !write || (v & _PAGE_RW);
	}
	*entry = &pmd_ptdesc(__pmd(v))->ptes[pte_index(addr)].pte;
	v = *seen = access_volatile(*entry);
	*pfn = v >> PFN_SHIFT;
	return (v & _PAGE_PRESENT) && (!write || (v & _PAGE_RW));
}

/* A machine check: the page is poisoned, and this is what finds out. */
static HARDWARE bool poisoned(unsigned long pfn)
{
	return access_volatile(&machine->memmap[pfn].flags) & BIT(PG_hwpoison);
}

/*
 * Where the access goes: by this CPU's TLB, or by a walk that fills it. A write's walk sets the entry's dirty bit, any walk the
 * accessed bit. Returns false for a page fault.
 */
static HARDWARE bool translate(struct mm_struct *mm, unsigned long addr, bool write, unsigned long *pfn)
{
	struct tlb_entry *e = tlb_lookup(mm, addr, write);
	unsigned long *entry, seen;

	if (e) {
		*pfn = e->pfn;
		return true;
	}
	do
		if (!hw_translate(mm, addr, write, pfn, &entry, &seen))
			return false;
	while (!access_hardware_mark(entry, seen, _PAGE_ACCESSED | (write ? _PAGE_DIRTY : 0)));
	tlb_insert(mm, addr, *pfn, write);
	return true;
}

/* The access is one step; what it goes by is looked up again in that step, for it may have been flushed. */
static HARDWARE bool still_there(struct mm_struct *mm, unsigned long addr, bool write, unsigned long pfn)
{
	unsigned long again;

	return translate(mm, addr, write, &again) && again == pfn;
}

/* Before the access's point: which page it will be about. A step of this CPU, so that no flush comes in between. */
static bool translate_first(struct mm_struct *mm, unsigned long addr, bool write, unsigned long *pfn)
{
	bool there;

	access_step_begin(smp_processor_id());
	there = translate(mm, addr, write, pfn);
	access_step_end(smp_processor_id());
	return there;
}

static HARDWARE int store_step(struct mm_struct *mm, unsigned long addr, unsigned long pfn, u32 token)
{
	if (!still_there(mm, addr, true, pfn))
		return -EAGAIN;
	if (poisoned(pfn))
		return -EHWPOISON;
	access_volatile(&machine->content[pfn]) = token;
	user_note(USER_ACCESS, mm->slot, addr >> PAGE_SHIFT, 1, (u32)pfn, 0);
	return 0;
}

/* 0: stored; -EFAULT: page fault first; -EHWPOISON: the process is killed for it. One step. */
static HARDWARE int user_store(struct mm_struct *mm, unsigned long addr, u32 token)
{
	unsigned long pfn = 0;
	int err;

	if (!translate_first(mm, addr, true, &pfn))
		return -EFAULT;
	engine_point(SITE("store", "", "content"), &machine->content[pfn], EVENT_WRITE);
	access_step_begin(smp_processor_id());
	err = store_step(mm, addr, pfn, token);
	access_step_end(smp_processor_id());
	return err;
}

static HARDWARE int load_step(struct mm_struct *mm, unsigned long addr, unsigned long pfn, u32 *token)
{
	if (!still_there(mm, addr, false, pfn))
		return -EAGAIN;
	if (poisoned(pfn))
		return -EHWPOISON;
	*token = (u32)access_volatile(&machine->content[pfn]);
	user_note(USER_ACCESS, mm->slot, addr >> PAGE_SHIFT, 1, (u32)pfn, 0);
	return 0;
}

static HARDWARE int user_load(struct mm_struct *mm, unsigned long addr, u32 *token)
{
	unsigned long pfn = 0;
	int err;

	if (!translate_first(mm, addr, false, &pfn))
		return -EFAULT;
	engine_point(SITE("load", "", "content"), &machine->content[pfn], EVENT_READ);
	access_step_begin(smp_processor_id());
	err = load_step(mm, addr, pfn, token);
	access_step_end(smp_processor_id());
	return err;
}

/* Unlike any other token of the execution, and never 0. */
static u32 fresh_token(void)
{
	return engine_token();
}

int op_write(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	u32 token;
	int err;

	if (!mm)
		return -ESRCH;
	token = fresh_token();
	user_note(USER_WRITE_BEGIN, args[0], args[1], 1, token, 0);
	for (int i = 0; i < ACCESS_RETRIES; i++) {
		err = user_store(mm, vpn_to_addr(args[1]), token);
		if (err == -EFAULT)
			err = fault_in(mm, args[1], 0, true) ?: -EAGAIN;
		if (err != -EAGAIN)
			break;
	}
	user_note(USER_WRITE_END, args[0], args[1], 1, token, err == 0);
	mm_unpin(mm);
	return err;
}

int op_read(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	u32 token = 0;
	int err = 0;

	if (!mm)
		return -ESRCH;
	user_note(USER_READ_BEGIN, args[0], args[1], 1, 0, 0);
	for (int i = 0; i < ACCESS_RETRIES; i++) {
		err = user_load(mm, vpn_to_addr(args[1]), &token);
		if (err == -EFAULT)
			err = fault_in(mm, args[1], 0, false) ?: -EAGAIN;
		if (err != -EAGAIN)
			break;
	}
	user_note(err ? USER_READ_FAILED : USER_READ_END, args[0], args[1], 1, token, 0);
	mm_unpin(mm);
	return err;
}

int op_get(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[1]);
	struct vm_area_struct *vma;
	struct page *page;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, vpn_to_addr(args[2]));
	page = vma ? follow_page_get(vma, vpn_to_addr(args[2])) : NULL;
	mmap_read_unlock(mm);
	mm_unpin(mm);
	if (!page)
		return -EFAULT;
	spin_lock(&machine->mmlist_lock);
	if (!machine->refs[args[0]]) {
		machine->refs[args[0]] = page;
		machine->refs_pinned[args[0]] = 0;
		page = NULL;
	}
	spin_unlock(&machine->mmlist_lock);
	if (!page)
		return 0;
	put_page(page);
	return -EBUSY;
}
