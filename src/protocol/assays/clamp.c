/*
 * A voltage clamp of a whole cell, without space or series resistance: currents follow from the conductances that a spike
 * opens, in closed form.
 */
#include "protocol/assays/slice.h"

#include <math.h>

#define SCANNED 32      /* times between the earliest and the latest peak of a conductance */
#define GOLDEN_STEPS 30 /* each leaves 0.62 of the interval */
#define MG_HALF_MM 3.57 /* Jahr & Stevens 1990 */
#define MG_PER_MV 0.062

static const conductance *conductance_of(const assay_run *r, uint32_t i)
{
    return &r->e->populations[r->assay->slice.target].conductances[i];
}

/* --- what opens -------------------------------------------------------------------------------- */

static void ports_open(const assay_run *r, const projection_port *ports, uint32_t n, double amount,
                       double *g_nS)
{
    const uint32_t n_conductances = r->e->populations[r->assay->slice.target].n_conductances;
    for (uint32_t k = 0; k < n; k++)
        if (ports[k].port < n_conductances)
            g_nS[ports[k].port] += amount * ports[k].factor;
}

void clamp_open(const assay_run *r, const contact *c, double share, double *g_nS)
{
    const slice *s = &r->assay->slice;
    const slice_pathway *q = &s->pathways[c->pathway];
    const projection *p = &r->e->projections[q->projection];
    ports_open(r, p->ports, p->n_ports, share * c->weight, g_nS);
    for (uint32_t k = 0; p->learning != NULL && k < p->learning->n_contents; k++) {
        const synapse_content *content = &p->learning->contents[k];
        if (content->state == q->cp_state && s->cp_blocked)
            continue;
        ports_open(r, content->ports, content->n_ports, share * c->states[content->state], g_nS);
    }
}

/* --- currents ---------------------------------------------------------------------------------- */

/* When a conductance is at its peak, which is 1. */
static double peak_ms(const conductance *g)
{
    if (g->kind != CONDUCTANCE_BIEXPONENTIAL)
        return 0;
    return g->tau_rise_ms * g->tau_decay_ms / (g->tau_decay_ms - g->tau_rise_ms) *
           log(g->tau_decay_ms / g->tau_rise_ms);
}

static double shape_raw(const conductance *g, double t_ms)
{
    const double rise = g->kind == CONDUCTANCE_BIEXPONENTIAL ? exp(-t_ms / g->tau_rise_ms) : 0;
    return exp(-t_ms / g->tau_decay_ms) - rise;
}

/* What magnesium from outside and polyamines from inside leave of it. */
static double unblocked(const conductance *g, double v_mV)
{
    const rectification *x = g->rectifies;
    double share = 1;
    if (g->mg_mM > 0)
        share /= 1 + g->mg_mM / MG_HALF_MM * exp(-MG_PER_MV * v_mV);
    if (x != NULL)
        share *= x->left_open + (1 - x->left_open) / (1 + exp((v_mV - x->V_half_mV) / x->slope_mV));
    return share;
}

static bool is_measured(const assay_run *r, uint32_t i, const double *g_nS, unsigned receptors)
{
    const slice_receptor kind = r->assay->slice.receptors[i];
    const bool blocked = r->assay->slice.cp_blocked && i == r->assay->slice.cp_conductance;
    return g_nS[i] > 0 && !blocked &&
           ((kind == SLICE_AMPA && (receptors & CLAMP_AMPA)) ||
            (kind == SLICE_NMDA && (receptors & CLAMP_NMDA)));
}

double clamp_current_pA(const assay_run *r, const double *g_nS, unsigned receptors, double v_mV,
                        double t_ms)
{
    const slice *s = &r->assay->slice;
    const uint32_t n = r->e->populations[s->target].n_conductances;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_measured(r, i, g_nS, receptors))
            continue;
        const conductance *g = conductance_of(r, i);
        sum += g->gain * g_nS[i] * shape_raw(g, t_ms) / shape_raw(g, peak_ms(g)) *
               unblocked(g, v_mV) * (v_mV - g->E_mV);
    }
    return sum;
}

/* Between two times, of which one before and one after are smaller. */
static double golden_peak(const assay_run *r, const double *g_nS, unsigned receptors, double v_mV,
                          double from_ms, double to_ms)
{
    const double ratio = (sqrt(5) - 1) / 2;
    double left = to_ms - ratio * (to_ms - from_ms), right = from_ms + ratio * (to_ms - from_ms);
    for (int i = 0; i < GOLDEN_STEPS; i++) {
        const double at_left = fabs(clamp_current_pA(r, g_nS, receptors, v_mV, left));
        const double at_right = fabs(clamp_current_pA(r, g_nS, receptors, v_mV, right));
        if (at_left > at_right) {
            to_ms = right;
            right = left;
            left = to_ms - ratio * (to_ms - from_ms);
        } else {
            from_ms = left;
            left = right;
            right = from_ms + ratio * (to_ms - from_ms);
        }
    }
    return fabs(clamp_current_pA(r, g_nS, receptors, v_mV, (from_ms + to_ms) / 2));
}

/* A sum of conductances is largest between their peaks: before, all rise, and after, all fall. */
double clamp_peak_pA(const assay_run *r, const double *g_nS, unsigned receptors, double v_mV)
{
    const uint32_t n = r->e->populations[r->assay->slice.target].n_conductances;
    double first = INFINITY, last = 0, largest = 0, at = 0;
    for (uint32_t i = 0; i < n; i++)
        if (is_measured(r, i, g_nS, receptors)) {
            first = fmin(first, peak_ms(conductance_of(r, i)));
            last = fmax(last, peak_ms(conductance_of(r, i)));
        }
    if (first >= last)
        return isinf(first) ? 0 : fabs(clamp_current_pA(r, g_nS, receptors, v_mV, last));
    const double step = (last - first) / SCANNED;
    for (int k = 0; k <= SCANNED; k++) {
        const double size = fabs(clamp_current_pA(r, g_nS, receptors, v_mV, first + k * step));
        at = size > largest ? first + k * step : at;
        largest = fmax(largest, size);
    }
    return fmax(largest, golden_peak(r, g_nS, receptors, v_mV, fmax(first, at - step),
                                     fmin(last, at + step)));
}
