/** spikes.h5: SONATA spikes, one group per recorded population. */
#ifndef OUTPUT_SPIKES_H
#define OUTPUT_SPIKES_H

#include "sonata/h5.h"
#include <mesocl/sink.h>

typedef struct spike_train {
    bool recorded;
    h5_rows timestamps, node_ids;
} spike_train;

typedef struct spikes_file {
    h5_file file;
    spike_train *populations; /* [n_populations] */
    uint32_t n_populations;
    double dt_ms;
} spikes_file;

meso_status spikes_create(spikes_file *out, const char *directory, const meso_run_info *info,
                          meso_error *err);
meso_status spikes_append(spikes_file *out, const meso_spike *spikes, uint64_t n, meso_error *err);
meso_status spikes_flush(spikes_file *out, meso_error *err);
/** Drops what was not flushed; closed even when it fails. Fine on a zeroed struct. */
meso_status spikes_close(spikes_file *out, meso_error *err);

#endif
