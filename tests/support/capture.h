/**
 * Run an experiment given as JSON text and keep what it produced.
 */
#ifndef SUPPORT_CAPTURE_H
#define SUPPORT_CAPTURE_H

#include <mesocl/experiment.h>
#include <mesocl/simulation.h>
#include <mesocl/sink.h>

typedef struct capture {
    meso_spike *spikes;
    uint64_t n_spikes;
    float **frames; /* [n_reports] */
    uint32_t *n_frames, *n_elements;
    uint32_t n_reports, n_series, n_rows;
    char (*series)[96];
    double *row_time_s, *rows; /* [n_rows x n_series] */
    uint64_t spike_hash, synapses, synaptic_events, peak_device_bytes;
    meso_status ended;
} capture;

/** The test device (MESOCL_TEST_DEVICE), opened once. Fails the test when there is none. */
meso_device *capture_device(void);
/** Load JSON text (written to a temporary file). Fails the test with the message when it is refused. */
meso_experiment *capture_load(const char *json);
/** Run JSON text and capture; fails the test on error. Free with capture_free. */
capture capture_run(const char *json, const meso_run_options *options);
/** The same for an experiment file, with overrides separated by blanks ("seed=2 protocol[0].ms=50"). */
capture capture_run_file(const char *path, const char *overrides, const meso_run_options *options);
/** The same for an experiment that is loaded. */
capture capture_experiment(const meso_experiment *e, const meso_run_options *options);
void capture_free(capture *c);
/** Value of a time line column by name at a row. */
double capture_value(const capture *c, const char *series, uint32_t row);

#endif
