/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * status.c - the live line on standard error. The only clock of the program, and no execution reads
 * it.
 */
#include "cli.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TERMINAL_MS = 200, LOG_MS = 5000 };

static struct {
	u64 start, due, period;
	u64 executions; /* at the last line */
	u64 printed;
	double expected; /* executions in all; 0: nobody knows */
	u64 before;      /* of them, made by others */
	bool terminal;
} status;

u64 clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static bool has_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR");

	return isatty(fileno(out)) && !(no && *no);
}

const char *colour_find(FILE *out)
{
	return has_colour(out) ? "\033[1;31m" : "";
}

const char *colour_off(FILE *out)
{
	return has_colour(out) ? "\033[0m" : "";
}

void status_begin(void)
{
	status.start = status.printed = clock_now();
	status.terminal = isatty(STDERR_FILENO);
	status.period = status.terminal ? TERMINAL_MS : LOG_MS;
	status.due = status.start + status.period;
	status.executions = 0;
	status.expected = 0;
}

void status_expect(double executions, u64 before)
{
	status.expected = executions;
	status.before = before;
}

static double percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_line(const struct run_stats *s, double seconds, u64 executions)
{
	fprintf(stderr,
		"%llu executions, %.0f/s, %llu points, %.0f%% with conflicts, %s%llu find%s%s",
		(unsigned long long)s->executions, seconds > 0 ? (double)executions / seconds : 0.0,
		(unsigned long long)s->points, percent(s->conflicting, s->executions),
		s->finds ? colour_find(stderr) : "", (unsigned long long)s->finds,
		s->finds == 1 ? "" : "s", s->finds ? colour_off(stderr) : "");
}

void status_tick(const struct run_stats *stats)
{
	u64 now = clock_now();

	if (now < status.due)
		return;
	print_line(stats, (double)(now - status.printed) / 1000,
		   stats->executions - status.executions);
	if (status.expected > 0)
		fprintf(stderr, ", %.1f%% of about %.3g", 100.0 * (double)(stats->executions + status.before) / status.expected,
			status.expected);
	fputs(status.terminal ? "\033[K\r" : "\n", stderr);
	fflush(stderr);
	status.due = now + status.period;
	status.printed = now;
	status.executions = stats->executions;
}

void status_end(const struct run_stats *stats)
{
	double seconds = (double)(clock_now() - status.start) / 1000;

	print_line(stats, seconds, stats->executions);
	fprintf(stderr, " in %.1f s%s\n", seconds, status.terminal ? "\033[K" : "");
}
