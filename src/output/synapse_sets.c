#include "output/synapse_sets.h"

#include "output/directory.h"
#include "output/provenance.h"
#include <stdlib.h>

#define CHUNK_TIMES 1024
#define CHUNK_VALUES 65536

static uint64_t chunk_rows(uint32_t n_synapses)
{
    const uint64_t rows = CHUNK_VALUES / (n_synapses > 0 ? n_synapses : 1);
    return rows < 1 ? 1 : rows > CHUNK_TIMES ? CHUNK_TIMES : rows;
}

/* Who they are: once. */
static meso_status write_synapses(h5_file *file, const meso_synapse_info *info, meso_error *err)
{
    const uint64_t n = info->n_synapses;
    MESO_TRY(h5_write(file, "/source_node_id", H5T_NATIVE_UINT64, n, info->source_ids, err));
    MESO_TRY(h5_attribute_text(file, "/source_node_id", "node_population", info->source, err));
    MESO_TRY(h5_write(file, "/target_node_id", H5T_NATIVE_UINT64, n, info->target_ids, err));
    MESO_TRY(h5_attribute_text(file, "/target_node_id", "node_population", info->target, err));
    MESO_TRY(h5_write(file, "/delay", H5T_NATIVE_DOUBLE, n, info->delay_ms, err));
    MESO_TRY(h5_attribute_text(file, "/delay", "units", "ms", err));
    return h5_attribute_text(file, "/", "projection", info->projection, err);
}

static meso_status create_set(synapse_set_file *set, const char *directory,
                              const meso_synapse_info *info, const meso_run_info *run,
                              meso_error *err)
{
    h5_name name = h5_name_of("synapses/%s.h5", info->name);
    char *path = path_join(directory, name.path);
    *set = (synapse_set_file){.n_synapses = info->n_synapses};
    set->variables = calloc(info->n_variables + 1, sizeof *set->variables);
    if (path == NULL || set->variables == NULL) {
        free(path);
        return error_set(err, MESO_MEMORY, "out of memory for synapses %s", info->name);
    }
    const meso_status status = result_file_begin(path, run, &set->file, err);
    free(path);
    MESO_TRY(status);
    MESO_TRY(provenance_write(&set->file, run, false, err));
    MESO_TRY(write_synapses(&set->file, info, err));
    MESO_TRY(h5_rows_create(&set->file, "/time_s", H5T_NATIVE_DOUBLE, 0, CHUNK_TIMES, H5_PLAIN,
                            &set->time, err));
    MESO_TRY(h5_attribute_text(&set->file, "/time_s", "units", "s", err));
    for (; set->n_variables < info->n_variables; set->n_variables++) {
        const meso_series_info *variable = &info->variables[set->n_variables];
        h5_name values = h5_name_of("/values/%s", variable->name);
        MESO_TRY(h5_rows_create(
            &set->file, values.path, H5T_NATIVE_FLOAT, info->n_synapses > 0 ? info->n_synapses : 1,
            chunk_rows(info->n_synapses), H5_COMPRESSED, &set->variables[set->n_variables], err));
        MESO_TRY(h5_attribute_text(&set->file, values.path, "units", variable->unit, err));
    }
    return h5_file_flush(&set->file, err);
}

meso_status synapse_sets_create(synapse_set_files *out, const char *directory,
                                const meso_run_info *info, meso_error *err)
{
    *out = (synapse_set_files){0};
    if (info->n_synapse_sets == 0)
        return MESO_OK;
    MESO_TRY(directory_add(directory, "synapses", err));
    out->sets = calloc(info->n_synapse_sets, sizeof *out->sets);
    if (out->sets == NULL)
        return error_set(err, MESO_MEMORY, "out of memory for synapses");
    out->n_sets = info->n_synapse_sets;
    for (uint32_t i = 0; i < info->n_synapse_sets; i++)
        MESO_TRY(create_set(&out->sets[i], directory, &info->synapse_sets[i], info, err));
    return MESO_OK;
}

meso_status synapse_sets_append(synapse_set_files *out, uint32_t set, double time_s,
                                const float *values, meso_error *err)
{
    synapse_set_file *s = &out->sets[set];
    MESO_TRY(h5_rows_append(&s->time, &time_s, 1, err));
    for (uint32_t v = 0; v < s->n_variables && s->n_synapses > 0; v++)
        MESO_TRY(h5_rows_append(&s->variables[v], values + (size_t)v * s->n_synapses, 1, err));
    return h5_file_flush(&s->file, err);
}

meso_status synapse_sets_flush(synapse_set_files *out, meso_error *err)
{
    for (uint32_t i = 0; i < out->n_sets; i++) {
        synapse_set_file *s = &out->sets[i];
        MESO_TRY(h5_rows_flush(&s->time, err));
        for (uint32_t v = 0; v < s->n_variables; v++)
            MESO_TRY(h5_rows_flush(&s->variables[v], err));
        MESO_TRY(h5_file_flush(&s->file, err));
    }
    return MESO_OK;
}

meso_status synapse_sets_close(synapse_set_files *out, meso_error *err)
{
    meso_status status = MESO_OK;
    for (uint32_t i = 0; i < out->n_sets; i++) {
        synapse_set_file *s = &out->sets[i];
        h5_rows_close(&s->time);
        for (uint32_t v = 0; v < s->n_variables; v++)
            h5_rows_close(&s->variables[v]);
        free(s->variables);
        const meso_status closed = h5_file_close(&s->file, status == MESO_OK ? err : NULL);
        status = status == MESO_OK ? closed : status;
    }
    free(out->sets);
    *out = (synapse_set_files){0};
    return status;
}
