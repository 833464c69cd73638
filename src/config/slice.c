#include "config/loader.h"

#include <math.h>
#include <string.h>

#define REVERSES_ABOVE_MV -40.0 /* what opens to excite */
#define MOST_MOMENTS 10000u

/* --- the pathways ------------------------------------------------------------------------------ */

static meso_status check_clamped(loader *l, const cJSON *name, const projection *p)
{
    const population *target = &l->experiment->populations[p->target];
    for (uint32_t i = 0; i < p->n_ports; i++)
        if (p->ports[i].port >= target->n_conductances)
            return LOADER_ERROR(
                l, name, NULL, MESO_CONFIG,
                "'%s' adds to '%s', an input of the model of '%s': no clamp sees it", p->name,
                population_port_name(target, p->ports[i].port), target->name);
    return MESO_OK;
}

/* Given for all pathways, or by their own plasticity. */
static meso_status read_release(loader *l, const cJSON *name, const assay *a, const projection *p,
                                slice_pathway *q)
{
    q->release_probability = p->plasticity ? p->plasticity->U : 1;
    if (a->kind != ASSAY_SILENT_SYNAPSES)
        return MESO_OK;
    if (!isnan(a->slice.release_probability))
        q->release_probability = a->slice.release_probability;
    else if (!p->plasticity)
        return LOADER_ERROR(l, name, NULL, MESO_CONFIG,
                            "'%s' has no short_term_plasticity, whose U would be the release "
                            "probability: give release_probability",
                            p->name);
    return MESO_OK;
}

static meso_status read_variable(loader *l, const cJSON *object, const projection *p,
                                 slice_pathway *q, const slice_pathway *first)
{
    const cJSON *variable = get_member(object, "variable");
    if (!variable)
        return MESO_OK;
    MESO_TRY(load_synapse_variable(l, variable, variable->valuestring, p, &q->variable));
    if (strcmp(q->variable.unit, first->variable.unit) == 0)
        return MESO_OK;
    return LOADER_ERROR(l, variable, NULL, MESO_UNIT,
                        "'%s' is in %s in one projection and in %s in '%s'", variable->valuestring,
                        first->variable.unit, q->variable.unit, p->name);
}

static meso_status read_pathway(loader *l, const cJSON *object, const cJSON *name, assay *a,
                                slice_pathway *list, uint32_t n)
{
    slice_pathway *q = &list[n];
    q->cp_state = MODEL_NONE;
    MESO_TRY(loader_resolve(l, name, "projections", &q->projection));
    const projection *p = &l->experiment->projections[q->projection];
    MESO_TRY(check_synapses_kept(l, name, p));
    if (n == 0)
        a->slice.target = p->target;
    if (p->target != a->slice.target)
        return LOADER_ERROR(l, name, NULL, MESO_CONFIG,
                            "'%s' goes to '%s', and the one before it to '%s'", p->name,
                            l->experiment->populations[p->target].name,
                            l->experiment->populations[a->slice.target].name);
    for (uint32_t i = 0; i < n; i++)
        if (list[i].projection == q->projection)
            return LOADER_ERROR(l, name, NULL, MESO_CONFIG, "'%s' is listed twice", p->name);
    if (get_member(object, "cells"))
        MESO_TRY(check_clamped(l, name, p));
    MESO_TRY(read_release(l, name, a, p, q));
    return read_variable(l, object, p, q, list);
}

static meso_status read_pathways(loader *l, const cJSON *object, assay *a, slice_pathway **out)
{
    const cJSON *named = get_member(object, "projection");
    slice_pathway *list = loader_alloc(l, count_items(named), sizeof *list);
    if (!list)
        return MESO_MEMORY;
    *out = list;
    a->slice.pathways = list;
    for (const cJSON *name = first_item(named); name; name = next_item(named, name))
        MESO_TRY(read_pathway(l, object, name, a, list, a->slice.n_pathways++));
    if (a->slice.n_pathways > 0)
        return MESO_OK;
    return LOADER_ERROR(l, named, NULL, MESO_CONFIG, "expected at least one projection");
}

/* --- receptors --------------------------------------------------------------------------------- */

/* Conductances that spikes open. */
static void add_conductances(const population *target, name_list *names)
{
    for (uint32_t i = 0; i < target->n_conductances; i++)
        if (target->conductances[i].kind != CONDUCTANCE_TONIC)
            names_add(names, target->conductances[i].name, NULL);
}

static uint32_t find_conductance(const population *target, const char *name)
{
    for (uint32_t i = 0; i < target->n_conductances; i++)
        if (target->conductances[i].kind != CONDUCTANCE_TONIC &&
            strcmp(target->conductances[i].name, name) == 0)
            return i;
    return MODEL_NONE;
}

static meso_status resolve_conductance(loader *l, const cJSON *name, const population *target,
                                       uint32_t *index)
{
    name_list names = {0};
    *index = find_conductance(target, name->valuestring);
    if (*index != MODEL_NONE)
        return MESO_OK;
    add_conductances(target, &names);
    const meso_status status = names_error_value(&l->document, name, name->valuestring,
                                                 "conductances of the target", &names, l->err);
    names_free(&names);
    return status;
}

static slice_receptor receptor_of(const conductance *g)
{
    if (g->kind == CONDUCTANCE_TONIC)
        return SLICE_BLOCKED;
    if (g->mg_mM > 0)
        return SLICE_NMDA;
    return g->E_mV > REVERSES_ABOVE_MV ? SLICE_AMPA : SLICE_BLOCKED;
}

/* Where one kind is named, no other conductance is of that kind. */
static meso_status read_kind(loader *l, const cJSON *named, const population *target,
                             slice_receptor kind, slice_receptor *receptors)
{
    if (!named)
        return MESO_OK;
    for (uint32_t i = 0; i < target->n_conductances; i++)
        if (receptors[i] == kind)
            receptors[i] = SLICE_BLOCKED;
    for (const cJSON *name = first_item(named); name; name = next_item(named, name)) {
        uint32_t index;
        MESO_TRY(resolve_conductance(l, name, target, &index));
        receptors[index] = kind;
    }
    return MESO_OK;
}

static bool has_kind(const population *target, const slice_receptor *receptors, slice_receptor kind)
{
    for (uint32_t i = 0; i < target->n_conductances; i++)
        if (receptors[i] == kind)
            return true;
    return false;
}

static meso_status read_receptors(loader *l, const cJSON *object, assay *a)
{
    const population *target = &l->experiment->populations[a->slice.target];
    slice_receptor *receptors = loader_alloc(l, target->n_conductances, sizeof *receptors);
    if (!receptors)
        return MESO_MEMORY;
    a->slice.receptors = receptors;
    for (uint32_t i = 0; i < target->n_conductances; i++)
        receptors[i] = receptor_of(&target->conductances[i]);
    MESO_TRY(read_kind(l, get_member(object, "ampa"), target, SLICE_AMPA, receptors));
    MESO_TRY(read_kind(l, get_member(object, "nmda"), target, SLICE_NMDA, receptors));
    const bool needs_nmda = a->kind == ASSAY_AMPA_NMDA_RATIO || a->kind == ASSAY_SILENT_SYNAPSES;
    if (!has_kind(target, receptors, SLICE_AMPA))
        return LOADER_ERROR(l, object, "ampa", MESO_CONFIG,
                            "'%s' has no conductance through AMPA receptors", target->name);
    if (needs_nmda && !has_kind(target, receptors, SLICE_NMDA))
        return LOADER_ERROR(l, object, "nmda", MESO_CONFIG,
                            "'%s' has no conductance through NMDA receptors", target->name);
    return MESO_OK;
}

/* A content of this name in any of the pathways. */
static bool find_contents(const experiment *e, const char *name, slice_pathway *pathways,
                          uint32_t n)
{
    bool found = false;
    for (uint32_t i = 0; i < n; i++) {
        const long_term_plasticity *learning = e->projections[pathways[i].projection].learning;
        for (uint32_t k = 0; learning && k < learning->n_contents; k++) {
            const uint32_t state = learning->contents[k].state;
            if (strcmp(learning->rule->state[state].name, name) != 0)
                continue;
            pathways[i].cp_state = state;
            found = true;
        }
    }
    return found;
}

/* What `cp` may name. */
static meso_status unknown_cp(loader *l, const cJSON *named, const assay *a)
{
    const experiment *e = l->experiment;
    name_list names = {0};
    for (uint32_t i = 0; i < a->slice.n_pathways; i++) {
        const long_term_plasticity *x = e->projections[a->slice.pathways[i].projection].learning;
        for (uint32_t k = 0; x && k < x->n_contents; k++)
            names_add(&names, x->rule->state[x->contents[k].state].name, NULL);
    }
    add_conductances(&e->populations[a->slice.target], &names);
    const meso_status status = names_error_value(&l->document, named, named->valuestring,
                                                 "contents and conductances", &names, l->err);
    names_free(&names);
    return status;
}

static meso_status read_cp(loader *l, const cJSON *object, assay *a, slice_pathway *pathways)
{
    const experiment *e = l->experiment;
    const cJSON *named = get_member(object, "cp");
    const char *name = named ? named->valuestring : "cp";
    a->slice.cp_conductance = MODEL_NONE;
    if (find_contents(e, name, pathways, a->slice.n_pathways))
        return MESO_OK;
    if (named)
        a->slice.cp_conductance = find_conductance(&e->populations[a->slice.target], name);
    if (named && a->slice.cp_conductance == MODEL_NONE)
        return unknown_cp(l, named, a);
    if (!named && a->slice.cp_blocked)
        return LOADER_ERROR(
            l, object, "cp_blocked", MESO_CONFIG,
            "there is nothing to block: no content 'cp' feeds the target; name it with cp");
    return MESO_OK;
}

meso_status load_slice(loader *l, const cJSON *object, assay *a)
{
    if (!get_member(object, "release_probability"))
        a->slice.release_probability = NAN;
    if (!get_member(object, "nmda_at_ms"))
        a->slice.nmda_at_ms = NAN;
    slice_pathway *pathways;
    MESO_TRY(read_pathways(l, object, a, &pathways));
    if (!get_member(object, "cells"))
        return MESO_OK; /* nothing is clamped */
    MESO_TRY(read_receptors(l, object, a));
    return read_cp(l, object, a, pathways);
}

/* --- moments ----------------------------------------------------------------------------------- */

typedef struct moment_list {
    const experiment *e;
    const assay *a;
    double *at_s, *at_h;
    uint32_t n;
} moment_list;

/* The end of the assay's window lies before the leap of the next phase. */
static void moment_add(moment_list *m, double at_s)
{
    const experiment *e = m->e;
    const double before_s = at_s >= m->a->stop_s ? at_s * (1 - 1e-12) - 1e-9 : at_s;
    const double model_s = protocol_model_time_s(e->phases, e->n_phases, before_s);
    m->at_s[m->n] = at_s;
    m->at_h[m->n++] = (model_s + (at_s - before_s)) / 3600;
}

/* The simulated moment at which biological time has reached `model_s`, from `at_s` on. */
static double reach(const experiment *e, double at_s, double model_s)
{
    for (;;) {
        const double left_s = model_s - protocol_model_time_s(e->phases, e->n_phases, at_s);
        const uint32_t i = protocol_phase_at(e->phases, e->n_phases, at_s);
        const double end_s = e->phases[i].start_s + e->phases[i].duration_s;
        if (left_s <= 0)
            return at_s;
        if (at_s + left_s < end_s || i + 1 == e->n_phases)
            return at_s + left_s;
        at_s = e->phases[i + 1].start_s;
    }
}

static meso_status moments_every(loader *l, const cJSON *object, moment_list *m)
{
    const experiment *e = m->e;
    const assay *a = m->a;
    const double every_s = a->slice.every_h * 3600;
    const double from_s = protocol_model_time_s(e->phases, e->n_phases, a->start_s);
    for (double at_s = a->start_s; at_s <= a->stop_s * (1 + 1e-12);) {
        if (m->n == MOST_MOMENTS)
            return LOADER_ERROR(l, object, "every_h", MESO_RANGE,
                                "%.15g h gives more than %u moments", a->slice.every_h,
                                MOST_MOMENTS);
        moment_add(m, at_s);
        const double now_s = protocol_model_time_s(e->phases, e->n_phases, at_s) - from_s;
        const double next = floor(now_s / every_s * (1 + 1e-12)) + 1;
        at_s = reach(e, at_s, from_s + next * every_s);
    }
    return MESO_OK;
}

static meso_status moments_listed(loader *l, const cJSON *at_s, const char *what, moment_list *m)
{
    const assay *a = m->a;
    MESO_TRY(check_moments(l, at_s, a->stop_s - a->start_s, what));
    for (const cJSON *at = first_item(at_s); at; at = next_item(at_s, at))
        moment_add(m, a->start_s + at->valuedouble);
    return MESO_OK;
}

meso_status load_slice_moments(loader *l, const cJSON *object, assay *a)
{
    const cJSON *at_s = get_member(object, "at_s"), *every = get_member(object, "every_h");
    const uint32_t most = at_s ? count_items(at_s) : every ? MOST_MOMENTS : 1;
    moment_list m = {.e = l->experiment, .a = a};
    if (at_s && every)
        return LOADER_ERROR(l, every, NULL, MESO_CONFIG, "at_s is given too; expected one of them");
    m.at_s = loader_alloc(l, most, sizeof *m.at_s);
    m.at_h = loader_alloc(l, most, sizeof *m.at_h);
    if (!m.at_s || !m.at_h)
        return MESO_MEMORY;
    if (every)
        MESO_TRY(moments_every(l, object, &m));
    else if (at_s)
        MESO_TRY(moments_listed(l, at_s, get_member(object, "phase") ? "phase" : "experiment", &m));
    else
        moment_add(&m, a->stop_s);
    a->slice.moments_s = m.at_s;
    a->slice.moments_h = m.at_h;
    a->slice.n_moments = m.n;
    return MESO_OK;
}
