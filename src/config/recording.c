#include "config/loader.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

/* clang-format off */
static const field report_fields[] = {
    {.key = "population", .kind = FIELD_NAME, .doc = "name of a population"},
    {.key = "receptor", .kind = FIELD_NAME,
     .doc = "name of a receptor: its occupancy, activation or surface in the population's region"},
    {.key = "modulator", .kind = FIELD_NAME,
     .doc = "name of a modulator: its concentration in a region"},
    {.key = "region", .kind = FIELD_NAME, .doc = "a compartment of the modulator"},
    {.key = "variable", .kind = FIELD_NAME, .required = true, FIELD_IN(report, variable),
     .doc = "a state variable of the model, a conductance as g_ampa_nS, occupancy, or "
            "concentration_nM"},
    {.key = "neurons", .kind = FIELD_INDICES,
     .doc = "the first so many neurons, or their indices, ascending; default: all; of an occupancy: "
            "the mean, and in a grid each neuron has its own"},
    {.key = "voxels", .kind = FIELD_INDICES,
     .doc = "of a concentration in a grid: the first so many voxels, or their indices, ascending: "
            "x + nx (y + ny z); default: the mean over the grid"},
    {.key = "plane_um", .kind = FIELD_NUMBER, .unit = "um", FIELD_FROM(0, 1000000),
     .doc = "of a concentration in a grid: the voxels of the plane at this z"},
    {.key = "interval_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(1),
     FIELD_ABOVE(0, 86400000), FIELD_IN(report, interval_ms),
     .doc = "from frame to frame: a multiple of dt_ms, or of field_step_ms for concentration and "
            "occupancy"},
    {.key = "start_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0), FIELD_FROM(0, 1e12),
     FIELD_IN(report, start_ms), .doc = "first frame"},
    {.key = "stop_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_ABOVE(0, 1e12),
     FIELD_IN(report, stop_ms), .doc = "no frame from here on; default: end of the experiment"},
    {0}};

static const object_type report_type = {
    .name = "report", .doc = "One variable at a fixed interval", .fields = report_fields};

static const field record_fields[] = {
    {.key = "spikes", .kind = FIELD_SELECTION, FIELD_DEFAULT(true),
     .doc = "populations whose spikes are written: all, none, or a list; all are hashed"},
    {.key = "largest_rate_hz", .kind = FIELD_NUMBER, .unit = "Hz", FIELD_DEFAULT(250),
     FIELD_ABOVE(0, 10000), FIELD_IN(recording, largest_rate_hz),
     .doc = "mean rate of the network that there is memory for; a network that fires above it over 100 "
            "field steps runs away, and the run ends"},
    {.key = "timeline_interval_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(100),
     FIELD_ABOVE(0, 86400000), FIELD_IN(recording, timeline_interval_ms),
     .doc = "from row to row of the time line; a multiple of field_step_ms"},
    {.key = "checkpoint_interval_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1e9), FIELD_IN(recording, checkpoint_interval_s),
     .doc = "simulated time from checkpoint to checkpoint, from which a killed run can go on; a multiple "
            "of field_step_ms; 0: only as often as wall time asks (mesocl run --checkpoint-min)"},
    {.key = "reports", .kind = FIELD_MAP, .type = &report_type, .doc = "by name of the file"},
    {.key = "synapses", .kind = FIELD_MAP, .type = &synapse_set_type,
     .doc = "sets of synapses that are followed, by name of the file"},
    {.key = "snapshots", .kind = FIELD_OBJECT, .type = &snapshots_type,
     .doc = "whole projections, written as SONATA edges"},
    {0}};
/* clang-format on */

const object_type record_type = {
    .name = "record", .doc = "What is written down, and how often", .fields = record_fields};

/* --- what a report shows ---------------------------------------------------------------------- */

static meso_status need_key(loader *l, const cJSON *object, const char *key, const char *why)
{
    if (get_member(object, key))
        return MESO_OK;
    return LOADER_ERROR(l, object, key, MESO_CONFIG, "missing: %s", why);
}

static meso_status refuse_key(loader *l, const cJSON *object, const char *key, const char *why)
{
    if (!get_member(object, key))
        return MESO_OK;
    return LOADER_ERROR(l, object, key, MESO_CONFIG, "has no meaning %s", why);
}

static meso_status expect_variable(loader *l, const cJSON *object, report *r, const char *name,
                                   const char *unit)
{
    r->unit = unit;
    if (strcmp(r->variable, name) == 0)
        return MESO_OK;
    return LOADER_ERROR(l, object, "variable", MESO_NOT_FOUND,
                        "'%s' is not known here; it must be "
                        "'%s'",
                        r->variable, name);
}

static meso_status read_concentration(loader *l, const cJSON *object, report *r)
{
    r->source = REPORT_CONCENTRATION;
    static const char why[] = "for a concentration";
    MESO_TRY(refuse_key(l, object, "population", why));
    MESO_TRY(refuse_key(l, object, "receptor", why));
    MESO_TRY(refuse_key(l, object, "neurons", why));
    MESO_TRY(need_key(l, object, "region", "expected a compartment of the modulator"));
    MESO_TRY(loader_resolve_compartment(l, object, &r->modulator, &r->compartment));
    return expect_variable(l, object, r, "concentration_nM", "nM");
}

/* What of a receptor is reported. */
static meso_status read_quantity(loader *l, const cJSON *object, report *r)
{
    static const char *const quantities[] = {"occupancy", "activation", "surface"};
    name_list names = {0};
    r->unit = "1";
    for (r->quantity = 0; r->quantity < 3; r->quantity++) {
        if (strcmp(quantities[r->quantity], r->variable) == 0) {
            names_free(&names);
            return MESO_OK;
        }
        names_add(&names, quantities[r->quantity], NULL);
    }
    const cJSON *variable = get_member(object, "variable");
    meso_status status = names_error_value(&l->document, variable, r->variable,
                                           "quantities of a receptor", &names, l->err);
    names_free(&names);
    return status;
}

static meso_status read_occupancy(loader *l, const cJSON *object, report *r)
{
    r->source = REPORT_OCCUPANCY;
    MESO_TRY(refuse_key(l, object, "region", "for an occupancy"));
    MESO_TRY(loader_resolve(l, get_member(object, "receptor"), "receptors", &r->index));
    const experiment *e = l->experiment;
    const receptor *bound = &e->receptors[r->index];
    const modulator *m = bound->modulator != MODEL_NONE ? &e->modulators[bound->modulator] : NULL;
    const char *region = e->populations[r->population].region;
    if (m && modulator_compartment(m, region) == MODEL_NONE)
        return LOADER_ERROR(l, object, "population", MESO_NOT_FOUND,
                            "'%s' lies in '%s', which is no compartment of '%s', the modulator of "
                            "'%s'",
                            e->populations[r->population].name, region, m->name, bound->name);
    if (!receptor_grid(e, r->index, region, NULL))
        MESO_TRY(refuse_key(l, object, "neurons",
                            "for an occupancy outside a grid: it is the same for all neurons"));
    return read_quantity(l, object, r);
}

/* A state variable by its name, or a conductance as "g_<name>_nS". */
static meso_status read_variable(loader *l, const cJSON *object, report *r)
{
    const population *p = &l->experiment->populations[r->population];
    name_list names = {0};
    for (uint32_t i = 0; i < p->model->n_state; i++) {
        names_add(&names, p->model->state[i].name, NULL);
        if (strcmp(p->model->state[i].name, r->variable) == 0) {
            r->source = REPORT_STATE;
            r->index = i;
            r->unit = p->model->state[i].unit;
        }
    }
    for (uint32_t i = 0; i < p->n_conductances; i++) {
        if (p->conductances[i].kind == CONDUCTANCE_TONIC)
            continue;
        const char *name = arena_printf(l->experiment->memory, "g_%s_nS", p->conductances[i].name);
        if (!name)
            continue;
        names_add(&names, name, NULL);
        if (!r->unit && strcmp(name, r->variable) == 0) {
            r->source = REPORT_CONDUCTANCE;
            r->index = i;
            r->unit = "nS";
        }
    }
    meso_status status = MESO_OK;
    if (!r->unit)
        status = names_error_value(&l->document, get_member(object, "variable"), r->variable,
                                   "variables of the population", &names, l->err);
    names_free(&names);
    return status;
}

/* --- which neurons ---------------------------------------------------------------------------- */

static meso_status check_index(loader *l, const cJSON *item, const index_range *of,
                               const uint32_t *previous)
{
    if (item->valuedouble >= of->n)
        return LOADER_ERROR(l, item, NULL, MESO_RANGE, "%.15g is outside [0, %u]: '%s' has %u %s",
                            item->valuedouble, of->n - 1, of->owner, of->n, of->noun);
    if (previous && item->valuedouble <= *previous)
        return LOADER_ERROR(l, item, NULL, MESO_CONFIG, "%.15g after %u: indices must ascend",
                            item->valuedouble, *previous);
    return MESO_OK;
}

meso_status load_indices(loader *l, const cJSON *object, const index_range *of,
                         const uint32_t **out, uint32_t *n)
{
    const cJSON *given = get_member(object, of->key);
    if (cJSON_IsNumber(given) && given->valuedouble > of->n)
        return LOADER_ERROR(l, given, NULL, MESO_RANGE, "%.15g is outside [1, %u]: '%s' has %u %s",
                            given->valuedouble, of->n, of->owner, of->n, of->noun);
    *n = !given                  ? of->n
         : cJSON_IsNumber(given) ? (uint32_t)given->valuedouble
                                 : (uint32_t)cJSON_GetArraySize(given);
    if (*n == 0)
        return LOADER_ERROR(l, given, NULL, MESO_CONFIG, "expected at least one index");
    uint32_t *indices = loader_alloc(l, *n, sizeof *indices);
    if (!indices)
        return MESO_MEMORY;
    *out = indices;
    const cJSON *item = given ? given->child : NULL;
    for (uint32_t i = 0; i < *n; i++) {
        indices[i] = i;
        if (!item)
            continue;
        MESO_TRY(check_index(l, item, of, i ? &indices[i - 1] : NULL));
        indices[i] = (uint32_t)item->valuedouble;
        item = item->next;
    }
    return MESO_OK;
}

static meso_status read_neurons(loader *l, const cJSON *object, report *r)
{
    const population *p = &l->experiment->populations[r->population];
    const index_range of = {"neurons", p->name, "neurons", p->n_neurons};
    return load_indices(l, object, &of, &r->neurons, &r->n_neurons);
}

static meso_status read_plane(loader *l, const cJSON *plane, const char *region,
                              const voxel_grid *g, report *r)
{
    const double size_um = g->n[2] * g->voxel_um;
    if (plane->valuedouble >= size_um)
        return LOADER_ERROR(l, plane, NULL, MESO_RANGE,
                            "%.15g um is outside [0, %.15g) um: so high is the grid of '%s'",
                            plane->valuedouble, size_um, region);
    r->n_neurons = g->n[0] * g->n[1];
    uint32_t *voxels = loader_alloc(l, r->n_neurons, sizeof *voxels);
    if (!voxels)
        return MESO_MEMORY;
    r->neurons = voxels;
    const uint32_t z = (uint32_t)(plane->valuedouble / g->voxel_um);
    for (uint32_t i = 0; i < r->n_neurons; i++)
        voxels[i] = z * r->n_neurons + i;
    return MESO_OK;
}

/* The voxels of a concentration, if it is not the mean. */
static meso_status read_voxels(loader *l, const cJSON *object, report *r)
{
    const compartment *c = &l->experiment->modulators[r->modulator].compartments[r->compartment];
    const cJSON *voxels = get_member(object, "voxels"), *plane = get_member(object, "plane_um");
    if (!voxels && !plane)
        return MESO_OK;
    if (!c->grid)
        return LOADER_ERROR(l, object, voxels ? "voxels" : "plane_um", MESO_CONFIG,
                            "has no meaning: '%s' is well mixed, it has no grid", c->region);
    if (voxels && plane)
        return LOADER_ERROR(l, plane, NULL, MESO_CONFIG,
                            "voxels are given too; expected one of them");
    r->source = REPORT_VOXELS;
    if (plane)
        return read_plane(l, plane, c->region, c->grid, r);
    const index_range of = {"voxels", c->region, "voxels", (uint32_t)voxel_count(c->grid)};
    return load_indices(l, object, &of, &r->neurons, &r->n_neurons);
}

/* --- when ------------------------------------------------------------------------------------- */

static meso_status read_times(loader *l, const cJSON *object, report *r)
{
    const experiment *e = l->experiment;
    const bool every_step = r->source == REPORT_STATE || r->source == REPORT_CONDUCTANCE;
    const double step_ms = every_step ? e->dt_ms : e->field_step_ms;
    const double end_ms = e->duration_s * 1000;
    const char *const keys[] = {"interval_ms", "start_ms", "stop_ms"};
    for (int i = 0; i < 3; i++) {
        const cJSON *value = get_member(object, keys[i]);
        if (value)
            MESO_TRY(
                loader_check_multiple(l, value, step_ms, every_step ? "dt_ms" : "field_step_ms"));
    }
    if (r->stop_ms > end_ms || !get_member(object, "stop_ms"))
        r->stop_ms = end_ms;
    if (r->start_ms < r->stop_ms)
        return MESO_OK;
    return LOADER_ERROR(l, object, "start_ms", MESO_RANGE,
                        "%.15g ms is outside [0, %.15g) ms: the report stops there", r->start_ms,
                        r->stop_ms);
}

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_report(loader *l, const cJSON *object, report *r)
{
    r->name = arena_strdup(l->experiment->memory, object->string);
    if (!r->name)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_read(l, &report_type, object, r));
    if (get_member(object, "modulator")) {
        MESO_TRY(read_concentration(l, object, r));
        MESO_TRY(read_voxels(l, object, r));
        return read_times(l, object, r);
    }
    MESO_TRY(
        need_key(l, object, "population", "expected a population, or a modulator and a region"));
    MESO_TRY(refuse_key(l, object, "voxels", "without a modulator"));
    MESO_TRY(refuse_key(l, object, "plane_um", "without a modulator"));
    MESO_TRY(loader_resolve(l, get_member(object, "population"), "populations", &r->population));
    if (get_member(object, "receptor")) {
        MESO_TRY(read_occupancy(l, object, r));
        if (get_member(object, "neurons"))
            MESO_TRY(read_neurons(l, object, r));
    } else {
        MESO_TRY(refuse_key(l, object, "region", "without a modulator"));
        MESO_TRY(read_variable(l, object, r));
        MESO_TRY(read_neurons(l, object, r));
    }
    return read_times(l, object, r);
}

static meso_status read_selection(loader *l, const cJSON *spikes)
{
    experiment *e = l->experiment;
    e->record.spikes = loader_alloc(l, e->n_populations, sizeof *e->record.spikes);
    if (!e->record.spikes)
        return MESO_MEMORY;
    for (uint32_t i = 0; i < e->n_populations; i++)
        e->record.spikes[i] = cJSON_IsTrue(spikes);
    for (const cJSON *name = spikes->child; name; name = name->next) {
        uint32_t index;
        MESO_TRY(loader_resolve(l, name, "populations", &index));
        if (e->record.spikes[index])
            return LOADER_ERROR(l, name, NULL, MESO_CONFIG, "'%s' is listed twice",
                                name->valuestring);
        e->record.spikes[index] = true;
    }
    return MESO_OK;
}

static meso_status read_checkpoint_interval(loader *l, const cJSON *object)
{
    const double step_s = l->experiment->field_step_ms * 1e-3;
    const double interval_s = l->experiment->record.checkpoint_interval_s;
    if (fabs(interval_s / step_s - round(interval_s / step_s)) <= 1e-6)
        return MESO_OK;
    return LOADER_ERROR(l, object, "checkpoint_interval_s", MESO_RANGE,
                        "%.15g s is not a multiple of field_step_ms, %.15g ms", interval_s,
                        step_s * 1e3);
}

meso_status load_recording(loader *l)
{
    const cJSON *object = loader_section(l, "record");
    experiment *e = l->experiment;
    MESO_TRY(loader_read(l, &record_type, object, &e->record));
    MESO_TRY(loader_check_multiple(l, get_member(object, "timeline_interval_ms"), e->field_step_ms,
                                   "field_step_ms"));
    MESO_TRY(read_checkpoint_interval(l, object));
    MESO_TRY(read_selection(l, get_member(object, "spikes")));
    const cJSON *map = get_member(object, "reports");
    e->record.n_reports = (uint32_t)count_members(map);
    report *r = loader_alloc(l, e->record.n_reports, sizeof *r);
    if (!r)
        return MESO_MEMORY;
    e->record.reports = r;
    for (const cJSON *o = first_member(map); o; o = next_member(o))
        MESO_TRY(read_report(l, o, r++));
    return load_synapse_recording(l, object);
}
