#include "config/doses.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const triggers[] = {"coincidence", "spikes", NULL};
static const char *const consequences[] = {"pulse", "dose", NULL};

#define COINCIDENCE VARIANT(TRIGGER_COINCIDENCE)
#define SPIKES VARIANT(TRIGGER_SPIKES)
#define LONGEST_WAIT_S 3600.0 /* that is kept step by step */
#define MOST_SPIKES 100000

/* clang-format off */
static const field pulse_fields[] = {
    {.key = "modulator", .kind = FIELD_NAME, .required = true, .doc = "name of a modulator"},
    {.key = "region", .kind = FIELD_NAME, .required = true,
     .doc = "a compartment of the modulator that is well mixed; one with tone_nM returns to it by its clearance"},
    {.key = "amount_nM", .kind = FIELD_NUMBER, .unit = "nM", .required = true, FIELD_ABOVE(0, 1e9),
     FIELD_IN(contingency, amount_nM), .doc = "rise of its concentration in one field step"},
    {0}};

static const object_type pulse_type = {
    .name = "pulse", .doc = "A modulator that is released at once", .fields = pulse_fields};

static const field dose_fields[] = {
    {.key = "drug", .kind = FIELD_NAME, .required = true, .doc = "name of a drug"},
    {.key = "route", .kind = FIELD_CHOICE, .choices = route_names, .required = true,
     FIELD_IN(contingency, route), .doc = "one that the drug has"},
    {.key = "dose_mg_per_kg", .kind = FIELD_NUMBER, .unit = "mg/kg", .required = true,
     FIELD_ABOVE(0, LARGEST_DOSE), FIELD_IN(contingency, dose_mg_per_kg),
     .doc = "dose per body mass"},
    {.key = "over_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0),
     FIELD_FROM(0, LONGEST_WAIT_S), FIELD_IN(contingency, over_s),
     .doc = "it is infused for so long, a multiple of field_step_ms; 0: given at once"},
    {0}};

static const object_type contingent_dose_type = {
    .name = "contingent_dose", .doc = "A dose of a drug that the circuit takes", .fields = dose_fields};

static const field contingency_fields[] = {
    {.key = "trigger", .kind = FIELD_CHOICE, .choices = triggers, .required = true,
     FIELD_IN(contingency, trigger),
     .doc = "coincidence: a spike of the target neuron after one of the source neuron; spikes: so many of "
            "some neurons"},
    {.key = "source", .kind = FIELD_NAME, .required = true, .variants = COINCIDENCE,
     .doc = "name of the population of the neuron that fires first"},
    {.key = "source_neuron", .kind = FIELD_INTEGER, FIELD_DEFAULT(0), FIELD_FROM(0, INT32_MAX),
     .variants = COINCIDENCE, FIELD_IN(contingency, source_neuron), .doc = "its index"},
    {.key = "target", .kind = FIELD_NAME, .required = true, .variants = COINCIDENCE,
     .doc = "name of the population of the neuron that fires after it"},
    {.key = "target_neuron", .kind = FIELD_INTEGER, FIELD_DEFAULT(0), FIELD_FROM(0, INT32_MAX),
     .variants = COINCIDENCE, FIELD_IN(contingency, target_neuron), .doc = "its index"},
    {.key = "population", .kind = FIELD_NAME, .required = true, .variants = SPIKES,
     .doc = "name of the population whose spikes count"},
    {.key = "neurons", .kind = FIELD_INDICES, .variants = SPIKES,
     .doc = "the first so many neurons, or their indices, ascending; default: all"},
    {.key = "spikes", .kind = FIELD_INTEGER, .required = true, FIELD_FROM(1, MOST_SPIKES),
     .variants = SPIKES, FIELD_IN(contingency, spikes),
     .doc = "how many; each counts for one trigger only"},
    {.key = "within_ms", .kind = FIELD_NUMBER, .unit = "ms", .required = true,
     FIELD_FROM(0, 3600000), FIELD_IN(contingency, within_ms),
     .doc = "the longest time from the source's spike to the target's, or from the first to the last that "
            "counts; a multiple of dt_ms"},
    {.key = "start_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0), FIELD_FROM(0, LONGEST_S),
     FIELD_IN(contingency, start_s), .doc = "earlier spikes trigger nothing, in simulated time"},
    {.key = "stop_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_ABOVE(0, LONGEST_S),
     FIELD_IN(contingency, stop_s),
     .doc = "neither do those from here on; default: end of the experiment"},
    {.key = "timeout_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0),
     FIELD_FROM(0, LONGEST_S), FIELD_IN(contingency, timeout_s),
     .doc = "neither do those so long after a trigger"},
    {.key = "at_most", .kind = FIELD_INTEGER, FIELD_FROM(1, INT32_MAX), FIELD_IN(contingency, at_most),
     .doc = "so many triggers in all; default: any number"},
    {.key = "delay_s", .kind = FIELD_DISTRIBUTION, .unit = "s", .required = true,
     FIELD_ABOVE(0, LONGEST_WAIT_S), FIELD_IN(contingency, delay_s),
     .doc = "from the end of the spike's field step to the consequence: a number or uniform, multiples of "
            "field_step_ms; the shorter it is, the more often the host must look: below 200 field steps that "
            "costs time"},
    {.key = "pulse", .kind = FIELD_OBJECT, .type = &pulse_type,
     .doc = "what follows: a modulator is released"},
    {.key = "dose", .kind = FIELD_OBJECT, .type = &contingent_dose_type,
     .doc = "what follows instead: a drug is given"},
    {0}};
/* clang-format on */

const object_type contingency_type = {.name = "contingency",
                                      .doc = "Something that follows from what the circuit does",
                                      .fields = contingency_fields,
                                      .variant = "trigger",
                                      .one_of = consequences};

/* --- what triggers ---------------------------------------------------------------------------- */

static meso_status read_neuron(loader *l, const cJSON *object, const char *population_key,
                               const char *neuron_key, uint32_t *index, uint32_t neuron)
{
    MESO_TRY(loader_resolve(l, get_member(object, population_key), "populations", index));
    const population *p = &l->experiment->populations[*index];
    if (neuron < p->n_neurons)
        return MESO_OK;
    return LOADER_ERROR(l, object, neuron_key, MESO_RANGE,
                        "%u is outside [0, %u]: '%s' has %u neurons", neuron, p->n_neurons - 1,
                        p->name, p->n_neurons);
}

static meso_status read_coincidence(loader *l, const cJSON *object, contingency *c)
{
    MESO_TRY(read_neuron(l, object, "source", "source_neuron", &c->source, c->source_neuron));
    MESO_TRY(read_neuron(l, object, "target", "target_neuron", &c->target, c->target_neuron));
    if (c->within_ms == 0)
        return LOADER_ERROR(l, object, "within_ms", MESO_RANGE,
                            "0 is outside (0, 3600000] ms: the target's spike comes after the "
                            "source's");
    if (c->source != c->target || c->source_neuron != c->target_neuron)
        return MESO_OK;
    return LOADER_ERROR(l, object, "target_neuron", MESO_CONFIG,
                        "is the source's neuron too: expected another one");
}

static meso_status read_spikes(loader *l, const cJSON *object, contingency *c)
{
    MESO_TRY(loader_resolve(l, get_member(object, "population"), "populations", &c->population));
    const population *p = &l->experiment->populations[c->population];
    const index_range of = {"neurons", p->name, "neurons", p->n_neurons};
    return load_indices(l, object, &of, &c->neurons, &c->n_neurons);
}

/* --- when ------------------------------------------------------------------------------------- */

static meso_status check_seconds(loader *l, const cJSON *node)
{
    const double ms = node->valuedouble * 1000, step_ms = l->experiment->field_step_ms;
    if (is_multiple(ms, step_ms))
        return MESO_OK;
    return LOADER_ERROR(l, node, NULL, MESO_RANGE,
                        "%.15g ms is not a multiple of field_step_ms, %.15g ms", ms, step_ms);
}

static meso_status check_delay(loader *l, const cJSON *object, const contingency *c)
{
    const cJSON *delay = get_member(object, "delay_s");
    if (c->delay_s.kind == DISTRIBUTION_CONSTANT)
        return check_seconds(l, cJSON_IsNumber(delay) ? delay : get_member(delay, "mean"));
    if (c->delay_s.kind != DISTRIBUTION_UNIFORM)
        return LOADER_ERROR(l, delay, NULL, MESO_CONFIG,
                            "expected a number or a uniform distribution: delays have no other");
    MESO_TRY(check_seconds(l, get_member(delay, "min")));
    return check_seconds(l, get_member(delay, "max"));
}

static meso_status check_times(loader *l, const cJSON *object, contingency *c)
{
    const double end_s = l->experiment->duration_s;
    MESO_TRY(
        loader_check_multiple(l, get_member(object, "within_ms"), l->experiment->dt_ms, "dt_ms"));
    MESO_TRY(check_delay(l, object, c));
    if (c->stop_s > end_s || !get_member(object, "stop_s"))
        c->stop_s = end_s;
    if (c->start_s < c->stop_s)
        return MESO_OK;
    return LOADER_ERROR(l, object, "start_s", MESO_RANGE,
                        "%.15g s is outside [0, %.15g) s: nothing triggers from there on",
                        c->start_s, c->stop_s);
}

/* --- what follows ----------------------------------------------------------------------------- */

bool is_pulsed(const loader *l, const char *modulator, const char *region)
{
    const cJSON *map = loader_section(l, "contingencies");
    for (const cJSON *o = first_member(map); o; o = next_member(o)) {
        const cJSON *pulse = get_member(o, "pulse");
        if (pulse && strcmp(get_member(pulse, "modulator")->valuestring, modulator) == 0 &&
            strcmp(get_member(pulse, "region")->valuestring, region) == 0)
            return true;
    }
    return false;
}

static meso_status read_pulse(loader *l, const cJSON *object, contingency *c)
{
    uint32_t modulator, compartment;
    MESO_TRY(loader_read(l, &pulse_type, object, c));
    MESO_TRY(loader_resolve_compartment(l, object, &modulator, &compartment));
    c->pulse = l->experiment->modulators[modulator].compartments[compartment].pulse;
    return MESO_OK;
}

static meso_status read_dose(loader *l, const cJSON *object, contingency *c)
{
    c->pulse = MODEL_NONE;
    MESO_TRY(loader_read(l, &contingent_dose_type, object, c));
    MESO_TRY(check_seconds(l, get_member(object, "over_s")));
    MESO_TRY(loader_resolve(l, get_member(object, "drug"), "drugs", &c->drug));
    return check_route(l, object, c->drug, c->route);
}

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_contingency(loader *l, const cJSON *object, contingency *c)
{
    const cJSON *pulse = get_member(object, "pulse");
    c->name = arena_strdup(l->experiment->memory, object->string);
    if (!c->name)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_read(l, &contingency_type, object, c));
    MESO_TRY(check_times(l, object, c));
    if (c->trigger == TRIGGER_COINCIDENCE)
        MESO_TRY(read_coincidence(l, object, c));
    else
        MESO_TRY(read_spikes(l, object, c));
    return pulse ? read_pulse(l, pulse, c) : read_dose(l, get_member(object, "dose"), c);
}

meso_status load_contingencies(loader *l)
{
    const cJSON *map = loader_section(l, "contingencies");
    experiment *e = l->experiment;
    e->n_contingencies = (uint32_t)count_members(map);
    contingency *c = loader_alloc(l, e->n_contingencies, sizeof *c);
    if (!c)
        return MESO_MEMORY;
    e->contingencies = c;
    for (const cJSON *o = first_member(map); o; o = next_member(o))
        MESO_TRY(read_contingency(l, o, c++));
    return MESO_OK;
}
