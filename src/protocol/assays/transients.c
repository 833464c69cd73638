/*
 * Transients: rapid rises of a concentration as a voltammetric electrode sees them, a low-pass read every 100 ms. One
 * lasts as long as the reading is `threshold_nM` above the mean of the 10 s before it; its size is its highest
 * point above that mean.
 */
#include "protocol/assays/method.h"

#include <math.h>

#define BACKGROUND_S 10.0

typedef struct transients {
    uint32_t column, n_past;
    double *past; /* [n_past] latest readings, a ring */
    struct {
        double seen_nM; /* by the electrode */
        bool begun;
        double next_s; /* simulated time of the next reading */
        uint32_t at;   /* next place in the ring */
        uint64_t n_readings;
        double size_nM; /* of the transient that goes on; 0: none */
        double from_nM; /* mean of the time before it */
        double sum_nM, largest_nM;
        uint32_t n;
    } now;
} transients;

static meso_status begin(assay_run *r, meso_error *err)
{
    transients *t;
    MESO_TRY(assay_alloc(r, 1, sizeof *t, &t, err));
    r->state = t;
    MESO_TRY(assay_compartment_column(r, "concentration_nM", &t->column, err));
    if (r->row_s * 1e3 > r->assay->sample_ms * (1 + 1e-9))
        return error_set(
            err, MESO_CONFIG,
            "sample_ms, %.15g ms, is shorter than record.timeline_interval_ms, %.15g ms",
            r->assay->sample_ms, r->row_s * 1e3);
    t->n_past = (uint32_t)ceil(BACKGROUND_S * 1e3 / r->assay->sample_ms);
    MESO_TRY(assay_alloc(r, t->n_past, sizeof *t->past, &t->past, err));
    MESO_TRY(assay_remember(r, t->past, t->n_past * sizeof *t->past, err));
    return ASSAY_REMEMBER(r, t->now, err);
}

static double background_nM(const transients *t)
{
    double sum = 0;
    for (uint32_t i = 0; i < t->n_past; i++)
        sum += t->past[i];
    return sum / t->n_past;
}

static void transient_end(transients *t)
{
    if (t->now.size_nM > 0) {
        t->now.n++;
        t->now.sum_nM += t->now.size_nM;
        t->now.largest_nM = fmax(t->now.largest_nM, t->now.size_nM);
    }
    t->now.size_nM = 0;
}

static void reading_take(assay_run *r, transients *t, double at_s)
{
    if (t->now.n_readings >= t->n_past && assay_sees(r, at_s)) {
        if (t->now.size_nM == 0)
            t->now.from_nM = background_nM(t);
        const double above_nM = t->now.seen_nM - t->now.from_nM;
        if (above_nM >= r->assay->threshold_nM)
            t->now.size_nM = fmax(t->now.size_nM, above_nM);
        else
            transient_end(t);
    }
    t->past[t->now.at] = t->now.seen_nM;
    t->now.at = (t->now.at + 1) % t->n_past;
    t->now.n_readings++;
}

static void row(assay_run *r, double middle_s, const double *values)
{
    transients *t = r->state;
    const double tau_s = r->assay->electrode_tau_s, level = values[t->column];
    const double share = tau_s > 0 && t->now.begun ? -expm1(-r->row_s / tau_s) : 1;
    t->now.seen_nM += share * (level - t->now.seen_nM);
    t->now.begun = true;
    const double end_s = middle_s + r->row_s / 2;
    if (end_s + 1e-9 < t->now.next_s)
        return;
    reading_take(r, t, middle_s);
    t->now.next_s += r->assay->sample_ms * 1e-3;
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    transients *t = r->state;
    transient_end(t);
    const double from_s = fmax(r->assay->start_s, BACKGROUND_S);
    const double minutes = (fmin(r->assay->stop_s, ended_s) - from_s) / 60;
    const double time_h = assay_end_h(r, ended_s);
    MESO_TRY(
        assay_add(r, "size_nM", "nM", time_h, t->now.n > 0 ? t->now.sum_nM / t->now.n : NAN, err));
    MESO_TRY(assay_add(r, "largest_nM", "nM", time_h, t->now.n > 0 ? t->now.largest_nM : NAN, err));
    return assay_add(r, "per_min", "1/min", time_h, minutes > 0 ? t->now.n / minutes : NAN, err);
}

const assay_method transients_method = {.begin = begin, .row = row, .end = end};
