/** Files of synapses that are followed: synapses/<name>.h5. */
#ifndef OUTPUT_SYNAPSE_SETS_H
#define OUTPUT_SYNAPSE_SETS_H

#include "sonata/h5.h"
#include <mesocl/sink.h>

typedef struct synapse_set_file {
    h5_file file;
    h5_rows time;
    h5_rows *variables; /* [n_variables] */
    uint32_t n_variables, n_synapses;
} synapse_set_file;

/** Zeroed: nothing is open. */
typedef struct synapse_set_files {
    synapse_set_file *sets;
    uint32_t n_sets;
} synapse_set_files;

meso_status synapse_sets_create(synapse_set_files *out, const char *directory,
                                const meso_run_info *info, meso_error *err);
meso_status synapse_sets_append(synapse_set_files *out, uint32_t set, double time_s,
                                const float *values, meso_error *err);
meso_status synapse_sets_flush(synapse_set_files *out, meso_error *err);
meso_status synapse_sets_close(synapse_set_files *out, meso_error *err);

#endif
