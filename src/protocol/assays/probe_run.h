/** Running a probe and keeping what it shows. */
#ifndef PROTOCOL_ASSAYS_PROBE_RUN_H
#define PROTOCOL_ASSAYS_PROBE_RUN_H

#include "config/probe.h"
#include "protocol/assays/method.h"

typedef struct probe_answer {
    double *mean; /* [n_frames] over the elements of the report; freed with free() */
    uint32_t n_frames;
    double interval_s;
    uint32_t first_pulse; /* frame at which the train starts */
} probe_answer;

meso_status probe_run(assay_run *r, const probe_plan *plan, meso_device *device,
                      const meso_run_options *options, probe_answer *answer, meso_error *err);

#endif
