#include "output/spikes.h"
#include "model/experiment.h"
#include "output/directory.h"
#include "output/provenance.h"
#include <stdlib.h>

#define EXPECTED_HZ 5
#define LEAST_CHUNK 4096 /* spikes */
#define MOST_CHUNK 65536

/* Readers want an HDF5 enumeration and look members up by name. */
static meso_status write_sorting(h5_file *file, const char *group, meso_error *err)
{
    enum { NONE, BY_ID, BY_TIME };
    hid_t type = H5Tenum_create(H5T_NATIVE_UINT8);
    H5Tenum_insert(type, "none", &(uint8_t){NONE});
    H5Tenum_insert(type, "by_id", &(uint8_t){BY_ID});
    H5Tenum_insert(type, "by_time", &(uint8_t){BY_TIME});
    meso_status status = h5_attribute(file, group, "sorting", type, 0, &(uint8_t){BY_TIME}, err);
    H5Tclose(type);
    return status;
}

static meso_status create_train(h5_file *file, const meso_population_info *population,
                                double duration_s, spike_train *train, meso_error *err)
{
    const char *name = population->name;
    const uint64_t chunk = h5_chunk_rows(duration_s * EXPECTED_HZ * population->n_neurons,
                                         LEAST_CHUNK, MOST_CHUNK);
    h5_name group = h5_name_of("/spikes/%s", name);
    h5_name timestamps = h5_name_of("/spikes/%s/timestamps", name);
    h5_name node_ids = h5_name_of("/spikes/%s/node_ids", name);

    train->recorded = true;
    MESO_TRY(h5_group_create(file, group.path, err));
    MESO_TRY(write_sorting(file, group.path, err));
    MESO_TRY(h5_rows_create(file, timestamps.path, H5T_NATIVE_DOUBLE, 0, chunk, H5_PLAIN,
                            &train->timestamps, err));
    MESO_TRY(h5_attribute_text(file, timestamps.path, "units", "ms", err));
    return h5_rows_create(file, node_ids.path, H5T_NATIVE_UINT64, 0, chunk, H5_PLAIN,
                          &train->node_ids, err);
}

meso_status spikes_create(spikes_file *out, const char *directory, const meso_run_info *info,
                          meso_error *err)
{
    *out = (spikes_file){.dt_ms = info->dt_ms};
    out->populations = calloc(info->n_populations, sizeof *out->populations);
    char *path = path_join(directory, "spikes.h5");
    meso_status status = MESO_OK;
    if (out->populations == NULL || path == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory for spikes.h5");
        goto done;
    }
    out->n_populations = info->n_populations;
    MESO_GO(result_file_begin(path, info, &out->file, err));
    MESO_GO(provenance_write(&out->file, info, true, err));
    MESO_GO(h5_group_create(&out->file, "/spikes", err));
    for (uint32_t p = 0; p < info->n_populations; p++)
        if (info->experiment->record.spikes[p])
            MESO_GO(create_train(&out->file, &info->populations[p], info->duration_s,
                                 &out->populations[p], err));
    status = h5_file_flush(&out->file, err);
done:
    free(path);
    return status;
}

meso_status spikes_append(spikes_file *out, const meso_spike *spikes, uint64_t n, meso_error *err)
{
    for (uint64_t i = 0; i < n; i++) {
        spike_train *train = &out->populations[spikes[i].population];
        if (!train->recorded)
            continue;
        double time_ms = (double)(spikes[i].step + 1) * out->dt_ms;
        uint64_t node_id = spikes[i].neuron;
        MESO_TRY(h5_rows_append(&train->timestamps, &time_ms, 1, err));
        MESO_TRY(h5_rows_append(&train->node_ids, &node_id, 1, err));
    }
    return h5_file_flush(&out->file, err);
}

meso_status spikes_flush(spikes_file *out, meso_error *err)
{
    for (uint32_t p = 0; p < out->n_populations; p++) {
        MESO_TRY(h5_rows_flush(&out->populations[p].timestamps, err));
        MESO_TRY(h5_rows_flush(&out->populations[p].node_ids, err));
    }
    return h5_file_flush(&out->file, err);
}

meso_status spikes_close(spikes_file *out, meso_error *err)
{
    for (uint32_t p = 0; p < out->n_populations; p++) {
        h5_rows_close(&out->populations[p].timestamps);
        h5_rows_close(&out->populations[p].node_ids);
    }
    free(out->populations);
    meso_status status = h5_file_close(&out->file, err);
    *out = (spikes_file){0};
    return status;
}
