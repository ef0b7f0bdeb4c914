/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oops.c - a null pointer that the replica follows is a find, as a page fault of the kernel is an oops, and no crash of the
 * harness: it has a title, a schedule, and can be made smaller. Other addresses are left to whoever had the signal before.
 */
#include "engine_internal.h"
#include <signal.h>
#include <ucontext.h>

enum { NULL_PAGE = 4096 };

static struct sigaction before;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	if (engine_now.cpu != ENGINE_RUNNER && (unsigned long)info->si_addr < NULL_PAGE) {
		/* engine_find() does not return, and TSan's handler around this one blocks every signal. */
		pthread_sigmask(SIG_SETMASK, &((ucontext_t *)context)->uc_sigmask, NULL);
		engine_find(VERDICT_KERNEL_BUG, "null pointer followed", NULL, "at offset %lu",
			    (unsigned long)info->si_addr);
	}
	/* The access is made again, and meets that. */
	sigaction(signal, &before, NULL);
}

/* Not deferred: the handler is left by a jump, and does not return. */
void oops_init(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER }, old;

	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, &old);
	if (old.sa_sigaction != on_fault)
		before = old;
}
