#include "config/loader.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

#define HOURS_MOST 1e5
#define PER_H_MOST 1e6
#define SECONDS_MOST 3.6e8

/* clang-format off */
static const field signal_fields[] = {
    {.key = "modulator", .kind = FIELD_NAME,
     .doc = "name of the modulator whose concentration (nM) in the target's region it follows"},
    {.key = "receptor", .kind = FIELD_NAME,
     .doc = "name of the receptor of the target whose activation it follows instead"},
    {.key = "tau_h", .kind = FIELD_NUMBER, .unit = "h", .required = true, FIELD_FROM(0, HOURS_MOST),
     FIELD_IN(slow_signal, tau_h),
     .doc = "dS/dt = (what it follows - S) / tau_h; 0: S is the mean since the update before"},
    {.key = "initial", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 1e6),
     FIELD_IN(slow_signal, initial), .doc = "S at the start, in the unit of what it follows"},
    {0}};

static const field prune_fields[] = {
    LIMIT_ROWS("below", "only contacts whose weight and contents add up to less; default: all"),
    {.key = "after_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0), FIELD_FROM(0, SECONDS_MOST),
     FIELD_IN(pruning, after_s),
     .doc = "only those that were below at all updates for so long; rounded up to whole updates"},
    {.key = "older_than_s", .kind = FIELD_NUMBER, .unit = "s", FIELD_DEFAULT(0),
     FIELD_FROM(0, SECONDS_MOST), FIELD_IN(pruning, older_than_s),
     .doc = "only those formed so long ago, or there from the start; rounded up to whole updates"},
    {.key = "rate_per_h", .kind = FIELD_NUMBER, .unit = "1/h", FIELD_FROM(0, PER_H_MOST),
     FIELD_IN(pruning, rate_per_h),
     .doc = "hazard of those that may go; default: they go at the next update"},
    {.key = "gain_per_h", .kind = FIELD_NUMBER, .unit = "1/h", FIELD_DEFAULT(0),
     FIELD_FROM(-PER_H_MOST, PER_H_MOST), FIELD_IN(pruning, gain_per_h),
     .doc = "what the signal adds to the hazard for each unit of it"},
    {0}};

static const field form_fields[] = {
    {.key = "per_target_per_h", .kind = FIELD_NUMBER, .unit = "1/h", .required = true,
     FIELD_FROM(0, PER_H_MOST), FIELD_IN(formation, per_target_per_h),
     .doc = "expected new contacts of a target, from sources that are drawn uniformly"},
    {.key = "gain_per_target_per_h", .kind = FIELD_NUMBER, .unit = "1/h", FIELD_DEFAULT(0),
     FIELD_FROM(-PER_H_MOST, PER_H_MOST), FIELD_IN(formation, gain_per_target_per_h),
     .doc = "what the signal adds to that for each unit of it"},
    WEIGHT_ROWS(formation, 0, "spike, of a new contact"),
    {0}};

static const object_type signal_type = {
    .name = "slow_signal",
    .doc = "A slow trace of a modulator or of a receptor's activation, of all of the target's cells",
    .fields = signal_fields};
static const object_type prune_type = {
    .name = "prune",
    .doc = "Contacts that go: those that may, with probability 1 - exp(-hazard update_s) at each update",
    .fields = prune_fields};
static const object_type form_type = {
    .name = "form",
    .doc = "Contacts that come: a Poisson number for each target and update; delays as of the projection",
    .fields = form_fields,
    .one_of = weight_keys};

static const field structure_fields[] = {
    {.key = "update_s", .kind = FIELD_NUMBER, .unit = "s", .required = true, FIELD_ABOVE(0, 86400),
     FIELD_IN(structure, update_s),
     .doc = "contacts come, go and turn so often: a multiple of long_term_plasticity.update_ms, and longer "
            "than the longest delay"},
    {.key = "spare", .kind = FIELD_NUMBER, FIELD_DEFAULT(0.2), FIELD_FROM(0, 100),
     FIELD_IN(structure, spare),
     .doc = "free places of a row (a source's contacts in one part of the network) as a share of its contacts "
            "n; with 5 sqrt(n) + 5 more for chance"},
    {.key = "rate_scale", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_ABOVE(0, 1e9),
     FIELD_IN(structure, rate_scale),
     .doc = "all rates here are multiplied, all times but update_s divided by it: compressed slow time"},
    {.key = "signal", .kind = FIELD_OBJECT, .type = &signal_type,
     .doc = "what rates may depend on, and what <rule>_turnover gets; default: none, which is 0"},
    {.key = "prune", .kind = FIELD_OBJECT, .type = &prune_type, .doc = "default: no contact goes"},
    {.key = "form", .kind = FIELD_OBJECT, .type = &form_type, .doc = "default: no contact comes"},
    {0}};
/* clang-format on */

const object_type structure_type = {
    .name = "structure",
    .doc = "Contacts of a projection with long_term_plasticity that are formed and pruned",
    .fields = structure_fields};

/* --- signal ----------------------------------------------------------------------------------- */

static meso_status read_signal(loader *l, const cJSON *object, const projection *p,
                               slow_signal *read)
{
    if (!object)
        return MESO_OK;
    MESO_TRY(loader_read(l, &signal_type, object, read));
    MESO_TRY(load_modulated_by(l, object, l->experiment->populations[p->target].region,
                               &read->follows, &read->modulator));
    if (read->follows == MODULATED_BY_NOTHING)
        return LOADER_ERROR(l, object, "modulator", MESO_CONFIG,
                            "missing: a signal follows a modulator or a receptor");
    return MESO_OK;
}

/* A rate that depends on a signal needs one. */
static meso_status check_gain(loader *l, const cJSON *object, const char *key, double gain,
                              const structure *s)
{
    if (gain == 0 || s->signal.follows != MODULATED_BY_NOTHING)
        return MESO_OK;
    return LOADER_ERROR(l, object, key, MESO_CONFIG, "there is no signal to multiply it with");
}

/* --- pruning ---------------------------------------------------------------------------------- */

static meso_status read_pruning(loader *l, const cJSON *object, const projection *p, structure *s)
{
    const population *target = &l->experiment->populations[p->target];
    const char *key = population_weight_key(target, p->ports[0].port);
    const cJSON *below;
    if (!object)
        return MESO_OK;
    pruning *read = loader_alloc(l, 1, sizeof *read);
    if (!read)
        return MESO_MEMORY;
    s->prune = read;
    read->rate_per_h = NAN;
    MESO_TRY(loader_read(l, &prune_type, object, read));
    MESO_TRY(load_in_weight_unit(l, object, "below", key, &below));
    read->below = below ? below->valuedouble : NAN;
    const bool has_rate = get_member(object, "rate_per_h") != NULL;
    if (!below && !has_rate)
        return LOADER_ERROR(
            l, object, NULL, MESO_CONFIG,
            "every contact would go at the first update: below%s or rate_per_h says "
            "which, or how soon",
            key + strlen("weight"));
    if (!below && read->after_s > 0)
        return LOADER_ERROR(l, object, "after_s", MESO_CONFIG, "below%s is missing",
                            key + strlen("weight"));
    if (!has_rate && read->gain_per_h != 0)
        return LOADER_ERROR(l, object, "gain_per_h", MESO_CONFIG,
                            "rate_per_h, which it adds to, is missing: it may be 0");
    return check_gain(l, object, "gain_per_h", read->gain_per_h, s);
}

/* --- formation -------------------------------------------------------------------------------- */

static meso_status check_new_weight(loader *l, const cJSON *object, const projection *p,
                                    distribution *w)
{
    const population *target = &l->experiment->populations[p->target];
    const char *key = population_weight_key(target, p->ports[0].port);
    const long_term_plasticity *x = p->learning;
    size_t k = 0;
    while (!get_member(object, weight_keys[k]))
        k++;
    if (strcmp(weight_keys[k], key) != 0)
        return LOADER_ERROR(l, object, weight_keys[k], MESO_UNIT,
                            "the weight of the projection is %s: give this one as %s too", key,
                            key);
    if (w->kind == DISTRIBUTION_CONSTANT && (w->mean < x->weight_min || w->mean > x->weight_max))
        return LOADER_ERROR(l, object, key, MESO_RANGE,
                            "%.15g is outside the limits of long_term_plasticity, [%.15g, %.15g]",
                            w->mean, x->weight_min, x->weight_max);
    w->min = fmax(w->min, x->weight_min);
    w->max = fmin(w->max, x->weight_max);
    return MESO_OK;
}

/* Contacts of different delay are never seen at one time: whether a pair has one cannot be asked. */
static meso_status check_sources(loader *l, const cJSON *object, const projection *p)
{
    const population *source = &l->experiment->populations[p->source];
    const bool self = p->source == p->target && !p->autapses;
    if (source->n_neurons <= (self ? 1u : 0u))
        return LOADER_ERROR(
            l, object, NULL, MESO_RANGE,
            "there are no possible sources in '%s', which has one neuron, and autapses "
            "are not allowed",
            source->name);
    if (!p->multapses && p->delay_ms.kind != DISTRIBUTION_CONSTANT)
        return LOADER_ERROR(l, object, NULL, MESO_CONFIG,
                            "where multapses are not allowed, delay_ms must be constant");
    return MESO_OK;
}

static meso_status read_formation(loader *l, const cJSON *object, const projection *p, structure *s)
{
    if (!object)
        return MESO_OK;
    formation *read = loader_alloc(l, 1, sizeof *read);
    if (!read)
        return MESO_MEMORY;
    s->form = read;
    MESO_TRY(loader_read(l, &form_type, object, read));
    MESO_TRY(check_new_weight(l, object, p, &read->weight));
    MESO_TRY(check_sources(l, object, p));
    return check_gain(l, object, "gain_per_target_per_h", read->gain_per_target_per_h, s);
}

/* --- all -------------------------------------------------------------------------------------- */

/* Counts hold when every delay group has been updated, and before the next update. */
static meso_status check_update(loader *l, const cJSON *object, const projection *p,
                                const structure *s)
{
    const double longest_ms = distribution_quantile(&p->delay_ms, 1 - 0.5 / 4096);
    const double update_ms = s->update_s * 1e3;
    if (!is_multiple(update_ms, p->learning->update_ms))
        return LOADER_ERROR(l, object, "update_s", MESO_RANGE,
                            "%.15g s is not a multiple of long_term_plasticity.update_ms, %.15g ms",
                            s->update_s, p->learning->update_ms);
    if (update_ms < longest_ms + 3 * l->experiment->field_step_ms)
        return LOADER_ERROR(l, object, "update_s", MESO_RANGE,
                            "%.15g s is too short: at least the longest delay, %.15g ms, and three "
                            "field steps",
                            s->update_s, longest_ms);
    return MESO_OK;
}

meso_status load_structure(loader *l, const cJSON *object, projection *p)
{
    const cJSON *given = get_member(object, "structure");
    if (!given)
        return MESO_OK;
    if (!p->learning)
        return LOADER_ERROR(l, given, NULL, MESO_CONFIG,
                            "contacts come and go where there is long_term_plasticity");
    structure *read = loader_alloc(l, 1, sizeof *read);
    if (!read)
        return MESO_MEMORY;
    p->structure = read;
    MESO_TRY(loader_read(l, &structure_type, given, read));
    MESO_TRY(check_update(l, given, p, read));
    MESO_TRY(read_signal(l, get_member(given, "signal"), p, &read->signal));
    MESO_TRY(read_pruning(l, get_member(given, "prune"), p, read));
    return read_formation(l, get_member(given, "form"), p, read);
}
