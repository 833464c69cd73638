/*
 * Microdialysis: the concentration in a region, seen through the slow recovery of a probe (a low-pass), in samples of
 * minutes, in % of the mean of the last drug-free samples. Samples begin at the first dose and lie before and after
 * it. What was there during a leap nobody knows, so the probe begins anew when the network has settled after it: a
 * course that is sampled in short phases has no lag.
 */
#include "protocol/assays/method.h"

#include <math.h>

typedef struct microdialysis {
    uint32_t column;
    double bin_s, origin_s; /* biological time of a sample; at which one begins */
    uint32_t n_before, n_bins;
    double *sum; /* [n_bins] */
    uint64_t *n;
    double weighted, weight; /* of the low-pass: seen so far, and its share of the past */
    double last_s;           /* biological time of the latest row's end */
} microdialysis;

static meso_status begin(assay_run *r, meso_error *err)
{
    microdialysis *m;
    MESO_TRY(assay_alloc(r, 1, sizeof *m, &m, err));
    r->state = m;
    MESO_TRY(assay_compartment_column(r, "concentration_nM", &m->column, err));
    m->bin_s = r->assay->bin_min * 60;
    const double stop_s = r->assay->baseline_stop_s;
    m->origin_s = isfinite(stop_s) ? assay_time_h(r, stop_s) * 3600 : 0;
    m->n_before = (uint32_t)ceil(m->origin_s / m->bin_s - 1e-9);
    const double end_s = assay_time_h(r, r->e->duration_s) * 3600;
    m->n_bins = m->n_before + (uint32_t)ceil(fmax(0, end_s - m->origin_s) / m->bin_s - 1e-9) + 1;
    MESO_TRY(assay_alloc(r, m->n_bins, sizeof *m->sum, &m->sum, err));
    MESO_TRY(assay_alloc(r, m->n_bins, sizeof *m->n, &m->n, err));
    MESO_TRY(assay_remember(r, m->sum, m->n_bins * sizeof *m->sum, err));
    MESO_TRY(assay_remember(r, m->n, m->n_bins * sizeof *m->n, err));
    MESO_TRY(ASSAY_REMEMBER(r, m->weighted, err));
    MESO_TRY(ASSAY_REMEMBER(r, m->weight, err));
    return ASSAY_REMEMBER(r, m->last_s, err);
}

/* The probe has seen `level` for so long. */
static void recover(microdialysis *m, double level, double seconds, double lag_s)
{
    const double share = lag_s > 0 ? -expm1(-seconds / lag_s) : 1;
    m->weighted += share * (level - m->weighted);
    m->weight += share * (1 - m->weight);
}

static void row(assay_run *r, double middle_s, const double *values)
{
    microdialysis *m = r->state;
    const double lag_s = r->assay->lag_min * 60, level = values[m->column];
    const double now_s = assay_time_h(r, middle_s) * 3600;
    if (!assay_is_settled(r, middle_s))
        return;
    if (now_s - r->row_s > m->last_s)
        m->weighted = m->weight = 0;
    m->last_s = now_s + r->row_s / 2;
    recover(m, level, r->row_s, lag_s);
    if (!assay_is_baseline(r, middle_s) && !assay_sees(r, middle_s))
        return;
    const double bin = floor((now_s - m->origin_s) / m->bin_s) + m->n_before;
    if (bin >= 0 && bin < m->n_bins) {
        m->sum[(uint32_t)bin] += m->weighted / m->weight;
        m->n[(uint32_t)bin]++;
    }
}

/* The mean of the last samples before the drug; of all the last ones when there is none. */
static double baseline_nM(const assay_run *r, const microdialysis *m)
{
    uint32_t bin = isfinite(r->assay->baseline_stop_s) ? m->n_before : m->n_bins, found = 0;
    double sum = 0;
    while (bin-- > 0 && found < r->assay->baseline_bins)
        if (m->n[bin] > 0) {
            sum += m->sum[bin] / (double)m->n[bin];
            found++;
        }
    return found > 0 ? sum / found : NAN;
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    const microdialysis *m = r->state;
    const double base_nM = baseline_nM(r, m);
    double *time_s, *percent, sum = 0, peak = NAN, peak_h = NAN, last = NAN;
    uint32_t n = 0, n_after = 0;
    MESO_TRY(assay_alloc(r, m->n_bins, sizeof *time_s, &time_s, err));
    MESO_TRY(assay_alloc(r, m->n_bins, sizeof *percent, &percent, err));
    for (uint32_t bin = 0; bin < m->n_bins; bin++) {
        if (m->n[bin] == 0)
            continue;
        time_s[n] = m->origin_s + ((double)bin - m->n_before + 0.5) * m->bin_s;
        percent[n] = 100 * m->sum[bin] / (double)m->n[bin] / base_nM;
        if (bin >= m->n_before || !isfinite(r->assay->baseline_stop_s)) {
            last = percent[n];
            sum += last;
            n_after++;
            if (isnan(peak) || last > peak) {
                peak = last;
                peak_h = time_s[n] / 3600;
            }
        }
        n++;
    }
    const double end_h = assay_end_h(r, ended_s);
    MESO_TRY(assay_add(r, "baseline_nM", "nM", m->origin_s / 3600, base_nM, err));
    MESO_TRY(assay_add(r, "peak_percent", "%", peak_h, peak, err));
    MESO_TRY(assay_add(r, "mean_percent", "%", end_h, n_after > 0 ? sum / n_after : NAN, err));
    MESO_TRY(assay_add(r, "last_percent", "%", end_h, last, err));
    return assay_add_series(r, "percent", "%", time_s, percent, n, err);
}

const assay_method microdialysis_method = {.begin = begin, .row = row, .end = end};
