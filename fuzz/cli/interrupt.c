/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * interrupt.c - SIGINT and SIGTERM end what runs for long at the next place where it can end well.
 */
#include "cli.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts;

/* The third kills, should the first not be noticed; timeout(1) alone sends two. */
static void on_signal(int number)
{
	(void)number;
	if (++interrupts > 2)
		_exit(EXIT_INCOMPLETE);
}

static void handle_signals(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

void interrupt_catch(void)
{
	interrupts = 0;
	handle_signals(on_signal);
}

void interrupt_release(void)
{
	handle_signals(SIG_DFL);
}

bool interrupt_seen(void)
{
	return interrupts > 0;
}
