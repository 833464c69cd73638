#include "output/reports.h"
#include "output/directory.h"
#include "output/provenance.h"
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_VALUES 65536
#define MOST_CHUNK_VALUES 262144
#define MAX_CHUNK_FRAMES 4096

/* As many as a chunk of so many values has, at least 1. */
static uint64_t frames_in(uint64_t n_values, uint32_t n_elements)
{
    const uint64_t frames = n_values / (n_elements > 0 ? n_elements : 1);
    return frames < 1 ? 1 : frames;
}

static uint64_t chunk_frames(const meso_report_info *info)
{
    const double expected = (info->stop_ms - info->start_ms) / info->interval_ms;
    const uint64_t usual = frames_in(CHUNK_VALUES, info->n_elements);
    return h5_chunk_rows(expected, usual > MAX_CHUNK_FRAMES ? MAX_CHUNK_FRAMES : usual,
                         frames_in(MOST_CHUNK_VALUES, info->n_elements));
}

/* Start, stop and step of the frames that are in the file, so that a run that ended early agrees
 * with its data. */
static meso_status write_time(report_file *report, meso_error *err)
{
    double frames = (double)report->data.n_written;
    double time_ms[3] = {report->start_ms, report->start_ms + frames * report->interval_ms,
                         report->interval_ms};
    return h5_write(&report->file, report->time.path, H5T_NATIVE_DOUBLE, 3, time_ms, err);
}

/* Point neurons have one element each: number 0, at position 0, and a pointer each of its own. */
static meso_status write_mapping(h5_file *file, const meso_report_info *info, meso_error *err)
{
    uint64_t n = info->n_elements;
    uint64_t *pointers = malloc((n + 1) * sizeof *pointers);
    uint32_t *zeros = calloc(n + 1, sizeof *zeros);
    h5_name node_ids = h5_name_of("/report/%s/mapping/node_ids", info->population);
    h5_name index_pointers = h5_name_of("/report/%s/mapping/index_pointers", info->population);
    h5_name alias = h5_name_of("/report/%s/mapping/index_pointer", info->population);
    h5_name element_ids = h5_name_of("/report/%s/mapping/element_ids", info->population);
    h5_name element_pos = h5_name_of("/report/%s/mapping/element_pos", info->population);
    meso_status status = MESO_OK;
    if (pointers == NULL || zeros == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory for report %s", info->name);
        goto done;
    }
    for (uint64_t i = 0; i <= n; i++)
        pointers[i] = i;
    MESO_GO(h5_write(file, node_ids.path, H5T_NATIVE_UINT64, n, info->node_ids, err));
    MESO_GO(h5_attribute(file, node_ids.path, "sorted", H5T_NATIVE_UINT8, 0, &(uint8_t){1}, err));
    MESO_GO(h5_write(file, index_pointers.path, H5T_NATIVE_UINT64, n + 1, pointers, err));
    MESO_GO(h5_hard_link(file, index_pointers.path, alias.path, err)); /* as BMTK spells it */
    MESO_GO(h5_write(file, element_ids.path, H5T_NATIVE_UINT32, n, zeros, err));
    MESO_GO(h5_write(file, element_pos.path, H5T_NATIVE_FLOAT, n, zeros, err));
done:
    free(pointers);
    free(zeros);
    return status;
}

static meso_status create_report(report_file *report, const char *directory,
                                 const meso_report_info *info, const meso_run_info *run,
                                 meso_error *err)
{
    h5_name name = h5_name_of("reports/%s.h5", info->name);
    h5_name data = h5_name_of("/report/%s/data", info->population);
    *report = (report_file){.start_ms = info->start_ms, .interval_ms = info->interval_ms};
    report->time = h5_name_of("/report/%s/mapping/time", info->population);

    char *path = path_join(directory, name.path);
    if (path == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for report %s", info->name);
    meso_status status = result_file_begin(path, run, &report->file, err);
    free(path);
    MESO_TRY(status);
    MESO_TRY(provenance_write(&report->file, run, true, err));
    MESO_TRY(h5_rows_create(&report->file, data.path, H5T_NATIVE_FLOAT, info->n_elements,
                            chunk_frames(info), H5_PLAIN, &report->data, err));
    MESO_TRY(h5_attribute_text(&report->file, data.path, "units", info->unit, err));
    MESO_TRY(h5_attribute_text(&report->file, data.path, "variable", info->variable, err));
    MESO_TRY(write_mapping(&report->file, info, err));
    MESO_TRY(write_time(report, err));
    MESO_TRY(h5_attribute_text(&report->file, report->time.path, "units", "ms", err));
    return h5_file_flush(&report->file, err);
}

meso_status reports_create(report_files *out, const char *directory, const meso_run_info *info,
                           meso_error *err)
{
    *out = (report_files){0};
    if (info->n_reports == 0)
        return MESO_OK;
    MESO_TRY(directory_add(directory, "reports", err));
    out->reports = calloc(info->n_reports, sizeof *out->reports);
    if (out->reports == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for %u reports", info->n_reports);
    out->n_reports = info->n_reports;
    for (uint32_t r = 0; r < info->n_reports; r++)
        MESO_TRY(create_report(&out->reports[r], directory, &info->reports[r], info, err));
    return MESO_OK;
}

static meso_status settle(report_file *report, meso_error *err)
{
    if (!report->file.dirty)
        return MESO_OK;
    MESO_TRY(write_time(report, err));
    return h5_file_flush(&report->file, err);
}

meso_status reports_append(report_files *out, uint32_t report, const float *data, uint32_t n_frames,
                           meso_error *err)
{
    MESO_TRY(h5_rows_append(&out->reports[report].data, data, n_frames, err));
    return settle(&out->reports[report], err);
}

meso_status reports_flush(report_files *out, meso_error *err)
{
    for (uint32_t r = 0; r < out->n_reports; r++) {
        MESO_TRY(h5_rows_flush(&out->reports[r].data, err));
        MESO_TRY(settle(&out->reports[r], err));
    }
    return MESO_OK;
}

meso_status reports_close(report_files *out, meso_error *err)
{
    meso_status status = MESO_OK;
    for (uint32_t r = 0; r < out->n_reports; r++) {
        h5_rows_close(&out->reports[r].data);
        meso_status closed = h5_file_close(&out->reports[r].file, status == MESO_OK ? err : NULL);
        if (status == MESO_OK)
            status = closed;
    }
    free(out->reports);
    *out = (report_files){0};
    return status;
}
