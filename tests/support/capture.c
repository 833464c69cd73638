#include "capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

meso_device *capture_device(void)
{
    static meso_device *device;
    if (device == NULL) {
        meso_error err = {0};
        const meso_device_options options = {.selector = getenv("MESOCL_TEST_DEVICE")};
        if (meso_device_open(&options, &device, &err) != MESO_OK)
            fail_msg("%s", err.message);
    }
    return device;
}

meso_experiment *capture_load(const char *json)
{
    char path[] = "/tmp/mesocl_test_XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, json, strlen(json)), (ssize_t)strlen(json));
    close(file);
    meso_experiment *e = NULL;
    meso_error err = {0};
    const meso_status status = meso_experiment_load(path, NULL, 0, &e, &err);
    unlink(path);
    if (status != MESO_OK)
        fail_msg("%s", err.message);
    return e;
}

static meso_status on_begin(void *self, const meso_run_info *info, meso_error *err)
{
    capture *c = self;
    (void)err;
    c->n_reports = info->n_reports;
    c->n_series = info->n_series;
    c->frames = calloc(info->n_reports + 1, sizeof *c->frames);
    c->n_frames = calloc(info->n_reports + 1, sizeof *c->n_frames);
    c->n_elements = calloc(info->n_reports + 1, sizeof *c->n_elements);
    c->series = calloc(info->n_series + 1, sizeof *c->series);
    for (uint32_t i = 0; i < info->n_reports; i++)
        c->n_elements[i] = info->reports[i].n_elements;
    for (uint32_t i = 0; i < info->n_series; i++)
        snprintf(c->series[i], sizeof c->series[i], "%s", info->series[i].name);
    c->synapses = info->n_synapses;
    return MESO_OK;
}

static meso_status on_spikes(void *self, const meso_spike *spikes, uint64_t n, meso_error *err)
{
    capture *c = self;
    (void)err;
    c->spikes = realloc(c->spikes, (c->n_spikes + n) * sizeof *spikes);
    memcpy(c->spikes + c->n_spikes, spikes, n * sizeof *spikes);
    c->n_spikes += n;
    return MESO_OK;
}

static meso_status on_frames(void *self, uint32_t report, const float *data, uint32_t n,
                             meso_error *err)
{
    capture *c = self;
    (void)err;
    const size_t width = c->n_elements[report], old = c->n_frames[report];
    c->frames[report] = realloc(c->frames[report], (old + n) * width * sizeof(float));
    memcpy(c->frames[report] + old * width, data, n * width * sizeof(float));
    c->n_frames[report] += n;
    return MESO_OK;
}

static meso_status on_timeline(void *self, const double *time_s, const double *values, uint32_t n,
                               meso_error *err)
{
    capture *c = self;
    (void)err;
    c->rows = realloc(c->rows, (size_t)(c->n_rows + n) * c->n_series * sizeof(double));
    c->row_time_s = realloc(c->row_time_s, (c->n_rows + n) * sizeof(double));
    memcpy(c->rows + (size_t)c->n_rows * c->n_series, values,
           (size_t)n * c->n_series * sizeof(double));
    memcpy(c->row_time_s + c->n_rows, time_s, n * sizeof(double));
    c->n_rows += n;
    return MESO_OK;
}

static meso_status on_end(void *self, const meso_summary *summary, meso_error *err)
{
    capture *c = self;
    (void)err;
    c->spike_hash = summary->spike_hash;
    c->synaptic_events = summary->synaptic_events;
    c->peak_device_bytes = summary->peak_device_bytes;
    c->ended = summary->status;
    return MESO_OK;
}

capture capture_experiment(const meso_experiment *e, const meso_run_options *options)
{
    capture c = {0};
    meso_sink sink = {.self = &c,
                      .begin = on_begin,
                      .spikes = on_spikes,
                      .frames = on_frames,
                      .timeline = on_timeline,
                      .end = on_end};
    meso_sink *const sinks[] = {&sink};
    meso_error err = {0};
    if (meso_experiment_run(e, capture_device(), options, sinks, 1, &err) != MESO_OK)
        fail_msg("%s", err.message);
    return c;
}

static capture run(meso_experiment *e, const meso_run_options *options)
{
    const capture c = capture_experiment(e, options);
    meso_experiment_destroy(&e);
    return c;
}

capture capture_run(const char *json, const meso_run_options *options)
{
    return run(capture_load(json), options);
}

capture capture_run_file(const char *path, const char *overrides, const meso_run_options *options)
{
    char text[512];
    const char *list[16];
    uint32_t n = 0;
    snprintf(text, sizeof text, "%s", overrides);
    for (char *word = strtok(text, " "); word != NULL && n < 16; word = strtok(NULL, " "))
        list[n++] = word;
    meso_experiment *e = NULL;
    meso_error err = {0};
    if (meso_experiment_load(path, list, n, &e, &err) != MESO_OK)
        fail_msg("%s", err.message);
    return run(e, options);
}

void capture_free(capture *c)
{
    for (uint32_t i = 0; i < c->n_reports; i++)
        free(c->frames[i]);
    free(c->frames);
    free(c->n_frames);
    free(c->n_elements);
    free(c->series);
    free(c->spikes);
    free(c->rows);
    free(c->row_time_s);
    *c = (capture){0};
}

double capture_value(const capture *c, const char *series, uint32_t row)
{
    for (uint32_t i = 0; i < c->n_series; i++)
        if (strcmp(c->series[i], series) == 0)
            return c->rows[(size_t)row * c->n_series + i];
    fail_msg("no series %s", series);
    return 0;
}
