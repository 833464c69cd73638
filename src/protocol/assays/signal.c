/*
 * Any series of the time line: its mean, its extremes, when it peaks and how fast it falls to the middle between its
 * peak and its baseline (without a baseline: to half the peak).
 */
#include "protocol/assays/method.h"

#include <math.h>

typedef struct trace {
    uint32_t column;
    double *time_s, *value; /* of the window, after the baseline */
    uint32_t n, capacity;
    double before_sum;
    uint64_t n_before;
} trace;

static meso_status begin(assay_run *r, meso_error *err)
{
    trace *t;
    MESO_TRY(assay_alloc(r, 1, sizeof *t, &t, err));
    r->state = t;
    MESO_TRY(assay_column(r, r->assay->series, &t->column, err));
    t->capacity = (uint32_t)ceil((r->assay->stop_s - r->assay->start_s) / r->row_s) + 1;
    MESO_TRY(assay_alloc(r, t->capacity, sizeof *t->time_s, &t->time_s, err));
    MESO_TRY(assay_alloc(r, t->capacity, sizeof *t->value, &t->value, err));
    MESO_TRY(assay_remember(r, t->time_s, t->capacity * sizeof *t->time_s, err));
    MESO_TRY(assay_remember(r, t->value, t->capacity * sizeof *t->value, err));
    MESO_TRY(ASSAY_REMEMBER(r, t->n, err));
    MESO_TRY(ASSAY_REMEMBER(r, t->before_sum, err));
    return ASSAY_REMEMBER(r, t->n_before, err);
}

static void row(assay_run *r, double middle_s, const double *values)
{
    trace *t = r->state;
    const bool has_baseline = isfinite(r->assay->baseline_stop_s);
    if (!assay_sees(r, middle_s))
        return;
    if (has_baseline && assay_is_baseline(r, middle_s)) {
        t->before_sum += values[t->column];
        t->n_before++;
    } else if (t->n < t->capacity) {
        t->time_s[t->n] = middle_s;
        t->value[t->n++] = values[t->column];
    }
}

/* From the peak to where the signal has fallen below `level`, between the two rows around. */
static double decay_s(const trace *t, uint32_t peak, double level)
{
    for (uint32_t i = peak + 1; i < t->n; i++)
        if (t->value[i] <= level) {
            const double share = (t->value[i - 1] - level) / (t->value[i - 1] - t->value[i]);
            return t->time_s[i - 1] + share * (t->time_s[i] - t->time_s[i - 1]) - t->time_s[peak];
        }
    return NAN;
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    const trace *t = r->state;
    const double base = t->n_before > 0 ? t->before_sum / (double)t->n_before : 0;
    const double time_h = assay_end_h(r, ended_s);
    double sum = 0, squares = 0;
    uint32_t peak = 0, least = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        sum += t->value[i];
        peak = t->value[i] > t->value[peak] ? i : peak;
        least = t->value[i] < t->value[least] ? i : least;
    }
    const double mean = t->n > 0 ? sum / t->n : NAN;
    for (uint32_t i = 0; i < t->n; i++)
        squares += (t->value[i] - mean) * (t->value[i] - mean);
    const char *unit = r->info->series[t->column].unit;
    if (t->n_before > 0)
        MESO_TRY(assay_add(r, "baseline", unit, time_h, base, err));
    MESO_TRY(assay_add(r, "mean", unit, time_h, mean, err));
    MESO_TRY(assay_add(r, "sd", unit, time_h, t->n > 0 ? sqrt(squares / t->n) : NAN, err));
    MESO_TRY(assay_add(r, "least", unit, t->n > 0 ? assay_time_h(r, t->time_s[least]) : NAN,
                       t->n > 0 ? t->value[least] : NAN, err));
    if (t->n == 0)
        return assay_add(r, "peak", unit, NAN, NAN, err);
    const double peak_h = assay_time_h(r, t->time_s[peak]);
    const double from_h = assay_time_h(
        r, fmax(r->assay->start_s, t->n_before > 0 ? r->assay->baseline_stop_s : 0));
    MESO_TRY(assay_add(r, "peak", unit, peak_h, t->value[peak], err));
    MESO_TRY(assay_add(r, "peak_after_s", "s", peak_h, 3600 * (peak_h - from_h), err));
    return assay_add(r, "half_decay_s", "s", peak_h, decay_s(t, peak, (t->value[peak] + base) / 2),
                     err);
}

const assay_method signal_method = {.begin = begin, .row = row, .end = end};
