/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/bug.h - assertions of the kernel: one that fires is a find of verdict kernel-bug. */
#ifndef _LINUX_BUG_H
#define _LINUX_BUG_H

#include <foliofuzz/bug.h> /* its table macro BUG() is gone again when BUG() is defined here */
#include <linux/compiler.h>

_Noreturn void kernel_bug_at(const struct site *s, const char *kind, const char *cond);

/*
 * The condition is an argument, and what decides on it an inline function: the side on which a right replica never is then is no
 * branch of whoever asserts (scripts/coverage).
 */
static __always_inline void bug_if_(bool cond, const struct site *s, const char *kind, const char *str)
{
	if (unlikely(cond))
		kernel_bug_at(s, kind, str);
}
/* `str` is the condition as it is written: made a string at the first macro, before it is expanded. */
#define bug_on_(cond, str) bug_if_(!!(cond), SITE("BUG_ON", "", str), "BUG_ON", str)
/* A warning is as much a find as a bug is; the value is there for the kernel's idiom. */
#define warn_on_(cond, str) ({ bug_if_(!!(cond), SITE("WARN_ON", "", str), "WARN_ON", str); false; })
#define BUG() kernel_bug_at(SITE("BUG", "", ""), "BUG", "")
#define BUG_ON(cond) bug_on_(cond, #cond)
#define WARN_ON(cond) warn_on_(cond, #cond)
#define WARN_ON_ONCE(cond) warn_on_(cond, #cond)
#define VM_BUG_ON(cond) bug_on_(cond, #cond)
#define VM_WARN_ON(cond) ((void)warn_on_(cond, #cond))
#define VM_WARN_ON_ONCE(cond) warn_on_(cond, #cond)
#define VM_BUG_ON_FOLIO(cond, folio) bug_on_(cond, #cond)
#define VM_BUG_ON_PAGE(cond, page) bug_on_(cond, #cond)
#define VM_BUG_ON_VMA(cond, vma) bug_on_(cond, #cond)
#define VM_WARN_ON_FOLIO(cond, folio) ((void)warn_on_(cond, #cond))
#define VM_WARN_ON_ONCE_FOLIO(cond, folio) warn_on_(cond, #cond)
#define VM_WARN_ON_ONCE_PAGE(cond, page) warn_on_(cond, #cond)

/* bad_page(): a page is freed or allocated in a state in which it may not be. */
_Noreturn void bad_page_at(const struct site *s, const char *reason);
#define bad_page(reason) bad_page_at(SITE("bad_page", "", ""), reason)

#endif
