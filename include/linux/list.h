/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/list.h - circular doubly linked lists with CONFIG_DEBUG_LIST's checks. Every link store is a
 * point, in the kernel's order; the links are read in the step of the first store. list_empty() and the
 * walks are points too: walking another CPU's list without its lock is a bug to be found.
 */
#ifndef _LINUX_LIST_H
#define _LINUX_LIST_H

#include <linux/compiler.h>

#define LIST_POISON1 ((struct list_head *)0x100)
#define LIST_POISON2 ((struct list_head *)0x122)

struct list_on_stack {
	struct list_head *head;
};
static inline void list_on_stack_end(struct list_on_stack *s)
{
	engine_stack_object_remove(s->head);
}
/* A head on the stack, known to the engine by its name for as long as it lives. */
#define LIST_HEAD(name)                                                        \
	struct list_head name = { &name, &name };                              \
	struct list_on_stack __attribute__((unused, cleanup(list_on_stack_end))) \
	name##_on_stack = { &name };                                           \
	engine_stack_object_add(&name, sizeof(name), __func__, #name)

/* sim/kernel/list.c */
void list_init_at(const struct site *s, struct list_head *list);
void list_add_at(const struct site *s, struct list_head *entry,
		 struct list_head *prev, struct list_head *next);
void list_add_after_at(const struct site *s, struct list_head *entry,
		       struct list_head *head);
void list_add_before_at(const struct site *s, struct list_head *entry,
			struct list_head *head);
void list_del_at(const struct site *s, struct list_head *entry);
/* Leaves the entry's own links as they are: it never looks empty on its way from one list to another. */
void list_del_entry_at(const struct site *s, struct list_head *entry);
void list_del_init_at(const struct site *s, struct list_head *entry);
/* Re-initialises ->prev first and ->next last, with release: who finds it empty, carefully, finds it done. */
void list_del_init_careful_at(const struct site *s, struct list_head *entry);
void list_splice_at(const struct site *s, struct list_head *list,
		    struct list_head *head, bool tail, bool init);
struct list_head *list_next_at(const struct site *s, const struct list_head *list);
struct list_head *list_prev_at(const struct site *s, const struct list_head *list);

#define INIT_LIST_HEAD(list) list_init_at(SITE("INIT_LIST_HEAD", "", #list), list)
#define list_add(entry, head) list_add_after_at(SITE("list_add", "", #entry), entry, head)
#define list_add_tail(entry, head) list_add_before_at(SITE("list_add_tail", "", #entry), entry, head)
#define list_del(entry) list_del_at(SITE("list_del", "", #entry), entry)
#define list_del_init(entry) list_del_init_at(SITE("list_del_init", "", #entry), entry)
#define list_del_init_careful(entry) list_del_init_careful_at(SITE("list_del_init_careful", "", #entry), entry)
#define list_move(entry, head)                                                 \
	do {                                                                   \
		list_del_entry_at(SITE("list_move", "del", #entry), entry);    \
		list_add_after_at(SITE("list_move", "add", #entry), entry, head); \
	} while (0)
#define list_move_tail(entry, head)                                            \
	do {                                                                   \
		list_del_entry_at(SITE("list_move_tail", "del", #entry), entry); \
		list_add_before_at(SITE("list_move_tail", "add", #entry), entry, head); \
	} while (0)
#define list_splice(list, head) list_splice_at(SITE("list_splice", "", #list), list, head, false, false)
#define list_splice_init(list, head) list_splice_at(SITE("list_splice_init", "", #list), list, head, false, true)
#define list_splice_tail(list, head) list_splice_at(SITE("list_splice_tail", "", #list), list, head, true, false)
#define list_splice_tail_init(list, head) list_splice_at(SITE("list_splice_tail_init", "", #list), list, head, true, true)

/* An entry that was deleted and not initialised reads as linked for ever: who asks will unlink it again. */
void list_ask_at(const struct site *s);
static inline bool list_is_(const struct site *s, const struct list_head *next, const struct list_head *head)
{
	if (unlikely(next == LIST_POISON1))
		list_ask_at(s);
	return next == head;
}
/* head->next is read once, marked; what it means without the lock is for the caller to say. */
#define list_empty(head)                                                       \
	({                                                                     \
		const struct list_head *h_ = (head);                           \
		const struct site *s_ = SITE("list_empty", "", #head);         \
		engine_point(s_, &h_->next, EVENT_READ);                       \
		list_is_(s_, access_load(&h_->next, __ATOMIC_RELAXED), h_);    \
	})
#define list_empty_careful(head)                                               \
	({                                                                     \
		const struct list_head *hc_ = (head);                          \
		const struct site *s_ = SITE("list_empty_careful", "next", #head); \
		engine_point(s_, &hc_->next, EVENT_READ);                      \
		struct list_head *n_ = access_load(&hc_->next, __ATOMIC_ACQUIRE); \
		list_is_(s_, n_, hc_) &&                                       \
			list_prev_at(SITE("list_empty_careful", "prev", #head), hc_) == n_; \
	})

/* The link of an entry, or of what would be one: a loop ends at the head, which stands in no entry. */
#define list_link_(pos, member) ((struct list_head *)((char *)(pos) + offsetof(__typeof__(*(pos)), member)))
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_next_(head) list_next_at(SITE("list_next", "", #head), head)
#define list_first_entry(head, type, member) list_entry(list_next_(head), type, member)
#define list_last_entry(head, type, member)                                    \
	list_entry(list_prev_at(SITE("list_prev", "", #head), head), type, member)
#define list_first_entry_or_null(head, type, member)                           \
	({                                                                     \
		struct list_head *hd_ = (head);                                \
		struct list_head *nx_ = list_next_at(SITE("list_first", "", #head), hd_); \
		nx_ == hd_ ? NULL : list_entry(nx_, type, member);             \
	})
#define list_next_entry(pos, member)                                           \
	list_entry(list_next_at(SITE("list_next", "", #pos "->" #member), list_link_(pos, member)), \
		   __typeof__(*(pos)), member)
#define list_for_each_entry(pos, head, member)                                 \
	for (pos = list_first_entry(head, __typeof__(*pos), member);           \
	     list_link_(pos, member) != (head); pos = list_next_entry(pos, member))
#define list_prev_entry(pos, member)                                           \
	list_entry(list_prev_at(SITE("list_prev", "", #pos "->" #member), list_link_(pos, member)), \
		   __typeof__(*(pos)), member)
#define list_for_each_entry_reverse(pos, head, member)                         \
	for (pos = list_last_entry(head, __typeof__(*pos), member);            \
	     list_link_(pos, member) != (head); pos = list_prev_entry(pos, member))
#define list_for_each_entry_safe(pos, n, head, member)                         \
	for (pos = list_first_entry(head, __typeof__(*pos), member),           \
	    n = list_next_entry(pos, member);                                  \
	     list_link_(pos, member) != (head); pos = n, n = list_next_entry(n, member))

#endif
