#include "config/loader.h"
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
     .doc = "the first so many neurons, or their indices, ascending; default: all"},
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
    {.key = "reports", .kind = FIELD_MAP, .type = &report_type, .doc = "by name of the file"},
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
    const cJSON *region = get_member(object, "region");
    MESO_TRY(loader_resolve(l, get_member(object, "modulator"), "modulators", &r->modulator));
    const modulator *m = &l->experiment->modulators[r->modulator];
    r->compartment = modulator_compartment(m, region->valuestring);
    if (r->compartment != MODEL_NONE)
        return expect_variable(l, object, r, "concentration_nM", "nM");
    name_list names = {0};
    for (uint32_t i = 0; i < m->n_compartments; i++)
        names_add(&names, m->compartments[i].region, NULL);
    meso_status status = names_error_value(&l->document, region, region->valuestring,
                                           "compartments of the modulator", &names, l->err);
    names_free(&names);
    return status;
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
    static const char why[] = "for an occupancy";
    MESO_TRY(refuse_key(l, object, "region", why));
    MESO_TRY(refuse_key(l, object, "neurons", why));
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

static meso_status check_index(loader *l, const cJSON *item, const population *p,
                               const uint32_t *previous)
{
    if (item->valuedouble >= p->n_neurons)
        return LOADER_ERROR(l, item, NULL, MESO_RANGE,
                            "%.15g is outside [0, %u]: '%s' has %u "
                            "neurons",
                            item->valuedouble, p->n_neurons - 1, p->name, p->n_neurons);
    if (previous && item->valuedouble <= *previous)
        return LOADER_ERROR(l, item, NULL, MESO_CONFIG, "%.15g after %u: indices must ascend",
                            item->valuedouble, *previous);
    return MESO_OK;
}

static meso_status read_neurons(loader *l, const cJSON *object, report *r)
{
    const population *p = &l->experiment->populations[r->population];
    const cJSON *given = get_member(object, "neurons");
    if (cJSON_IsNumber(given) && given->valuedouble > p->n_neurons)
        return LOADER_ERROR(l, given, NULL, MESO_RANGE,
                            "%.15g is outside [1, %u]: '%s' has %u neurons", given->valuedouble,
                            p->n_neurons, p->name, p->n_neurons);
    r->n_neurons = !given                  ? p->n_neurons
                   : cJSON_IsNumber(given) ? (uint32_t)given->valuedouble
                                           : (uint32_t)cJSON_GetArraySize(given);
    if (r->n_neurons == 0)
        return LOADER_ERROR(l, given, NULL, MESO_CONFIG, "expected at least one index");
    uint32_t *neurons = loader_alloc(l, r->n_neurons, sizeof *neurons);
    if (!neurons)
        return MESO_MEMORY;
    r->neurons = neurons;
    const cJSON *item = given ? given->child : NULL;
    for (uint32_t i = 0; i < r->n_neurons; i++) {
        neurons[i] = i;
        if (!item)
            continue;
        MESO_TRY(check_index(l, item, p, i ? &neurons[i - 1] : NULL));
        neurons[i] = (uint32_t)item->valuedouble;
        item = item->next;
    }
    return MESO_OK;
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
        return read_times(l, object, r);
    }
    MESO_TRY(
        need_key(l, object, "population", "expected a population, or a modulator and a region"));
    MESO_TRY(loader_resolve(l, get_member(object, "population"), "populations", &r->population));
    if (get_member(object, "receptor")) {
        MESO_TRY(read_occupancy(l, object, r));
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

meso_status load_recording(loader *l)
{
    const cJSON *object = loader_section(l, "record");
    experiment *e = l->experiment;
    MESO_TRY(loader_read(l, &record_type, object, &e->record));
    MESO_TRY(loader_check_multiple(l, get_member(object, "timeline_interval_ms"), e->field_step_ms,
                                   "field_step_ms"));
    MESO_TRY(read_selection(l, get_member(object, "spikes")));
    const cJSON *map = get_member(object, "reports");
    e->record.n_reports = (uint32_t)count_members(map);
    report *r = loader_alloc(l, e->record.n_reports, sizeof *r);
    if (!r)
        return MESO_MEMORY;
    e->record.reports = r;
    for (const cJSON *o = first_member(map); o; o = next_member(o))
        MESO_TRY(read_report(l, o, r++));
    return MESO_OK;
}
