#include "output/timeline.h"
#include "model/experiment.h"
#include "output/directory.h"
#include "output/provenance.h"
#include <stdlib.h>

#define LEAST_CHUNK 1024 /* rows */
#define MOST_CHUNK 65536

static meso_status create_column(timeline_file *out, const char *name, const char *unit,
                                 meso_error *err)
{
    h5_name dataset = h5_name_of("/%s", name);
    for (char *c = dataset.path; *c != '\0'; c++)
        if (*c == '.')
            *c = '/';
    MESO_TRY(h5_rows_create(&out->file, dataset.path, H5T_NATIVE_DOUBLE, 0, out->chunk_rows,
                            H5_COMPRESSED, &out->columns[out->n_columns++], err));
    return h5_attribute_text(&out->file, dataset.path, "units", unit, err);
}

static meso_status create_trigger_columns(timeline_file *out, const char *contingency,
                                          meso_error *err)
{
    h5_name trigger = h5_name_of("contingency/%s/trigger_s", contingency);
    h5_name given = h5_name_of("contingency/%s/given_s", contingency);
    MESO_TRY(create_column(out, trigger.path, "s", err));
    return create_column(out, given.path, "s", err);
}

meso_status timeline_create(timeline_file *out, const char *directory, const meso_run_info *info,
                            meso_error *err)
{
    const double rows = info->duration_s * 1e3 / info->experiment->record.timeline_interval_ms;
    *out = (timeline_file){.chunk_rows = h5_chunk_rows(rows, LEAST_CHUNK, MOST_CHUNK),
                           .n_series = info->n_series};
    out->columns = calloc((size_t)info->n_series + 2 * (size_t)info->n_contingencies + 1,
                          sizeof *out->columns);
    char *path = path_join(directory, "timeline.h5");
    meso_status status = MESO_OK;
    if (out->columns == NULL || path == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory for timeline.h5");
        goto done;
    }
    MESO_GO(result_file_begin(path, info, &out->file, err));
    MESO_GO(provenance_write(&out->file, info, false, err));
    MESO_GO(create_column(out, "time_s", "s", err));
    for (uint32_t s = 0; s < info->n_series; s++)
        MESO_GO(create_column(out, info->series[s].name, info->series[s].unit, err));
    for (uint32_t c = 0; c < info->n_contingencies; c++)
        MESO_GO(create_trigger_columns(out, info->contingencies[c], err));
    status = h5_file_flush(&out->file, err);
done:
    free(path);
    return status;
}

meso_status timeline_append(timeline_file *out, const double *time_s, const double *values,
                            uint32_t n_rows, meso_error *err)
{
    const uint32_t n_series = out->n_series;
    for (uint32_t row = 0; row < n_rows; row++) {
        MESO_TRY(h5_rows_append(&out->columns[0], &time_s[row], 1, err));
        for (uint32_t s = 0; s < n_series; s++)
            MESO_TRY(
                h5_rows_append(&out->columns[1 + s], &values[(size_t)row * n_series + s], 1, err));
    }
    return h5_file_flush(&out->file, err);
}

meso_status timeline_trigger(timeline_file *out, const meso_trigger *trigger, meso_error *err)
{
    h5_rows *columns = &out->columns[1 + out->n_series + 2 * trigger->contingency];
    MESO_TRY(h5_rows_append(&columns[0], &trigger->time_s, 1, err));
    return h5_rows_append(&columns[1], &trigger->given_s, 1, err);
}

static meso_status append_values(timeline_file *out, const char *dataset,
                                 const meso_assay_series *s, meso_error *err)
{
    if (s->edges == NULL)
        return h5_write(&out->file, dataset, H5T_NATIVE_DOUBLE, s->n, s->values, err);
    return h5_write_matrix(&out->file, dataset, H5T_NATIVE_DOUBLE, s->n, s->n_bins, s->values, err);
}

/* "/assay/<name>/<quantity>" has the values and their times. */
static meso_status append_series(timeline_file *out, const meso_assay_series *s, meso_error *err)
{
    const h5_name time = h5_name_of("/assay/%s/%s/time_s", s->name, s->quantity);
    const h5_name values = h5_name_of("/assay/%s/%s/values", s->name, s->quantity);
    const h5_name edges = h5_name_of("/assay/%s/%s/edges", s->name, s->quantity);
    MESO_TRY(h5_write(&out->file, time.path, H5T_NATIVE_DOUBLE, s->n, s->time_s, err));
    MESO_TRY(h5_attribute_text(&out->file, time.path, "units", "s", err));
    MESO_TRY(append_values(out, values.path, s, err));
    MESO_TRY(h5_attribute_text(&out->file, values.path, "units", s->unit, err));
    if (s->edges == NULL)
        return MESO_OK;
    MESO_TRY(h5_write(&out->file, edges.path, H5T_NATIVE_DOUBLE, s->n_bins + 1, s->edges, err));
    return h5_attribute_text(&out->file, edges.path, "units", s->edges_unit, err);
}

meso_status timeline_assays(timeline_file *out, const meso_assay_series *series, uint32_t n,
                            meso_error *err)
{
    for (uint32_t i = 0; i < n; i++)
        MESO_TRY(append_series(out, &series[i], err));
    return MESO_OK;
}

meso_status timeline_flush(timeline_file *out, meso_error *err)
{
    for (uint32_t c = 0; c < out->n_columns; c++)
        MESO_TRY(h5_rows_flush(&out->columns[c], err));
    return h5_file_flush(&out->file, err);
}

meso_status timeline_close(timeline_file *out, meso_error *err)
{
    for (uint32_t c = 0; c < out->n_columns; c++)
        h5_rows_close(&out->columns[c]);
    free(out->columns);
    meso_status status = h5_file_close(&out->file, err);
    *out = (timeline_file){0};
    return status;
}
