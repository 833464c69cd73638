/*
 * Between rules of plasticity, each with structs of its own, and learning.cl, which knows them by number: parameters of
 * a projection (rule_numbers), the state of synapses under any rule (learned_synapse, MESO_WIDTH of them), and functions
 * that pick the rule. Where an experiment has one rule, nothing is left to pick. Contents are put into their limits here,
 * the weight, whose limits each projection has for itself, there.
 */
#include "engine/codegen.h"

#include <stdio.h>

static uint32_t most_states(const experiment *e)
{
    uint32_t most = 1; /* C has no empty arrays */
    for (uint32_t i = 0; i < e->n_rules; i++)
        most = e->rules[i].n_state > most ? e->rules[i].n_state : most;
    return most;
}

static void write_types(const experiment *e, text *out)
{
    text_append(out, "typedef struct rule_numbers {\n");
    for (uint32_t i = 0; i < e->n_rules; i++) {
        const neuron_model *r = &e->rules[i];
        text_appendf(out, "    %s_parameters p%u;\n", r->name, i);
        if (r->n_derived > 0)
            text_appendf(out, "    %s_derived d%u;\n", r->name, i);
    }
    text_appendf(out,
                 "} rule_numbers;\n\n"
                 "#define MESO_RULE_STATES %uu\n"
                 "typedef struct learned_synapse {\n"
                 "    real weight;\n"
                 "    real states[MESO_RULE_STATES];\n"
                 "} learned_synapse;\n\n",
                 most_states(e));
}

/* Parameters in the order of the descriptor, then the limits of the weight. */
static void write_load(const neuron_model *r, uint32_t i, text *out)
{
    text_appendf(out,
                 "MESO_FUNCTION void load_%u(rule_numbers *n, __global const float *K, float "
                 "dt_ms)\n{\n",
                 i);
    for (uint32_t k = 0; k < r->n_parameters; k++)
        text_appendf(out, "    n->p%u.%s = K[%u];\n", i, r->parameters[k].name, k);
    text_appendf(out, "    n->p%u.weight_min = K[%u];\n    n->p%u.weight_max = K[%u];\n", i,
                 r->n_parameters, i, r->n_parameters + 1);
    if (r->n_derived > 0)
        text_appendf(out, "    n->d%u = %s_derive(n->p%u, dt_ms);\n", i, r->name, i);
    text_append(out, "}\n\n");
}

static void write_state_in(const neuron_model *r, text *out)
{
    text_appendf(out,
                 "    %s_state s;\n"
                 "    s.weight = x.weight;\n",
                 r->name);
    for (uint32_t k = 0; k < r->n_state; k++)
        text_appendf(out, "    s.%s = x.states[%u];\n", r->state[k].name, k);
}

static void write_state_out(const neuron_model *r, uint32_t i, text *out)
{
    text_append(out, "    x.weight = s.weight;\n");
    for (uint32_t k = 0; k < r->n_state; k++)
        if (r->state[k].content)
            text_appendf(out, "    x.states[%u] = meso_within(s.%s, (real)(0.0f), n->p%u.weight_max);\n",
                         k, r->state[k].name, i);
        else
            text_appendf(out, "    x.states[%u] = s.%s;\n", k, r->state[k].name);
    text_append(out, "    return x;\n}\n\n");
}

/* `event` is constant wherever this is called. */
static void write_apply(const neuron_model *r, uint32_t i, text *out)
{
    char derived[24] = "";
    if (r->n_derived > 0)
        snprintf(derived, sizeof derived, "n->d%u, ", i);
    text_appendf(out,
                 "MESO_FUNCTION learned_synapse apply_%u(int event, const rule_numbers *n, "
                 "learned_synapse x, real value, real span_ms, meso_words random)\n"
                 "{\n",
                 i);
    write_state_in(r, out);
    for (rule_event v = 0; v < N_RULE_EVENTS; v++)
        if (rule_has(r, v))
            text_appendf(out, "    if (event == %d)\n        s = %s_%s(s, n->p%u, %svalue%s);\n",
                         (int)v, r->name, rule_event_names[v], i, derived,
                         v != RULE_BETWEEN ? ""
                         : r->random       ? ", span_ms, random"
                                           : ", span_ms");
    write_state_out(r, i, out);
}

/* Bits of the states that are contents. */
static uint32_t contents_of(const neuron_model *r)
{
    uint32_t contents = 0;
    for (uint32_t k = 0; k < r->n_state; k++)
        contents |= (uint32_t)r->state[k].content << k;
    return contents;
}

static uint32_t hears(const neuron_model *r)
{
    return r->spikes;
}

static uint32_t states_of(const neuron_model *r)
{
    return r->n_state;
}

static uint32_t waits(const neuron_model *r)
{
    return r->between;
}

static uint32_t is_random(const neuron_model *r)
{
    return r->random;
}

static uint32_t turns(const neuron_model *r)
{
    return r->turnover;
}

static uint32_t is_modulated(const neuron_model *r)
{
    return r->modulated;
}

static uint32_t weighs(const neuron_model *r)
{
    return r->modulator_decay >= 0;
}

/* What is known of each rule. */
static void write_property(const experiment *e, const char *name,
                           uint32_t (*of)(const neuron_model *), text *out)
{
    const uint32_t last = e->n_rules - 1;
    text_appendf(out, "\nMESO_FUNCTION uint %s(uint rule)\n{\n", name);
    for (uint32_t i = 0; i < last; i++)
        text_appendf(out, "    if (rule == %uu)\n        return %uu;\n", i, of(&e->rules[i]));
    text_appendf(out, "    return %uu;\n}\n", of(&e->rules[last]));
}

static void write_turnover(const neuron_model *r, uint32_t i, text *out)
{
    char derived[24] = "";
    if (r->n_derived > 0)
        snprintf(derived, sizeof derived, "n->d%u, ", i);
    text_appendf(out,
                 "MESO_FUNCTION learned_synapse turnover_%u(const rule_numbers *n, learned_synapse x, "
                 "real signal, meso_words random, real span_s)\n"
                 "{\n",
                 i);
    write_state_in(r, out);
    text_appendf(out, "    s = %s_turnover(s, n->p%u, %ssignal, random, span_s);\n", r->name, i,
                 derived);
    write_state_out(r, i, out);
}

/* Slow transitions of a contact; contacts of a rule without any stay as they are. */
static void write_turnovers(const experiment *e, text *out)
{
    for (uint32_t i = 0; i < e->n_rules; i++)
        if (e->rules[i].turnover)
            write_turnover(&e->rules[i], i, out);
    text_append(out, "\nMESO_FUNCTION learned_synapse rule_turnover(uint rule, const rule_numbers *n, "
                     "learned_synapse x, real signal, meso_words random, real span_s)\n{\n");
    for (uint32_t i = 0; i < e->n_rules; i++)
        if (e->rules[i].turnover)
            text_appendf(out,
                         "    if (rule == %uu)\n        return turnover_%u(n, x, signal, random, "
                         "span_s);\n",
                         i, i);
    text_append(out, "    return x;\n}\n");
}

static void write_dispatch(const experiment *e, text *out)
{
    const uint32_t last = e->n_rules - 1;
    text_append(out, "MESO_FUNCTION rule_numbers rule_load(uint rule, __global const float *K, "
                     "float dt_ms)\n{\n    rule_numbers n;\n");
    for (uint32_t i = 0; i < last; i++)
        text_appendf(out, "    if (rule == %uu)\n        load_%u(&n, K, dt_ms);\n    else\n", i, i);
    text_appendf(out, "        load_%u(&n, K, dt_ms);\n    return n;\n}\n\n", last);

    text_append(out, "MESO_FUNCTION learned_synapse rule_apply(uint rule, int event, const "
                     "rule_numbers *n, learned_synapse x, real value, real span_ms, "
                     "meso_words random)\n{\n");
    for (uint32_t i = 0; i < last; i++)
        text_appendf(
            out,
            "    if (rule == %uu)\n        return apply_%u(event, n, x, value, span_ms, random);\n",
            i, i);
    text_appendf(out, "    return apply_%u(event, n, x, value, span_ms, random);\n}\n", last);
}

meso_status codegen_rules(const experiment *e, text *source, meso_error *err)
{
    text_append(source, "#line 1 \"generated\"\n");
    for (uint32_t i = 0; i < e->n_rules; i++)
        codegen_model(&e->rules[i], source);
    write_types(e, source);
    for (uint32_t i = 0; i < e->n_rules; i++) {
        write_load(&e->rules[i], i, source);
        write_apply(&e->rules[i], i, source);
    }
    write_dispatch(e, source);
    write_property(e, "rule_waits", waits, source);
    write_property(e, "rule_is_random", is_random, source);
    write_property(e, "rule_contents", contents_of, source);
    write_property(e, "rule_hears", hears, source);
    write_property(e, "rule_states", states_of, source);
    write_property(e, "rule_is_modulated", is_modulated, source);
    write_property(e, "rule_weighs", weighs, source);
    write_property(e, "rule_turns", turns, source);
    write_turnovers(e, source);
    return source->failed ? error_set(err, MESO_MEMORY, "out of memory") : MESO_OK;
}
