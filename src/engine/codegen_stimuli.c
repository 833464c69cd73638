#include "engine/codegen_writer.h"

#include <math.h>
#include <stdio.h>

static double poisson_events_max(const experiment *e, const stimulus *s)
{
    return s->rate_hz * (1 + fabs(s->theta_depth)) * e->dt_ms * 1e-3;
}

uint32_t codegen_poisson_thresholds(const experiment *e, const stimulus *s)
{
    const double events = poisson_events_max(e, s);
    double term = exp(-events), below = term;
    uint32_t k = 1;
    while (k < 32 && 1 - below > 0x1p-33) {
        term *= events / k;
        below += term;
        k++;
    }
    return k;
}

static void write_poisson(writer *w, const stimulus *s, uint32_t k)
{
    text_appendf(
        &w->body,
        "            if (b->thresholds[(stimulus + %u) * MESO_MAX_THRESHOLDS] != 0u) {\n"
        "                const word drawn = poisson_word(&b->stimuli[stimulus + %u], id, c->first, i, step, t, "
        "kept_%u);\n"
        "                const real count = poisson_count(drawn,\n"
        "                    b->thresholds + (stimulus + %u) * MESO_MAX_THRESHOLDS, %uu);\n",
        k, k, k, k, codegen_poisson_thresholds(w->e, s));
    for (uint32_t i = 0; i < s->n_ports; i++)
        write_opening(w, "count", &s->ports[i], s->weight.mean);
    text_append(&w->body, "            }\n");
}

static void write_volleys(writer *w, const stimulus *s, uint32_t k)
{
    const distribution *d = &s->weight;
    const double low = d->kind == DISTRIBUTION_CONSTANT ? d->mean : d->min;
    const double high = d->kind == DISTRIBUTION_CONSTANT ? d->mean : d->max;
    text_appendf(
        &w->body,
        "            if (step == b->volleys[stimulus + %u]) {\n"
        "                const meso_words pair = draw(&b->stimuli[stimulus + %u], id, step);\n"
        "                const truth joins = meso_below(pair.x, b->stimuli[stimulus + "
        "%u].participation);\n"
        "                const real peak = select((real)(0.0f),\n"
        "                    fma(meso_uniform(pair.y), (real)(K[%u]), (real)(K[%u])), "
        "joins);\n",
        k, k, k, constant(w, high - low), constant(w, low));
    for (uint32_t i = 0; i < s->n_ports; i++)
        write_opening(w, "peak", &s->ports[i], 1);
    text_append(&w->body, "            }\n");
}

static void write_pulses(writer *w, const stimulus *s, uint32_t k)
{
    text_appendf(&w->body,
                 "            if (pulse_is_on(&b->stimuli[stimulus + %u], step))\n"
                 "                in.current_pA += K[%u];\n",
                 k, constant(w, s->amplitude_pA));
}

/* --- currents --------------------------------------------------------------------------------- */

static int is_current_of(const stimulus *s, uint32_t population)
{
    return s->target == population && s->kind == STIMULUS_CURRENT;
}

uint32_t codegen_current_field(const experiment *e, uint32_t index)
{
    const uint32_t target = e->stimuli[index].target;
    const population *p = &e->populations[target];
    uint32_t field = codegen_conductance_field(p, p->n_conductances);
    for (uint32_t i = 0; i < index; i++)
        if (is_current_of(&e->stimuli[i], target))
            field += e->stimuli[i].current->n_state;
    return field;
}

uint32_t codegen_local_field(const experiment *e, uint32_t population, uint32_t number)
{
    const struct population *p = &e->populations[population];
    uint32_t n = codegen_conductance_field(p, p->n_conductances);
    for (uint32_t i = 0; i < e->n_stimuli; i++)
        if (is_current_of(&e->stimuli[i], population))
            n += e->stimuli[i].current->n_state;
    return n + 2 * number;
}

uint32_t stimulus_parameters(const writer *w)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->e->n_stimuli; i++)
        if (is_current_of(&w->e->stimuli[i], w->population))
            n += w->e->stimuli[i].current->n_parameters;
    return n;
}

/* Parameters, derived numbers and state, for all steps of the batch. */
static void write_current_locals(writer *w, uint32_t index, uint32_t k)
{
    const stimulus *s = &w->e->stimuli[index];
    const neuron_model *m = s->current;
    text_appendf(&w->body, "        %s_parameters c%u_p;\n", m->name, k);
    for (uint32_t i = 0; i < m->n_parameters; i++) {
        char lvalue[128];
        const parameter_array a = {&s->parameters[i], "stimulus", s->name, m->parameters[i].name};
        snprintf(lvalue, sizeof lvalue, "c%u_p.%s", k, a.parameter);
        write_parameter(w, lvalue, &a);
    }
    if (m->n_derived > 0)
        text_appendf(&w->body, "        const %s_derived c%u_d = %s_derive(c%u_p, K[%u]);\n",
                     m->name, k, m->name, k, w->dt);
    text_appendf(&w->body, "        %s_state c%u;\n        c%u.I_pA = (real)(0.0f);\n", m->name, k,
                 k);
    for (uint32_t i = 0; i < m->n_state; i++)
        text_appendf(&w->body, "        c%u.%s = meso_load(state + %u * stride, i);\n", k,
                     m->state[i].name, codegen_current_field(w->e, index) + i);
}

/* A step's time is a product with 64 fractional bits, so that it has no error worth a name at any step. */
static void write_injection(writer *w, const stimulus *s, uint32_t k)
{
    const neuron_model *m = s->current;
    const unsigned long long step_s = (unsigned long long)llround(w->e->dt_ms * 1e-3 * 0x1p62) * 4;
    text_appendf(&w->body,
                 "            if (step >= b->stimuli[stimulus + %u].start && step < "
                 "b->stimuli[stimulus + %u].stop) {\n"
                 "                %s_inputs c_in;\n"
                 "                c_in.step = step;\n"
                 "                c_in.since = step - b->stimuli[stimulus + %u].start;\n"
                 "                c_in.whole_s = mul_hi(step, %lluul);\n"
                 "                c_in.rest_s = (float)(uint)(step * %lluul >> 32) * 0x1p-32f;\n",
                 k, k, m->name, k, step_s, step_s);
    if (m->random)
        text_appendf(&w->body,
                     "                c_in.random = draw(&b->stimuli[stimulus + %u], id, step);\n",
                     k);
    text_appendf(&w->body, "                c%u = %s(c%u, c%u_p, ", k, m->name, k, k);
    if (m->n_derived > 0)
        text_appendf(&w->body, "c%u_d, ", k);
    text_appendf(&w->body,
                 "c_in, K[%u]);\n"
                 "                in.current_pA += c%u.I_pA;\n"
                 "            }\n",
                 w->dt, k);
}

/* --- all stimuli of a population -------------------------------------------------------------- */

void write_stimuli(writer *w, int currents)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < w->e->n_stimuli; i++) {
        const stimulus *s = &w->e->stimuli[i];
        if (s->target != w->population)
            continue;
        if (!currents && s->kind == STIMULUS_POISSON)
            write_poisson(w, s, k);
        if (!currents && s->kind == STIMULUS_VOLLEYS)
            write_volleys(w, s, k);
        if (currents && s->kind == STIMULUS_PULSES)
            write_pulses(w, s, k);
        if (currents && s->kind == STIMULUS_CURRENT)
            write_injection(w, s, k);
        k++;
    }
}

void write_kept_words(writer *w)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < w->e->n_stimuli; i++) {
        const stimulus *s = &w->e->stimuli[i];
        if (s->target != w->population)
            continue;
        if (s->kind == STIMULUS_POISSON)
            text_appendf(&w->kept, "    word kept_%u[MESO_KEPT];\n", k);
        k++;
    }
}

void write_draws(writer *w)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < w->e->n_stimuli; i++) {
        const stimulus *s = &w->e->stimuli[i];
        if (s->target != w->population)
            continue;
        if (s->kind == STIMULUS_CURRENT)
            write_current_locals(w, i, k);
        k++;
    }
}

void write_stimuli_store(writer *w)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < w->e->n_stimuli; i++) {
        const stimulus *s = &w->e->stimuli[i];
        for (uint32_t v = 0; is_current_of(s, w->population) && v < s->current->n_state; v++)
            text_appendf(&w->body, "        meso_store(c%u.%s, state + %u * stride, i);\n", k,
                         s->current->state[v].name, codegen_current_field(w->e, i) + v);
        k += s->target == w->population;
    }
}
