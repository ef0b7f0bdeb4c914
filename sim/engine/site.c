/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sites and kinds of events: their names, and the hash by which a site is known in every build.
 */
#include "engine_internal.h"
#include <string.h>

extern struct site __start_foliofuzz_sites[], __stop_foliofuzz_sites[];

static const struct {
	const char *verb;
	unsigned flags;
} event_table[EVENT_KIND_COUNT] = {
#define EVENT(id, verb, flags) { verb, flags },
#include <foliofuzz/event.def>
#undef EVENT
};

static const struct {
	const char *name;
	bool is_find;
} verdict_table[VERDICT_COUNT] = {
#define VERDICT(id, name, is_find, help) { name, is_find },
#include <foliofuzz/verdict.def>
#undef VERDICT
};

const char *event_verb(enum event_kind k)
{
	return event_table[k].verb;
}

unsigned event_flags(enum event_kind k)
{
	return event_table[k].flags;
}

const char *verdict_name(enum verdict v)
{
	return verdict_table[v].name;
}

bool verdict_is_find(enum verdict v)
{
	return verdict_table[v].is_find;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The last identifier of an expression that is not an index: "&folio->page[1].flags" -> "flags". */
static void field_of(char *out, size_t size, const char *expr)
{
	const char *end = expr + strlen(expr), *start;
	size_t len;

	while (end > expr && !is_word(end[-1])) {
		if (end[-1] == ']')
			while (end > expr && end[-1] != '[')
				end--;
		if (end > expr)
			end--;
	}
	for (start = end; start > expr && is_word(start[-1]);)
		start--;
	len = (size_t)(end - start);
	if (len > size - 1)
		len = size - 1;
	memcpy(out, start, len);
	out[len] = 0;
}

void site_anchor(struct text *t, const struct site *site)
{
	text_printf(t, "%s:%s(%s%s%s)", site->function, site->primitive, site->detail,
		    site->detail[0] && site->field[0] ? " " : "", site->field);
}

void sites_init(void)
{
	char buf[256];
	struct text t;

	for (struct site *s = __start_foliofuzz_sites; s < __stop_foliofuzz_sites; s++) {
		if (s->hash)
			continue;
		field_of(s->field, sizeof(s->field), s->expr);
		text_init(&t, buf, sizeof(buf));
		site_anchor(&t, s);
		s->hash = hash_string(buf);
	}
}
