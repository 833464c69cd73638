#include "protocol/assays/probe_run.h"

#include <math.h>
#include <stdlib.h>

typedef struct listener {
    probe_answer *answer;
    uint32_t n_elements, capacity;
} listener;

static meso_status on_begin(void *self, const meso_run_info *info, meso_error *err)
{
    listener *l = self;
    const meso_report_info *report = &info->reports[0];
    l->n_elements = report->n_elements;
    l->answer->interval_s = report->interval_ms * 1e-3;
    l->capacity = (uint32_t)ceil((report->stop_ms - report->start_ms) / report->interval_ms +
                                 1e-6) +
                  1;
    l->answer->mean = calloc(l->capacity, sizeof *l->answer->mean);
    return l->answer->mean != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

static meso_status on_frames(void *self, uint32_t report, const float *data, uint32_t n_frames,
                             meso_error *err)
{
    listener *l = self;
    (void)report;
    (void)err;
    for (uint32_t f = 0; f < n_frames && l->answer->n_frames < l->capacity; f++) {
        double sum = 0;
        for (uint32_t i = 0; i < l->n_elements; i++)
            sum += data[(size_t)f * l->n_elements + i];
        l->answer->mean[l->answer->n_frames++] = sum / l->n_elements;
    }
    return MESO_OK;
}

meso_status probe_run(assay_run *r, const probe_plan *plan, meso_device *device,
                      const meso_run_options *options, probe_answer *answer, meso_error *err)
{
    meso_experiment *probe;
    double start_s;
    *answer = (probe_answer){0};
    MESO_TRY(probe_load(r->e, plan, &probe, &start_s, err));
    meso_run_options all_at_once = options != NULL ? *options : (meso_run_options){0};
    all_at_once.stop_after_s = all_at_once.checkpoint_wall_s = 0;
    all_at_once.resume = NULL;
    listener l = {.answer = answer};
    meso_sink sink = {.self = &l, .begin = on_begin, .frames = on_frames};
    meso_sink *const sinks[] = {&sink};
    meso_status status = meso_experiment_run(probe, device, &all_at_once, sinks, 1, err);
    if (status == MESO_OK) {
        const double from_s = probe->record.reports[0].start_ms * 1e-3;
        answer->first_pulse = (uint32_t)lround((start_s - from_s) / answer->interval_s);
    } else {
        free(answer->mean);
        answer->mean = NULL;
    }
    meso_experiment_destroy(&probe);
    return status;
}
