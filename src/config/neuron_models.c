#include "config/dialect.h"
#include "config/load.h"

#include "base/embedded.h"
#include "config/document.h"
#include "config/fields.h"
#include "config/names.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- tables ----------------------------------------------------------------------------------- */

/* clang-format off */
static const field parameter_fields[] = {
    {.key = "unit", .kind = FIELD_TEXT, .required = true, FIELD_IN(parameter_spec, unit),
     .doc = "unit, as people write it"},
    {.key = "doc", .kind = FIELD_TEXT, .required = true, FIELD_IN(parameter_spec, doc),
     .doc = "what it is"},
    {.key = "source", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), FIELD_IN(parameter_spec, source),
     .doc = "publication that the default is from"},
    {.key = "default", .kind = FIELD_NUMBER, FIELD_IN(parameter_spec, default_value),
     .doc = "value when an experiment gives none; without it, an experiment must"},
    {.key = "min", .kind = FIELD_NUMBER, FIELD_IN(parameter_spec, min), .doc = "least value"},
    {.key = "max", .kind = FIELD_NUMBER, FIELD_IN(parameter_spec, max), .doc = "largest value"},
    {.key = "below", .kind = FIELD_NAME, FIELD_IN(parameter_spec, below),
     .doc = "parameter that must be larger"},
    {0}};

static const field state_fields[] = {
    {.key = "unit", .kind = FIELD_TEXT, .required = true, FIELD_IN(state_spec, unit),
     .doc = "unit, as people write it"},
    {.key = "doc", .kind = FIELD_TEXT, .required = true, FIELD_IN(state_spec, doc),
     .doc = "what it is"},
    {.key = "initial", .kind = FIELD_NUMBER_OR_NAME, FIELD_DEFAULT(0),
     .doc = "value at the start, or the parameter that holds it"},
    {0}};

static const field synapse_state_fields[] = {
    {.key = "unit", .kind = FIELD_TEXT, .required = true, FIELD_IN(state_spec, unit),
     .doc = "unit, as people write it"},
    {.key = "doc", .kind = FIELD_TEXT, .required = true, FIELD_IN(state_spec, doc),
     .doc = "what it is"},
    {.key = "content", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(false), FIELD_IN(state_spec, content),
     .doc = "is it a strength in the unit of the weight, within [0, weight_max], that may feed ports of "
            "the target"},
    {0}};

static const field quantity_fields[] = {
    {.key = "unit", .kind = FIELD_TEXT, .required = true, FIELD_IN(quantity_spec, unit),
     .doc = "unit, as people write it"},
    {.key = "doc", .kind = FIELD_TEXT, .required = true, FIELD_IN(quantity_spec, doc),
     .doc = "what it is"},
    {0}};

static const object_type parameter_type = {
    .name = "parameter", .doc = "A parameter", .fields = parameter_fields};
static const object_type state_type = {
    .name = "state", .doc = "A state variable", .fields = state_fields};
static const object_type derived_type = {
    .name = "derived", .doc = "A number that follows from parameters and step",
    .fields = quantity_fields};
static const object_type synapse_state_type = {
    .name = "quantity", .doc = "What a synapse remembers", .fields = synapse_state_fields};
static const object_type input_type = {
    .name = "input", .doc = "What arriving spikes add up to in a step", .fields = quantity_fields};

static const field model_fields[] = {
    {.key = "model", .kind = FIELD_NAME, .required = true, FIELD_IN(neuron_model, name),
     .doc = "name of the model, of its two files and of its function"},
    {.key = "title", .kind = FIELD_TEXT, .required = true, FIELD_IN(neuron_model, title),
     .doc = "one line for people"},
    {.key = "source", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), FIELD_IN(neuron_model, source),
     .doc = "publication"},
    {.key = "parameters", .kind = FIELD_MAP, .type = &parameter_type, .required = true,
     .doc = "parameters, in the order of the struct"},
    {.key = "state", .kind = FIELD_MAP, .type = &state_type, .required = true,
     .doc = "state variables, in the order of the struct; the first is the potential in mV"},
    {.key = "derived", .kind = FIELD_MAP, .type = &derived_type,
     .doc = "numbers that <model>_derive() makes of parameters and step, once where it can"},
    {.key = "inputs", .kind = FIELD_MAP, .type = &input_type,
     .doc = "what spikes can add to beside conductances; unit nS, pA, mV or 1"},
    {.key = "potential", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(true),
     FIELD_IN(neuron_model, potential),
     .doc = "is the first state variable a membrane potential; if not, cells have no conductances"},
    {.key = "random", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(false), FIELD_IN(neuron_model, random),
     .doc = "does a step need random words"},
    {0}};

static const field current_fields[] = {
    {.key = "model", .kind = FIELD_NAME, .required = true, FIELD_IN(neuron_model, name),
     .doc = "name of the current, of its two files and of its function"},
    {.key = "title", .kind = FIELD_TEXT, .required = true, FIELD_IN(neuron_model, title),
     .doc = "one line for people"},
    {.key = "source", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), FIELD_IN(neuron_model, source),
     .doc = "publication"},
    {.key = "parameters", .kind = FIELD_MAP, .type = &parameter_type, .required = true,
     .doc = "parameters, in the order of the struct"},
    {.key = "state", .kind = FIELD_MAP, .type = &state_type,
     .doc = "what is remembered from step to step, in the order of the struct, after I_pA"},
    {.key = "derived", .kind = FIELD_MAP, .type = &derived_type,
     .doc = "numbers that <model>_derive() makes of parameters and step"},
    {.key = "random", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(false), FIELD_IN(neuron_model, random),
     .doc = "does a step need random words"},
    {0}};

static const field rule_fields[] = {
    {.key = "model", .kind = FIELD_NAME, .required = true, FIELD_IN(neuron_model, name),
     .doc = "name of the rule, of its two files and of its functions"},
    {.key = "title", .kind = FIELD_TEXT, .required = true, FIELD_IN(neuron_model, title),
     .doc = "one line for people"},
    {.key = "source", .kind = FIELD_TEXT, FIELD_DEFAULT_TEXT(""), FIELD_IN(neuron_model, source),
     .doc = "publication"},
    {.key = "parameters", .kind = FIELD_MAP, .type = &parameter_type, .required = true,
     .doc = "parameters, in the order of the struct; tau_plus_ms and tau_minus_ms among them, unless "
            "the rule has no use for traces"},
    {.key = "state", .kind = FIELD_MAP, .type = &synapse_state_type,
     .doc = "what a synapse has beside its weight, in the order of the struct; 0 at the start"},
    {.key = "derived", .kind = FIELD_MAP, .type = &derived_type,
     .doc = "numbers that <model>_derive() makes of parameters and step"},
    {.key = "spikes", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(true), FIELD_IN(neuron_model, spikes),
     .doc = "do spikes change a synapse; then there are functions <model>_pre() and <model>_post()"},
    {.key = "between", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(false), FIELD_IN(neuron_model, between),
     .doc = "does time change a synapse; then there is a function <model>_between()"},
    {.key = "modulated", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(false),
     FIELD_IN(neuron_model, modulated), .doc = "does that depend on a modulator"},
    {.key = "random", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(false), FIELD_IN(neuron_model, random),
     .doc = "does that need random words"},
    {.key = "modulator_decay", .kind = FIELD_NAME,
     .doc = "parameter in ms, a time constant: in place of the mean of the modulator <model>_between() "
            "gets its integral, weighted by exp(-time / this)"},
    {.key = "pre_delay", .kind = FIELD_NAME,
     .doc = "parameter in ms by which the rule sees a spike of the source later than the target does"},
    {.key = "turnover", .kind = FIELD_BOOLEAN, FIELD_DEFAULT(false),
     FIELD_IN(neuron_model, turnover),
     .doc = "does a synapse have slow transitions; then there is a function <model>_turnover()"},
    {0}};
/* clang-format on */

static const object_type model_type = {
    .name = "neuron_model", .doc = "Descriptor of a neuron model", .fields = model_fields};
static const object_type current_type = {
    .name = "current", .doc = "Descriptor of a current", .fields = current_fields};
static const object_type rule_type = {
    .name = "rule", .doc = "Descriptor of a rule of plasticity", .fields = rule_fields};

#define LONGEST_PRE_DELAY_MS 1000.0

/* What the kinds of models differ in. */
typedef struct model_kind {
    const char *folder, *noun, *nouns;
    const object_type *type;
    model_role role;
} model_kind;

static const model_kind neuron_kind = {"neurons", "neuron model", "neuron models", &model_type,
                                       MODEL_CELL};
static const model_kind current_kind = {"currents", "current", "currents", &current_type,
                                        MODEL_CURRENT};
static const model_kind rule_kind = {"rules", "rule of plasticity", "rules of plasticity",
                                     &rule_type, MODEL_RULE};

/* --- reading ---------------------------------------------------------------------------------- */

/* Members of structs in OpenCL C and in C: what is a word of either language cannot name one. */
static meso_status check_member(const document *d, const cJSON *object, meso_error *err)
{
    static const char *const taken[] = {
        "auto",      "bool",   "break",    "case",    "char",   "const",    "constant", "continue",
        "default",   "do",     "double",   "else",    "enum",   "event_t",  "extern",   "float",
        "for",       "global", "goto",     "half",    "if",     "inline",   "int",      "kernel",
        "local",     "long",   "none",     "private", "real",   "register", "restrict", "return",
        "sampler_t", "short",  "signed",   "size_t",  "sizeof", "spiked",   "static",   "struct",
        "switch",    "truth",  "typedef",  "uchar",   "uint",   "ulong",    "union",    "unsigned",
        "ushort",    "void",   "volatile", "while",   "word"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(taken[i], object->string) == 0)
            return document_error(d, object, NULL, err, MESO_CONFIG,
                                  "'%s' has a meaning in OpenCL C: choose another name",
                                  object->string);
    return MESO_OK;
}

static void *alloc(arena *memory, size_t n, size_t bytes, meso_error *err)
{
    void *p = arena_alloc(memory, n * bytes);
    if (!p)
        error_set(err, MESO_MEMORY, "out of memory");
    return p;
}

static meso_status read_parameter(const document *d, const cJSON *object, parameter_spec *p,
                                  meso_error *err)
{
    MESO_TRY(check_member(d, object, err));
    *p = (parameter_spec){.default_value = NAN, .min = -INFINITY, .max = INFINITY};
    p->name = arena_strdup(d->memory, object->string);
    if (!p->name)
        return error_set(err, MESO_MEMORY, "out of memory");
    MESO_TRY(type_read(&parameter_type, object, d->memory, p, err));
    if (p->min > p->max)
        return document_error(d, object, "min", err, MESO_RANGE, "%.15g is above max, %.15g",
                              p->min, p->max);
    if (p->default_value < p->min || p->default_value > p->max)
        return document_error(d, object, "default", err, MESO_RANGE,
                              "%.15g %s is outside [%.15g, %.15g] %s", p->default_value, p->unit,
                              p->min, p->max, p->unit);
    return MESO_OK;
}

static meso_status read_parameters(const document *d, neuron_model *m, meso_error *err)
{
    const cJSON *map = get_member(d->root, "parameters");
    m->n_parameters = (uint32_t)count_members(map);
    parameter_spec *parameters = alloc(d->memory, m->n_parameters, sizeof *parameters, err);
    if (!parameters)
        return MESO_MEMORY;
    m->parameters = parameters;
    for (const cJSON *p = first_member(map); p; p = next_member(p))
        MESO_TRY(read_parameter(d, p, parameters++, err));
    return MESO_OK;
}

static meso_status find_parameter(const document *d, const neuron_model *m, const cJSON *name,
                                  int32_t *index, meso_error *err)
{
    name_list names = {0};
    for (uint32_t i = 0; i < m->n_parameters; i++) {
        if (strcmp(m->parameters[i].name, name->valuestring) == 0) {
            names_free(&names);
            *index = (int32_t)i;
            return MESO_OK;
        }
        names_add(&names, m->parameters[i].name, NULL);
    }
    meso_status status = names_error_value(d, name, name->valuestring, "parameters", &names, err);
    names_free(&names);
    return status;
}

static meso_status check_order(const document *d, const neuron_model *m, meso_error *err)
{
    int32_t larger;
    for (const cJSON *p = first_member(get_member(d->root, "parameters")); p; p = next_member(p))
        if (get_member(p, "below"))
            MESO_TRY(find_parameter(d, m, get_member(p, "below"), &larger, err));
    return MESO_OK;
}

static meso_status read_state(const document *d, const neuron_model *m, const cJSON *object,
                              state_spec *s, meso_error *err)
{
    MESO_TRY(check_member(d, object, err));
    *s = (state_spec){.initial_parameter = -1};
    s->name = arena_strdup(d->memory, object->string);
    if (!s->name)
        return error_set(err, MESO_MEMORY, "out of memory");
    MESO_TRY(type_read(m->role == MODEL_RULE ? &synapse_state_type : &state_type, object, d->memory,
                       s, err));
    const cJSON *initial = get_member(object, "initial");
    if (cJSON_IsString(initial))
        return find_parameter(d, m, initial, &s->initial_parameter, err);
    s->initial = initial ? initial->valuedouble : 0;
    return MESO_OK;
}

/* Members that the engine adds to a generated struct. */
static meso_status check_own(const document *d, const neuron_model *m, const cJSON *map,
                             meso_error *err)
{
    static const struct {
        model_role role;
        const char *name;
    } own[] = {{MODEL_CURRENT, "I_pA"},
               {MODEL_RULE, "weight"},
               {MODEL_RULE, "weight_min"},
               {MODEL_RULE, "weight_max"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (m->role == own[i].role && get_member(map, own[i].name))
            return document_error(d, map, own[i].name, err, MESO_CONFIG,
                                  "every %s has this member already", model_role_names[m->role]);
    return MESO_OK;
}

static meso_status read_states(const document *d, neuron_model *m, meso_error *err)
{
    const cJSON *map = get_member(d->root, "state");
    m->n_state = (uint32_t)count_members(map);
    if (m->n_state == 0 && m->role == MODEL_CELL)
        return document_error(d, map, NULL, err, MESO_CONFIG,
                              "expected at least one state variable%s",
                              m->potential ? ", the potential in mV" : "");
    if (m->n_state > RULE_STATES_MAX && m->role == MODEL_RULE)
        return document_error(d, map, NULL, err, MESO_RANGE,
                              "%u state variables: a synapse has room for %d beside its weight",
                              m->n_state, RULE_STATES_MAX);
    state_spec *states = alloc(d->memory, m->n_state, sizeof *states, err);
    if (!states)
        return MESO_MEMORY;
    m->state = states;
    for (const cJSON *s = first_member(map); s; s = next_member(s))
        MESO_TRY(read_state(d, m, s, states++, err));
    MESO_TRY(check_own(d, m, map, err));
    if (m->potential && strcmp(m->state[0].unit, "mV") != 0)
        return document_error(d, first_member(map), "unit", err, MESO_UNIT,
                              "the first state variable is the membrane potential: its unit must "
                              "be mV, not '%s'; a model without one says \"potential\": false",
                              m->state[0].unit);
    return MESO_OK;
}

static meso_status read_quantities(const document *d, const char *key, const object_type *type,
                                   const quantity_spec **out, uint32_t *n, meso_error *err)
{
    const cJSON *map = get_member(d->root, key);
    *n = (uint32_t)count_members(map);
    quantity_spec *q = alloc(d->memory, *n + 1, sizeof *q, err);
    if (!q)
        return MESO_MEMORY;
    *out = q;
    for (const cJSON *object = first_member(map); object; object = next_member(object), q++) {
        MESO_TRY(check_member(d, object, err));
        q->name = arena_strdup(d->memory, object->string);
        if (!q->name)
            return error_set(err, MESO_MEMORY, "out of memory");
        MESO_TRY(type_read(type, object, d->memory, q, err));
    }
    return MESO_OK;
}

/* A weight has the unit of what it adds to, and there are keys for these. */
static meso_status read_inputs(const document *d, neuron_model *m, meso_error *err)
{
    static const char *const own[] = {"current_pA", "step", "random"};
    MESO_TRY(read_quantities(d, "inputs", &input_type, &m->inputs, &m->n_inputs, err));
    const cJSON *object = first_member(get_member(d->root, "inputs"));
    for (uint32_t i = 0; i < m->n_inputs; i++, object = next_member(object)) {
        const char *unit = m->inputs[i].unit;
        if (strcmp(unit, "nS") != 0 && strcmp(unit, "pA") != 0 && strcmp(unit, "mV") != 0 &&
            strcmp(unit, "1") != 0)
            return document_error(d, object, "unit", err, MESO_UNIT,
                                  "'%s' is not a unit of weights: nS, pA, mV or 1", unit);
        for (int k = 0; k < 3; k++)
            if (strcmp(m->inputs[i].name, own[k]) == 0)
                return document_error(d, object, NULL, err, MESO_CONFIG,
                                      "every model has this input already");
    }
    return MESO_OK;
}

/* A time constant that the engine works with. */
static meso_status check_positive(const document *d, const cJSON *parameter, meso_error *err)
{
    const cJSON *min = get_member(parameter, "min");
    if (!min || min->valuedouble <= 0)
        return document_error(d, parameter, "min", err, MESO_RANGE, "a time constant is above 0");
    return MESO_OK;
}

/* Time constants of the traces, which the engine keeps: of both or none. */
static meso_status check_traces(const document *d, neuron_model *m, meso_error *err)
{
    static const char *const names[] = {"tau_plus_ms", "tau_minus_ms"};
    const cJSON *map = get_member(d->root, "parameters");
    m->traces = get_member(map, names[0]) || get_member(map, names[1]);
    for (int i = 0; m->traces && i < 2; i++) {
        if (!get_member(map, names[i]))
            return document_error(d, map, names[i], err, MESO_CONFIG,
                                  "missing: the time constant of the trace of the %s's spikes",
                                  i == 0 ? "source" : "target");
        MESO_TRY(check_positive(d, get_member(map, names[i]), err));
    }
    return MESO_OK;
}

/* The delay of a source's spikes on their way to the rule. */
static meso_status read_pre_delay(const document *d, neuron_model *m, meso_error *err)
{
    const cJSON *named = get_member(d->root, "pre_delay");
    m->pre_delay = -1;
    if (!named)
        return MESO_OK;
    MESO_TRY(find_parameter(d, m, named, &m->pre_delay, err));
    const parameter_spec *p = &m->parameters[m->pre_delay];
    if (strcmp(p->unit, "ms") != 0)
        return document_error(d, named, NULL, err, MESO_UNIT,
                              "'%s' has the unit '%s': a delay is in ms", p->name, p->unit);
    if (p->min >= 0 && p->max <= LONGEST_PRE_DELAY_MS)
        return MESO_OK;
    return document_error(
        d, named, NULL, err, MESO_RANGE,
        "'%s' may be from %.15g to %.15g ms: a delay needs a min and a max within "
        "[0, %.15g] ms",
        p->name, p->min, p->max, LONGEST_PRE_DELAY_MS);
}

static meso_status read_modulator_decay(const document *d, neuron_model *m, meso_error *err)
{
    const cJSON *named = get_member(d->root, "modulator_decay");
    m->modulator_decay = -1;
    if (!named)
        return MESO_OK;
    if (!m->modulated)
        return document_error(d, named, NULL, err, MESO_CONFIG,
                              "there is no modulator: \"modulated\" is not true");
    MESO_TRY(find_parameter(d, m, named, &m->modulator_decay, err));
    return check_positive(d, get_member(get_member(d->root, "parameters"), named->valuestring), err);
}

static meso_status read_rule(const document *d, neuron_model *m, meso_error *err)
{
    MESO_TRY(check_own(d, m, get_member(d->root, "parameters"), err));
    MESO_TRY(check_traces(d, m, err));
    if (m->random && !m->between)
        return document_error(
            d, d->root, "random", err, MESO_CONFIG,
            "random words are for the time between spikes: \"between\" is not true");
    MESO_TRY(read_modulator_decay(d, m, err));
    return read_pre_delay(d, m, err);
}

static meso_status read_model(document *d, const model_kind *kind, const char *name,
                              neuron_model *m, meso_error *err)
{
    m->role = kind->role;
    if (!cJSON_IsObject(d->root))
        return document_error(d, d->root, NULL, err, MESO_CONFIG, "expected an object");
    MESO_TRY(type_check(d, kind->type, d->root, err));
    MESO_TRY(type_read(kind->type, d->root, d->memory, m, err));
    if (strcmp(m->name, name) != 0)
        return document_error(d, d->root, "model", err, MESO_CONFIG,
                              "'%s' is not the name of the file, '%s'", m->name, name);
    MESO_TRY(read_parameters(d, m, err));
    MESO_TRY(check_order(d, m, err));
    MESO_TRY(read_quantities(d, "derived", &derived_type, &m->derived, &m->n_derived, err));
    MESO_TRY(read_inputs(d, m, err));
    if (m->role == MODEL_RULE)
        MESO_TRY(read_rule(d, m, err));
    return read_states(d, m, err);
}

/* --- the function ----------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Does the text have the word `name` with a parenthesis behind it? */
static bool has_function(const char *text, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = strstr(text, name); at; at = strstr(at + length, name)) {
        const char *after = at + length + strspn(at + length, " \t\r\n");
        if ((at == text || !is_word(at[-1])) && *after == '(')
            return true;
    }
    return false;
}

static meso_status check_function(const neuron_model *m, const char *name, const char *signature,
                                  meso_error *err)
{
    if (!name)
        return error_set(err, MESO_MEMORY, "out of memory");
    if (has_function(m->text, name))
        return MESO_OK;
    return error_set(err, MESO_CONFIG, "%s: there is no function '%s': expected %s", m->text_path,
                     name, signature);
}

static meso_status check_rule_functions(const neuron_model *m, arena *memory, meso_error *err)
{
    char signature[512];
    for (rule_event i = 0; i < N_RULE_EVENTS; i++) {
        if (!rule_has(m, i))
            continue;
        rule_signature(m, i, signature, sizeof signature);
        MESO_TRY(check_function(m, arena_printf(memory, "%s_%s", m->name, rule_event_names[i]),
                                signature, err));
    }
    if (!m->turnover)
        return MESO_OK;
    rule_turnover_signature(m, signature, sizeof signature);
    return check_function(m, arena_printf(memory, "%s_turnover", m->name), signature, err);
}

static meso_status check_functions(const neuron_model *m, arena *memory, meso_error *err)
{
    char signature[512];
    const char *derive = arena_printf(memory, "%s_derive", m->name);
    if (!derive)
        return error_set(err, MESO_MEMORY, "out of memory");
    neuron_model_signature(m, signature, sizeof signature);
    MESO_TRY(m->role == MODEL_RULE ? check_rule_functions(m, memory, err)
                                   : check_function(m, m->name, signature, err));
    neuron_model_derive_signature(m, signature, sizeof signature);
    if (m->n_derived > 0 && !has_function(m->text, derive))
        return error_set(err, MESO_CONFIG,
                         "%s: there is no function '%s', which the descriptor's derived numbers "
                         "need: expected %s",
                         m->text_path, derive, signature);
    return MESO_OK;
}

/* --- finding the two files -------------------------------------------------------------------- */

typedef struct model_files {
    const char *descriptor_path, *text_path;
    char *descriptor, *text; /* freed with free() */
    bool built_in;
} model_files;

static void files_free(model_files *f)
{
    free(f->descriptor);
    free(f->text);
}

static meso_status copy_text(const char *from, char **to, meso_error *err)
{
    const size_t bytes = strlen(from) + 1;
    *to = malloc(bytes);
    if (!*to)
        return error_set(err, MESO_MEMORY, "out of memory");
    memcpy(*to, from, bytes);
    return MESO_OK;
}

static meso_status find_on_disk(const model_kind *kind, const char *name, const char *directory,
                                arena *memory, model_files *f, meso_error *err)
{
    f->descriptor_path = arena_printf(memory, "%s/%s.json", directory, name);
    f->text_path = arena_printf(memory, "%s/%s.clh", directory, name);
    if (!f->descriptor_path || !f->text_path)
        return error_set(err, MESO_MEMORY, "out of memory");
    const bool described = access(f->descriptor_path, F_OK) == 0;
    const bool written = access(f->text_path, F_OK) == 0;
    if (!described && !written)
        return MESO_NOT_FOUND;
    if (!described || !written)
        return error_set(err, MESO_IO, "%s '%.64s' has '%s' but no '%s': it needs both", kind->noun,
                         name, described ? f->descriptor_path : f->text_path,
                         described ? f->text_path : f->descriptor_path);
    MESO_TRY(text_read_file(f->descriptor_path, &f->descriptor, NULL, err));
    return text_read_file(f->text_path, &f->text, NULL, err);
}

static meso_status find_built_in(const model_kind *kind, const char *name, arena *memory,
                                 model_files *f, meso_error *err)
{
    f->built_in = true;
    f->descriptor_path = arena_printf(memory, "%s/%s.json", kind->folder, name);
    f->text_path = arena_printf(memory, "%s/%s.clh", kind->folder, name);
    if (!f->descriptor_path || !f->text_path)
        return error_set(err, MESO_MEMORY, "out of memory");
    const char *descriptor = embedded_find(f->descriptor_path);
    const char *function = embedded_find(f->text_path);
    if (!descriptor || !function)
        return MESO_NOT_FOUND;
    MESO_TRY(copy_text(descriptor, &f->descriptor, err));
    return copy_text(function, &f->text, err);
}

/* The name in "<folder>/<name>.json", or NULL. */
static char *name_in_folder(const char *path, const char *folder, arena *memory)
{
    const size_t n_folder = strlen(folder), n_path = strlen(path), n_suffix = strlen(".json");
    if (strncmp(path, folder, n_folder) != 0 || path[n_folder] != '/' ||
        strcmp(path + n_path - n_suffix, ".json") != 0)
        return NULL;
    return arena_printf(memory, "%.*s", (int)(n_path - n_suffix - n_folder - 1),
                        path + n_folder + 1);
}

static meso_status unknown_model(const model_kind *kind, const char *name, arena *memory,
                                 meso_error *err)
{
    name_list names = {0};
    const char *path;
    for (size_t i = 0; (path = embedded_path(i)); i++) {
        char *model = name_in_folder(path, kind->folder, memory);
        if (model)
            names_add(&names, model, NULL);
    }
    text hint = {0};
    names_append_hint(&names, name, kind->nouns, &hint);
    error_set(err, MESO_NOT_FOUND,
              "there is no %s '%.64s', neither built in nor beside the experiment%s", kind->noun,
              name, hint.failed ? "" : hint.data);
    text_free(&hint);
    names_free(&names);
    return MESO_NOT_FOUND;
}

static meso_status find_files(const model_kind *kind, const char *name, const char *directory,
                              arena *memory, model_files *f, meso_error *err)
{
    meso_status status = MESO_NOT_FOUND;
    if (directory)
        status = find_on_disk(kind, name, directory, memory, f, err);
    if (status == MESO_NOT_FOUND)
        status = find_built_in(kind, name, memory, f, err);
    return status == MESO_NOT_FOUND ? unknown_model(kind, name, memory, err) : status;
}

static meso_status load_model(const model_kind *kind, const char *name, const char *directory,
                              arena *memory, const neuron_model **model, meso_error *err)
{
    model_files files = {0};
    document d = {.memory = memory};
    meso_status status;
    neuron_model *m = alloc(memory, 1, sizeof *m, err);
    if (!m)
        return MESO_MEMORY;
    MESO_GO(find_files(kind, name, directory, memory, &files, err));
    MESO_GO(document_parse(&d, files.descriptor_path, true, files.descriptor,
                           strlen(files.descriptor), &d.root, err));
    MESO_GO(read_model(&d, kind, name, m, err));
    m->text_path = files.text_path;
    m->built_in = files.built_in;
    m->text = arena_strdup(memory, files.text);
    if (!m->text)
        MESO_GO(error_set(err, MESO_MEMORY, "out of memory"));
    MESO_GO(check_functions(m, memory, err));
    MESO_GO(dialect_check(m->text_path, m->text, kind == &neuron_kind ? "spiked" : NULL, err));
    *model = m;
done:
    document_free(&d);
    files_free(&files);
    return status;
}

meso_status config_load_neuron_model(const char *name, const char *directory, arena *memory,
                                     const neuron_model **model, meso_error *err)
{
    return load_model(&neuron_kind, name, directory, memory, model, err);
}

meso_status config_load_current(const char *name, const char *directory, arena *memory,
                                const neuron_model **model, meso_error *err)
{
    return load_model(&current_kind, name, directory, memory, model, err);
}

meso_status config_load_rule(const char *name, const char *directory, arena *memory,
                             const neuron_model **model, meso_error *err)
{
    return load_model(&rule_kind, name, directory, memory, model, err);
}
