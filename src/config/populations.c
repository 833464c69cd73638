#include "config/load.h"
#include "config/receptors.h"
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

static const char *const conductance_kinds[] = {"exponential", "biexponential", "tonic", NULL};

#define DECAYS (VARIANT(CONDUCTANCE_EXPONENTIAL) | VARIANT(CONDUCTANCE_BIEXPONENTIAL))
#define SHORTEST_TAU_MS 0.01
#define LARGEST_STATE 1e6 /* of state at the start, in its own unit: far beyond any sense */

/* clang-format off */
static const field rectification_fields[] = {
    {.key = "V_half_mV", .kind = FIELD_NUMBER, .unit = "mV", .required = true, FIELD_FROM(-200, 200),
     FIELD_IN(rectification, V_half_mV), .doc = "potential at which half of the block is there"},
    {.key = "slope_mV", .kind = FIELD_NUMBER, .unit = "mV", .required = true, FIELD_FROM(0.5, 200),
     FIELD_IN(rectification, slope_mV), .doc = "of the potential by which the block grows e-fold"},
    {.key = "left_open", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(0, 1),
     FIELD_IN(rectification, left_open), .doc = "share of the conductance that is never blocked"},
    {0}};

static const object_type rectification_type = {
    .name = "rectification",
    .doc = "Block from inside, as of AMPA receptors without GluA2 by polyamines: the conductance is multiplied by "
           "left_open + (1 - left_open) / (1 + exp((V - V_half_mV) / slope_mV))",
    .fields = rectification_fields};

static const field conductance_fields[] = {
    {.key = "kind", .kind = FIELD_CHOICE, .choices = conductance_kinds, .required = true,
     FIELD_IN(conductance, kind), .doc = "time course after a spike; tonic: constant, no spikes"},
    {.key = "tau_rise_ms", .kind = FIELD_NUMBER, .unit = "ms", .required = true,
     FIELD_FROM(SHORTEST_TAU_MS, 10000), .variants = VARIANT(CONDUCTANCE_BIEXPONENTIAL),
     FIELD_IN(conductance, tau_rise_ms),
     .doc = "time constant of the rise, below that of the decay"},
    {.key = "tau_decay_ms", .kind = FIELD_NUMBER, .unit = "ms", .required = true,
     FIELD_FROM(SHORTEST_TAU_MS, 10000), .variants = DECAYS, FIELD_IN(conductance, tau_decay_ms),
     .doc = "time constant of the decay"},
    {.key = "E_mV", .kind = FIELD_NUMBER, .unit = "mV", .required = true, FIELD_FROM(-200, 200),
     FIELD_IN(conductance, E_mV), .doc = "reversal potential"},
    {.key = "mg_mM", .kind = FIELD_NUMBER, .unit = "mM", FIELD_DEFAULT(0), FIELD_FROM(0, 100),
     FIELD_IN(conductance, mg_mM),
     .doc = "magnesium that blocks the channel below threshold (Jahr & Stevens 1990); 0: no block"},
    {.key = "rectification", .kind = FIELD_OBJECT, .type = &rectification_type,
     .doc = "inward rectification; default: none"},
    {.key = "g_nS", .kind = FIELD_NUMBER, .unit = "nS", .required = true, FIELD_FROM(0, 10000),
     .variants = VARIANT(CONDUCTANCE_TONIC), FIELD_IN(conductance, g_nS),
     .doc = "the constant conductance"},
    {.key = "gain", .kind = FIELD_NUMBER, FIELD_DEFAULT(1), FIELD_FROM(0, 1000),
     FIELD_IN(conductance, gain), .doc = "factor before the effects of receptors"},
    {0}};

static const object_type conductance_type = {
    .name = "conductance", .doc = "A synaptic or tonic conductance",
    .fields = conductance_fields, .variant = "kind"};

static const field effect_fields[] = {
    {.key = "receptor", .kind = FIELD_NAME, .required = true, .doc = "name of a receptor"},
    {.key = "on", .kind = FIELD_NAME, .required = true,
     .doc = "parameter of the model, or conductance of the cell (then: its gain)"},
    {.key = "scale", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(-1, 1000),
     FIELD_IN(effect, scale),
     .doc = "x becomes x (1 + scale * activation) + add * activation of the receptor"},
    {.key = "add", .kind = FIELD_NUMBER, FIELD_DEFAULT(0), FIELD_FROM(-100000, 100000),
     FIELD_IN(effect, add), .doc = "in the unit of what it acts on; see scale"},
    {0}};

static const object_type effect_type = {
    .name = "effect", .doc = "What an active receptor does to the cell", .fields = effect_fields};

static const field cell_fields[] = {
    {.key = "model", .kind = FIELD_NAME, .required = true,
     .doc = "neuron model: built in, or a pair of files beside the experiment"},
    {.key = "parameters", .kind = FIELD_PER_NEURON_MAP,
     .doc = "the model's parameters, each in the unit of its name: a number, a distribution, or a list "
            "with one number for each neuron; `mesocl models` lists them"},
    {.key = "initial", .kind = FIELD_PER_NEURON_MAP,
     .doc = "state at the start, as parameters; default: the model's own"},
    {.key = "conductances", .kind = FIELD_MAP, .type = &conductance_type, .doc = "by name"},
    {.key = "effects", .kind = FIELD_LIST, .type = &effect_type,
     .doc = "of receptors; those on one target apply in order"},
    {0}};

const object_type cell_type = {
    .name = "cell", .doc = "A kind of cell, for populations to use", .fields = cell_fields};

static const field population_fields[] = {
    {.key = "cell", .kind = FIELD_NAME, .required = true, .doc = "name of a cell"},
    {.key = "region", .kind = FIELD_NAME, FIELD_DEFAULT_TEXT("default"),
     FIELD_IN(population, region), .doc = "where it lies; its modulators have a compartment there"},
    {.key = "n_neurons", .kind = FIELD_INTEGER, .required = true, FIELD_FROM(1, INT32_MAX),
     FIELD_IN(population, n_neurons), .doc = "number of neurons"},
    {.key = "extent_um", .kind = FIELD_NUMBER, .unit = "um", FIELD_DEFAULT(1000),
     FIELD_ABOVE(0, 1000000), FIELD_IN(population, extent_um),
     .doc = "side of the square in which the neurons lie, for rules of distance"},
    {.key = "parameters", .kind = FIELD_PER_NEURON_MAP, .doc = "on top of the cell's"},
    {.key = "initial", .kind = FIELD_PER_NEURON_MAP, .doc = "on top of the cell's"},
    {0}};
/* clang-format on */

const object_type population_type = {
    .name = "population", .doc = "Cells of one kind in one region", .fields = population_fields};

/* --- the model's parameters and state --------------------------------------------------------- */

/* Rows made from the descriptor, so that its parameters are checked like every other key. */
static field parameter_row(const parameter_spec *p)
{
    return (field){.key = p->name,
                   .kind = FIELD_PER_NEURON,
                   .unit = p->unit,
                   .bounded = true,
                   .min = p->min,
                   .max = p->max};
}

static field state_row(const state_spec *s)
{
    return (field){.key = s->name,
                   .kind = FIELD_PER_NEURON,
                   .unit = s->unit,
                   FIELD_FROM(-LARGEST_STATE, LARGEST_STATE)};
}

static meso_status read_list(loader *l, const cJSON *list, const population *p, distribution *out)
{
    const int n = cJSON_GetArraySize(list);
    if ((uint32_t)n != p->n_neurons)
        return LOADER_ERROR(l, list, NULL, MESO_CONFIG,
                            "expected %u numbers, one for each neuron of '%s', got %d",
                            p->n_neurons, p->name, n);
    double *values = loader_alloc(l, (size_t)n, sizeof *values);
    if (!values)
        return MESO_MEMORY;
    *out = (distribution){.kind = DISTRIBUTION_VALUES, .values = values};
    for (const cJSON *number = list->child; number; number = number->next)
        *values++ = number->valuedouble;
    return MESO_OK;
}

/* Check `values` against n rows and put them where the rows say. */
static meso_status read_values(loader *l, cJSON *values, const field *rows, uint32_t n,
                               const char *what, const population *p, distribution *out)
{
    for (cJSON *value = first_member(values); value; value = next_member(value)) {
        uint32_t i = 0;
        name_list names = {0};
        for (; i < n && strcmp(rows[i].key, value->string) != 0; i++)
            names_add(&names, rows[i].key, rows[i].unit);
        meso_status status = i < n ? field_check(&l->document, &rows[i], value, l->err)
                                   : names_error_key(&l->document, values, value->string, what,
                                                     &names, l->err);
        names_free(&names);
        MESO_TRY(status);
        if (cJSON_IsArray(value))
            MESO_TRY(read_list(l, value, p, &out[i]));
        else
            out[i] = field_read_distribution(&rows[i], value);
    }
    return MESO_OK;
}

/* Least (sign -1) or largest (1) value; of a distribution without limits its mean. */
static double extreme(const distribution *d, uint32_t n, int sign)
{
    double most = d->mean;
    const double limit = sign < 0 ? d->min : d->max;
    if (d->kind == DISTRIBUTION_VALUES) {
        most = d->values[0];
        for (uint32_t i = 1; i < n; i++)
            most = sign * d->values[i] > sign * most ? d->values[i] : most;
    } else if (d->kind != DISTRIBUTION_CONSTANT && isfinite(limit)) {
        most = limit;
    }
    return most;
}

/* Parameters that must lie below another, such as a reset potential below the threshold. */
static meso_status check_order(loader *l, const neuron_model *m, const population *p,
                               const cJSON *owner, const distribution *values)
{
    for (uint32_t i = 0; i < m->n_parameters; i++) {
        const parameter_spec *s = &m->parameters[i];
        uint32_t k = 0;
        if (!s->below)
            continue;
        while (strcmp(m->parameters[k].name, s->below) != 0)
            k++;
        const uint32_t n = p ? p->n_neurons : 1;
        const double low = extreme(&values[i], n, 1), high = extreme(&values[k], n, -1);
        if (low >= high)
            return LOADER_ERROR(l, owner, "parameters", MESO_RANGE,
                                "%s, %.15g %s, must be below %s, %.15g %s", s->name, low, s->unit,
                                s->below, high, s->unit);
    }
    return MESO_OK;
}

meso_status load_parameters(loader *l, const neuron_model *m, const population *p, cJSON *first,
                            cJSON *second, const cJSON *owner, const distribution **out)
{
    distribution *values = loader_alloc(l, m->n_parameters, sizeof *values);
    field *rows = loader_alloc(l, m->n_parameters, sizeof *rows);
    if (!values || !rows)
        return MESO_MEMORY;
    *out = values;
    for (uint32_t i = 0; i < m->n_parameters; i++) {
        rows[i] = parameter_row(&m->parameters[i]);
        values[i] = (distribution){
            .mean = m->parameters[i].default_value, .min = -INFINITY, .max = INFINITY};
    }
    MESO_TRY(read_values(l, first, rows, m->n_parameters, "parameters", p, values));
    MESO_TRY(read_values(l, second, rows, m->n_parameters, "parameters", p, values));
    for (uint32_t i = 0; i < m->n_parameters; i++)
        if (isnan(values[i].mean))
            return LOADER_ERROR(l, owner, "parameters", MESO_CONFIG,
                                "%s (%s) is missing: %s '%s' has no default for it",
                                m->parameters[i].name, m->parameters[i].unit,
                                model_role_names[m->role], m->name);
    return check_order(l, m, p, owner, values);
}

static meso_status read_initial(loader *l, const cJSON *cell, const cJSON *object, population *p)
{
    const neuron_model *m = p->model;
    distribution *values = loader_alloc(l, m->n_state, sizeof *values);
    field *rows = loader_alloc(l, m->n_state, sizeof *rows);
    if (!values || !rows)
        return MESO_MEMORY;
    p->initial_state = values;
    for (uint32_t i = 0; i < m->n_state; i++) {
        rows[i] = state_row(&m->state[i]);
        values[i] = (distribution){.mean = NAN, .min = -INFINITY, .max = INFINITY};
    }
    MESO_TRY(read_values(l, get_member(cell, "initial"), rows, m->n_state, "state", p, values));
    return read_values(l, get_member(object, "initial"), rows, m->n_state, "state", p, values);
}

/* --- conductances ----------------------------------------------------------------------------- */

static meso_status read_rectification(loader *l, const cJSON *object, conductance *c)
{
    if (!object)
        return MESO_OK;
    rectification *read = loader_alloc(l, 1, sizeof *read);
    if (!read)
        return MESO_MEMORY;
    c->rectifies = read;
    return loader_read(l, &rectification_type, object, read);
}

static meso_status read_conductance(loader *l, const cJSON *object, conductance *c)
{
    c->name = arena_strdup(l->experiment->memory, object->string);
    if (!c->name)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_read(l, &conductance_type, object, c));
    MESO_TRY(read_rectification(l, get_member(object, "rectification"), c));
    if (c->kind == CONDUCTANCE_BIEXPONENTIAL && c->tau_rise_ms >= c->tau_decay_ms)
        return LOADER_ERROR(l, object, "tau_rise_ms", MESO_RANGE,
                            "%.15g ms is not below tau_decay_ms, %.15g ms", c->tau_rise_ms,
                            c->tau_decay_ms);
    return MESO_OK;
}

static meso_status read_conductances(loader *l, const cJSON *cell, population *p)
{
    const cJSON *map = get_member(cell, "conductances");
    p->n_conductances = (uint32_t)count_members(map);
    if (p->n_conductances > 0 && !p->model->potential)
        return LOADER_ERROR(l, cell, "conductances", MESO_CONFIG,
                            "model '%s' has no membrane potential, so its cells have no "
                            "conductances",
                            p->model->name);
    conductance *c = loader_alloc(l, p->n_conductances, sizeof *c);
    if (!c)
        return MESO_MEMORY;
    p->conductances = c;
    for (const cJSON *object = first_member(map); object; object = next_member(object)) {
        MESO_TRY(read_conductance(l, object, c));
        for (uint32_t i = 0; i < p->model->n_inputs; i++)
            if (strcmp(p->model->inputs[i].name, c->name) == 0)
                return LOADER_ERROR(l, object, NULL, MESO_CONFIG,
                                    "model '%s' has an input of this name", p->model->name);
        c++;
    }
    return MESO_OK;
}

/* --- effects ---------------------------------------------------------------------------------- */

static meso_status find_effect_target(loader *l, const cJSON *on, const population *p, effect *e)
{
    name_list names = {0};
    const neuron_model *m = p->model;
    for (uint32_t i = 0; i < m->n_parameters; i++) {
        names_add(&names, m->parameters[i].name, NULL);
        if (strcmp(m->parameters[i].name, on->valuestring) == 0) {
            e->target = EFFECT_PARAMETER;
            e->index = i;
            goto found;
        }
    }
    for (uint32_t i = 0; i < p->n_conductances; i++) {
        names_add(&names, p->conductances[i].name, NULL);
        if (strcmp(p->conductances[i].name, on->valuestring) == 0) {
            e->target = EFFECT_CONDUCTANCE_GAIN;
            e->index = i;
            goto found;
        }
    }
    meso_status status = names_error_value(&l->document, on, on->valuestring,
                                           "parameters and conductances of the cell", &names,
                                           l->err);
    names_free(&names);
    return status;
found:
    names_free(&names);
    return MESO_OK;
}

static meso_status read_effect(loader *l, const cJSON *object, const cJSON *population_object,
                               const population *p, effect *e)
{
    MESO_TRY(loader_read(l, &effect_type, object, e));
    if (e->scale == 0 && e->add == 0)
        return LOADER_ERROR(l, object, NULL, MESO_CONFIG,
                            "has no effect: expected scale or add other than 0");
    MESO_TRY(loader_resolve(l, get_member(object, "receptor"), "receptors", &e->receptor));
    MESO_TRY(find_effect_target(l, get_member(object, "on"), p, e));
    text whose = {0};
    text_appendf(&whose, "cell '%s'", p->cell);
    meso_status status = check_receptor_region(l, e->receptor, p->region, population_object,
                                               "region", whose.failed ? "the cell" : whose.data);
    text_free(&whose);
    return status;
}

static meso_status read_effects(loader *l, const cJSON *cell, const cJSON *population_object,
                                population *p)
{
    const cJSON *list = get_member(cell, "effects");
    p->n_effects = (uint32_t)cJSON_GetArraySize(list);
    effect *e = loader_alloc(l, p->n_effects, sizeof *e);
    if (!e)
        return MESO_MEMORY;
    p->effects = e;
    for (const cJSON *object = list ? list->child : NULL; object; object = object->next)
        MESO_TRY(read_effect(l, object, population_object, p, e++));
    return MESO_OK;
}

/* --- populations ------------------------------------------------------------------------------ */

static meso_status read_population(loader *l, const cJSON *object, population *p)
{
    const cJSON *cell_name = get_member(object, "cell");
    uint32_t index;
    MESO_TRY(loader_read(l, &population_type, object, p));
    MESO_TRY(loader_resolve(l, cell_name, "cells", &index));
    const cJSON *cell = get_member(loader_section(l, "cells"), cell_name->valuestring);
    p->name = arena_strdup(l->experiment->memory, object->string);
    p->cell = arena_strdup(l->experiment->memory, cell->string);
    p->place = document_place(&l->document, object, "n_neurons");
    if (!p->name || !p->cell || !p->place)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_TRY(loader_find_model(l, get_member(cell, "model"), config_load_neuron_model, l->models,
                               &l->experiment->n_models, &p->model));
    MESO_TRY(load_parameters(l, p->model, p, get_member(cell, "parameters"),
                             get_member(object, "parameters"), cell, &p->parameters));
    MESO_TRY(read_initial(l, cell, object, p));
    MESO_TRY(read_conductances(l, cell, p));
    return read_effects(l, cell, object, p);
}

meso_status load_populations(loader *l)
{
    const cJSON *map = loader_section(l, "populations");
    experiment *e = l->experiment;
    e->n_populations = (uint32_t)count_members(map);
    if (e->n_populations == 0)
        return LOADER_ERROR(l, l->document.root, "populations", MESO_CONFIG,
                            "missing: an experiment has at least one population");
    population *p = loader_alloc(l, e->n_populations, sizeof *p);
    l->models = loader_alloc(l, count_members(loader_section(l, "cells")), sizeof *l->models);
    if (!p || !l->models)
        return MESO_MEMORY;
    e->populations = p;
    e->models = l->models;
    for (const cJSON *object = first_member(map); object; object = next_member(object))
        MESO_TRY(read_population(l, object, p++));
    return MESO_OK;
}
