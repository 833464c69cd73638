#include "config/load.h"
#include "config/receptors.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const pairs[] = {"all", "nearest", NULL};

/* clang-format off */
static const field learning_fields[] = {
    {.key = "rule", .kind = FIELD_NAME, .required = true,
     .doc = "rule: built in, or a pair of files beside the experiment"},
    {.key = "parameters", .kind = FIELD_NUMBER_MAP,
     .doc = "the rule's parameters, each in the unit of its name; `mesocl models` lists them"},
    {.key = "pairs", .kind = FIELD_CHOICE, .choices = pairs, FIELD_DEFAULT_TEXT("all"),
     FIELD_IN(long_term_plasticity, pairs),
     .doc = "all: the trace of a side's spikes grows by 1 with each; nearest: each sets it to 1"},
    LIMIT_ROWS("weight_min", "least weight, in the unit of the projection's; default: 0"),
    LIMIT_ROWS("weight_max", "largest weight, in the unit of the projection's"),
    {.key = "update_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(10),
     FIELD_ABOVE(0, 10000), FIELD_IN(long_term_plasticity, update_ms),
     .doc = "synapses without spikes are brought up to date so often: a multiple of field_step_ms"},
    {.key = "modulator", .kind = FIELD_NAME,
     .doc = "name of the modulator whose concentration (nM) in the target's region the rule gets"},
    {.key = "receptor", .kind = FIELD_NAME,
     .doc = "name of the receptor of the target whose activation the rule gets instead"},
    {.key = "contents", .kind = FIELD_MAP, .type = &content_type,
     .doc = "by name, contents of the rule (`mesocl models`) and the ports of the target that each feeds, as "
            "the weight feeds `receptors` of the projection; those not named feed none"},
    {0}};
/* clang-format on */

const object_type learning_type = {
    .name = "long_term_plasticity",
    .doc = "Weights that change with the spikes of source and target",
    .fields = learning_fields};

/* --- limits ----------------------------------------------------------------------------------- */

meso_status load_in_weight_unit(loader *l, const cJSON *object, const char *name,
                                const char *weight_key, const cJSON **value)
{
    char right[32], key[32];
    const size_t n = strlen("weight");
    snprintf(right, sizeof right, "%s%s", name, weight_key + n);
    *value = get_member(object, right);
    for (size_t k = 0; weight_keys[k]; k++) {
        snprintf(key, sizeof key, "%s%s", name, weight_keys[k] + n);
        if (strcmp(key, right) != 0 && get_member(object, key))
            return LOADER_ERROR(l, object, key, MESO_UNIT,
                                "the weight of the projection is %s: give the limit as %s",
                                weight_key, right);
    }
    if (!*value && strcmp(name, "weight_max") == 0)
        return LOADER_ERROR(l, object, right, MESO_CONFIG, "missing: the largest weight");
    return MESO_OK;
}

static meso_status read_limits(loader *l, const cJSON *object, const cJSON *learning, projection *p,
                               long_term_plasticity *read)
{
    const population *target = &l->experiment->populations[p->target];
    const char *key = population_weight_key(target, p->ports[0].port);
    const cJSON *min, *max;
    MESO_TRY(load_in_weight_unit(l, learning, "weight_min", key, &min));
    MESO_TRY(load_in_weight_unit(l, learning, "weight_max", key, &max));
    read->weight_min = min ? min->valuedouble : 0;
    read->weight_max = max->valuedouble;
    if (read->weight_max <= read->weight_min)
        return LOADER_ERROR(l, max, NULL, MESO_RANGE, "%.15g is not above the least weight, %.15g",
                            read->weight_max, read->weight_min);
    distribution *w = &p->weight;
    if (w->kind == DISTRIBUTION_CONSTANT &&
        (w->mean < read->weight_min || w->mean > read->weight_max))
        return LOADER_ERROR(l, object, key, MESO_RANGE,
                            "%.15g is outside the limits of long_term_plasticity, [%.15g, %.15g]",
                            w->mean, read->weight_min, read->weight_max);
    w->min = fmax(w->min, read->weight_min);
    w->max = fmin(w->max, read->weight_max);
    return MESO_OK;
}

/* --- the modulator ---------------------------------------------------------------------------- */

static meso_status read_concentration(loader *l, const cJSON *name, const char *region,
                                      uint32_t *index)
{
    MESO_TRY(loader_resolve(l, name, "modulators", index));
    const cJSON *modulator = loader_member(l, "modulators", *index);
    const cJSON *compartments = get_member(modulator, "compartments");
    if (get_member(compartments, region))
        return MESO_OK;
    name_list names = {0};
    names_add_members(&names, compartments);
    const meso_status status = names_error_value(&l->document, name, region,
                                                 "compartments of the modulator", &names, l->err);
    names_free(&names);
    return status;
}

meso_status load_modulated_by(loader *l, const cJSON *object, const char *region,
                              modulator_source *by, uint32_t *index)
{
    const cJSON *modulator = get_member(object, "modulator");
    const cJSON *receptor = get_member(object, "receptor");
    *by = MODULATED_BY_NOTHING;
    if (modulator && receptor)
        return LOADER_ERROR(l, receptor, NULL, MESO_CONFIG,
                            "the modulator is given already: either of them");
    if (modulator) {
        *by = MODULATED_BY_CONCENTRATION;
        return read_concentration(l, modulator, region, index);
    }
    if (!receptor)
        return MESO_OK;
    *by = MODULATED_BY_RECEPTOR;
    MESO_TRY(loader_resolve(l, receptor, "receptors", index));
    return check_receptor_region(l, *index, region, receptor, NULL, "the target");
}

static meso_status read_modulator(loader *l, const cJSON *learning, const projection *p,
                                  long_term_plasticity *read)
{
    const char *region = l->experiment->populations[p->target].region;
    const cJSON *modulator = get_member(learning, "modulator");
    const cJSON *given = modulator ? modulator : get_member(learning, "receptor");
    if (given && !read->rule->modulated)
        return LOADER_ERROR(l, given, NULL, MESO_CONFIG, "rule '%s' has no modulator",
                            read->rule->name);
    if (!given && read->rule->modulated)
        return LOADER_ERROR(l, learning, "modulator", MESO_CONFIG,
                            "missing: rule '%s' needs a modulator or a receptor", read->rule->name);
    return load_modulated_by(l, learning, region, &read->modulated_by, &read->modulator);
}

/* --- all -------------------------------------------------------------------------------------- */

static meso_status check_storage(loader *l, const cJSON *object, const projection *p)
{
    if (p->storage != STORAGE_AUTO)
        return LOADER_ERROR(l, object, "storage", MESO_CONFIG,
                            "long_term_plasticity has a storage of its own: leave it auto");
    return MESO_OK;
}

meso_status load_learning(loader *l, const cJSON *object, projection *p)
{
    const cJSON *learning = get_member(object, "long_term_plasticity");
    if (!learning)
        return MESO_OK;
    long_term_plasticity *read = loader_alloc(l, 1, sizeof *read);
    if (!read)
        return MESO_MEMORY;
    p->learning = read;
    MESO_TRY(check_storage(l, object, p));
    MESO_TRY(loader_read(l, &learning_type, learning, read));
    MESO_TRY(loader_check_multiple(l, get_member(learning, "update_ms"),
                                   l->experiment->field_step_ms, "field_step_ms"));
    MESO_TRY(loader_find_model(l, get_member(learning, "rule"), config_load_rule, l->rules,
                               &l->experiment->n_rules, &read->rule));
    MESO_TRY(load_parameters(l, read->rule, &l->experiment->populations[p->target],
                             get_member(learning, "parameters"), NULL, learning,
                             &read->parameters));
    MESO_TRY(read_limits(l, object, learning, p, read));
    MESO_TRY(load_contents(l, learning, p, read));
    return read_modulator(l, learning, p, read);
}
