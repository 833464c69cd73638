#include "config/document.h"

#include "base/text.h"
#include "config/json_scan.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- members ---------------------------------------------------------------------------------- */

bool is_comment(const cJSON *member)
{
    return member->string && member->string[0] == '_';
}

static cJSON *skip_comments(cJSON *member)
{
    while (member && is_comment(member))
        member = member->next;
    return member;
}

cJSON *first_member(const cJSON *object)
{
    return object ? skip_comments(object->child) : NULL;
}

cJSON *next_member(const cJSON *member)
{
    return skip_comments(member->next);
}

size_t count_members(const cJSON *object)
{
    size_t n = 0;
    for (cJSON *m = first_member(object); m; m = next_member(m))
        n++;
    return n;
}

cJSON *get_member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* --- places ----------------------------------------------------------------------------------- */

static const text_source *source_of(const document *d, const cJSON *node)
{
    const text_source *s = d->sources;
    while (s && s->first_line >= node->valueint)
        s = s->next;
    return s;
}

/* Depth first from `at`, writing the path to `node`; false when it is not below. */
static bool path_to(const cJSON *at, const cJSON *node, text *path)
{
    if (at == node)
        return true;
    const size_t length = path->length;
    int index = 0;
    for (const cJSON *child = at->child; child; child = child->next, index++) {
        if (cJSON_IsArray(at))
            text_appendf(path, "[%d]", index);
        else
            text_appendf(path, "%s%s", length ? "." : "", child->string);
        if (path->failed || path_to(child, node, path))
            return true;
        path->length = length;
        path->data[length] = '\0';
    }
    return false;
}

static void compose_place(const document *d, const cJSON *node, char *place, size_t size)
{
    const text_source *s = source_of(d, node);
    if (!s)
        place[0] = '\0';
    else if (s->is_file)
        snprintf(place, size, "%s:%d", s->name, node->valueint - s->first_line);
    else
        snprintf(place, size, "%s", s->name);
}

meso_status document_error(const document *d, const cJSON *node, const char *key, meso_error *err,
                           meso_status status, const char *format, ...)
{
    if (!err)
        return status;
    const cJSON *member = key ? get_member(node, key) : NULL;
    text path = {0};
    path_to(d->root, node, &path);
    if (key)
        text_appendf(&path, "%s%s", path.length ? "." : "", key);

    char message[sizeof err->message], place[sizeof err->place];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    compose_place(d, member ? member : node, place, sizeof place);
    error_set(err, status, "%s%s%s%s%s", place, *place ? ": " : "", path.length ? path.data : "",
              path.length ? ": " : "", message);
    memcpy(err->place, place, sizeof place);
    text_free(&path);
    return status;
}

const char *document_place(const document *d, const cJSON *node, const char *key)
{
    char place[512];
    const cJSON *member = get_member(node, key);
    compose_place(d, member ? member : node, place, sizeof place);
    return arena_strdup(d->memory, place);
}

const char *document_file(const document *d, const cJSON *node)
{
    const text_source *s = source_of(d, node);
    return s && s->is_file ? s->name : NULL;
}

void document_copy_place(cJSON *node, const cJSON *at)
{
    node->valueint = at->valueint;
    for (cJSON *child = node->child; child; child = child->next)
        document_copy_place(child, at);
}

const char *document_describe(const cJSON *node, char buffer[80])
{
    if (cJSON_IsString(node)) {
        const bool cut = strlen(node->valuestring) > 40;
        snprintf(buffer, 80, "the string \"%.40s%s\"", node->valuestring, cut ? "..." : "");
        return buffer;
    }
    if (cJSON_IsNumber(node)) {
        char number[NUMBER_TEXT];
        snprintf(buffer, 80, "the number %s", number_text(node->valuedouble, number));
        return buffer;
    }
    if (cJSON_IsObject(node))
        return "an object";
    if (cJSON_IsArray(node))
        return "a list";
    return cJSON_IsTrue(node) ? "true" : cJSON_IsFalse(node) ? "false" : "null";
}

/* --- parsing ---------------------------------------------------------------------------------- */

/* Both the scanner and cJSON know values in the order in which they begin. */
static void set_places(cJSON *node, const json_lines *lines, size_t *next, int first_line)
{
    node->valueint = first_line + lines->line[(*next)++];
    for (cJSON *child = node->child; child; child = child->next)
        set_places(child, lines, next, first_line);
}

static meso_status check_members(const document *d, const cJSON *object, meso_error *err)
{
    for (const cJSON *member = object->child; member; member = member->next) {
        const cJSON *first = get_member(object, member->string);
        if (first == member)
            continue;
        const text_source *s = source_of(d, first);
        return document_error(d, member, NULL, err, MESO_CONFIG, "defined twice, first in line %d",
                              first->valueint - s->first_line);
    }
    return MESO_OK;
}

/* What is right for the syntax and still cannot be meant. */
static meso_status check_values(const document *d, const cJSON *node, meso_error *err)
{
    if (cJSON_IsNumber(node) && !isfinite(node->valuedouble))
        return document_error(d, node, NULL, err, MESO_RANGE,
                              "the number is too large: its size must be below 1.8e308");
    if (cJSON_IsObject(node))
        MESO_TRY(check_members(d, node, err));
    for (const cJSON *child = node->child; child; child = child->next)
        MESO_TRY(check_values(d, child, err));
    return MESO_OK;
}

static meso_status add_source(document *d, const char *name, bool is_file, int n_lines,
                              meso_error *err)
{
    text_source *s = arena_alloc(d->memory, sizeof *s);
    char *copy = arena_strdup(d->memory, name);
    if (!s || !copy)
        return error_set(err, MESO_MEMORY, "%s: out of memory", name);
    *s = (text_source){.next = d->sources, .name = copy, .is_file = is_file, .n_lines = n_lines};
    if (d->sources)
        s->first_line = d->sources->first_line + d->sources->n_lines;
    d->sources = s;
    return MESO_OK;
}

meso_status document_parse(document *d, const char *name, bool is_file, const char *content,
                           size_t length, cJSON **value, meso_error *err)
{
    json_lines lines = {0};
    cJSON *parsed = NULL;
    meso_status status;
    MESO_GO(json_scan(name, content, length, &lines, err));
    MESO_GO(add_source(d, name, is_file, lines.n_lines, err));
    parsed = cJSON_ParseWithLength(content, length);
    if (!parsed) {
        status = error_set(err, MESO_MEMORY, "%s: out of memory", name);
        goto done;
    }
    size_t next = 0;
    set_places(parsed, &lines, &next, d->sources->first_line);
    /* paths in messages start at the document's root: while checking, that is this text */
    const document alone = {.root = parsed, .sources = d->sources, .memory = d->memory};
    status = check_values(&alone, parsed, err);
done:
    free(lines.line);
    if (status == MESO_OK)
        *value = parsed;
    else
        cJSON_Delete(parsed);
    return status;
}

void document_free(document *d)
{
    cJSON_Delete(d->root);
    *d = (document){0};
}

/* --- printing --------------------------------------------------------------------------------- */

const char *number_text(double x, char buffer[NUMBER_TEXT])
{
    snprintf(buffer, NUMBER_TEXT, "%.15g", x);
    if (strtod(buffer, NULL) != x)
        snprintf(buffer, NUMBER_TEXT, "%.17g", x);
    return buffer;
}

/* cJSON rounds to 15 digits when that is close; a seed must come back as it was. */
static bool keep_digits(cJSON *node)
{
    if (cJSON_IsNumber(node)) {
        node->valuestring = cJSON_malloc(NUMBER_TEXT);
        if (!node->valuestring)
            return false;
        number_text(node->valuedouble, node->valuestring);
        node->type = (node->type & ~cJSON_Number) | cJSON_Raw;
    }
    for (cJSON *child = node->child; child; child = child->next)
        if (!keep_digits(child))
            return false;
    return true;
}

char *document_print(cJSON *node)
{
    char *printed = keep_digits(node) ? cJSON_Print(node) : NULL;
    text out = {0};
    if (printed) {
        text_append(&out, printed);
        text_append(&out, "\n");
    }
    cJSON_free(printed);
    return out.length ? text_take(&out) : NULL;
}
