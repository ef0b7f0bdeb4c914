/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * finds_html.c - finds sorted by title as a page that needs nothing but a browser: finds.html with a section for each title.
 */
#include "finds.h"

#include <string.h>

#include "finds_page.h"

#define FINDS_MARK "@FINDS@"

void finds_escape(FILE *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc((*s >= 0x20 && *s <= 0x7e) || *s == '\n' || *s == '\t' ? *s : '?', out);
		}
	}
}

static const char *plural(u32 n)
{
	return n == 1 ? "" : "s";
}

static void print_files(FILE *out, const struct find_group *g)
{
	fprintf(out, "<details><summary>%u file%s</summary><ul>\n", g->file_count, plural(g->file_count));
	for (u32 i = 0; i < g->file_count; i++) {
		fputs("<li>", out);
		finds_escape(out, g->files[i]);
		fputs("</li>\n", out);
	}
	fputs("</ul></details>\n", out);
}

static void print_group(FILE *out, const struct find_group *g)
{
	static const char *const files[] = { "report.txt", "trace.html", "perfetto.json", "min.prog" };

	fprintf(out, "<section id=\"%s\">\n<h2>", g->slug);
	finds_escape(out, g->result.title);
	fprintf(out, "</h2>\n<div class=\"numbers\">%u operation%s, %u preemption%s, %u point%s</div>\n", g->operations, plural(g->operations),
		g->result.preemptions, plural(g->result.preemptions), g->result.points, plural(g->result.points));
	fputs("<div>", out);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		fprintf(out, "<a href=\"finds/%s/%s\">%s</a>", g->slug, files[i], files[i]);
	fputs("</div>\n", out);
	if (g->known[0]) {
		fputs("<div class=\"note\">", out);
		finds_escape(out, g->known);
		fputs("</div>\n", out);
	}
	if (g->note)
		fprintf(out, "<div class=\"note\">%s</div>\n", g->note);
	fputs("<details><summary>story</summary><pre>\n", out);
	finds_escape(out, g->report);
	fputs("</pre></details>\n", out);
	print_files(out, g);
	fputs("</section>\n", out);
}

static void print_dropped(FILE *out, const struct find_index *x)
{
	if (!x->dropped_count)
		return;
	fputs("<section id=\"dropped\">\n<h2>dropped: no find</h2>\n<ul>\n", out);
	for (u32 i = 0; i < x->dropped_count; i++) {
		fputs("<li>", out);
		finds_escape(out, x->dropped[i].file);
		fputs(": ", out);
		finds_escape(out, x->dropped[i].why);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n</section>\n", out);
}

void finds_html_print(FILE *out, const struct find_index *x)
{
	const char *mark = strstr(finds_page, FINDS_MARK);

	HARNESS_BUG_ON(!mark);
	fwrite(finds_page, 1, (size_t)(mark - finds_page), out);
	fprintf(out, "<h1>%u title%s</h1>\n<div>%u file%s: %u show a find, %u dropped</div>\n", x->group_count, plural(x->group_count),
		x->file_count, plural(x->file_count), x->file_count - x->dropped_count, x->dropped_count);
	for (u32 i = 0; i < x->group_count; i++)
		print_group(out, &x->groups[i]);
	print_dropped(out, x);
	fputs(mark + strlen(FINDS_MARK), out);
}
