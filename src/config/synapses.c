#include "config/loader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_S 864000000.0 /* 10,000 days */

/* --- tables ----------------------------------------------------------------------------------- */

/* clang-format off */
static const field synapse_set_fields[] = {
    {.key = "projection", .kind = FIELD_NAME, .required = true, .doc = "name of a projection"},
    {.key = "fraction", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 1),
     FIELD_IN(synapse_set, fraction),
     .doc = "share of its synapses; which ones depends on the seed, their sources, targets and delays"},
    {.key = "count", .kind = FIELD_INTEGER, FIELD_FROM(1, 100000000), FIELD_IN(synapse_set, count),
     .doc = "so many of its synapses instead, as far as there are"},
    {.key = "sources", .kind = FIELD_INDICES,
     .doc = "of these sources only: the first so many neurons, or their indices, ascending; default: all"},
    {.key = "targets", .kind = FIELD_INDICES,
     .doc = "of these targets only: the first so many neurons, or their indices, ascending; default: all"},
    {.key = "variables", .kind = FIELD_NAMES,
     .doc = "weight, or a state variable of the rule it learns by, or a list; default: all of them"},
    {.key = "every_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(1), FIELD_ABOVE(0, LONGEST_S),
     FIELD_IN(synapse_set, every_s), .doc = "from reading to reading; at least field_step_ms, to which it is rounded"},
    {.key = "start_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0), FIELD_FROM(0, LONGEST_S),
     FIELD_IN(synapse_set, start_s), .doc = "first reading"},
    {.key = "stop_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_FROM(0, LONGEST_S),
     FIELD_IN(synapse_set, stop_s), .doc = "no reading after it; default: end of the experiment"},
    {0}};

static const field snapshots_fields[] = {
    {.key = "projection", .kind = FIELD_NAMES, .required = true,
     .doc = "name of a projection, or a list"},
    {.key = "at_s", .kind = FIELD_NUMBERS, .unit = "s", FIELD_FROM(0, LONGEST_S),
     .doc = "when, or a list, in simulated time; default: end of the experiment"},
    {0}};
/* clang-format on */

const object_type synapse_set_type = {
    .name = "synapse_set", .doc = "Synapses that are followed", .fields = synapse_set_fields};
const object_type snapshots_type = {.name = "snapshots",
                                    .doc = "All synapses of projections, as SONATA edges",
                                    .fields = snapshots_fields};

/* --- what can be read ------------------------------------------------------------------------- */

static synapse_variable weight_of(const loader *l, const projection *p)
{
    const population *target = &l->experiment->populations[p->target];
    return (synapse_variable){.name = "weight",
                              .unit = population_port_unit(target, p->ports[0].port),
                              .state = MODEL_NONE};
}

static uint32_t count_states(const projection *p)
{
    return p->learning ? p->learning->rule->n_state : 0;
}

static synapse_variable state_of(const projection *p, uint32_t i)
{
    const state_spec *state = &p->learning->rule->state[i];
    return (synapse_variable){.name = state->name, .unit = state->unit, .state = i};
}

meso_status load_synapse_variable(loader *l, const cJSON *at, const char *name, const projection *p,
                                  synapse_variable *out)
{
    name_list names = {0};
    bool found = strcmp(name, "weight") == 0;
    *out = weight_of(l, p);
    names_add(&names, "weight", NULL);
    for (uint32_t i = 0; i < count_states(p) && !found; i++) {
        found = strcmp(p->learning->rule->state[i].name, name) == 0;
        if (found)
            *out = state_of(p, i);
        names_add(&names, p->learning->rule->state[i].name, NULL);
    }
    meso_status status = MESO_OK;
    if (!found)
        status = names_error_value(&l->document, at, name, "variables of the projection", &names,
                                   l->err);
    names_free(&names);
    return status;
}

meso_status check_synapses_kept(loader *l, const cJSON *at, const projection *p)
{
    if (p->storage != STORAGE_PROCEDURAL)
        return MESO_OK;
    return LOADER_ERROR(l, at, NULL, MESO_CONFIG,
                        "'%s' has procedural storage: there are no synapses to read", p->name);
}

/* --- sets that are followed ------------------------------------------------------------------- */

static meso_status all_variables(loader *l, const projection *p, const synapse_variable **out,
                                 uint32_t *n)
{
    *n = 1 + count_states(p);
    synapse_variable *v = loader_alloc(l, *n, sizeof *v);
    if (!v)
        return MESO_MEMORY;
    *out = v;
    for (uint32_t i = 0; i < *n; i++)
        v[i] = i == 0 ? weight_of(l, p) : state_of(p, i - 1);
    return MESO_OK;
}

static meso_status read_variables(loader *l, const cJSON *object, const projection *p,
                                  synapse_set *s)
{
    const cJSON *given = get_member(object, "variables");
    if (!given)
        return all_variables(l, p, &s->variables, &s->n_variables);
    s->n_variables = count_items(given);
    if (s->n_variables == 0)
        return LOADER_ERROR(l, given, NULL, MESO_CONFIG, "expected at least one variable");
    synapse_variable *v = loader_alloc(l, s->n_variables, sizeof *v);
    if (!v)
        return MESO_MEMORY;
    s->variables = v;
    for (const cJSON *name = first_item(given); name; name = next_item(given, name)) {
        for (const synapse_variable *other = s->variables; other < v; other++)
            if (strcmp(other->name, name->valuestring) == 0)
                return LOADER_ERROR(l, name, NULL, MESO_CONFIG, "'%s' is listed twice",
                                    name->valuestring);
        MESO_TRY(load_synapse_variable(l, name, name->valuestring, p, v++));
    }
    return MESO_OK;
}

static meso_status read_readings(loader *l, const cJSON *object, synapse_set *s)
{
    const experiment *e = l->experiment;
    if (!get_member(object, "stop_s") || s->stop_s > e->duration_s)
        s->stop_s = e->duration_s;
    if (s->start_s > s->stop_s)
        return LOADER_ERROR(l, object, "start_s", MESO_RANGE,
                            "%.15g s is outside [0, %.15g] s: no reading comes after", s->start_s,
                            s->stop_s);
    if (s->every_s * 1e3 >= e->field_step_ms * (1 - 1e-9))
        return MESO_OK;
    return LOADER_ERROR(l, object, "every_s", MESO_RANGE,
                        "%.15g s is below field_step_ms, %.15g ms", s->every_s, e->field_step_ms);
}

static meso_status read_set(loader *l, const cJSON *object, synapse_set *s)
{
    experiment *e = l->experiment;
    const cJSON *named = get_member(object, "projection");
    s->name = arena_strdup(e->memory, object->string);
    if (!s->name)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_read(l, &synapse_set_type, object, s));
    MESO_TRY(loader_resolve(l, named, "projections", &s->projection));
    const projection *p = &e->projections[s->projection];
    const population *from = &e->populations[p->source], *to = &e->populations[p->target];
    const index_range sources = {"sources", from->name, "neurons", from->n_neurons};
    const index_range targets = {"targets", to->name, "neurons", to->n_neurons};
    MESO_TRY(check_synapses_kept(l, named, p));
    MESO_TRY(load_indices(l, object, &sources, &s->sources, &s->n_sources));
    MESO_TRY(load_indices(l, object, &targets, &s->targets, &s->n_targets));
    MESO_TRY(read_variables(l, object, p, s));
    return read_readings(l, object, s);
}

/* --- snapshots -------------------------------------------------------------------------------- */

static int earlier(const void *left, const void *right)
{
    const snapshot *a = left, *b = right;
    if (a->at_s != b->at_s)
        return a->at_s < b->at_s ? -1 : 1;
    return (a->projection > b->projection) - (a->projection < b->projection);
}

static meso_status read_snapshot(loader *l, const cJSON *name, const cJSON *at_s, snapshot *list)
{
    recording *record = &l->experiment->record;
    snapshot s;
    MESO_TRY(loader_resolve(l, name, "projections", &s.projection));
    const projection *p = &l->experiment->projections[s.projection];
    MESO_TRY(check_synapses_kept(l, name, p));
    MESO_TRY(all_variables(l, p, &s.variables, &s.n_variables));
    for (uint32_t i = 0; i < record->n_snapshots; i++)
        if (list[i].projection == s.projection)
            return LOADER_ERROR(l, name, NULL, MESO_CONFIG, "'%s' is listed twice",
                                name->valuestring);
    s.at_s = l->experiment->duration_s;
    if (!at_s)
        list[record->n_snapshots++] = s;
    for (const cJSON *at = at_s ? first_item(at_s) : NULL; at; at = next_item(at_s, at)) {
        s.at_s = at->valuedouble;
        list[record->n_snapshots++] = s;
    }
    return MESO_OK;
}

/* Every projection at every moment. */
static meso_status read_snapshots(loader *l, const cJSON *object)
{
    recording *record = &l->experiment->record;
    const cJSON *named = get_member(object, "projection"), *at_s = get_member(object, "at_s");
    const uint32_t n_moments = at_s ? count_items(at_s) : 1;
    snapshot *list = loader_alloc(l, (size_t)count_items(named) * n_moments, sizeof *list);
    if (!list)
        return MESO_MEMORY;
    record->snapshots = list;
    MESO_TRY(check_moments(l, at_s, l->experiment->duration_s, "experiment"));
    for (const cJSON *name = first_item(named); name; name = next_item(named, name))
        MESO_TRY(read_snapshot(l, name, at_s, list));
    qsort(list, record->n_snapshots, sizeof *list, earlier);
    return MESO_OK;
}

meso_status load_synapse_recording(loader *l, const cJSON *record)
{
    recording *read = &l->experiment->record;
    const cJSON *map = get_member(record, "synapses"), *snapshots = get_member(record, "snapshots");
    read->n_synapse_sets = (uint32_t)count_members(map);
    synapse_set *s = loader_alloc(l, read->n_synapse_sets, sizeof *s);
    if (!s)
        return MESO_MEMORY;
    read->synapse_sets = s;
    for (const cJSON *object = first_member(map); object; object = next_member(object))
        MESO_TRY(read_set(l, object, s++));
    return snapshots ? read_snapshots(l, snapshots) : MESO_OK;
}
