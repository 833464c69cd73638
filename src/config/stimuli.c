#include "config/loader.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const kinds[] = {"poisson", "volleys", "pulses", "current", "playback", NULL};

#define POISSON VARIANT(STIMULUS_POISSON)
#define VOLLEYS VARIANT(STIMULUS_VOLLEYS)
#define PULSES VARIANT(STIMULUS_PULSES)
#define CURRENT VARIANT(STIMULUS_CURRENT)
#define PLAYBACK VARIANT(STIMULUS_PLAYBACK)
#define SYNAPTIC (POISSON | VOLLEYS | PLAYBACK)
#define LONGEST_MS 1e12
#define MOST_EVENTS_PER_STEP 8.0 /* that the drawing of poisson events is made for */

/* clang-format off */
static const field rate_fields[] = {
    {.key = "from_ms", .kind = FIELD_NUMBER, .unit = "ms", .required = true,
     FIELD_FROM(0, LONGEST_MS), FIELD_IN(rate_segment, from_ms),
     .doc = "from here on, until the next; a multiple of field_step_ms"},
    {.key = "rate_hz", .kind = FIELD_NUMBER, .unit = "Hz", .required = true,
     FIELD_FROM(0, 1000000), FIELD_IN(rate_segment, rate_hz),
     .doc = "events per second and neuron, at most 8 per step"},
    {0}};

static const object_type rate_type = {
    .name = "rate", .doc = "A rate, from a time on", .fields = rate_fields};

static const field stimulus_fields[] = {
    {.key = "kind", .kind = FIELD_CHOICE, .choices = kinds, .required = true,
     FIELD_IN(stimulus, kind),
     .doc = "poisson: independent events; volleys: events common to many neurons; pulses: square "
            "current; current: as a model describes it; playback: spikes of a file"},
    {.key = "target", .kind = FIELD_NAME, .required = true, .doc = "name of a population"},
    {.key = "start_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0),
     FIELD_FROM(0, LONGEST_MS), FIELD_IN(stimulus, start_ms),
     .doc = "on from here; a multiple of field_step_ms, for pulses, current and playback of dt_ms"},
    {.key = "stop_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_ABOVE(0, LONGEST_MS),
     FIELD_IN(stimulus, stop_ms),
     .doc = "off from here; default: never; a multiple as start_ms is"},
    {.key = "rate_hz", .kind = FIELD_NUMBER, .unit = "Hz", FIELD_FROM(0, 1000000),
     .variants = POISSON, FIELD_IN(stimulus, rate_hz),
     .doc = "events per second and neuron; poisson: at most 8 per step; volleys: at most one "
            "per field step, rate_hz / participation"},
    {.key = "rate_hz", .kind = FIELD_NUMBER, .unit = "Hz", .required = true,
     FIELD_FROM(0, 1000000), .variants = VOLLEYS, FIELD_IN(stimulus, rate_hz),
     .doc = "as for poisson"},
    {.key = "rates_hz", .kind = FIELD_LIST, .type = &rate_type, .variants = POISSON,
     .doc = "instead of rate_hz: rates that hold until the next; before the first there are no "
            "events"},
    {.key = "receptors", .kind = FIELD_NUMBER_MAP, .required = true, FIELD_FROM(0, 1000),
     .variants = SYNAPTIC,
     .doc = "what an event adds to, each with a factor for the weight: conductances of the target, or "
            "inputs of its model"},
    WEIGHT_ROWS(stimulus, SYNAPTIC, "event; poisson, playback: one number; volleys: one number or uniform"),
    {.key = "theta_hz", .kind = FIELD_NUMBER, .unit = "Hz", FIELD_DEFAULT(0), FIELD_FROM(0, 1000),
     .variants = POISSON, FIELD_IN(stimulus, theta_hz), .doc = "rhythm of the rate"},
    {.key = "theta_depth", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 1),
     .variants = POISSON, FIELD_IN(stimulus, theta_depth),
     .doc = "rate times 1 + theta_depth sin(2 pi theta_hz t)"},
    {.key = "gate", .kind = FIELD_NAME, .variants = POISSON, FIELD_IN(stimulus, gate),
     .doc = "name of an on-off process; stimuli with one name share it; default: its own"},
    {.key = "gate_up_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1e9), .variants = POISSON, FIELD_IN(stimulus, gate_up_ms),
     .doc = "mean dwell time up; 0: always up"},
    {.key = "gate_down_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1e9), .variants = POISSON, FIELD_IN(stimulus, gate_down_ms),
     .doc = "mean dwell time down"},
    {.key = "gate_low", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 1),
     .variants = POISSON, FIELD_IN(stimulus, gate_low),
     .doc = "rate is multiplied by it when down"},
    {.key = "participation", .kind = FIELD_NUMBER, .required = true, FIELD_ABOVE(0, 1),
     .variants = VOLLEYS, FIELD_IN(stimulus, participation),
     .doc = "share of the neurons that an event reaches"},
    {.key = "amplitude_pA", .kind = FIELD_NUMBER, .unit = "pA", .required = true,
     FIELD_FROM(-100000, 100000), .variants = PULSES,
     FIELD_IN(stimulus, amplitude_pA), .doc = "current during a pulse"},
    {.key = "width_ms", .kind = FIELD_NUMBER, .unit = "ms", .required = true,
     FIELD_ABOVE(0, LONGEST_MS), .variants = PULSES,
     FIELD_IN(stimulus, width_ms), .doc = "length of a pulse; a multiple of dt_ms"},
    {.key = "period_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0),
     FIELD_FROM(0, LONGEST_MS), .variants = PULSES,
     FIELD_IN(stimulus, period_ms),
     .doc = "from pulse to pulse, a multiple of dt_ms; 0: one pulse"},
    {.key = "model", .kind = FIELD_NAME, .required = true, .variants = CURRENT,
     .doc = "of the current: built in (direct, sine, noise, uniform), or a pair of files beside the "
            "experiment"},
    {.key = "parameters", .kind = FIELD_PER_NEURON_MAP, .variants = CURRENT,
     .doc = "the current's parameters, as those of a cell"},
    {.key = "file", .kind = FIELD_TEXT, .required = true, .variants = PLAYBACK,
     FIELD_IN(stimulus, file),
     .doc = "SONATA file of spikes, as a path from the file that names it"},
    {.key = "population", .kind = FIELD_TEXT, .required = true, .variants = PLAYBACK,
     FIELD_IN(stimulus, file_population),
     .doc = "in the file: spikes of its node i reach neuron i of the target"},
    {.key = "delay_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0), FIELD_FROM(0, 1000),
     .variants = PLAYBACK, FIELD_IN(stimulus, delay_ms),
     .doc = "a spike at t arrives in the step that begins nearest to t + delay_ms"},
    {0}};
/* clang-format on */

const object_type stimulus_type = {.name = "stimulus",
                                   .doc = "Input from outside the circuit",
                                   .fields = stimulus_fields,
                                   .variant = "kind",
                                   .one_of = weight_keys};

/* --- rules between fields --------------------------------------------------------------------- */

static meso_status check_weight(loader *l, const cJSON *object, const stimulus *s)
{
    const population *target = &l->experiment->populations[s->target];
    const char *key = population_weight_key(target, s->ports[0].port);
    const distribution_kind drawn = s->weight.kind;
    if (s->kind != STIMULUS_VOLLEYS && drawn != DISTRIBUTION_CONSTANT)
        return LOADER_ERROR(l, object, key, MESO_CONFIG,
                            "expected a number: %s events have one weight", kinds[s->kind]);
    if (s->kind == STIMULUS_VOLLEYS && drawn != DISTRIBUTION_CONSTANT &&
        drawn != DISTRIBUTION_UNIFORM)
        return LOADER_ERROR(l, object, key, MESO_CONFIG,
                            "expected a number or a uniform distribution: volleys have no "
                            "other weights");
    return MESO_OK;
}

/* A rate is given in Hz, and its bound must be too. */
static meso_status check_poisson_rate(loader *l, const cJSON *object, const stimulus *s,
                                      double rate_hz)
{
    const double dt_ms = l->experiment->dt_ms;
    const double largest_hz = MOST_EVENTS_PER_STEP * 1000 / ((1 + fabs(s->theta_depth)) * dt_ms);
    if (rate_hz <= largest_hz * (1 + 1e-9))
        return MESO_OK;
    return LOADER_ERROR(l, object, "rate_hz", MESO_RANGE,
                        "%.15g Hz is above %.10g Hz: at most %g events in a step of %.15g ms, "
                        "at the peak of theta",
                        rate_hz, largest_hz, MOST_EVENTS_PER_STEP, dt_ms);
}

static meso_status check_volley_rate(loader *l, const cJSON *object, const stimulus *s)
{
    const double field_step_ms = l->experiment->field_step_ms;
    const double largest_hz = s->participation * 1000 / field_step_ms;
    if (s->rate_hz <= largest_hz * (1 + 1e-9))
        return MESO_OK;
    return LOADER_ERROR(l, object, "rate_hz", MESO_RANGE,
                        "%.15g Hz is above %.10g Hz: with participation %.15g, at most one volley "
                        "in a field step of %.15g ms",
                        s->rate_hz, largest_hz, s->participation, field_step_ms);
}

static meso_status read_segment(loader *l, const cJSON *object, const rate_segment *first,
                                rate_segment *r)
{
    MESO_TRY(loader_read(l, &rate_type, object, r));
    MESO_TRY(loader_check_multiple(l, get_member(object, "from_ms"), l->experiment->field_step_ms,
                                   "field_step_ms"));
    if (r > first && r->from_ms <= r[-1].from_ms)
        return LOADER_ERROR(l, object, "from_ms", MESO_RANGE,
                            "%.15g ms is not after the rate before, from %.15g ms", r->from_ms,
                            r[-1].from_ms);
    return MESO_OK;
}

static meso_status read_rates(loader *l, const cJSON *list, stimulus *s)
{
    s->n_rates = (uint32_t)cJSON_GetArraySize(list);
    if (s->n_rates == 0)
        return LOADER_ERROR(l, list, NULL, MESO_CONFIG, "expected at least one rate");
    rate_segment *first = loader_alloc(l, s->n_rates, sizeof *first), *r = first;
    if (!first)
        return MESO_MEMORY;
    s->rates = first;
    for (const cJSON *object = list->child; object; object = object->next, r++) {
        MESO_TRY(read_segment(l, object, first, r));
        MESO_TRY(check_poisson_rate(l, object, s, r->rate_hz));
        s->rate_hz = fmax(s->rate_hz, r->rate_hz);
    }
    return MESO_OK;
}

/* One rate or several, but not both. */
static meso_status load_rate(loader *l, const cJSON *object, stimulus *s)
{
    const cJSON *list = get_member(object, "rates_hz");
    const cJSON *rate = get_member(object, "rate_hz");
    if (s->kind == STIMULUS_VOLLEYS)
        return check_volley_rate(l, object, s);
    if (!list == !rate)
        return LOADER_ERROR(l, object, "rates_hz", MESO_CONFIG,
                            "expected either rate_hz, one number, or rates_hz, a list%s",
                            list ? "; both are given" : "");
    return list ? read_rates(l, list, s) : check_poisson_rate(l, object, s, s->rate_hz);
}

static meso_status check_modulation(loader *l, const cJSON *object, const stimulus *s)
{
    if (s->theta_depth > 0 && s->theta_hz == 0)
        return LOADER_ERROR(l, object, "theta_hz", MESO_RANGE,
                            "0 Hz has no rhythm: must be above 0 when theta_depth is");
    if (s->gate_up_ms > 0 && s->gate_down_ms == 0)
        return LOADER_ERROR(l, object, "gate_down_ms", MESO_RANGE,
                            "0 ms: must be above 0 when gate_up_ms is");
    const bool gated = s->gate || s->gate_down_ms > 0 || s->gate_low > 0;
    if (gated && s->gate_up_ms == 0)
        return LOADER_ERROR(l, object, "gate_up_ms", MESO_RANGE,
                            "0 ms leaves the gate always up: must be above 0 for a gated stimulus");
    return MESO_OK;
}

/* Currents and spikes switch at any step, rates at the steps of the field. */
static meso_status check_times(loader *l, const cJSON *object, const stimulus *s)
{
    const experiment *e = l->experiment;
    const bool every_step = s->kind != STIMULUS_POISSON && s->kind != STIMULUS_VOLLEYS;
    const char *const keys[] = {"start_ms", "stop_ms", "width_ms", "period_ms"};
    for (int i = 0; i < 4; i++) {
        const cJSON *value = get_member(object, keys[i]);
        if (value)
            MESO_TRY(loader_check_multiple(l, value, every_step ? e->dt_ms : e->field_step_ms,
                                           every_step ? "dt_ms" : "field_step_ms"));
    }
    return MESO_OK;
}

/* A model without a membrane reads no current. */
static meso_status check_takes_current(loader *l, const cJSON *object, const stimulus *s)
{
    const population *target = &l->experiment->populations[s->target];
    if (target->model->potential)
        return MESO_OK;
    return LOADER_ERROR(l, object, "target", MESO_CONFIG,
                        "cells of '%s' have model '%s', which has no membrane potential: it takes "
                        "no current",
                        target->name, target->model->name);
}

static meso_status check_pulses(loader *l, const cJSON *object, const stimulus *s)
{
    if (s->period_ms > 0 && s->period_ms < s->width_ms)
        return LOADER_ERROR(l, object, "period_ms", MESO_RANGE,
                            "%.15g ms is shorter than width_ms, %.15g ms", s->period_ms,
                            s->width_ms);
    return MESO_OK;
}

/* Stimuli that share a gate must agree on its dwell times. */
static meso_status check_gates(loader *l, const cJSON *object, const stimulus *first,
                               const stimulus *s)
{
    for (const stimulus *other = first; s->gate && other < s; other++) {
        if (!other->gate || strcmp(other->gate, s->gate) != 0)
            continue;
        if (other->gate_up_ms != s->gate_up_ms || other->gate_down_ms != s->gate_down_ms)
            return LOADER_ERROR(l, object, "gate", MESO_CONFIG,
                                "stimulus '%s' shares gate '%s' with other dwell times: %.15g and "
                                "%.15g ms there, %.15g and %.15g ms here",
                                other->name, s->gate, other->gate_up_ms, other->gate_down_ms,
                                s->gate_up_ms, s->gate_down_ms);
    }
    return MESO_OK;
}

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_stimulus(loader *l, const cJSON *object, const stimulus *first, stimulus *s)
{
    s->stop_ms = INFINITY;
    MESO_TRY(loader_read(l, &stimulus_type, object, s));
    s->name = arena_strdup(l->experiment->memory, object->string);
    if (!s->name)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_resolve(l, get_member(object, "target"), "populations", &s->target));
    if (s->stop_ms <= s->start_ms)
        return LOADER_ERROR(l, object, "stop_ms", MESO_RANGE,
                            "%.15g ms is not after start_ms, %.15g ms", s->stop_ms, s->start_ms);
    MESO_TRY(check_times(l, object, s));
    if (s->kind == STIMULUS_PULSES || s->kind == STIMULUS_CURRENT)
        MESO_TRY(check_takes_current(l, object, s));
    if (s->kind == STIMULUS_PULSES)
        return check_pulses(l, object, s);
    if (s->kind == STIMULUS_CURRENT)
        return load_current(l, object, s);
    MESO_TRY(load_ports(l, object, &l->experiment->populations[s->target], &s->ports, &s->n_ports));
    MESO_TRY(check_weight(l, object, s));
    if (s->kind == STIMULUS_PLAYBACK)
        return load_playback(l, object, s);
    MESO_TRY(check_modulation(l, object, s));
    MESO_TRY(load_rate(l, object, s));
    if (s->gate_up_ms > 0 && !s->gate)
        s->gate = s->name;
    return check_gates(l, object, first, s);
}

meso_status load_stimuli(loader *l)
{
    const cJSON *map = loader_section(l, "stimuli");
    experiment *e = l->experiment;
    e->n_stimuli = (uint32_t)count_members(map);
    stimulus *first = loader_alloc(l, e->n_stimuli, sizeof *first);
    l->currents = loader_alloc(l, e->n_stimuli, sizeof *l->currents);
    if (!first || !l->currents)
        return MESO_MEMORY;
    e->currents = l->currents;
    e->stimuli = first;
    stimulus *s = first;
    for (const cJSON *object = first_member(map); object; object = next_member(object))
        MESO_TRY(read_stimulus(l, object, first, s++));
    return MESO_OK;
}
