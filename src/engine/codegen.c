#include "engine/codegen_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t codegen_conductance_field(const population *p, uint32_t conductance)
{
    uint32_t field = p->model->n_state;
    for (uint32_t c = 0; c < conductance; c++)
        field += p->conductances[c].kind == CONDUCTANCE_BIEXPONENTIAL ? 2
                 : p->conductances[c].kind == CONDUCTANCE_EXPONENTIAL ? 1
                                                                      : 0;
    return field;
}

int codegen_target_is_local(const experiment *e, uint32_t population, const modulated_target *t)
{
    const struct population *p = &e->populations[population];
    for (uint32_t i = 0; i < p->n_effects; i++)
        if (p->effects[i].target == t->target && p->effects[i].index == t->index &&
            receptor_grid(e, p->effects[i].receptor, p->region, NULL) != NULL)
            return 1;
    return 0;
}

/* Is this the first effect on its target? */
static int effect_is_first(const population *p, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (p->effects[i].target == p->effects[index].target &&
            p->effects[i].index == p->effects[index].index)
            return 0;
    return 1;
}

uint32_t codegen_fields(const experiment *e, uint32_t population)
{
    const struct population *p = &e->populations[population];
    uint32_t n_local = 0;
    for (uint32_t i = 0; i < p->n_effects; i++) {
        const modulated_target t = {p->effects[i].target, p->effects[i].index};
        n_local += effect_is_first(p, i) && codegen_target_is_local(e, population, &t);
    }
    return codegen_local_field(e, population, n_local);
}

uint32_t constant(writer *w, double value)
{
    population_program *g = w->program;
    if (g->n_constants == CODEGEN_MAX_CONSTANTS) {
        w->too_many = 1;
        return 0;
    }
    g->constants[g->n_constants] = (float)value;
    return g->n_constants++;
}

/* Index of the modulated target, or -1. */
static int target_find(const writer *w, effect_target target, uint32_t index)
{
    for (uint32_t i = 0; i < w->program->n_targets; i++)
        if (w->program->targets[i].target == target && w->program->targets[i].index == index)
            return (int)i;
    return -1;
}

static void targets_collect(writer *w)
{
    for (uint32_t i = 0; i < w->p->n_effects; i++) {
        const effect *f = &w->p->effects[i];
        if (target_find(w, f->target, f->index) < 0)
            w->program->targets[w->program->n_targets++] = (modulated_target){f->target, f->index};
    }
}

static void write_modulation(writer *w, const char *lvalue, effect_target target, uint32_t index)
{
    const int t = target_find(w, target, index);
    if (t >= 0 && codegen_target_is_local(w->e, w->population, &w->program->targets[t])) {
        uint32_t before = 0;
        for (int i = 0; i < t; i++)
            before += codegen_target_is_local(w->e, w->population, &w->program->targets[i]);
        const uint32_t field = codegen_local_field(w->e, w->population, before);
        text_appendf(
            &w->body,
            "        %s = fma(%s, meso_load(state + %u * stride, i), meso_load(state + %u * "
            "stride, i));\n",
            lvalue, lvalue, field, field + 1);
    } else if (t >= 0)
        text_appendf(&w->body, "        %s = fma(%s, (real)(M[%d]), (real)(M[%d]));\n", lvalue,
                     lvalue, 2 * t, 2 * t + 1);
}

/* --- before the steps ------------------------------------------------------------------------- */

void write_parameter(writer *w, const char *lvalue, const parameter_array *a)
{
    if (a->values->kind == DISTRIBUTION_CONSTANT) {
        text_appendf(&w->body, "        %s = (real)(K[%u]);\n", lvalue,
                     constant(w, a->values->mean));
        return;
    }
    text_appendf(&w->body, "        %s = meso_load(parameters + %u * stride, i);\n", lvalue,
                 w->program->n_arrays);
    w->program->arrays[w->program->n_arrays++] = *a;
}

static void write_parameters(writer *w)
{
    const neuron_model *m = w->p->model;
    text_appendf(&w->body, "        %s_parameters p;\n", m->name);
    for (uint32_t i = 0; i < m->n_parameters; i++) {
        char lvalue[128];
        const parameter_array a = {&w->p->parameters[i], "population", w->p->name,
                                   m->parameters[i].name};
        snprintf(lvalue, sizeof lvalue, "p.%s", a.parameter);
        write_parameter(w, lvalue, &a);
        write_modulation(w, lvalue, EFFECT_PARAMETER, i);
    }
}

static int is_uniform(const writer *w)
{
    for (uint32_t i = 0; i < w->program->n_targets; i++)
        if (w->program->targets[i].target == EFFECT_PARAMETER)
            return 0;
    return w->program->n_arrays == 0;
}

/* What follows from parameters: constants that the device itself fills once, so that they have the bits of
 * its functions; or made anew for each vector where parameters vary between cells or in time. */
static void write_derived(writer *w)
{
    const neuron_model *m = w->p->model;
    if (m->n_derived == 0)
        return;
    w->program->derives = is_uniform(w);
    if (!w->program->derives) {
        text_appendf(&w->body, "        const %s_derived d = %s_derive(p, K[%u]);\n", m->name,
                     m->name, w->dt);
        return;
    }
    text_appendf(&w->derive, "%s        const %s_derived d = %s_derive(p, K[%u]);\n", w->body.data,
                 m->name, m->name, w->dt);
    text_appendf(&w->body, "        %s_derived d;\n", m->name);
    for (uint32_t i = 0; i < m->n_derived; i++) {
        const char *name = m->derived[i].name;
        const uint32_t k = constant(w, 0);
        text_appendf(&w->derive, "        K[%u] = meso_first_lane(d.%s);\n", k, name);
        text_appendf(&w->body, "        d.%s = (real)(K[%u]);\n", name, k);
    }
}

static void write_state_load(writer *w)
{
    const neuron_model *m = w->p->model;
    text_appendf(&w->body, "        %s_state s;\n", m->name);
    for (uint32_t i = 0; i < m->n_state; i++)
        text_appendf(&w->body, "        s.%s = meso_load(state + %u * stride, i);\n",
                     m->state[i].name, i);
}

/* Difference of exponentials exp(-t/decay) - exp(-t/rise): what scales its peak to one. */
static double biexponential_norm(double rise_ms, double decay_ms)
{
    const double peak_ms = rise_ms * decay_ms / (decay_ms - rise_ms) * log(decay_ms / rise_ms);
    return 1 / (exp(-peak_ms / decay_ms) - exp(-peak_ms / rise_ms));
}

/* A gain that is one and stays so is not written. */
static int has_gain(const writer *w, uint32_t c)
{
    const conductance *g = &w->p->conductances[c];
    return g->kind == CONDUCTANCE_TONIC || g->gain != 1 ||
           target_find(w, EFFECT_CONDUCTANCE_GAIN, c) >= 0;
}

static void write_rectification_locals(writer *w, const conductance *g)
{
    const struct {
        const char *name;
        double value;
    } locals[] = {{"half", g->rectifies->V_half_mV},
                  {"per_slope", 1 / g->rectifies->slope_mV},
                  {"left", g->rectifies->left_open}};
    for (int i = 0; i < 3; i++)
        text_appendf(&w->body, "        const real %s_%s = (real)(K[%u]);\n", locals[i].name,
                     g->name, constant(w, locals[i].value));
}

static void write_conductance_locals(writer *w, uint32_t c)
{
    const conductance *g = &w->p->conductances[c];
    const double dt_ms = w->e->dt_ms;
    char lvalue[128];
    text_appendf(&w->body, "        const real E_%s = (real)(K[%u]);\n", g->name,
                 constant(w, g->E_mV));
    if (has_gain(w, c)) {
        text_appendf(&w->body, "        real gain_%s = (real)(K[%u]);\n", g->name,
                     constant(w, g->gain));
        snprintf(lvalue, sizeof lvalue, "gain_%s", g->name);
        write_modulation(w, lvalue, EFFECT_CONDUCTANCE_GAIN, c);
    }
    if (g->rectifies != NULL)
        write_rectification_locals(w, g);
    if (g->kind == CONDUCTANCE_TONIC) {
        text_appendf(&w->body, "        gain_%s *= K[%u];\n", g->name, constant(w, g->g_nS));
        return;
    }
    if (g->mg_mM > 0)
        text_appendf(&w->body, "        const real mg_%s = (real)(K[%u]);\n", g->name,
                     constant(w, g->mg_mM / 3.57));
    const uint32_t field = codegen_conductance_field(w->p, c);
    text_appendf(&w->body,
                 "        const real decay_%s = (real)(K[%u]);\n"
                 "        real g_%s = meso_load(state + %u * stride, i);\n",
                 g->name, constant(w, exp(-dt_ms / g->tau_decay_ms)), g->name, field);
    if (g->kind == CONDUCTANCE_BIEXPONENTIAL)
        text_appendf(&w->body,
                     "        const real rise_%s = (real)(K[%u]);\n"
                     "        real h_%s = meso_load(state + %u * stride, i);\n",
                     g->name, constant(w, exp(-dt_ms / g->tau_rise_ms)), g->name, field + 1);
}

/* --- the step ----------------------------------------------------------------------------------- */

void write_opening(writer *w, const char *amount, const projection_port *port, double unit)
{
    double factor = port->factor * unit;
    if (port->port >= w->p->n_conductances) {
        const char *input = population_port_name(w->p, port->port);
        text_appendf(&w->body, "                in.%s = fma(%s, (real)(K[%u]), in.%s);\n", input,
                     amount, constant(w, factor), input);
        return;
    }
    const conductance *g = &w->p->conductances[port->port];
    if (g->kind == CONDUCTANCE_BIEXPONENTIAL)
        factor *= biexponential_norm(g->tau_rise_ms, g->tau_decay_ms);
    const uint32_t k = constant(w, factor);
    text_appendf(&w->body, "                g_%s = fma(%s, (real)(K[%u]), g_%s);\n", g->name,
                 amount, k, g->name);
    if (g->kind == CONDUCTANCE_BIEXPONENTIAL)
        text_appendf(&w->body, "                h_%s = fma(%s, (real)(K[%u]), h_%s);\n", g->name,
                     amount, k, g->name);
}

static void write_channel(writer *w, uint32_t c)
{
    const channel *ch = &w->pl->channels[c];
    text_appendf(&w->body,
                 "            {\n"
                 "                const real input = ring_take(ring + slot * b->n_words + %u * "
                 "q->n_local, i);\n",
                 c);
    for (uint32_t i = 0; i < ch->n_ports; i++)
        write_opening(w, "input", &ch->ports[i], ch->unit);
    text_append(&w->body, "            }\n");
}

static void write_current(writer *w, uint32_t c)
{
    const conductance *g = &w->p->conductances[c];
    const char *v = w->p->model->state[0].name;
    text_append(&w->body, "            in.current_pA = fma(");
    if (has_gain(w, c))
        text_appendf(&w->body, "gain_%s", g->name);
    if (g->kind != CONDUCTANCE_TONIC && has_gain(w, c))
        text_append(&w->body, " * ");
    if (g->kind == CONDUCTANCE_BIEXPONENTIAL)
        text_appendf(&w->body, "(g_%s - h_%s)", g->name, g->name);
    if (g->kind == CONDUCTANCE_EXPONENTIAL)
        text_appendf(&w->body, "g_%s", g->name);
    if (g->kind != CONDUCTANCE_TONIC && g->mg_mM > 0)
        text_appendf(&w->body, " * magnesium_block(s.%s, mg_%s)", v, g->name);
    if (g->rectifies != NULL)
        text_appendf(&w->body, " * rectified(s.%s, half_%s, per_slope_%s, left_%s)", v, g->name,
                     g->name, g->name);
    text_appendf(&w->body, ", E_%s - s.%s, in.current_pA);\n", g->name, v);
}

/* What has decayed below 2^-96 is zero: checked once a field step, or every step where a field step could
 * take it from there to the denormals. */
static void write_flush(writer *w, const char *variable, double tau_ms)
{
    if (w->e->field_step_ms > 20 * tau_ms)
        text_appendf(&w->body, "            %s = meso_flush(%s);\n", variable, variable);
    else
        text_appendf(&w->body,
                     "            if (field_step_ends)\n                %s = meso_flush(%s);\n",
                     variable, variable);
}

static void write_decay(writer *w, const conductance *g)
{
    char variable[128];
    if (g->kind == CONDUCTANCE_TONIC)
        return;
    text_appendf(&w->body, "            g_%s *= decay_%s;\n", g->name, g->name);
    snprintf(variable, sizeof variable, "g_%s", g->name);
    write_flush(w, variable, g->tau_decay_ms);
    if (g->kind != CONDUCTANCE_BIEXPONENTIAL)
        return;
    text_appendf(&w->body, "            h_%s *= rise_%s;\n", g->name, g->name);
    snprintf(variable, sizeof variable, "h_%s", g->name);
    write_flush(w, variable, g->tau_rise_ms);
}

static void write_inputs(writer *w)
{
    const neuron_model *m = w->p->model;
    text_appendf(&w->body,
                 "            %s_inputs in;\n"
                 "            in.current_pA = (real)(0.0f);\n"
                 "            in.step = step;\n",
                 m->name);
    for (uint32_t i = 0; i < m->n_inputs; i++)
        text_appendf(&w->body, "            in.%s = (real)(0.0f);\n", m->inputs[i].name);
    if (m->random)
        text_append(&w->body, "            in.random = meso_threefry(q->key0, q->key1 ^ "
                              "(uint)(step >> 32), id, (word)((uint)step));\n");
}

static int depends_on_potential(const conductance *g)
{
    return g->mg_mM > 0 || g->rectifies != NULL;
}

static void write_step(writer *w)
{
    text_append(&w->body, "        for (uint t = 0; t < b->n_steps; t++) {\n"
                          "            const ulong step = b->first_step + t;\n"
                          "            uint slot = b->ring_slot + t;\n"
                          "            slot -= slot >= b->n_slots ? b->n_slots : 0u;\n");
    text_appendf(&w->body, "            const int field_step_ends = (step + 1ul) %% %uul == 0ul;\n",
                 w->steps_per_field);
    write_inputs(w);
    for (uint32_t c = 0; c < w->pl->n_channels; c++)
        write_channel(w, c);
    write_stimuli(w, 0);
    for (int blocked = 0; blocked < 2;
         blocked++) /* the long way round last: the sum need not wait */
        for (uint32_t c = 0; c < w->p->n_conductances; c++)
            if (depends_on_potential(&w->p->conductances[c]) == blocked)
                write_current(w, c);
    write_stimuli(w, 1);
    text_appendf(&w->body, "            s = %s(s, p, %sin, K[%u]);\n", w->p->model->name,
                 w->p->model->n_derived > 0 ? "d, " : "", w->dt);
    for (uint32_t c = 0; c < w->p->n_conductances; c++)
        write_decay(w, &w->p->conductances[c]);
    text_append(&w->body, "            spikes_emit(b, c, q->first_id, i, t, s.spiked);\n"
                          "        }\n");
}

/* --- after the steps ---------------------------------------------------------------------------- */

static void write_state_store(writer *w)
{
    const neuron_model *m = w->p->model;
    for (uint32_t i = 0; i < m->n_state; i++)
        text_appendf(&w->body, "        meso_store(s.%s, state + %u * stride, i);\n",
                     m->state[i].name, i);
    for (uint32_t c = 0; c < w->p->n_conductances; c++) {
        const conductance *g = &w->p->conductances[c];
        const uint32_t field = codegen_conductance_field(w->p, c);
        if (g->kind == CONDUCTANCE_TONIC)
            continue;
        text_appendf(&w->body, "        meso_store(g_%s, state + %u * stride, i);\n", g->name,
                     field);
        if (g->kind == CONDUCTANCE_BIEXPONENTIAL)
            text_appendf(&w->body, "        meso_store(h_%s, state + %u * stride, i);\n", g->name,
                         field + 1);
    }
    write_stimuli_store(w);
    text_appendf(&w->body,
                 "        if ((b->first_step + b->n_steps) %% %uul == 0ul)\n"
                 "            finite_check(b, c, i, s.%s);\n",
                 w->steps_per_field, m->state[0].name);
}

static meso_status body_write(writer *w, meso_error *err)
{
    const neuron_model *m = w->p->model;
    w->program->arrays = calloc(m->n_parameters + stimulus_parameters(w) + 1,
                                sizeof *w->program->arrays);
    w->program->targets = calloc(w->p->n_effects + 1, sizeof *w->program->targets);
    if (w->program->arrays == NULL || w->program->targets == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    targets_collect(w);
    w->program->n_fields = codegen_fields(w->e, w->population);
    w->dt = constant(w, w->e->dt_ms);
    write_parameters(w);
    write_derived(w);
    write_state_load(w);
    for (uint32_t c = 0; c < w->p->n_conductances; c++)
        write_conductance_locals(w, c);
    write_kept_words(w);
    write_draws(w);
    write_step(w);
    write_state_store(w);
    if (w->too_many)
        return error_set(
            err, MESO_CONFIG,
            "populations.%s: its cell, projections and stimuli have more than %d constants",
            w->p->name, CODEGEN_MAX_CONSTANTS);
    if (w->body.failed || w->derive.failed)
        return error_set(err, MESO_MEMORY, "out of memory");
    return MESO_OK;
}

/* --- all populations ---------------------------------------------------------------------------- */

static void write_function(text *source, uint32_t kind, const writer *w)
{
    text_appendf(
        source,
        "static void advance_%u(const batch_context *b, const chunk_entry *c, const "
        "population_entry *q)\n"
        "{\n"
        "    __global const float *K = b->constants + q->constant_base;\n"
        "    __global const float *M = b->modulation + q->modulation_base;\n"
        "    __global const float *parameters = b->parameters + q->parameter_base + c->place;\n"
        "    __global float *state = b->state + q->state_base + c->place;\n"
        "    __global int *ring = b->ring + q->ring_word + c->local_first;\n"
        "    const uint stride = q->n_padded;\n"
        "    const uint stimulus = q->stimulus_base;\n"
        "%s"
        "    for (uint i = (uint)get_local_id(0) * MESO_WIDTH; i < c->n; i += "
        "(uint)get_local_size(0) * MESO_WIDTH) {\n"
        "        const word id = meso_lanes() + (word)(c->first + i);\n"
        "%s"
        "    }\n"
        "}\n\n",
        kind, w->kept.data != NULL ? w->kept.data : "", w->body.data);
}

/* One function and one kernel that fill the constants of derived numbers. */
static void write_derive_function(text *source, uint32_t kind, const char *body)
{
    text_appendf(source,
                 "static void derive_%u(__global float *K)\n"
                 "{\n"
                 "%s"
                 "}\n\n",
                 kind, body);
}

static void write_derive_kernel(text *source, const population_program *programs, uint32_t n)
{
    text_append(source,
                "__kernel void constants_derive(__global const population_entry *populations, "
                "__global float *constants)\n"
                "{\n"
                "    __global float *K = constants + "
                "populations[get_group_id(0)].constant_base;\n"
                "    switch (populations[get_group_id(0)].kind) {\n");
    for (uint32_t kind = 0, i = 0; i < n; i++) {
        if (programs[i].kind == kind && programs[i].derives)
            text_appendf(source, "    case %uu: derive_%u(K); break;\n", kind, kind);
        kind += programs[i].kind == kind;
    }
    text_append(source, "    }\n}\n\n");
}

static void write_dispatch(text *source, uint32_t n_kinds)
{
    text_append(source,
                "MESO_FUNCTION void chunk_advance(const batch_context *b, const chunk_entry *c, "
                "const population_entry *q)\n{\n    switch (q->kind) {\n");
    for (uint32_t k = 0; k < n_kinds; k++)
        text_appendf(source, "    case %uu: advance_%u(b, c, q); break;\n", k, k);
    text_append(source, "    }\n}\n");
}

static void write_models(const experiment *e, text *source)
{
    text_append(source, "#line 1 \"generated\"\n");
    for (uint32_t i = 0; i < e->n_models; i++)
        codegen_model(&e->models[i], source);
    for (uint32_t i = 0; i < e->n_currents; i++)
        codegen_model(&e->currents[i], source);
}

/* The kind that already has this body, or `n_kinds`. Model names make bodies of different models differ. */
static uint32_t kind_find(text *bodies, uint32_t n_kinds, const char *body)
{
    uint32_t k = 0;
    while (k < n_kinds && strcmp(bodies[k].data, body) != 0)
        k++;
    return k;
}

meso_status codegen_populations(const experiment *e, const layout *l, text *source,
                                population_program *programs, meso_error *err)
{
    meso_status status = MESO_OK;
    uint32_t n_kinds = 0;
    text *bodies = calloc(e->n_populations, sizeof *bodies);
    if (bodies == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    write_models(e, source);
    for (uint32_t i = 0; i < e->n_populations; i++) {
        writer w = {.e = e,
                    .p = &e->populations[i],
                    .pl = &l->populations[i],
                    .population = i,
                    .steps_per_field = l->steps_per_field,
                    .program = &programs[i]};
        status = body_write(&w, err);
        if (status == MESO_OK)
            programs[i].kind = kind_find(bodies, n_kinds, w.body.data);
        if (status == MESO_OK && programs[i].kind == n_kinds) {
            write_function(source, n_kinds, &w);
            if (programs[i].derives)
                write_derive_function(source, n_kinds, w.derive.data);
            bodies[n_kinds++] = w.body;
        } else {
            text_free(&w.body);
        }
        text_free(&w.kept);
        text_free(&w.derive);
        if (status != MESO_OK)
            goto done;
    }
    write_dispatch(source, n_kinds);
    write_derive_kernel(source, programs, e->n_populations);
    if (source->failed)
        status = error_set(err, MESO_MEMORY, "out of memory");
done:
    for (uint32_t k = 0; k < n_kinds; k++)
        text_free(&bodies[k]);
    free(bodies);
    return status;
}

void codegen_programs_free(population_program *programs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        free(programs[i].arrays);
        free(programs[i].targets);
    }
}
