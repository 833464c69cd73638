#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- growing text ----------------------------------------------------------------------------- */

static int text_reserve(text *t, size_t more)
{
    if (t->failed)
        return 0;
    size_t needed = t->length + more + 1;
    if (needed <= t->capacity)
        return 1;
    size_t capacity = needed < 256 ? 256 : needed + needed / 2;
    char *data = realloc(t->data, capacity);
    if (!data) {
        t->failed = 1;
        return 0;
    }
    t->data = data;
    t->capacity = capacity;
    return 1;
}

void text_append(text *t, const char *s)
{
    size_t length = strlen(s);
    if (!text_reserve(t, length))
        return;
    memcpy(t->data + t->length, s, length + 1);
    t->length += length;
}

void text_appendf(text *t, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        t->failed = 1;
    } else if (text_reserve(t, (size_t)length)) {
        vsnprintf(t->data + t->length, (size_t)length + 1, format, again);
        t->length += (size_t)length;
    }
    va_end(again);
}

void text_free(text *t)
{
    free(t->data);
    *t = (text){0};
}

char *text_take(text *t)
{
    if (!text_reserve(t, 0)) {
        text_free(t);
        return NULL;
    }
    t->data[t->length] = '\0';
    char *data = t->data;
    *t = (text){0};
    return data;
}

/* --- files ------------------------------------------------------------------------------------ */

meso_status text_read_file(const char *path, char **content, size_t *length, meso_error *err)
{
    text t = {0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return error_set(err, MESO_IO, "%s: %s", path, strerror(errno));
    /* read to the end instead of asking for the size: pipes have none */
    for (size_t n = 1; n > 0 && text_reserve(&t, 65536);) {
        errno = 0;
        n = fread(t.data + t.length, 1, 65536, file);
        t.length += n;
    }
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed) {
        text_free(&t);
        return error_set(err, MESO_IO, "%s: %s", path, strerror(failed));
    }
    size_t n_read = t.length;
    *content = text_take(&t);
    if (!*content)
        return error_set(err, MESO_MEMORY, "%s: out of memory", path);
    if (length)
        *length = n_read;
    return MESO_OK;
}

/* --- nearest name ----------------------------------------------------------------------------- */

#define LONGEST_NAME 64

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Edit distance with transpositions of neighbours (optimal string alignment). */
static int distance(const char *a, int n_a, const char *b, int n_b)
{
    int rows[3][LONGEST_NAME + 1];
    int *before = rows[0], *last = rows[1], *now = rows[2];
    for (int j = 0; j <= n_b; j++)
        last[j] = j;
    for (int i = 1; i <= n_a; i++) {
        now[0] = i;
        for (int j = 1; j <= n_b; j++) {
            int replace = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = smaller(replace, 1 + smaller(last[j], now[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        int *recycled = before;
        before = last;
        last = now;
        now = recycled;
    }
    return last[n_b];
}

/* Letters of `name` in their order in `whole`, from its first on: "tau_rec_ms" in "tau_recovery_ms", "v" in "v_mV". */
static bool abbreviates(const char *name, const char *whole)
{
    const size_t length = strlen(name);
    if (length == 0 || name[0] != whole[0])
        return false;
    if (length < 3)
        return strncmp(name, whole, length) == 0 && whole[length] == '_';
    for (; *name && *whole; whole++)
        name += *name == *whole;
    return *name == '\0';
}

/* The one candidate that `matches`, or NULL. */
static const char *only_one(const char *name, const char *const *candidates, size_t n,
                            bool (*matches)(const char *name, const char *candidate))
{
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!matches(name, candidates[i]))
            continue;
        if (found)
            return NULL;
        found = candidates[i];
    }
    return found;
}

static bool differs_in_case(const char *name, const char *candidate)
{
    return strcasecmp(name, candidate) == 0;
}

const char *text_nearest(const char *name, const char *const *candidates, size_t n)
{
    size_t length = strlen(name);
    const char *same = only_one(name, candidates, n, differs_in_case);
    if (length > LONGEST_NAME || same)
        return same;
    /* near: at most a third of the letters differ, and never all of them */
    int best = smaller((int)(length + 2) / 3 + 1, (int)length);
    const char *nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t n_candidate = strlen(candidates[i]);
        if (n_candidate > LONGEST_NAME)
            continue;
        int d = distance(name, (int)length, candidates[i], (int)n_candidate);
        if (d < best) {
            best = d;
            nearest = candidates[i];
        }
    }
    return nearest ? nearest : only_one(name, candidates, n, abbreviates);
}
