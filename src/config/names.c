#include "config/names.h"

#include <stdlib.h>
#include <string.h>

#define MOST_LISTED 24

void names_add(name_list *l, const char *name, const char *unit)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->names[i], name) == 0)
            return;
    if (l->n == l->capacity) {
        const size_t capacity = l->capacity ? 2 * l->capacity : 32;
        const char **names = realloc(l->names, capacity * sizeof *names);
        if (names)
            l->names = names;
        const char **units = realloc(l->units, capacity * sizeof *units);
        if (units)
            l->units = units;
        if (!names || !units)
            return; /* one name less to suggest */
        l->capacity = capacity;
    }
    l->names[l->n] = name;
    l->units[l->n++] = unit;
}

void names_add_members(name_list *l, const cJSON *object)
{
    for (const cJSON *m = first_member(object); m; m = next_member(m))
        names_add(l, m->string, NULL);
}

void names_free(name_list *l)
{
    free(l->names);
    free(l->units);
    *l = (name_list){0};
}

static void append_list(const name_list *l, text *out)
{
    for (size_t i = 0; i < l->n && i < MOST_LISTED; i++)
        text_appendf(out, "%s%s", i ? ", " : "", l->names[i]);
    if (l->n > MOST_LISTED)
        text_append(out, ", ...");
}

void names_append_hint(const name_list *l, const char *name, const char *what, text *out)
{
    const char *nearest = text_nearest(name, l->names, l->n);
    if (nearest) {
        text_appendf(out, "; did you mean '%s'?", nearest);
    } else if (l->n == 0) {
        text_appendf(out, "; there are no %s", what);
    } else {
        text_appendf(out, "; %s: ", what);
        append_list(l, out);
    }
}

/* --- units ------------------------------------------------------------------------------------ */

static bool is_unit_word(const char *word, size_t n)
{
    static const char *const words[] = {
        "us", "ms",  "s",  "sec", "seconds", "min", "minutes", "h",  "hours", "days", "hz",
        "Hz", "kHz", "uV", "mV",  "V",       "pA",  "nA",      "uA", "mA",    "A",    "fF",
        "pF", "nF",  "uF", "pS",  "nS",      "uS",  "mS",      "S",  "pM",    "nM",   "uM",
        "mM", "M",   "nm", "um",  "mm",      "m",   "per",     "ng", "ug",    "mg",   "g",
        "kg", "mol", "mL", "L",   "mV2",     "mV3", "Mohm"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == n && strncmp(words[i], word, n) == 0)
            return true;
    return false;
}

/* Length of the key without the words of its unit: "dose" of "dose_mg_per_kg". */
static size_t stem_length(const char *key)
{
    size_t length = strlen(key);
    for (;;) {
        size_t start = length;
        while (start > 0 && key[start - 1] != '_')
            start--;
        if (start == 0 || !is_unit_word(key + start, length - start))
            return length;
        length = start - 1;
    }
}

/* The one name that is `key` in another unit (or with one where `key` has none), or n. */
static size_t same_quantity(const name_list *l, const char *key)
{
    const size_t n_key = stem_length(key);
    for (size_t i = 0; i < l->n; i++)
        if (l->units[i] && stem_length(l->names[i]) == n_key &&
            strncmp(l->names[i], key, n_key) == 0)
            return i;
    return l->n;
}

/* --- errors ----------------------------------------------------------------------------------- */

meso_status names_error_key(const document *d, const cJSON *object, const char *key,
                            const char *what, const name_list *l, meso_error *err)
{
    const size_t i = same_quantity(l, key);
    if (i < l->n)
        return document_error(d, object, key, err, MESO_UNIT, "%s: give it as %s (%s)",
                              key[stem_length(key)] ? "wrong unit" : "the unit is missing",
                              l->names[i], l->units[i]);
    text hint = {0};
    names_append_hint(l, key, what, &hint);
    meso_status status = document_error(d, object, key, err, MESO_CONFIG, "unknown key%s",
                                        hint.data && !hint.failed ? hint.data : "");
    text_free(&hint);
    return status;
}

meso_status names_error_value(const document *d, const cJSON *value, const char *name,
                              const char *what, const name_list *l, meso_error *err)
{
    text hint = {0};
    const char *nearest = text_nearest(name, l->names, l->n);
    if (nearest)
        text_appendf(&hint, "; did you mean '%s'?", nearest);
    else if (l->n == 0)
        text_append(&hint, ": there are none");
    else
        text_append(&hint, ": ");
    if (!nearest)
        append_list(l, &hint);
    meso_status status = document_error(d, value, NULL, err, MESO_NOT_FOUND,
                                        "'%s' is not one of the %s%s", name, what,
                                        hint.failed ? "" : hint.data);
    text_free(&hint);
    return status;
}

meso_status names_check_value(const document *d, const cJSON *value, const char *name,
                              const char *what, const name_list *l, meso_error *err)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->names[i], name) == 0)
            return MESO_OK;
    return names_error_value(d, value, name, what, l, err);
}
