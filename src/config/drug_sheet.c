/*
 * Beside its numbers a drug may have "_status": keys, or beginnings of keys, to a status and its reason,
 * { "routes.ip": "proposed: peak in 20 min" }. The longest beginning counts; an object within may have its own.
 */
#include "config/drug_sheet.h"

#include "base/embedded.h"
#include "config/loader.h"
#include "config/merge.h"
#include <stdlib.h>
#include <string.h>

#define FOLDER "configs/parts/drugs/"
#define SUFFIX ".json"

/* --- numbers ---------------------------------------------------------------------------------- */

typedef struct collection {
    arena *memory;
    drug_number *numbers; /* NULL: only count */
    uint32_t n;
    bool failed;
} collection;

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

/* "proposed: peak in 20 min" of the longest beginning of the key, or "". */
static const char *find_status(const cJSON *statuses, const char *key)
{
    char beginning[256];
    strncpy(beginning, key, sizeof beginning - 1);
    beginning[sizeof beginning - 1] = '\0';
    for (;;) {
        const char *status = text_of(statuses, beginning);
        char *dot = strrchr(beginning, '.');
        if (*status || !dot)
            return status;
        *dot = '\0';
    }
}

static char *copy(collection *c, const char *from, size_t length)
{
    char *to = arena_printf(c->memory, "%.*s", (int)length, from);
    c->failed = c->failed || !to;
    return to;
}

/* Inputs    key  whole  own: as the statuses see it */
static void add_number(collection *c, const field *f, double value, const char *key,
                       const cJSON *statuses, const char *own)
{
    if (c->numbers) {
        const char *status = find_status(statuses, own), *colon = strchr(status, ':');
        const size_t word = colon ? (size_t)(colon - status) : strlen(status);
        const char *reason = status + word + (colon ? strspn(colon, ": ") : 0);
        c->numbers[c->n] = (drug_number){.key = key,
                                         .value = value,
                                         .unit = f->unit,
                                         .doc = f->doc,
                                         .status = copy(c, status, word),
                                         .source = copy(c, reason, strlen(reason))};
    }
    c->n++;
}

static void add_numbers(collection *c, const object_type *type, const cJSON *object,
                        const char *prefix, const cJSON *statuses, size_t skip);

/* Of one member; `skip` characters of the key are before the object that has the statuses. */
static void add_member(collection *c, const field *f, const cJSON *member, const char *prefix,
                       const cJSON *statuses, size_t skip)
{
    const char *key = arena_printf(c->memory, "%s%s%s", prefix, *prefix ? "." : "", member->string);
    if (!key) {
        c->failed = true;
    } else if (cJSON_IsNumber(member)) {
        add_number(c, f, member->valuedouble, key, statuses, key + skip);
    } else if (f->kind == FIELD_OBJECT && cJSON_IsObject(member)) {
        add_numbers(c, f->type, member, key, statuses, skip);
    } else if (f->kind == FIELD_MAP) {
        field element = *f;
        element.kind = FIELD_OBJECT;
        for (const cJSON *m = first_member(member); m; m = next_member(m))
            add_member(c, &element, m, key, statuses, skip);
    }
}

static void add_numbers(collection *c, const object_type *type, const cJSON *object,
                        const char *prefix, const cJSON *statuses, size_t skip)
{
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(object, "_status");
    if (own) {
        statuses = own;
        skip = strlen(prefix) + (*prefix != '\0');
    }
    for (const cJSON *m = first_member(object); m; m = next_member(m)) {
        const field *f = type_find(type, m->string);
        if (f)
            add_member(c, f, m, prefix, statuses, skip);
    }
}

/* --- sheets ----------------------------------------------------------------------------------- */

static meso_status read_sheet(const cJSON *object, arena *memory, drug_sheet *s, meso_error *err)
{
    collection c = {.memory = memory};
    add_numbers(&c, &drug_type, object, "", NULL, 0);
    c.numbers = arena_alloc(memory, (c.n + 1) * sizeof *c.numbers);
    c.failed = c.failed || !c.numbers;
    c.n = 0;
    if (!c.failed)
        add_numbers(&c, &drug_type, object, "", NULL, 0);
    *s = (drug_sheet){.name = arena_strdup(memory, object->string),
                      .title = arena_strdup(memory, text_of(object, "title")),
                      .source = arena_strdup(memory, text_of(object, "_source")),
                      .note = arena_strdup(memory, text_of(object, "_note")),
                      .numbers = c.numbers,
                      .n_numbers = c.n};
    if (c.failed || !s->name || !s->title || !s->source || !s->note)
        return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

static meso_status read_sheets(document *d, const char *first, const drug_sheet **sheets,
                               uint32_t *n, meso_error *err)
{
    cJSON *map = get_member(d->root, "drugs");
    drug_sheet *s = arena_alloc(d->memory, (count_members(map) + 1) * sizeof *s);
    if (!s)
        return error_set(err, MESO_MEMORY, "out of memory");
    *sheets = s;
    *n = 0;
    for (int is_first = 1; is_first >= 0; is_first--)
        for (cJSON *object = first_member(map); object; object = next_member(object))
            if ((strcmp(object->string, first) == 0) == is_first) {
                MESO_TRY(read_sheet(object, d->memory, &s[(*n)++], err));
                MESO_TRY(type_check(d, &drug_type, object, err)); /* adds what is not written */
            }
    return MESO_OK;
}

static bool is_file(const char *name)
{
    const size_t length = strlen(name), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

meso_status drug_sheets_load(const char *name, arena *memory, const drug_sheet **sheets,
                             uint32_t *n, meso_error *err)
{
    const char *path = is_file(name) ? name
                                     : arena_printf(memory, BUILTIN FOLDER "%s" SUFFIX, name);
    document d = {.memory = memory};
    if (!path)
        return error_set(err, MESO_MEMORY, "out of memory");
    meso_status status = merge_file(&d, &experiment_type, path, err);
    if (status == MESO_OK)
        status = read_sheets(&d, name, sheets, n, err);
    document_free(&d);
    return status;
}

const char *drug_part_name(uint32_t i, arena *memory)
{
    const char *path;
    for (size_t k = 0; (path = embedded_path(k)); k++) {
        if (strncmp(path, FOLDER, strlen(FOLDER)) != 0 || i-- > 0)
            continue;
        const char *name = path + strlen(FOLDER);
        return arena_printf(memory, "%.*s", (int)(strlen(name) - strlen(SUFFIX)), name);
    }
    return NULL;
}
