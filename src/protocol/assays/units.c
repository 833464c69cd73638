/*
 * Recording of single cells: rates, regularity, and bursts by the rule of Grace & Bunney (1984): a burst starts with an
 * interval below 80 ms and ends before one above 160 ms. Between windows, and across a leap, there is no interval.
 */
#include "protocol/assays/method.h"

#include <math.h>

#define FEWEST_INTERVALS 5 /* for a coefficient of variation */

typedef struct unit {
    uint64_t n_spikes, n_intervals;
    bool follows;                    /* the last spike was in the window that goes on */
    double last_ms, mean_ms, spread; /* running mean and sum of squares of intervals */
    uint32_t burst_size;             /* spikes of the burst that goes on; 0: none */
    double burst_start_ms;
} unit;

typedef struct units {
    unit *cells;
    uint32_t phase; /* of the last spike */
    uint64_t n_bursts, n_burst_spikes;
    double burst_intervals, burst_ms; /* of all bursts */
} units;

static meso_status begin(assay_run *r, meso_error *err)
{
    units *u;
    MESO_TRY(assay_alloc(r, 1, sizeof *u, &u, err));
    r->state = u;
    const size_t n = r->e->populations[r->assay->population].n_neurons;
    MESO_TRY(assay_alloc(r, n, sizeof *u->cells, &u->cells, err));
    MESO_TRY(assay_remember(r, u->cells, n * sizeof *u->cells, err));
    MESO_TRY(ASSAY_REMEMBER(r, u->phase, err));
    MESO_TRY(ASSAY_REMEMBER(r, u->n_bursts, err));
    MESO_TRY(ASSAY_REMEMBER(r, u->n_burst_spikes, err));
    MESO_TRY(ASSAY_REMEMBER(r, u->burst_intervals, err));
    return ASSAY_REMEMBER(r, u->burst_ms, err);
}

static void burst_end(units *u, unit *c)
{
    if (c->burst_size > 0) {
        u->n_bursts++;
        u->n_burst_spikes += c->burst_size;
        u->burst_intervals += c->burst_size - 1;
        u->burst_ms += c->last_ms - c->burst_start_ms;
    }
    c->burst_size = 0;
}

static void interval_add(const assay *a, units *u, unit *c, double now_ms)
{
    const double interval_ms = now_ms - c->last_ms;
    const double off = interval_ms - c->mean_ms;
    c->n_intervals++;
    c->mean_ms += off / (double)c->n_intervals;
    c->spread += off * (interval_ms - c->mean_ms);
    if (c->burst_size > 0 && interval_ms <= a->burst_end_ms) {
        c->burst_size++;
        return;
    }
    burst_end(u, c);
    if (interval_ms < a->burst_start_ms) {
        c->burst_size = 2;
        c->burst_start_ms = c->last_ms;
    }
}

/* A new phase after a leap: what went on is over. */
static void leap_pass(const experiment *e, units *u, uint32_t n, double at_s)
{
    bool leapt = false;
    while (u->phase + 1 < e->n_phases && at_s >= e->phases[u->phase + 1].start_s)
        leapt = e->phases[++u->phase].leap_s > 0 || leapt;
    for (uint32_t i = 0; leapt && i < n; i++) {
        burst_end(u, &u->cells[i]);
        u->cells[i].follows = false;
    }
}

static void spikes(assay_run *r, const meso_spike *list, uint64_t n)
{
    units *u = r->state;
    for (uint64_t i = 0; i < n; i++) {
        const double now_ms = (double)(list[i].step + 1) * r->e->dt_ms;
        const double within_s = ((double)list[i].step + 0.5) * r->e->dt_ms * 1e-3;
        if (list[i].population != r->assay->population || !assay_sees(r, within_s))
            continue;
        leap_pass(r->e, u, r->e->populations[list[i].population].n_neurons, within_s);
        unit *c = &u->cells[list[i].neuron];
        if (c->follows)
            interval_add(r->assay, u, c, now_ms);
        c->n_spikes++;
        c->follows = true;
        c->last_ms = now_ms;
    }
}

/* Seconds in which spikes counted. */
static double seen_s(const assay_run *r, double ended_s)
{
    const experiment *e = r->e;
    double seconds = 0;
    for (uint32_t i = 0; i < e->n_phases; i++) {
        const phase *p = &e->phases[i];
        const double settle_s = p->leap_s > 0 ? r->assay->settle_s : 0;
        const double from = fmax(r->assay->start_s, p->start_s + settle_s);
        const double to = fmin(fmin(r->assay->stop_s, ended_s), p->start_s + p->duration_s);
        seconds += fmax(0, to - from);
    }
    return seconds;
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    units *u = r->state;
    const uint32_t n = r->e->populations[r->assay->population].n_neurons;
    const double seconds = seen_s(r, ended_s);
    const double time_h = assay_end_h(r, ended_s);
    double n_spikes = 0, cv = 0;
    uint32_t n_active = 0, n_regular = 0;
    for (uint32_t i = 0; i < n; i++) {
        unit *c = &u->cells[i];
        burst_end(u, c);
        n_spikes += (double)c->n_spikes;
        n_active += c->n_spikes > 0;
        if (c->n_intervals >= FEWEST_INTERVALS) {
            cv += sqrt(c->spread / (double)c->n_intervals) / c->mean_ms;
            n_regular++;
        }
    }
    const double bursts = (double)u->n_bursts, in_bursts = (double)u->n_burst_spikes;
    const struct {
        const char *quantity, *unit;
        double value;
    } results[] = {
        {"rate_hz", "Hz", seconds > 0 ? n_spikes / n / seconds : NAN},
        {"cv", "1", n_regular > 0 ? cv / n_regular : NAN},
        {"active_percent", "%", 100.0 * n_active / n},
        {"burst_percent", "%", n_spikes > 0 ? 100 * in_bursts / n_spikes : NAN},
        {"spikes_per_burst", "1", bursts > 0 ? in_bursts / bursts : NAN},
        {"bursts_per_10s", "1", seconds > 0 ? bursts / n / seconds * 10 : NAN},
        {"intraburst_hz", "Hz", u->burst_ms > 0 ? 1e3 * u->burst_intervals / u->burst_ms : NAN},
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        MESO_TRY(assay_add(r, results[i].quantity, results[i].unit, time_h, results[i].value, err));
    return MESO_OK;
}

const assay_method units_method = {.begin = begin, .spikes = spikes, .end = end};
