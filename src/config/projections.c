#include "config/receptors.h"

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const rules[] = {
    "fixed_indegree", "fixed_probability", "fixed_total", "one_to_one",
    "all_to_all",     "gaussian_distance", NULL};
static const char *const storages[] = {"auto", "compact", "wide", "procedural", NULL};

#define PAIRWISE (VARIANT(RULE_FIXED_PROBABILITY) | VARIANT(RULE_GAUSSIAN_DISTANCE))
#define DRAWN (VARIANT(RULE_FIXED_INDEGREE) | VARIANT(RULE_FIXED_TOTAL))
#define MOST_SYNAPSES 9007199254740991.0 /* 2^53 - 1: whole numbers that JSON can carry */

/* clang-format off */
static const field plasticity_fields[] = {
    {.key = "U", .kind = FIELD_NUMBER, .required = true, FIELD_ABOVE(0, 1),
     FIELD_IN(short_term_plasticity, U), .doc = "share of the resources that a first spike releases"},
    {.key = "tau_recovery_ms", .kind = FIELD_NUMBER, .unit = "ms", .required = true,
     FIELD_ABOVE(0, 1000000), FIELD_IN(short_term_plasticity, tau_recovery_ms),
     .doc = "in which resources recover"},
    {.key = "tau_facilitation_ms", .kind = FIELD_NUMBER, .unit = "ms", FIELD_DEFAULT(0),
     FIELD_FROM(0, 1000000), FIELD_IN(short_term_plasticity, tau_facilitation_ms),
     .doc = "in which raised release falls back to U; 0: no facilitation"},
    {0}};

static const object_type plasticity_type = {
    .name = "short_term_plasticity",
    .doc = "Tsodyks, Uziel & Markram 2000: a spike acts with weight x u; h after the spike before, "
           "x becomes 1 + (x (1 - u) - 1) exp(-h / tau_recovery_ms), then u becomes "
           "U + u (1 - U) exp(-h / tau_facilitation_ms); the first spike has x = 1, u = U",
    .fields = plasticity_fields};

static const field projection_fields[] = {
    {.key = "source", .kind = FIELD_NAME, .required = true, .doc = "name of a population"},
    {.key = "target", .kind = FIELD_NAME, .required = true, .doc = "name of a population"},
    {.key = "rule", .kind = FIELD_CHOICE, .choices = rules, .required = true,
     FIELD_IN(projection, rule), .doc = "who is connected to whom"},
    {.key = "indegree", .kind = FIELD_INTEGER, .required = true, FIELD_FROM(0, INT32_MAX),
     .variants = VARIANT(RULE_FIXED_INDEGREE), FIELD_IN(projection, indegree),
     .doc = "synapses that every target neuron gets"},
    {.key = "probability", .kind = FIELD_NUMBER, .required = true, FIELD_FROM(0, 1),
     .variants = PAIRWISE, FIELD_IN(projection, probability),
     .doc = "of a pair to be connected; gaussian_distance: at distance 0"},
    {.key = "sigma_um", .kind = FIELD_NUMBER, .unit = "um", .required = true,
     FIELD_ABOVE(0, 1000000), .variants = VARIANT(RULE_GAUSSIAN_DISTANCE),
     FIELD_IN(projection, sigma_um), .doc = "p(d) = probability exp(-d^2 / (2 sigma^2))"},
    {.key = "total", .kind = FIELD_INTEGER, .required = true, FIELD_FROM(0, MOST_SYNAPSES),
     .variants = VARIANT(RULE_FIXED_TOTAL), FIELD_IN(projection, total),
     .doc = "synapses of the whole projection"},
    {.key = "autapses", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(false),
     FIELD_IN(projection, autapses), .doc = "may a neuron connect to itself"},
    {.key = "multapses", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(true), .variants = DRAWN,
     FIELD_IN(projection, multapses),
     .doc = "may a pair have several synapses; fixed_total: must be true"},
    {.key = "receptors", .kind = FIELD_NUMBER_MAP, .required = true, FIELD_FROM(0, 1000),
     .doc = "what a spike adds to, each with a factor for the weight: conductances of the target, or "
            "inputs of its model"},
    WEIGHT_ROWS(projection, 0, "spike"),
    {.key = "delay_ms", .kind = FIELD_DISTRIBUTION, .unit = "ms", .required = true,
     FIELD_ABOVE(0, 1000), FIELD_IN(projection, delay_ms),
     .doc = "from spike to effect, at least one step; a drawn delay needs max"},
    {.key = "storage", .kind = FIELD_CHOICE, .choices = storages, FIELD_DEFAULT_TEXT("auto"),
     FIELD_IN(projection, storage),
     .doc = "compact: 4 bytes a synapse, at most 256 weights; wide: 8 bytes, 2^20 weights; procedural: "
            "none, edges are made anew at every spike; auto: compact, or procedural where memory is short"},
    {.key = "short_term_plasticity", .kind = FIELD_OBJECT, .type = &plasticity_type,
     .doc = "depression and facilitation by the spikes before; default: none"},
    {.key = "long_term_plasticity", .kind = FIELD_OBJECT, .type = &learning_type,
     .doc = "weights of single synapses change by a rule; default: none"},
    {.key = "structure", .kind = FIELD_OBJECT, .type = &structure_type,
     .doc = "contacts of a projection with long_term_plasticity are formed and pruned; default: none"},
    PRESYNAPTIC_ROW("receptors on the terminals, in the target's region: they multiply U, or the weight where "
                    "there is no short_term_plasticity"),
    {0}};
/* clang-format on */

const object_type projection_type = {.name = "projection",
                                     .doc = "Synapses from one population to another",
                                     .fields = projection_fields,
                                     .variant = "rule",
                                     .one_of = weight_keys};

/* --- rules between fields --------------------------------------------------------------------- */

static bool is_recurrent(const projection *p)
{
    return p->source == p->target;
}

static meso_status check_indegree(loader *l, const cJSON *object, const projection *p,
                                  const population *source)
{
    const uint32_t n_sources = source->n_neurons - (is_recurrent(p) && !p->autapses ? 1 : 0);
    if (p->indegree == 0 || (n_sources > 0 && (p->multapses || p->indegree <= n_sources)))
        return MESO_OK;
    return LOADER_ERROR(l, object, "indegree", MESO_RANGE,
                        "%u is more than the %u possible sources in '%s'%s", p->indegree, n_sources,
                        source->name, p->multapses ? "" : " when multapses are not allowed");
}

static meso_status check_total(loader *l, const cJSON *object, const projection *p,
                               const population *source)
{
    if (!p->multapses)
        return LOADER_ERROR(l, object, "multapses", MESO_CONFIG,
                            "fixed_total draws pairs independently: multapses must be true");
    const bool no_pairs = is_recurrent(p) && !p->autapses && source->n_neurons == 1;
    if (p->total == 0 || !no_pairs)
        return MESO_OK;
    return LOADER_ERROR(l, object, "total", MESO_RANGE,
                        "%llu is more than the 0 possible pairs: '%s' has one neuron, and autapses "
                        "are not allowed",
                        (unsigned long long)p->total, source->name);
}

static meso_status check_one_to_one(loader *l, const cJSON *object, const projection *p,
                                    const population *source, const population *target)
{
    if (source->n_neurons != target->n_neurons)
        return LOADER_ERROR(l, object, "rule", MESO_CONFIG,
                            "one_to_one needs populations of one size, but '%s' has %u neurons "
                            "and '%s' has %u",
                            source->name, source->n_neurons, target->name, target->n_neurons);
    if (is_recurrent(p) && !p->autapses)
        return LOADER_ERROR(l, object, "rule", MESO_CONFIG,
                            "one_to_one within '%s' connects each neuron to itself: autapses "
                            "must be true",
                            source->name);
    return MESO_OK;
}

static meso_status check_rule(loader *l, const cJSON *object, const projection *p)
{
    const population *source = &l->experiment->populations[p->source];
    const population *target = &l->experiment->populations[p->target];
    switch (p->rule) {
    case RULE_FIXED_INDEGREE:
        return check_indegree(l, object, p, source);
    case RULE_FIXED_TOTAL:
        return check_total(l, object, p, source);
    case RULE_ONE_TO_ONE:
        return check_one_to_one(l, object, p, source, target);
    default:
        return MESO_OK;
    }
}

/* A row can be made anew only where edges are drawn source by source. */
static meso_status check_storage(loader *l, const cJSON *object, const projection *p)
{
    if (p->storage != STORAGE_PROCEDURAL || p->rule != RULE_FIXED_INDEGREE)
        return MESO_OK;
    return LOADER_ERROR(
        l, object, "storage", MESO_CONFIG,
        "procedural is not possible with fixed_indegree, whose edges are drawn target "
        "by target; fixed_total and fixed_probability can be procedural");
}

/* The delay that matters most is the shortest that can be drawn; the longest sets the memory. */
static meso_status check_delay(loader *l, const cJSON *object, projection *p)
{
    const double dt_ms = l->experiment->dt_ms;
    const cJSON *value = get_member(object, "delay_ms");
    const cJSON *min = get_member(value, "min"), *mean = get_member(value, "mean");
    const cJSON *least = cJSON_IsNumber(value) ? value : min ? min : mean;
    if (least->valuedouble < dt_ms * (1 - 1e-9))
        return LOADER_ERROR(l, least, NULL, MESO_RANGE,
                            "%.15g ms is shorter than a step: delays must be at least dt_ms, "
                            "%.15g ms",
                            least->valuedouble, dt_ms);
    if (cJSON_IsObject(value) && !get_member(value, "max"))
        return LOADER_ERROR(l, value, "max", MESO_CONFIG,
                            "missing: a drawn delay needs a longest one, in ms");
    if (cJSON_IsObject(value) && !min)
        p->delay_ms.min = dt_ms;
    return MESO_OK;
}

/* --- building --------------------------------------------------------------------------------- */

static meso_status read_plasticity(loader *l, const cJSON *object, projection *p)
{
    if (!object)
        return MESO_OK;
    short_term_plasticity *read = loader_alloc(l, 1, sizeof *read);
    if (!read)
        return MESO_MEMORY;
    p->plasticity = read;
    return loader_read(l, &plasticity_type, object, read);
}

/* Without U there is no ceiling to what a receptor may raise. */
static meso_status read_presynaptic(loader *l, const cJSON *object, projection *p)
{
    const char *region = l->experiment->populations[p->target].region;
    MESO_TRY(load_presynaptic(l, object, region, &p->presynaptic, &p->n_presynaptic));
    const cJSON *item = p->n_presynaptic > 0 ? get_member(object, "presynaptic")->child : NULL;
    for (uint32_t i = 0; i < p->n_presynaptic; i++, item = item->next)
        if (p->presynaptic[i].scale > 0 && !p->plasticity)
            return LOADER_ERROR(l, item, "scale", MESO_CONFIG,
                                "%.15g raises release: that needs short_term_plasticity, whose U "
                                "it multiplies",
                                p->presynaptic[i].scale);
    return MESO_OK;
}

static meso_status read_projection(loader *l, const cJSON *object, projection *p)
{
    p->multapses = true;
    MESO_TRY(loader_read(l, &projection_type, object, p));
    p->name = arena_strdup(l->experiment->memory, object->string);
    p->place = document_place(&l->document, object, "weight");
    if (!p->name || !p->place)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_resolve(l, get_member(object, "source"), "populations", &p->source));
    MESO_TRY(loader_resolve(l, get_member(object, "target"), "populations", &p->target));
    MESO_TRY(load_ports(l, object, &l->experiment->populations[p->target], &p->ports, &p->n_ports));
    MESO_TRY(check_rule(l, object, p));
    MESO_TRY(check_storage(l, object, p));
    MESO_TRY(read_plasticity(l, get_member(object, "short_term_plasticity"), p));
    MESO_TRY(read_presynaptic(l, object, p));
    MESO_TRY(load_learning(l, object, p));
    MESO_TRY(check_delay(l, object, p));
    return load_structure(l, object, p);
}

meso_status load_projections(loader *l)
{
    const cJSON *map = loader_section(l, "projections");
    experiment *e = l->experiment;
    e->n_projections = (uint32_t)count_members(map);
    projection *p = loader_alloc(l, e->n_projections, sizeof *p);
    l->rules = loader_alloc(l, e->n_projections, sizeof *l->rules);
    if (!p || !l->rules)
        return MESO_MEMORY;
    e->projections = p;
    e->rules = l->rules;
    for (const cJSON *object = first_member(map); object; object = next_member(object))
        MESO_TRY(read_projection(l, object, p++));
    return MESO_OK;
}
