/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace_html.c - an execution as a page that needs nothing but a browser: trace.html with the events in it.
 */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "trace_page.h"

#define DATA_MARK "@DATA@"

/* No "</script>" of the data may end the element that it stands in: in JSON "\/" is "/". */
static void print_data(FILE *out, const char *json)
{
	for (const char *p = json; *p; p++) {
		if (p[0] == '<' && p[1] == '/') {
			fputs("<\\/", out);
			p++;
		} else {
			fputc(*p, out);
		}
	}
}

void trace_html_print(FILE *out, const struct story *s, json_t *result)
{
	const char *mark = strstr(trace_page, DATA_MARK);
	char *text;

	json_object_set_new(result, "trace", trace_json(s));
	if (verdict_is_find(s->result->verdict))
		json_object_set_new(result, "find", json_integer(story_find_event(s)));
	text = json_dumps(result, JSON_COMPACT);
	HARNESS_BUG_ON(!text || !mark);
	fwrite(trace_page, 1, (size_t)(mark - trace_page), out);
	print_data(out, text);
	fputs(mark + strlen(DATA_MARK), out);
	free(text);
	json_decref(result);
}
