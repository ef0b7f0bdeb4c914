/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * number.c - numbers and durations of a command line, all of the word or nothing.
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool number_parse(const char *s, u64 min, u64 max, u64 *value)
{
	unsigned long long v;
	char *end;

	/* strtoull takes blanks and signs */
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoull(s, &end, s[0] == '0' && s[1] == 'x' ? 16 : 10);
	if (errno || *end || v < min || v > max)
		return false;
	*value = v;
	return true;
}

bool duration_parse(const char *s, u64 *seconds)
{
	static const char units[] = "smh";
	static const u64 factors[] = { 1, 60, 3600 };
	char digits[16];
	size_t len = strspn(s, "0123456789");
	const char *unit = s[len] ? strchr(units, s[len]) : units;

	if (!len || len >= sizeof(digits) || !unit || (s[len] && s[len + 1]))
		return false;
	memcpy(digits, s, len);
	digits[len] = '\0';
	if (!number_parse(digits, 1, 1000000000, seconds))
		return false;
	*seconds *= factors[unit - units];
	return true;
}
