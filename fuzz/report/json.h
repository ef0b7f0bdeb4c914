/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json.h - the reports as JSON. Apart from report.h, so that fuzz targets need no JSON library.
 */
#ifndef FUZZ_REPORT_JSON_H
#define FUZZ_REPORT_JSON_H

#include "progress.h"
#include "report.h"
#include <jansson.h>

/* ---- result_json.c ---- */
json_t *result_json(const struct report_replay *replay, const struct run_result *r);
json_t *stats_json(const struct run_stats *stats);
json_t *progress_json(const struct progress *progress);
/* 64-bit values as 16 hexadecimal digits: JSON numbers are no u64. */
json_t *hash_json(u64 hash);
/* Prints and frees it. */
void json_print(FILE *out, json_t *json);

/* ---- trace_json.c ---- */
/*
 * An array with an object for each event. `kept`: the story tells it; `meets`: the event of another CPU that it conflicts with; `until`: the
 * event that releases the lock that it took (indices of the array).
 */
json_t *trace_json(const struct story *s);

/* ---- trace_html.c ---- */
/* A page of its own. Takes `result` (result_json()). */
void trace_html_print(FILE *out, const struct story *s, json_t *result);

/* ---- trace_perfetto.c ---- */
/* In the Trace Event Format. Takes `result`. */
json_t *trace_perfetto(const struct story *s, json_t *result);

#endif
