#include "engine/codegen_writer.h"

#include <math.h>

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
        "                if (t == 0u || !(step & 1ul)) {\n"
        "                    const meso_words pair = draw(&b->stimuli[stimulus + %u], id, "
        "step >> 1);\n"
        "                    even_%u = pair.x;\n"
        "                    odd_%u = pair.y;\n"
        "                }\n"
        "                const real count = poisson_count((step & 1ul) ? odd_%u : even_%u,\n"
        "                    b->thresholds + (stimulus + %u) * MESO_MAX_THRESHOLDS, %uu);\n",
        k, k, k, k, k, k, k, codegen_poisson_thresholds(w->e, s));
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
        if (s->kind == STIMULUS_POISSON)
            text_appendf(&w->body, "        word even_%u = (word)(0u), odd_%u = (word)(0u);\n", k,
                         k);
        k++;
    }
}
