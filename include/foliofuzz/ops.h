/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ops.h - operations: what a system call or kernel thread does, one function for each row of op.def.
 */
#ifndef FOLIOFUZZ_OPS_H
#define FOLIOFUZZ_OPS_H

#include <foliofuzz/prog.h>
#include <linux/mmzone.h>

/*
 * Runs one operation on the calling CPU; any arguments on any state. 0: it did what it is for; else a negative
 * errno (nothing to do there, no memory, busy), which is no error of the kernel.
 */
int ops_run(const struct prog_op *op);
/* Before an execution: what primitives of litmus programs work on is zero again. */
void ops_boot(void);
/* Adds it to *s. */
void ops_save(struct snapshot *s);
/* Hash of it. */
u64 ops_state(void);
/* Name of such a thing for people ("x1", "l0"), into t; false: it is none. */
bool ops_object_name(struct text *t, const volatile void *object);
/* Drops what programs may leave: references, address spaces, batches. Afterwards every page is free. */
void ops_teardown(void);

/*
 * What user space does and sees, for the content oracle: NOTE_USER with a pointer to one of these. Begin and end
 * bracket an operation, so that what overlaps is known.
 */
enum user_event {
	USER_WRITE_BEGIN, /* token is about to be stored at vpn */
	USER_WRITE_END,   /* value: 1 if it was */
	USER_READ_BEGIN,
	USER_READ_END,    /* token was read */
	USER_READ_FAILED, /* nothing mapped there, or SIGBUS */
	USER_DISCARD_BEGIN, /* [vpn, vpn + nr) may lose its content from here on */
	USER_DISCARD_END,   /* value: 1 if it is gone now; 2: it may go until the next store */
	USER_POISON,      /* the page mapped at vpn may be lost: later access may be SIGBUS */
	USER_ACCESS,    /* token: the page frame that hardware has just loaded from or stored to */
	USER_FRESH,       /* the address space mm is new */
	USER_MOVE_BEGIN,  /* [vpn, vpn + nr) is about to go to `token` on, with its content */
	USER_MOVE_END,    /* value: enum user_move */
	/* Files: mm is the file and vpn its page. */
	USER_FILE_READ_BEGIN, USER_FILE_READ_END, USER_FILE_READ_FAILED, /* behind the end, or an error */
	USER_FILE_WRITE_BEGIN, USER_FILE_WRITE_END, /* value: 1 if it was written */
	USER_FILE_DISCARD_BEGIN, USER_FILE_DISCARD_END, /* truncated, or a hole */
	/*
	 * [vpn, vpn + nr) of mm is about to show something else: value is what (enum user_mapping), token file << 8 | page of the file.
	 * USER_MAP_END: value 1 if it does.
	 */
	USER_MAP_BEGIN, USER_MAP_END,
	USER_COPY, /* a private page at vpn may become a copy without a store: a write fault, a pin, a device. Before and after it */
	/* Pins. nr is the slot of the reference. */
	USER_PIN_BEGIN,   /* this CPU is about to hold what is mapped at vpn of mm */
	USER_PIN_END,     /* what it has is in slot nr; value: 1 if pinned */
	USER_PIN_TAKEN,   /* this CPU has what slot nr held */
	USER_DMA_WRITE_BEGIN, /* token is about to be stored through the pin that this CPU has */
	USER_DMA_WRITE_END,   /* value: 1 if it was */
	USER_DMA_READ_BEGIN,
	USER_DMA_READ_END,    /* token was read; value: 1 if anything was */
	USER_FORK_BEGIN,  /* this CPU begins to copy mm */
	USER_FORK_END,    /* value: 1 if mm is the copy, from here on, of the mm `token` */
	USER_MOVE_PAGE_BEGIN, /* pages from vpn on are about to move to `token` and leave nothing; the ranges do not overlap */
	USER_MOVE_PAGE_END,   /* value: so many of them have */
	/* [vpn, vpn + nr) of the file mm is about to be promised; value: 1 if it is. */
	USER_FILE_PROMISE_BEGIN, USER_FILE_PROMISE_END,
	/* This CPU is about to pin vpn of mm for long; value: 1 if that failed for want of memory or because the page is busy. */
	USER_PIN_LONGTERM_BEGIN, USER_PIN_LONGTERM_END,
};
enum user_move {
	MOVE_NOTHING,     /* it did not begin */
	MOVE_TARGET_GONE, /* what was mapped at the target is gone, and nothing has come */
	MOVE_DONE,
};
enum user_mapping { MAPPING_ANON, MAPPING_SHARED, MAPPING_PRIVATE };
enum { FILE_READ_MAX = 8 }; /* pages, one behind the other, that a CPU may be reading of a file */
struct user_note {
	u8 event; /* enum user_event */
	u8 mm;    /* slot */
	u8 vpn, nr;
	u8 value;
	u32 token;
};

#endif
