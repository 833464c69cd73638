/*
 * Up and down states in a report of potentials: mean potential of each state over all cells, and the share of cells whose
 * histogram has two peaks, apart by a valley of at most 80 % of the lower one.
 */
#include "protocol/assays/method.h"

#include <math.h>

#define N_BINS 40
#define BIN_MV 2.0
#define DEEPEST_VALLEY 0.8

typedef struct states {
    double lowest_mV; /* left edge of the first bin */
    uint64_t *counts; /* [n_elements x N_BINS] */
    uint64_t n_frames;
    double down_sum, up_sum;
    uint64_t n_down, n_up;
} states;

static meso_status begin(assay_run *r, meso_error *err)
{
    states *s;
    MESO_TRY(assay_alloc(r, 1, sizeof *s, &s, err));
    r->state = s;
    const double below = ceil((r->assay->split_mV - r->assay->ceiling_mV) / BIN_MV) + N_BINS;
    s->lowest_mV = r->assay->split_mV - BIN_MV * fmax(below, 1);
    const size_t n = (size_t)r->e->record.reports[r->assay->report].n_neurons * N_BINS;
    MESO_TRY(assay_alloc(r, n, sizeof *s->counts, &s->counts, err));
    MESO_TRY(assay_remember(r, s->counts, n * sizeof *s->counts, err));
    MESO_TRY(ASSAY_REMEMBER(r, s->n_frames, err));
    MESO_TRY(ASSAY_REMEMBER(r, s->down_sum, err));
    MESO_TRY(ASSAY_REMEMBER(r, s->up_sum, err));
    MESO_TRY(ASSAY_REMEMBER(r, s->n_down, err));
    return ASSAY_REMEMBER(r, s->n_up, err);
}

static void potential_add(const assay_run *r, states *s, uint32_t cell, double v_mV)
{
    if (v_mV >= r->assay->ceiling_mV)
        return;
    if (v_mV < r->assay->split_mV) {
        s->down_sum += v_mV;
        s->n_down++;
    } else {
        s->up_sum += v_mV;
        s->n_up++;
    }
    const double bin = floor((v_mV - s->lowest_mV) / BIN_MV);
    if (bin >= 0 && bin < N_BINS)
        s->counts[(size_t)cell * N_BINS + (uint32_t)bin]++;
}

static void frames(assay_run *r, uint32_t report, const float *data, uint32_t n_frames)
{
    states *s = r->state;
    if (report != r->assay->report)
        return;
    const meso_report_info *info = &r->info->reports[report];
    for (uint32_t f = 0; f < n_frames; f++, s->n_frames++) {
        const double at_ms = info->start_ms + (double)s->n_frames * info->interval_ms;
        if (!assay_sees(r, at_ms * 1e-3))
            continue;
        for (uint32_t i = 0; i < info->n_elements; i++)
            potential_add(r, s, i, data[(size_t)f * info->n_elements + i]);
    }
}

static bool has_two_peaks(const uint64_t *counts, uint32_t split_bin)
{
    uint32_t down = 0, up = split_bin;
    for (uint32_t i = 0; i < split_bin; i++)
        down = counts[i] > counts[down] ? i : down;
    for (uint32_t i = split_bin; i < N_BINS; i++)
        up = counts[i] > counts[up] ? i : up;
    const uint64_t lower = counts[down] < counts[up] ? counts[down] : counts[up];
    uint64_t valley = lower;
    for (uint32_t i = down; i <= up; i++)
        valley = counts[i] < valley ? counts[i] : valley;
    return lower > 0 && (double)valley <= DEEPEST_VALLEY * (double)lower;
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    const states *s = r->state;
    const uint32_t n = r->e->record.reports[r->assay->report].n_neurons;
    const uint32_t split_bin = (uint32_t)lround((r->assay->split_mV - s->lowest_mV) / BIN_MV);
    const double time_h = assay_end_h(r, ended_s);
    const double all = (double)(s->n_down + s->n_up);
    uint32_t n_bistable = 0;
    for (uint32_t i = 0; i < n; i++)
        n_bistable += has_two_peaks(&s->counts[(size_t)i * N_BINS], split_bin);
    MESO_TRY(assay_add(r, "down_mV", "mV", time_h,
                       s->n_down > 0 ? s->down_sum / (double)s->n_down : NAN, err));
    MESO_TRY(
        assay_add(r, "up_mV", "mV", time_h, s->n_up > 0 ? s->up_sum / (double)s->n_up : NAN, err));
    MESO_TRY(
        assay_add(r, "up_percent", "%", time_h, all > 0 ? 100 * (double)s->n_up / all : NAN, err));
    return assay_add(r, "two_peaks_percent", "%", time_h, 100.0 * n_bistable / n, err);
}

const assay_method membrane_states_method = {.begin = begin, .frames = frames, .end = end};
