/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/types.h - the kernel's basic types. */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

#include <foliofuzz/base.h>

typedef unsigned long pgoff_t;
typedef unsigned int gfp_t;
typedef long ssize_t_k;

typedef struct {
	int counter;
} atomic_t;
typedef struct {
	long counter;
} atomic_long_t;

struct list_head {
	struct list_head *next, *prev;
};

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

#ifndef container_of
#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr) - offsetof(type, member)))
#endif

#endif
