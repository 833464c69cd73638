#include "config/targets.h"

#include "base/embedded.h"
#include "base/text.h"
#include "config/fields.h"
#include "config/merge.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

/* clang-format off */
static const field run_fields[] = {
    {.key = "experiment", .kind = FIELD_TEXT, .required = true, FIELD_IN(target_run, experiment),
     .doc = "path from the table, or builtin:..."},
    {.key = "set", .kind = FIELD_PATHS, .doc = "changes, each as path=value"},
    {0}};

static const object_type run_type = {
    .name = "run", .doc = "An experiment with changes", .fields = run_fields};

static const field target_fields[] = {
    {.key = "id", .kind = FIELD_TEXT, .required = true, FIELD_IN(target, id), .doc = "short name"},
    {.key = "finding", .kind = FIELD_TEXT, .required = true, FIELD_IN(target, finding),
     .doc = "what was found, in one line"},
    {.key = "measure", .kind = FIELD_TEXT, FIELD_IN(target, measure),
     .doc = "expression over <run>.<assay>.<quantity>"},
    {.key = "not_measured", .kind = FIELD_TEXT, FIELD_IN(target, not_measured),
     .doc = "in place of measure: why nothing here can"},
    {.key = "unit", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), FIELD_IN(target, unit),
     .doc = "of the measure"},
    {.key = "published", .kind = FIELD_TEXT, .required = true, FIELD_IN(target, published),
     .doc = "the number as it stands in the source"},
    {.key = "min", .kind = FIELD_NUMBER, FIELD_IN(target, min), .doc = "gate"},
    {.key = "max", .kind = FIELD_NUMBER, FIELD_IN(target, max), .doc = "gate"},
    {.key = "source", .kind = FIELD_TEXT, .required = true, FIELD_IN(target, source),
     .doc = "author, year, journal"},
    {.key = "status", .kind = FIELD_CHOICE, .choices = target_status_names, .required = true,
     FIELD_IN(target, status), .doc = "V read in the source, V-dir only its direction, V-run "
     "calculated from published equations, R recalled"},
    {.key = "seeds", .kind = FIELD_INTEGER, FIELD_DEFAULT(1), FIELD_FROM(1, 1000),
     FIELD_IN(target, seeds), .doc = "1 to this many; the mean counts"},
    {.key = "of_means", .kind = FIELD_BOOLEAN, FIELD_IN(target, of_means),
     .doc = "the measure is of the means over the seeds, not the mean of the measures"},
    {.key = "calibrated", .kind = FIELD_BOOLEAN, FIELD_IN(target, calibrated),
     .doc = "something was fitted to this number, so that it tests nothing; counted apart"},
    {.key = "pending", .kind = FIELD_TEXT, FIELD_IN(target, pending),
     .doc = "what its experiments wait for; while they cannot be loaded it is no error"},
    {.key = "note", .kind = FIELD_TEXT, FIELD_IN(target, note),
     .doc = "on how it is measured here, or why it is missed"},
    {0}};

static const object_type target_type = {
    .name = "target", .doc = "A published finding", .fields = target_fields};

static const field table_fields[] = {
    {.key = "runs", .kind = FIELD_MAP, .type = &run_type, .required = true, .doc = "by name"},
    {.key = "targets", .kind = FIELD_LIST, .type = &target_type, .required = true,
     .doc = "in the order in which they are shown"},
    {0}};
/* clang-format on */

static const object_type table_type = {
    .name = "table", .doc = "Published findings", .fields = table_fields};

/* --- building --------------------------------------------------------------------------------- */

static const char *beside(arena *memory, const char *table, const char *path)
{
    const char *slash = strrchr(table, '/');
    if (path[0] == '/' || slash == NULL || strncmp(path, BUILTIN, strlen(BUILTIN)) == 0)
        return arena_strdup(memory, path);
    return arena_printf(memory, "%.*s/%s", (int)(slash - table), table, path);
}

static meso_status read_run(const char *table, const cJSON *object, arena *memory, target_run *r,
                            meso_error *err)
{
    MESO_TRY(type_read(&run_type, object, memory, r, err));
    r->name = arena_strdup(memory, object->string);
    r->experiment = beside(memory, table, r->experiment);
    const cJSON *set = get_member(object, "set");
    const bool one = cJSON_IsString(set);
    r->n_overrides = one ? 1 : (uint32_t)cJSON_GetArraySize(set);
    const char **overrides = arena_alloc(memory, (r->n_overrides + 1) * sizeof *overrides);
    if (r->name == NULL || r->experiment == NULL || overrides == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    r->overrides = overrides;
    const cJSON *item = one ? set : set != NULL ? set->child : NULL;
    for (uint32_t i = 0; i < r->n_overrides; i++, item = item->next)
        if ((overrides[i] = arena_strdup(memory, item->valuestring)) == NULL)
            return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

static meso_status read_target(const document *d, const cJSON *object, arena *memory, target *t,
                               meso_error *err)
{
    *t = (target){.min = -INFINITY, .max = INFINITY};
    MESO_TRY(type_read(&target_type, object, memory, t, err));
    if ((t->measure == NULL) == (t->not_measured == NULL))
        return document_error(d, object, NULL, err, MESO_CONFIG,
                              "expected measure, or not_measured and the reason");
    if (t->measure != NULL && isinf(t->min) && isinf(t->max))
        return document_error(d, object, NULL, err, MESO_CONFIG,
                              "expected min, max or both: a gate that can be missed");
    if (t->min > t->max)
        return document_error(d, object, "min", err, MESO_RANGE, "%.15g is above max, %.15g",
                              t->min, t->max);
    return MESO_OK;
}

static meso_status build(const document *d, const char *path, arena *memory, target_table *out,
                         meso_error *err)
{
    const cJSON *map = get_member(d->root, "runs"), *list = get_member(d->root, "targets");
    out->n_runs = (uint32_t)count_members(map);
    out->n_targets = (uint32_t)cJSON_GetArraySize(list);
    target_run *runs = arena_alloc(memory, (out->n_runs + 1) * sizeof *runs);
    target *targets = arena_alloc(memory, (out->n_targets + 1) * sizeof *targets);
    if (runs == NULL || targets == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    out->runs = runs;
    out->targets = targets;
    for (const cJSON *o = first_member(map); o; o = next_member(o))
        MESO_TRY(read_run(path, o, memory, runs++, err));
    for (const cJSON *o = list->child; o; o = o->next)
        MESO_TRY(read_target(d, o, memory, targets++, err));
    return MESO_OK;
}

static meso_status read_text(const char *path, char **content, meso_error *err)
{
    size_t length;
    if (strncmp(path, BUILTIN, strlen(BUILTIN)) != 0)
        return text_read_file(path, content, &length, err);
    const char *found = embedded_find(path + strlen(BUILTIN));
    if (found == NULL)
        return error_set(err, MESO_NOT_FOUND, "there is no '%s' in the program", path);
    *content = strdup(found);
    return *content != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

meso_status targets_load(const char *path, arena *memory, target_table *out, meso_error *err)
{
    document d = {.memory = memory};
    char *content = NULL;
    meso_status status = MESO_OK;
    *out = (target_table){0};
    MESO_GO(read_text(path, &content, err));
    MESO_GO(document_parse(&d, path, true, content, strlen(content), &d.root, err));
    MESO_GO(type_check(&d, &table_type, d.root, err));
    MESO_GO(build(&d, path, memory, out, err));
done:
    document_free(&d);
    free(content);
    return status;
}
