/* SPDX-License-Identifier: GPL-2.0-only */
/* ops_internal.h - one prototype for each row of op.def, and how an operation holds an address space. */
#ifndef OPS_INTERNAL_H
#define OPS_INTERNAL_H

#include <foliofuzz/ops.h>
#include <linux/err.h>
#include <linux/mm.h>

#define OP(id, name, a0, a1, a2, a3, help) int op_##id(const u8 *args);
#include <foliofuzz/op.def>
#undef OP

/* The mm in a slot with one more user, or NULL. mm_unpin() may be the last user and then frees it. */
struct mm_struct *mm_pin(unsigned int slot);
void mm_unpin(struct mm_struct *mm);

static inline unsigned long vpn_to_addr(unsigned int vpn)
{
	return (unsigned long)vpn << PAGE_SHIFT;
}
/* Clamped to the address space. */
static inline unsigned long nr_to_len(unsigned int vpn, unsigned int nr)
{
	unsigned int most = PROG_VPNS - vpn;

	return (unsigned long)(nr < most ? nr : most) << PAGE_SHIFT;
}
void user_note(enum user_event event, unsigned int mm, unsigned int vpn, unsigned int nr, u32 token,
	       unsigned int value);
/* Discards of a range, bracketed for the content oracle. */
#define user_discard_begin(mm, vpn, nr) user_note(USER_DISCARD_BEGIN, mm, vpn, nr, 0, 0)
#define user_discard_end(mm, vpn, nr, done) user_note(USER_DISCARD_END, mm, vpn, nr, 0, done)

/* gup.c: what a slot holds, which is then empty; NULL: nothing. And letting go of it, which may be a pin. */
struct page;
struct page *take_ref(unsigned int slot, unsigned int *kind);
void drop_ref(struct page *page, unsigned int kind);
/* As the end of an I/O does it, bio_check_pages_dirty(): false: the page needs to be marked dirty first, and that is a worker's to do. */
bool drop_ref_in_irq(struct page *page, unsigned int kind);
/* memcg.c: one call of the deferred split shrinker. -ENOENT: nothing to scan. */
struct mem_cgroup;
int shrink_slab(struct mem_cgroup *memcg, int nid, unsigned long nr_to_scan);

/* Fault at vpn as user space would, retrying what says so; the order is a wish. */
int fault_in(struct mm_struct *mm, unsigned int vpn, unsigned int order, bool write);

#endif
