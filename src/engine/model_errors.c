/*
 * What the compiler says about a user's neuron model, as an error about the user's file.
 *
 * Compilers differ: "error: file:3:20: text", "file:3:20: error: text". All name the file of the #line mark.
 */
#include "engine/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MISTAKES = 5 };

/* The next "path:line" at or after `text`: where it stands, and the line's number. */
static const char *place_find(const char *text, const char *path, unsigned long *line)
{
    const size_t length = strlen(path);
    for (const char *at = strstr(text, path); at != NULL; at = strstr(at + length, path)) {
        if (at[length] != ':' || !isdigit((unsigned char)at[length + 1]))
            continue;
        *line = strtoul(at + length + 1, NULL, 10);
        return at;
    }
    return NULL;
}

/* What follows "path:line:column:", without the word error; up to the end of the line. */
static const char *mistake_text(const char *at, const char *path, size_t *length)
{
    static const char word[] = "error: ";
    const char *text = at + strlen(path);
    text += strspn(text, ":0123456789 ");
    if (strncmp(text, word, strlen(word)) == 0)
        text += strlen(word);
    *length = strcspn(text, "\n");
    return text;
}

static void signatures_append(const neuron_model *m, text *out)
{
    char signature[512];
    neuron_model_signature(m, signature, sizeof signature);
    if (m->role != MODEL_RULE)
        text_appendf(out, "; expected %s", signature);
    for (rule_event i = 0; m->role == MODEL_RULE && i < N_RULE_EVENTS; i++) {
        rule_signature(m, i, signature, sizeof signature);
        text_appendf(out, "%s %s", i == 0 ? "; expected" : " and", signature);
    }
}

static void mistakes_append(const char *log, const neuron_model *m, text *out)
{
    unsigned long line;
    const char *at = place_find(log, m->text_path, &line);
    for (int n = 0; at != NULL && n < MAX_MISTAKES; n++) {
        size_t length;
        const char *mistake = mistake_text(at, m->text_path, &length);
        text_appendf(out, "%s%s:%lu: %.*s", n > 0 ? "\n" : "", m->text_path, line, (int)length,
                     mistake);
        if (strncmp(mistake, "conflicting types", 17) == 0)
            signatures_append(m, out);
        at = place_find(mistake + length, m->text_path, &line);
    }
}

meso_status model_errors(const experiment *e, meso_error *err)
{
    if (err == NULL)
        return MESO_KERNEL_BUILD;
    text out = {0};
    const char *suspect = NULL;
    const neuron_model *m;
    for (uint32_t i = 0; (m = experiment_model(e, i)) != NULL; i++) {
        if (m->built_in)
            continue;
        suspect = m->text_path;
        if (out.length == 0)
            mistakes_append(err->message, m, &out);
    }
    if (out.length == 0 && suspect != NULL) /* a missing brace is found where the file has ended */
        text_appendf(&out,
                     "%s: with this model the program does not compile; is a brace missing?\n%s",
                     suspect, err->message);
    meso_status status = MESO_KERNEL_BUILD;
    if (out.length > 0 && !out.failed)
        status = error_set(err, MESO_CONFIG, "%s", out.data);
    text_free(&out);
    return status;
}
