#include "config/loader.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const initial_keys[] = {"initial_nS", "initial_pA",    "initial_mV",
                                           "initial",    "initial_share", NULL};

#define INITIAL_ROW(name, in_unit, most)                                                           \
    {                                                                                              \
        .key = name, .kind = FIELD_DISTRIBUTION, .unit = in_unit, FIELD_FROM(0, most),             \
        FIELD_IN(synapse_content, initial),                                                        \
        .doc = "at the start, in the unit of the weight: drawn for each synapse"                   \
    }

/* clang-format off */
static const field content_fields[] = {
    {.key = "receptors", .kind = FIELD_NUMBER_MAP, .required = true, FIELD_FROM(0, 1000),
     .doc = "what a spike adds to, each with a factor for the content: as of the projection, whose own "
            "stay with the weight"},
    INITIAL_ROW("initial_nS", "nS", 10000),
    INITIAL_ROW("initial_pA", "pA", 1e6),
    INITIAL_ROW("initial_mV", "mV", 1000),
    INITIAL_ROW("initial", NULL, 1e6),
    {.key = "initial_share", .kind = FIELD_NUMBER, FIELD_FROM(0, 1000), FIELD_IN(synapse_content, share),
     .doc = "at the start, as a share of the synapse's weight"},
    {0}};
/* clang-format on */

const object_type content_type = {
    .name = "content",
    .doc = "A content of the rule's: a strength of each synapse that feeds ports of its own",
    .fields = content_fields,
    .one_of = initial_keys};

/* --- names ------------------------------------------------------------------------------------ */

static const state_spec *find_state(const neuron_model *rule, const char *name)
{
    for (uint32_t i = 0; i < rule->n_state; i++)
        if (strcmp(rule->state[i].name, name) == 0)
            return &rule->state[i];
    return NULL;
}

static meso_status check_content(loader *l, const cJSON *member, const neuron_model *rule)
{
    const state_spec *state = find_state(rule, member->string);
    if (state && state->content)
        return MESO_OK;
    name_list names = {0};
    text hint = {0};
    for (uint32_t i = 0; i < rule->n_state; i++)
        if (rule->state[i].content)
            names_add(&names, rule->state[i].name, NULL);
    names_append_hint(&names, member->string, "contents of the rule", &hint);
    LOADER_ERROR(l, member, NULL, MESO_CONFIG, "%s of rule '%s'%s",
                 state ? "a state variable, but not a content," : "not a content", rule->name,
                 hint.failed ? "" : hint.data);
    text_free(&hint);
    names_free(&names);
    return MESO_CONFIG;
}

/* --- one -------------------------------------------------------------------------------------- */

/* Ports in the unit of the weight, and an initial value that says so too. */
static meso_status check_unit(loader *l, const cJSON *object, const projection *p,
                              const synapse_content *c)
{
    const population *target = &l->experiment->populations[p->target];
    const char *unit = population_port_unit(target, p->ports[0].port);
    if (strcmp(population_port_unit(target, c->ports[0].port), unit) != 0)
        return LOADER_ERROR(
            l, object, "receptors", MESO_UNIT,
            "'%s' is in %s, and the weight of the projection in %s: a content has the "
            "unit of the weight",
            population_port_name(target, c->ports[0].port),
            population_port_unit(target, c->ports[0].port), unit);
    size_t k = 0;
    while (!get_member(object, initial_keys[k]))
        k++;
    const char *right = population_weight_key(target, p->ports[0].port) + strlen("weight");
    const char *given = initial_keys[k] + strlen("initial");
    if (strcmp(given, right) == 0 || strcmp(given, "_share") == 0)
        return MESO_OK;
    return LOADER_ERROR(
        l, object, initial_keys[k], MESO_UNIT,
        "the weight of the projection is weight%s: give the content as initial%s, or as "
        "initial_share",
        right, right);
}

static meso_status check_most(loader *l, const cJSON *object, const projection *p,
                              synapse_content *c)
{
    const double most = p->learning->weight_max;
    const bool is_share = !isnan(c->share);
    const double value = is_share ? c->share * p->weight.mean : c->initial.mean;
    const distribution *d = is_share ? &p->weight : &c->initial;
    size_t k = 0;
    while (!get_member(object, initial_keys[k]))
        k++;
    if (d->kind == DISTRIBUTION_CONSTANT && value > most)
        return LOADER_ERROR(
            l, object, initial_keys[k], MESO_RANGE,
            "%.15g is outside the limits of a content, [0, %.15g]: weight_max holds for it "
            "too",
            value, most);
    c->initial.min = fmax(c->initial.min, 0);
    c->initial.max = fmin(c->initial.max, most);
    return MESO_OK;
}

static meso_status read_content(loader *l, const cJSON *object, const projection *p,
                                synapse_content *c)
{
    const population *target = &l->experiment->populations[p->target];
    c->share = NAN;
    MESO_TRY(loader_read(l, &content_type, object, c));
    MESO_TRY(load_port_list(l, object, target, &c->ports, &c->n_ports));
    MESO_TRY(check_unit(l, object, p, c));
    return check_most(l, object, p, c);
}

/* --- all -------------------------------------------------------------------------------------- */

meso_status load_contents(loader *l, const cJSON *learning, const projection *p,
                          long_term_plasticity *read)
{
    const cJSON *map = get_member(learning, "contents");
    const neuron_model *rule = read->rule;
    synapse_content *contents = loader_alloc(l, rule->n_state, sizeof *contents);
    if (!contents)
        return MESO_MEMORY;
    read->contents = contents;
    for (const cJSON *member = first_member(map); member; member = next_member(member))
        MESO_TRY(check_content(l, member, rule));
    if (first_member(map) && read->weight_max <= 0)
        return LOADER_ERROR(
            l, map, NULL, MESO_RANGE,
            "contents lie in [0, weight_max]: weight_max must be above 0, not %.15g",
            read->weight_max);
    for (uint32_t i = 0; i < rule->n_state; i++) {
        const cJSON *object = get_member(map, rule->state[i].name);
        if (!object)
            continue;
        synapse_content *c = &contents[read->n_contents++];
        c->state = i;
        MESO_TRY(read_content(l, object, p, c));
    }
    return MESO_OK;
}
