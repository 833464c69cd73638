#include "base/arena.h"
#include "base/text.h"
#include "model/experiment.h"
#include "output/checkpoint.h"
#include "output/directory.h"
#include "output/edges.h"
#include "sonata/h5.h"
#include "output/reports.h"
#include "output/spikes.h"
#include "output/summary.h"
#include "output/synapse_sets.h"
#include "output/timeline.h"
#include <mesocl/output.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLUSH_EVERY_S 2.0 /* what a killed run may lose */

typedef struct output {
    meso_sink sink;
    char *directory;
    bool force;
    bool begun; /* only then is the directory this run's */
    arena *memory;
    summary_head head;
    spikes_file spikes;
    report_files reports;
    timeline_file timeline;
    synapse_set_files synapses;
    checkpoint *resumed; /* what the run goes on from, until it begins */
    checkpoint_head checkpoint_head;
    double last_flush_s;
} output;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static meso_status flush(output *o, meso_error *err)
{
    MESO_TRY(spikes_flush(&o->spikes, err));
    MESO_TRY(reports_flush(&o->reports, err));
    MESO_TRY(timeline_flush(&o->timeline, err));
    MESO_TRY(synapse_sets_flush(&o->synapses, err));
    o->last_flush_s = now_s();
    return MESO_OK;
}

static meso_status flush_when_due(output *o, meso_error *err)
{
    return now_s() - o->last_flush_s >= FLUSH_EVERY_S ? flush(o, err) : MESO_OK;
}

static meso_status close_files(output *o, meso_error *err)
{
    MESO_TRY(spikes_close(&o->spikes, err));
    MESO_TRY(reports_close(&o->reports, err));
    MESO_TRY(synapse_sets_close(&o->synapses, err));
    return timeline_close(&o->timeline, err);
}

/* --- what happens in each callback ------------------------------------------------------------ */

/* A directory of a run's own, or the one that it had, as it was at the checkpoint. */
static meso_status begin_directory(output *o, const meso_run_info *info, meso_error *err)
{
    if (info->start_s > 0 && o->resumed == NULL)
        return error_set(err, MESO_ARGUMENT,
                         "the run goes on, and its output begins: see meso_output_resume");
    if (info->start_s > 0) {
        MESO_TRY(directory_remove(o->directory, "summary.json", err));
        return checkpoint_restore_files(o->resumed, err);
    }
    MESO_TRY(directory_prepare(o->directory, o->force, err));
    return directory_write_file(o->directory, "experiment.json",
                                meso_experiment_json(info->experiment), err);
}

static meso_status begin_files(output *o, const meso_run_info *info, meso_error *err)
{
    MESO_TRY(summary_begin(&o->head, o->memory, info, err));
    MESO_TRY(begin_directory(o, info, err));
    checkpoint_close(&o->resumed);
    o->checkpoint_head = (checkpoint_head){.experiment = experiment_fingerprint(info->experiment),
                                           .layout = {info->layout.partitions,
                                                      info->layout.work_group_size,
                                                      info->layout.vector_width}};
    MESO_TRY(spikes_create(&o->spikes, o->directory, info, err));
    MESO_TRY(reports_create(&o->reports, o->directory, info, err));
    MESO_TRY(timeline_create(&o->timeline, o->directory, info, err));
    MESO_TRY(synapse_sets_create(&o->synapses, o->directory, info, err));
    o->last_flush_s = now_s();
    o->begun = true;
    return MESO_OK;
}

static meso_status add_spikes(output *o, const meso_spike *spikes, uint64_t n, meso_error *err)
{
    MESO_TRY(spikes_append(&o->spikes, spikes, n, err));
    return flush_when_due(o, err);
}

static meso_status add_trigger(output *o, const meso_trigger *trigger, meso_error *err)
{
    MESO_TRY(timeline_trigger(&o->timeline, trigger, err));
    return flush_when_due(o, err);
}

static meso_status add_frames(output *o, uint32_t report, const float *data, uint32_t n_frames,
                              meso_error *err)
{
    MESO_TRY(reports_append(&o->reports, report, data, n_frames, err));
    return flush_when_due(o, err);
}

static meso_status add_rows(output *o, const double *time_s, const double *values, uint32_t n_rows,
                            meso_error *err)
{
    MESO_TRY(timeline_append(&o->timeline, time_s, values, n_rows, err));
    return flush_when_due(o, err);
}

static meso_status add_synapses(output *o, uint32_t set, double time_s, const float *values,
                                meso_error *err)
{
    MESO_TRY(synapse_sets_append(&o->synapses, set, time_s, values, err));
    return flush_when_due(o, err);
}

static meso_status keep_state(output *o, const meso_state *state, meso_error *err)
{
    h5_file **files;
    uint32_t n = 0;
    files = calloc(o->reports.n_reports + o->synapses.n_sets + 2, sizeof *files);
    if (files == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for a checkpoint");
    files[n++] = &o->spikes.file;
    files[n++] = &o->timeline.file;
    for (uint32_t r = 0; r < o->reports.n_reports; r++)
        files[n++] = &o->reports.reports[r].file;
    for (uint32_t s = 0; s < o->synapses.n_sets; s++)
        files[n++] = &o->synapses.sets[s].file;
    meso_status status = flush(o, err);
    if (status == MESO_OK)
        status = checkpoint_write(o->directory, &o->checkpoint_head, state, files, n, err);
    free(files);
    return status;
}

static meso_status end_files(output *o, const meso_summary *summary, meso_error *err)
{
    if (!o->begun)
        return MESO_OK;
    MESO_TRY(flush(o, err));
    MESO_TRY(timeline_assays(&o->timeline, summary->assay_series, summary->n_assay_series, err));
    MESO_TRY(close_files(o, err));
    MESO_TRY(summary_write(&o->head, o->directory, summary, err));
    if (summary->status != MESO_OK)
        return MESO_OK;
    MESO_TRY(directory_remove(o->directory, "." CHECKPOINT_FILE ".partial", err));
    return directory_remove(o->directory, CHECKPOINT_FILE, err);
}

/* --- the callbacks: the same, with HDF5 kept from printing ------------------------------------ */

static meso_status output_begin(void *self, const meso_run_info *info, meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = begin_files(self, info, err);
    h5_restore(before);
    return status;
}

static meso_status output_spikes(void *self, const meso_spike *spikes, uint64_t n, meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = add_spikes(self, spikes, n, err);
    h5_restore(before);
    return status;
}

static meso_status output_trigger(void *self, const meso_trigger *trigger, meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = add_trigger(self, trigger, err);
    h5_restore(before);
    return status;
}

static meso_status output_frames(void *self, uint32_t report, const float *data, uint32_t n_frames,
                                 meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = add_frames(self, report, data, n_frames, err);
    h5_restore(before);
    return status;
}

static meso_status output_timeline(void *self, const double *time_s, const double *values,
                                   uint32_t n_rows, meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = add_rows(self, time_s, values, n_rows, err);
    h5_restore(before);
    return status;
}

static meso_status output_synapses(void *self, uint32_t set, double time_s, const float *values,
                                   meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = add_synapses(self, set, time_s, values, err);
    h5_restore(before);
    return status;
}

static meso_status output_edges(void *self, const meso_edges *edges, meso_error *err)
{
    const output *o = self;
    h5_silence_state before = h5_silence();
    meso_status status = edges_write(o->directory, edges, err);
    h5_restore(before);
    return status;
}

static meso_status output_progress(void *self, const meso_progress *progress, meso_error *err)
{
    (void)progress; /* only a chance to flush */
    h5_silence_state before = h5_silence();
    meso_status status = flush_when_due(self, err);
    h5_restore(before);
    return status;
}

static meso_status output_checkpoint(void *self, const meso_state *state, meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = keep_state(self, state, err);
    h5_restore(before);
    return status;
}

static meso_status output_end(void *self, const meso_summary *summary, meso_error *err)
{
    h5_silence_state before = h5_silence();
    meso_status status = end_files(self, summary, err);
    h5_restore(before);
    return status;
}

/* --- create, destroy -------------------------------------------------------------------------- */

static meso_status output_make(const char *directory, bool force, meso_sink **sink, meso_error *err)
{
    output *o = calloc(1, sizeof *o);
    if (o == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for the output");
    o->sink = (meso_sink){.self = o,
                          .begin = output_begin,
                          .spikes = output_spikes,
                          .trigger = output_trigger,
                          .frames = output_frames,
                          .timeline = output_timeline,
                          .synapses = output_synapses,
                          .edges = output_edges,
                          .progress = output_progress,
                          .checkpoint = output_checkpoint,
                          .end = output_end};
    o->force = force;
    o->directory = strdup(directory);
    o->memory = arena_create();
    *sink = &o->sink;
    if (o->directory == NULL || o->memory == NULL) {
        meso_output_destroy(sink);
        return error_set(err, MESO_MEMORY, "out of memory for the output");
    }
    return MESO_OK;
}

meso_status meso_output_create(const char *directory, bool force, meso_sink **sink, meso_error *err)
{
    *sink = NULL;
    MESO_TRY(directory_check(directory, force, err));
    return output_make(directory, force, sink, err);
}

/* --- going on --------------------------------------------------------------------------------- */

/* Does a text file of the directory hold these words? */
static bool file_holds(const char *directory, const char *name, const char *words, bool whole)
{
    char *path = path_join(directory, name), *content = NULL;
    size_t length;
    const bool read = path != NULL && text_read_file(path, &content, &length, NULL) == MESO_OK;
    const bool holds = read &&
                       (whole ? strcmp(content, words) == 0 : strstr(content, words) != NULL);
    free(content);
    free(path);
    return holds;
}

/* No checkpoint: nothing is lost by starting again if the run would be the same. */
static meso_status begin_again(const char *directory, const meso_experiment *experiment,
                               meso_sink **sink, meso_error *err)
{
    if (directory_is_empty(directory))
        return meso_output_create(directory, false, sink, err);
    if (!file_holds(directory, "experiment.json", meso_experiment_json(experiment), true))
        return error_set(err, MESO_IO,
                         "%s is not empty, and holds neither a checkpoint nor a run of this "
                         "experiment",
                         directory);
    if (file_holds(directory, "summary.json", "\"status\": \"complete\"", false))
        return MESO_OK;
    return meso_output_create(directory, true, sink, err);
}

static meso_status go_on(const char *directory, const meso_experiment *experiment,
                         meso_run_options *options, meso_sink **sink, meso_error *err)
{
    checkpoint *c;
    MESO_TRY(checkpoint_open(directory, &c, err));
    meso_status status = MESO_OK;
    if (c->head.experiment != experiment_fingerprint(experiment))
        status = error_set(err, MESO_VERSION,
                           "the checkpoint in %s is of another experiment: compare its "
                           "experiment.json (and models, rules and spikes that it names)",
                           directory);
    if (status == MESO_OK)
        status = output_make(directory, false, sink, err);
    if (status != MESO_OK) {
        checkpoint_close(&c);
        return status;
    }
    ((output *)(*sink)->self)->resumed = c;
    uint32_t *const layout[] = {&options->partitions, &options->work_group_size,
                                &options->vector_width};
    for (int i = 0; i < 3; i++)
        if (*layout[i] == 0)
            *layout[i] = c->head.layout[i];
    options->resume = &c->visitor;
    return MESO_OK;
}

meso_status meso_output_resume(const char *directory, const meso_experiment *experiment,
                               meso_run_options *options, meso_sink **sink, meso_error *err)
{
    *sink = NULL;
    options->resume = NULL;
    if (!directory_has(directory, CHECKPOINT_FILE))
        return begin_again(directory, experiment, sink, err);
    h5_silence_state before = h5_silence();
    meso_status status = go_on(directory, experiment, options, sink, err);
    h5_restore(before);
    return status;
}

void meso_output_destroy(meso_sink **sink)
{
    if (*sink == NULL)
        return;
    output *o = (*sink)->self;
    h5_silence_state before = h5_silence();
    /* A run that failed keeps what it had; one that ended has nothing open any more. */
    (void)flush(o, NULL);
    (void)spikes_close(&o->spikes, NULL);
    (void)reports_close(&o->reports, NULL);
    (void)timeline_close(&o->timeline, NULL);
    (void)synapse_sets_close(&o->synapses, NULL);
    checkpoint_close(&o->resumed);
    h5_restore(before);
    arena_destroy(&o->memory);
    free(o->directory);
    free(o);
    *sink = NULL;
}
