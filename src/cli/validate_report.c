#include "cli/validate.h"

#include "base/status.h"
#include "output/json_text.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GATE_SIZE = 64, VALUE_SIZE = 64, VERDICT_SIZE = 40 };

/* "4.7 +- 0.2 Hz (5 seeds)", "yes" for a statement that holds. */
static const char *describe_value(const finding *f, const char *plus_minus, char out[VALUE_SIZE])
{
    const target *t = f->target;
    if (f->message[0] != '\0')
        snprintf(out, VALUE_SIZE, "-");
    else if (t->min == 1 && t->max == 1)
        snprintf(out, VALUE_SIZE,
                 f->mean == 1   ? "yes"
                 : f->mean == 0 ? "no"
                                : "%.2f of the seeds",
                 f->mean);
    else if (isnan(f->mean))
        snprintf(out, VALUE_SIZE, "nothing measured");
    else if (isnan(f->sd))
        snprintf(out, VALUE_SIZE, "%.4g%s%s", f->mean, *t->unit ? " " : "", t->unit);
    else
        snprintf(out, VALUE_SIZE, "%.4g %s %.2g%s%s", f->mean, plus_minus, f->sd,
                 *t->unit ? " " : "", t->unit);
    return out;
}

/* "pass (calibrated)" */
static const char *describe_verdict(const finding *f, char out[VERDICT_SIZE])
{
    snprintf(out, VERDICT_SIZE, "%s%s", target_verdict_names[f->verdict],
             f->target->calibrated ? " (calibrated)" : "");
    return out;
}

static const char *describe_gate(const target *t, char out[GATE_SIZE])
{
    target_gate(t, out, GATE_SIZE);
    return out;
}

/* --- for people ------------------------------------------------------------------------------- */

void print_finding(const finding *f)
{
    const target *t = f->target;
    char value[VALUE_SIZE], gate[GATE_SIZE], verdict[VERDICT_SIZE];
    printf("%-7s %-9s %-22s gate %-18s published %s [%s]\n        %s\n",
           describe_verdict(f, verdict), t->id, describe_value(f, "+-", value),
           describe_gate(t, gate), t->published, target_status_names[t->status], t->finding);
    if (f->message[0] != '\0')
        printf("        %s\n", f->message);
    fflush(stdout);
}

/* "5 of 8 pass, 2 miss, 1 error": of the rows that test the model, or of those that it was calibrated on. */
static void append_verdicts(text *out, const validation *v, bool calibrated)
{
    uint32_t n[N_VERDICTS] = {0}, rows = 0;
    for (uint32_t i = 0; i < v->n_findings; i++)
        if (v->findings[i].target->calibrated == calibrated) {
            n[v->findings[i].verdict]++;
            rows++;
        }
    text_appendf(out, "%" PRIu32 " of %" PRIu32 " pass", n[VERDICT_PASS], rows);
    for (int i = VERDICT_MISS; i < N_VERDICTS; i++)
        if (n[i] > 0)
            text_appendf(out, ", %" PRIu32 " %s", n[i], target_verdict_names[i]);
}

static void append_counts(text *out, const validation *v)
{
    bool calibrated = false;
    for (uint32_t i = 0; i < v->n_findings; i++)
        calibrated = calibrated || v->findings[i].target->calibrated;
    append_verdicts(out, v, false);
    if (!calibrated)
        return;
    text_append(out, "; of those calibrated on their number, ");
    append_verdicts(out, v, true);
}

void print_counts(const validation *v)
{
    text counts = {0};
    append_counts(&counts, v);
    if (!counts.failed)
        printf("%s; %.0f s\n", counts.data, v->wall_s);
    text_free(&counts);
}

/* --- files ------------------------------------------------------------------------------------ */

static meso_status write_file(text *content, const char *path, meso_error *err)
{
    if (content->failed) {
        text_free(content);
        return error_set(err, MESO_MEMORY, "out of memory");
    }
    FILE *file = fopen(path, "w");
    bool done = file != NULL && fputs(content->data, file) >= 0;
    done = file != NULL && fclose(file) == 0 && done;
    text_free(content);
    return done ? MESO_OK : error_set(err, MESO_IO, "%s: %s", path, strerror(errno));
}

static void now(char out[32], const char *format)
{
    const time_t seconds = time(NULL);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(out, 32, format, &parts);
}

static void write_finding(json_text *json, const finding *f)
{
    const target *t = f->target;
    json_open(json, NULL, '{');
    json_string(json, "id", t->id);
    json_string(json, "finding", t->finding);
    json_string(json, "verdict", target_verdict_names[f->verdict]);
    json_number(json, "simulated", f->mean);
    json_number(json, "sd", f->sd);
    json_integer(json, "seeds", t->seeds);
    json_boolean(json, "calibrated", t->calibrated);
    json_string(json, "unit", t->unit);
    if (t->measure != NULL)
        json_string(json, "measure", t->measure);
    json_string(json, "published", t->published);
    json_number(json, "min", t->min);
    json_number(json, "max", t->max);
    json_string(json, "status", target_status_names[t->status]);
    json_string(json, "source", t->source);
    if (t->note != NULL)
        json_string(json, "note", t->note);
    if (f->message[0] != '\0')
        json_string(json, "message", f->message);
    json_close(json, '}');
}

meso_status write_validation_json(const validation *v, const char *path, meso_error *err)
{
    json_text json = {0};
    char date[32];
    now(date, "%Y-%m-%dT%H:%M:%SZ");
    json_open(&json, NULL, '{');
    json_string(&json, "version", MESO_VERSION);
    json_string(&json, "command", v->command);
    json_string(&json, "date", date);
    json_string(&json, "device", v->device);
    json_number(&json, "wall_s", v->wall_s);
    json_open(&json, "targets", '[');
    for (uint32_t i = 0; i < v->n_findings; i++)
        write_finding(&json, &v->findings[i]);
    json_close(&json, ']');
    json_close(&json, '}');
    return write_file(&json.out, path, err);
}

/* A cell of a table: no bars, no line breaks. */
static void append_cell(text *out, const char *words)
{
    text_append(out, " ");
    for (const char *c = words; *c != '\0'; c++)
        text_appendf(out, *c == '|' ? "\\%c" : "%c", *c == '\n' ? ' ' : *c);
    text_append(out, " |");
}

static void append_row(text *out, const finding *f)
{
    const target *t = f->target;
    char value[VALUE_SIZE], gate[GATE_SIZE], plain[VERDICT_SIZE], verdict[VERDICT_SIZE + 4];
    snprintf(verdict, sizeof verdict, f->verdict == VERDICT_MISS ? "**%s**" : "%s",
             describe_verdict(f, plain));
    text_append(out, "|");
    append_cell(out, t->id);
    append_cell(out, t->finding);
    append_cell(out, describe_value(f, "±", value));
    append_cell(out, t->published);
    append_cell(out, describe_gate(t, gate));
    append_cell(out, verdict);
    append_cell(out, target_status_names[t->status]);
    append_cell(out, t->source);
    text_append(out, "\n");
}

/* What a reader should know about the rows that did not pass, and on those with a note. */
static void append_notes(text *out, const validation *v)
{
    text_append(out, "\n## Notes\n\n");
    for (uint32_t i = 0; i < v->n_findings; i++) {
        const finding *f = &v->findings[i];
        const char *note = f->target->note;
        char verdict[VERDICT_SIZE];
        if (note == NULL && f->message[0] == '\0')
            continue;
        text_appendf(out, "* **%s** (%s): ", f->target->id, describe_verdict(f, verdict));
        if (f->message[0] != '\0')
            text_appendf(out, "%s%s", f->message, note != NULL ? "; " : "");
        text_appendf(out, "%s\n", note != NULL ? note : "");
    }
}

meso_status write_validation_markdown(const validation *v, const char *path, meso_error *err)
{
    text out = {0};
    char date[32];
    now(date, "%Y-%m-%d");
    text_append(
        &out,
        "# Validation\n\n"
        "Published findings beside what mesocl simulates. This page is written by the program; "
        "misses are shown, not\nhidden. The table of targets and its experiments are in "
        "`tests/validation/`, and in the program.\n\n");
    text_appendf(&out, "    %s\n\n%s, version " MESO_VERSION ", %s, %.0f s: ", v->command, date,
                 v->device, v->wall_s);
    append_counts(&out, v);
    text_append(
        &out, ".\n\nStatus of a number: V read in the source; V-dir only its direction was; V-run "
              "calculated independently from\npublished equations; R recalled, to be checked, so a "
              "miss only warns. Calibrated: something was fitted to this number, so that the row "
              "tests nothing. Not measured:\nnothing here can, for the reason in its note.\n\n"
              "| id | finding | simulated | published | gate | verdict | status | source |\n"
              "|---|---|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < v->n_findings; i++)
        append_row(&out, &v->findings[i]);
    append_notes(&out, v);
    return write_file(&out, path, err);
}
