/** reports/<name>.h5: SONATA frame reports, one file per recorded variable. */
#ifndef OUTPUT_REPORTS_H
#define OUTPUT_REPORTS_H

#include "sonata/h5.h"
#include <mesocl/sink.h>

typedef struct report_file {
    h5_file file;
    h5_rows data;
    h5_name time; /* the dataset of start, stop and step */
    double start_ms, interval_ms;
} report_file;

typedef struct report_files {
    report_file *reports; /* [n_reports] */
    uint32_t n_reports;
} report_files;

meso_status reports_create(report_files *out, const char *directory, const meso_run_info *info,
                           meso_error *err);
/** data [n_frames x n_elements] */
meso_status reports_append(report_files *out, uint32_t report, const float *data, uint32_t n_frames,
                           meso_error *err);
meso_status reports_flush(report_files *out, meso_error *err);
/** Drops what was not flushed; closed even when it fails. Fine on a zeroed struct. */
meso_status reports_close(report_files *out, meso_error *err);

#endif
