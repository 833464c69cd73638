#include "config/merge.h"

#include "config/names.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A walk along the path of one assignment. The row tells what may stand at the node. */
typedef struct walk {
    document *d;
    const char *assignment;
    cJSON *value; /* to be put at the end of the path */
    meso_error *err;
    char path[256]; /* so far */
    cJSON *node;
    field row;
} walk;

static const field any_value = {.kind = FIELD_TEXT}; /* a row with nothing below it */

static meso_status fail(const walk *w, meso_status status, const char *sentence)
{
    error_set(w->err, status, "--set %s: %s: %s", w->assignment, w->path, sentence);
    if (w->err)
        snprintf(w->err->place, sizeof w->err->place, "--set %.480s", w->assignment);
    return status;
}

static meso_status bad_form(const walk *w)
{
    error_set(w->err, MESO_ARGUMENT,
              "--set %s: expected path=value, as in populations.pv.n_neurons=40 or "
              "protocol[0].minutes=1",
              w->assignment);
    return MESO_ARGUMENT;
}

/* --- rows below rows -------------------------------------------------------------------------- */

static field row_below(const field *row, const char *key)
{
    const bool is_drawn = row->kind == FIELD_DISTRIBUTION || row->kind == FIELD_PER_NEURON;
    const object_type *type = is_drawn                    ? &distribution_type
                              : row->kind == FIELD_OBJECT ? row->type
                                                          : NULL;
    const field *found = type ? type_find(type, key) : NULL;
    if (found)
        return *found;
    field below = *row;
    switch (row->kind) {
    case FIELD_MAP:
    case FIELD_LIST:
        below.kind = FIELD_OBJECT;
        return below;
    case FIELD_PER_NEURON_MAP:
        below.kind = FIELD_PER_NEURON;
        return below;
    default:
        return any_value;
    }
}

static bool is_container(const field *row)
{
    return row->kind == FIELD_OBJECT || row->kind == FIELD_MAP || row->kind == FIELD_NUMBER_MAP ||
           row->kind == FIELD_PER_NEURON_MAP;
}

static meso_status no_such_key(const walk *w, const char *key)
{
    name_list names = {0};
    names_add_members(&names, w->node);
    if (w->row.kind == FIELD_OBJECT)
        for (const field *f = w->row.type->fields; f->key; f++)
            if (!get_member(w->node, f->key))
                names_add(&names, f->key, NULL);
    text message = {0};
    text_append(&message, "there is no such path");
    names_append_hint(&names, key, "entries", &message);
    meso_status status = fail(w, MESO_NOT_FOUND, message.failed ? "" : message.data);
    text_free(&message);
    names_free(&names);
    return status;
}

/* --- steps ------------------------------------------------------------------------------------ */

static void extend_path(walk *w, const char *format, const char *part)
{
    const size_t used = strlen(w->path);
    snprintf(w->path + used, sizeof w->path - used, format, part);
}

/* Put the value under a key: as a file on top would. */
static meso_status put_member(walk *w, const char *key)
{
    if (cJSON_IsNull(w->value) && !get_member(w->node, key))
        return no_such_key(w, key);
    cJSON *over = cJSON_CreateObject();
    if (!over || !cJSON_AddItemToObject(over, key, w->value)) {
        cJSON_Delete(over);
        return error_set(w->err, MESO_MEMORY, "out of memory");
    }
    const document patch = {.root = over, .sources = w->d->sources, .memory = w->d->memory};
    cJSON *value = w->value;
    w->value = NULL;
    meso_status status = merge_member(&patch, w->node, over, value, w->err);
    cJSON_Delete(over);
    return status;
}

static meso_status step_to_key(walk *w, const char *key, bool last)
{
    extend_path(w, *w->path ? ".%s" : "%s", key);
    if (!cJSON_IsObject(w->node))
        return fail(w, MESO_NOT_FOUND, "there is no such path: what stands above it is no object");
    if (last)
        return put_member(w, key);
    cJSON *child = get_member(w->node, key);
    const field below = row_below(&w->row, key);
    const bool known = w->row.kind == FIELD_OBJECT && is_container(&below);
    if (!child && !is_container(&below) && below.key)
        return fail(w, MESO_NOT_FOUND, "there is no such path: it holds no object");
    if (!child && known) {
        child = cJSON_AddObjectToObject(w->node, key);
        if (!child)
            return error_set(w->err, MESO_MEMORY, "out of memory");
        child->valueint = w->value->valueint;
    }
    if (!child)
        return no_such_key(w, key);
    w->node = child;
    w->row = below;
    return MESO_OK;
}

static meso_status step_to_index(walk *w, const char *digits, bool last)
{
    extend_path(w, "[%s]", digits);
    if (!cJSON_IsArray(w->node))
        return fail(w, MESO_NOT_FOUND, "there is no such path: what stands above it is no list");
    const int n = cJSON_GetArraySize(w->node);
    const long index = strlen(digits) < 9 ? strtol(digits, NULL, 10) : n;
    if (index >= n) {
        char message[80];
        snprintf(message, sizeof message, "there is no such path: the list %s[%d]",
                 n ? "ends at " : "is empty, without ", n ? n - 1 : 0);
        return fail(w, MESO_NOT_FOUND, message);
    }
    cJSON *child = cJSON_GetArrayItem(w->node, (int)index);
    if (last && cJSON_IsNull(w->value)) {
        cJSON_DeleteItemFromArray(w->node, (int)index);
    } else if (last) {
        cJSON_ReplaceItemViaPointer(w->node, child, w->value);
        w->value = NULL;
    }
    w->node = child;
    w->row = row_below(&w->row, "");
    return MESO_OK;
}

/* Next part of the path: a key, or the digits between brackets. */
static bool next_part(const char **at, char part[128], bool *is_index)
{
    const char *p = *at;
    *is_index = *p == '[';
    p += *p == '.' || *is_index;
    const size_t n = strcspn(p, *is_index ? "]" : ".[");
    if (n == 0 || n >= 128 || (*is_index && (p[n] != ']' || strspn(p, "0123456789") != n)))
        return false;
    memcpy(part, p, n);
    part[n] = '\0';
    *at = p + n + *is_index;
    return **at == '\0' || **at == '.' || **at == '[';
}

static meso_status walk_path(walk *w, const char *path)
{
    char part[128];
    bool is_index;
    if (*path == '.' || *path == '[')
        return bad_form(w);
    for (const char *at = path; *at;) {
        if (!next_part(&at, part, &is_index))
            return bad_form(w);
        MESO_TRY(is_index ? step_to_index(w, part, !*at) : step_to_key(w, part, !*at));
    }
    return MESO_OK;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_json(const char *value)
{
    return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
           strcmp(value, "null") == 0 || (*value && strchr("{[\"-0123456789", *value));
}

static meso_status parse_value(walk *w, const char *value)
{
    char *quoted = NULL;
    if (!is_json(value)) {
        cJSON *word = cJSON_CreateString(value);
        quoted = word ? cJSON_PrintUnformatted(word) : NULL;
        cJSON_Delete(word);
        if (!quoted)
            return error_set(w->err, MESO_MEMORY, "out of memory");
    }
    const char *json = quoted ? quoted : value;
    text name = {0};
    text_appendf(&name, "--set %s", w->assignment);
    meso_status status = document_parse(w->d, name.failed ? "--set" : name.data, false, json,
                                        strlen(json), &w->value, w->err);
    text_free(&name);
    cJSON_free(quoted);
    return status;
}

meso_status merge_override(document *d, const object_type *type, const char *assignment,
                           meso_error *err)
{
    walk w = {.d = d,
              .assignment = assignment,
              .err = err,
              .node = d->root,
              .row = {.kind = FIELD_OBJECT, .type = type}};
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return bad_form(&w);
    if (strncmp(assignment, "extends", 7) == 0 && strchr("=[", assignment[7])) {
        snprintf(w.path, sizeof w.path, "extends");
        return fail(&w, MESO_ARGUMENT, "parents are named in the file, not by --set");
    }
    char *path = strdup(assignment);
    if (!path)
        return error_set(err, MESO_MEMORY, "out of memory");
    path[equals - assignment] = '\0';
    meso_status status = parse_value(&w, equals + 1);
    if (status == MESO_OK)
        status = walk_path(&w, path);
    cJSON_Delete(w.value);
    free(path);
    return status;
}
