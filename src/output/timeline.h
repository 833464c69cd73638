/**
 * timeline.h5: slow variables against time. /time_s, and for a series "drug.cocaine.brain_nM" the
 * dataset /drug/cocaine/brain_nM of the same length with its unit as attribute `units`. Triggers of a contingency:
 * /contingency/<name>/trigger_s, and given_s of what followed, NAN where the end came first.
 */
#ifndef OUTPUT_TIMELINE_H
#define OUTPUT_TIMELINE_H

#include "sonata/h5.h"
#include <mesocl/sink.h>

typedef struct timeline_file {
    h5_file file;
    h5_rows *columns; /* [n_columns]: time, the series, then two of each contingency */
    uint32_t n_columns, n_series;
    uint64_t chunk_rows;
} timeline_file;

meso_status timeline_create(timeline_file *out, const char *directory, const meso_run_info *info,
                            meso_error *err);
/** time_s [n_rows], values [n_rows x n_series] */
meso_status timeline_append(timeline_file *out, const double *time_s, const double *values,
                            uint32_t n_rows, meso_error *err);
meso_status timeline_trigger(timeline_file *out, const meso_trigger *trigger, meso_error *err);
/** Time courses of assays, each a group of its own with times and values. */
meso_status timeline_assays(timeline_file *out, const meso_assay_series *series, uint32_t n,
                            meso_error *err);
meso_status timeline_flush(timeline_file *out, meso_error *err);
/** Drops what was not flushed; closed even when it fails. Fine on a zeroed struct. */
meso_status timeline_close(timeline_file *out, meso_error *err);

#endif
