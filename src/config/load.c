#include "config/load.h"

#include "config/loader.h"
#include "config/merge.h"
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 1
#define MOST_STEPS_PER_FIELD_STEP 1000
#define LARGEST_SEED 9007199254740991.0 /* 2^53 - 1: whole numbers that JSON can carry */

/* clang-format off */
static const field experiment_fields[] = {
    {.key = "schema_version", .kind = FIELD_INTEGER, .required = true,
     FIELD_FROM(SCHEMA_VERSION, SCHEMA_VERSION), .doc = "of this file's keys"},
    {.key = "extends", .kind = FIELD_PATHS,
     .doc = "experiment files to build upon, as paths from this file, or builtin:configs/... for those "
            "in the program; later ones win, this file wins over all; null removes what was inherited"},
    {.key = "$schema", .kind = FIELD_TEXT, .doc = "where an editor finds this schema"},
    {.key = "title", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), FIELD_IN(experiment, title),
     .doc = "one line for people"},
    {.key = "seed", .kind = FIELD_INTEGER, FIELD_DEFAULT(1), FIELD_FROM(0, LARGEST_SEED),
     FIELD_IN(experiment, seed), .doc = "of all random numbers"},
    {.key = "dt_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0.1), FIELD_ABOVE(0, 1),
     FIELD_IN(experiment, dt_ms), .doc = "step of membranes and synapses"},
    {.key = "field_step_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(1),
     FIELD_ABOVE(0, 100), FIELD_IN(experiment, field_step_ms),
     .doc = "step of modulators, receptors and rates of stimuli; a multiple of dt_ms, at most "
            "1000 of it"},
    {.key = "cells", .kind = FIELD_MAP, .type = &cell_type, .doc = "kinds of cells, by name"},
    {.key = "populations", .kind = FIELD_MAP, .type = &population_type, .doc = "by name"},
    {.key = "projections", .kind = FIELD_MAP, .type = &projection_type, .doc = "by name"},
    {.key = "stimuli", .kind = FIELD_MAP, .type = &stimulus_type, .doc = "by name"},
    {.key = "modulators", .kind = FIELD_MAP, .type = &modulator_type, .doc = "by name"},
    {.key = "receptors", .kind = FIELD_MAP, .type = &receptor_type, .doc = "by name"},
    {.key = "targets", .kind = FIELD_MAP, .type = &drug_target_type,
     .doc = "what drugs may act on, by name, beside what the experiment has"},
    {.key = "drugs", .kind = FIELD_MAP, .type = &drug_type, .doc = "by name"},
    {.key = "species", .kind = FIELD_OBJECT, .type = &species_type,
     .doc = "whose body the drugs go through; default: that for which their numbers are, the rat"},
    {.key = "protocol", .kind = FIELD_LIST, .type = &phase_type,
     .doc = "phases, one after another"},
    {.key = "contingencies", .kind = FIELD_MAP, .type = &contingency_type,
     .doc = "what follows from spikes of the circuit, by name"},
    {.key = "record", .kind = FIELD_OBJECT, .type = &record_type, FIELD_DEFAULT_EMPTY,
     .doc = "what is written down"},
    {.key = "assays", .kind = FIELD_MAP, .type = &assay_type, .doc = "by name"},
    {0}};
/* clang-format on */

const object_type experiment_type = {
    .name = "experiment",
    .doc = "An experiment of mesocl. Keys that start with '_' are comments. Units stand in keys.",
    .fields = experiment_fields};

/* --- the experiment --------------------------------------------------------------------------- */

static const char *folder_of(arena *memory, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return arena_printf(memory, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* From `content`, when it is not NULL, else from the file at `path`. */
static meso_status read_document(loader *l, const char *path, const char *content,
                                 const char *const *overrides, uint32_t n_overrides)
{
    if (content)
        MESO_TRY(merge_text(&l->document, &experiment_type, path, content, l->err));
    else
        MESO_TRY(merge_file(&l->document, &experiment_type, path, l->err));
    for (uint32_t i = 0; i < n_overrides; i++)
        MESO_TRY(merge_override(&l->document, &experiment_type, overrides[i], l->err));
    return type_check(&l->document, &experiment_type, l->document.root, l->err);
}

static meso_status write_merged(loader *l)
{
    char *json = document_print(l->document.root);
    if (json)
        l->experiment->json = arena_strdup(l->experiment->memory, json);
    free(json);
    return l->experiment->json ? MESO_OK : error_set(l->err, MESO_MEMORY, "out of memory");
}

static meso_status check_steps(loader *l)
{
    const experiment *e = l->experiment;
    const cJSON *field_step = get_member(l->document.root, "field_step_ms");
    MESO_TRY(loader_check_multiple(l, field_step, e->dt_ms, "dt_ms"));
    if (e->field_step_ms / e->dt_ms < MOST_STEPS_PER_FIELD_STEP + 0.5)
        return MESO_OK;
    return LOADER_ERROR(l, field_step, NULL, MESO_RANGE,
                        "%.15g ms is more than %d steps of dt_ms, %.15g ms", e->field_step_ms,
                        MOST_STEPS_PER_FIELD_STEP, e->dt_ms);
}

static meso_status build(loader *l)
{
    MESO_TRY(loader_read(l, &experiment_type, l->document.root, l->experiment));
    MESO_TRY(check_steps(l));
    MESO_TRY(load_populations(l));
    MESO_TRY(load_projections(l));
    MESO_TRY(load_stimuli(l));
    MESO_TRY(load_modulators(l));
    MESO_TRY(load_drugs(l));
    MESO_TRY(load_protocol(l));
    MESO_TRY(load_contingencies(l));
    MESO_TRY(load_recording(l));
    MESO_TRY(load_assays(l));
    return write_merged(l);
}

static experiment *create(const char *path, meso_error *err)
{
    arena *memory = arena_create();
    experiment *e = memory ? arena_alloc(memory, sizeof *e) : NULL;
    const char *copy = e ? arena_strdup(memory, path) : NULL;
    if (!copy) {
        arena_destroy(&memory);
        error_set(err, MESO_MEMORY, "out of memory");
        return NULL;
    }
    e->memory = memory;
    e->path = copy;
    return e;
}

static meso_status load(const char *path, const char *content, const char *const *overrides,
                        uint32_t n_overrides, meso_experiment **out, meso_error *err)
{
    *out = NULL;
    experiment *e = create(path, err);
    if (!e)
        return MESO_MEMORY;
    loader l = {.document.memory = e->memory, .experiment = e, .err = err};
    meso_status status;
    l.directory = content ? "." : folder_of(e->memory, path);
    if (!l.directory) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    MESO_GO(read_document(&l, path, content, overrides, n_overrides));
    MESO_GO(build(&l));
done:
    document_free(&l.document);
    if (status == MESO_OK)
        *out = e;
    else
        meso_experiment_destroy(&e);
    return status;
}

meso_status meso_experiment_load(const char *path, const char *const *overrides,
                                 uint32_t n_overrides, meso_experiment **out, meso_error *err)
{
    if (!path || !out || (n_overrides > 0 && !overrides))
        return error_set(err, MESO_ARGUMENT, "meso_experiment_load: NULL argument");
    return load(path, NULL, overrides, n_overrides, out, err);
}

meso_status meso_experiment_load_text(const char *name, const char *content,
                                      const char *const *overrides, uint32_t n_overrides,
                                      meso_experiment **out, meso_error *err)
{
    if (!name || !content || !out || (n_overrides > 0 && !overrides))
        return error_set(err, MESO_ARGUMENT, "meso_experiment_load_text: NULL argument");
    return load(name, content, overrides, n_overrides, out, err);
}

void meso_experiment_destroy(meso_experiment **e)
{
    if (!e || !*e)
        return;
    arena *memory = (*e)->memory; /* the experiment itself lives there */
    arena_destroy(&memory);
    *e = NULL;
}

const char *meso_experiment_json(const meso_experiment *e)
{
    return e->json;
}

meso_status meso_experiment_schema(char **json, meso_error *err)
{
    cJSON *schema = type_schema(&experiment_type);
    *json = schema ? document_print(schema) : NULL;
    cJSON_Delete(schema);
    return *json ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}
