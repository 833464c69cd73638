#include "sonata/spikes_read.h"

#include "base/text.h"
#include "sonata/h5.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct spikes_reader {
    char *path;
    hid_t file, timestamps, node_ids;
    h5_name timestamps_name, node_ids_name;
    double ms_per_unit;
    bool signed_ids;
};

/* --- the file --------------------------------------------------------------------------------- */

static meso_status file_open(spikes_reader *r, meso_error *err)
{
    if (access(r->path, R_OK) != 0)
        return error_set(err, MESO_IO, "%s: cannot open: %s", r->path, strerror(errno));
    if (H5Fis_hdf5(r->path) <= 0)
        return error_set(err, MESO_FORMAT, "%s: not an HDF5 file", r->path);
    r->file = H5Fopen(r->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return r->file < 0 ? h5_fail(r->path, MESO_FORMAT, "open", "the file", err) : MESO_OK;
}

static bool is_group(hid_t file, const char *path)
{
    H5O_info_t info;
    return H5Lexists(file, path, H5P_DEFAULT) > 0 &&
           H5Oget_info_by_name(file, path, &info, H5P_DEFAULT) >= 0 && info.type == H5O_TYPE_GROUP;
}

static herr_t append_name(hid_t group, const char *name, const H5L_info_t *info, void *list)
{
    (void)info;
    if (is_group(group, name))
        text_appendf(list, "%s%s", ((text *)list)->length > 0 ? ", " : "", name);
    return 0;
}

static meso_status unknown_population(const spikes_reader *r, const char *population,
                                      meso_error *err)
{
    text names = {0};
    hid_t spikes = H5Gopen2(r->file, "/spikes", H5P_DEFAULT);
    hsize_t from = 0;
    H5Literate(spikes, H5_INDEX_NAME, H5_ITER_INC, &from, append_name, &names);
    H5Gclose(spikes);
    error_set(err, MESO_NOT_FOUND, "%s: there is no population '%s' in /spikes; there %s: %s",
              r->path, population, names.length > 0 ? "are" : "is",
              names.length > 0 && !names.failed ? names.data : "none");
    text_free(&names);
    return MESO_NOT_FOUND;
}

static meso_status population_find(const spikes_reader *r, const char *population, meso_error *err)
{
    if (!is_group(r->file, "/spikes"))
        return error_set(err, MESO_FORMAT, "%s: there is no group /spikes: not a SONATA spike file",
                         r->path);
    const h5_name group = h5_name_of("/spikes/%s", population);
    return is_group(r->file, group.path) ? MESO_OK : unknown_population(r, population, err);
}

/* --- datasets --------------------------------------------------------------------------------- */

static meso_status dataset_open(const spikes_reader *r, const char *name, hid_t *dataset,
                                uint64_t *length, meso_error *err)
{
    if (H5Lexists(r->file, name, H5P_DEFAULT) <= 0)
        return error_set(err, MESO_FORMAT, "%s: there is no dataset %s", r->path, name);
    *dataset = H5Dopen2(r->file, name, H5P_DEFAULT);
    if (*dataset < 0)
        return h5_fail(r->path, MESO_FORMAT, "open dataset", name, err);
    hid_t space = H5Dget_space(*dataset);
    hsize_t size = 0;
    const int rank = H5Sget_simple_extent_ndims(space);
    if (rank == 1)
        H5Sget_simple_extent_dims(space, &size, NULL);
    H5Sclose(space);
    *length = size;
    return rank == 1 ? MESO_OK
                     : error_set(err, MESO_FORMAT, "%s: %s has %d dimensions, not 1", r->path, name,
                                 rank);
}

static const char *class_name(H5T_class_t class)
{
    switch (class) {
    case H5T_INTEGER:
        return "integers";
    case H5T_FLOAT:
        return "floating-point numbers";
    case H5T_STRING:
        return "strings";
    case H5T_COMPOUND:
        return "records";
    default:
        return "something else";
    }
}

static meso_status class_check(const spikes_reader *r, hid_t dataset, const char *name,
                               H5T_class_t wanted, bool *is_signed, meso_error *err)
{
    hid_t type = H5Dget_type(dataset);
    const H5T_class_t class = H5Tget_class(type);
    *is_signed = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
    H5Tclose(type);
    return class == wanted ? MESO_OK
                           : error_set(err, MESO_FORMAT, "%s: %s holds %s, not %s", r->path, name,
                                       class_name(class), class_name(wanted));
}

/* A string of fixed or variable length, cut to the size of `value`. */
static bool attribute_text(hid_t attribute, char *value, size_t size)
{
    hid_t type = H5Aget_type(attribute);
    bool read = false;
    if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) {
        char *text = NULL;
        hid_t memory = H5Tcopy(H5T_C_S1);
        H5Tset_size(memory, H5T_VARIABLE);
        H5Tset_cset(memory, H5Tget_cset(type));
        read = H5Aread(attribute, memory, &text) >= 0 && text != NULL;
        if (read)
            strncpy(value, text, size - 1);
        H5free_memory(text);
        H5Tclose(memory);
    } else if (H5Tget_class(type) == H5T_STRING) {
        hid_t memory = H5Tcopy(type);
        H5Tset_size(memory, size);
        H5Tset_strpad(memory, H5T_STR_NULLTERM);
        read = H5Aread(attribute, memory, value) >= 0;
        H5Tclose(memory);
    }
    value[size - 1] = '\0';
    H5Tclose(type);
    return read;
}

static meso_status unit_read(spikes_reader *r, meso_error *err)
{
    char unit[32] = "";
    r->ms_per_unit = 1;
    if (H5Aexists(r->timestamps, "units") <= 0)
        return MESO_OK;
    hid_t attribute = H5Aopen(r->timestamps, "units", H5P_DEFAULT);
    const bool read = attribute >= 0 && attribute_text(attribute, unit, sizeof unit);
    if (attribute >= 0)
        H5Aclose(attribute);
    if (read && strcmp(unit, "s") == 0)
        r->ms_per_unit = 1000;
    else if (!read || strcmp(unit, "ms") != 0)
        return error_set(err, MESO_FORMAT, "%s: units of %s are '%s', not ms or s", r->path,
                         r->timestamps_name.path, unit);
    return MESO_OK;
}

static meso_status datasets_open(spikes_reader *r, const char *population, uint64_t *n_spikes,
                                 meso_error *err)
{
    uint64_t n_ids = 0;
    bool is_signed;
    MESO_TRY(population_find(r, population, err));
    r->timestamps_name = h5_name_of("/spikes/%s/timestamps", population);
    r->node_ids_name = h5_name_of("/spikes/%s/node_ids", population);
    MESO_TRY(dataset_open(r, r->timestamps_name.path, &r->timestamps, n_spikes, err));
    MESO_TRY(dataset_open(r, r->node_ids_name.path, &r->node_ids, &n_ids, err));
    if (*n_spikes != n_ids)
        return error_set(err, MESO_FORMAT, "%s: %s has %llu entries and %s has %llu", r->path,
                         r->timestamps_name.path, (unsigned long long)*n_spikes,
                         r->node_ids_name.path, (unsigned long long)n_ids);
    MESO_TRY(class_check(r, r->timestamps, r->timestamps_name.path, H5T_FLOAT, &is_signed, err));
    MESO_TRY(class_check(r, r->node_ids, r->node_ids_name.path, H5T_INTEGER, &r->signed_ids, err));
    return unit_read(r, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

meso_status spikes_reader_open(const char *path, const char *population, spikes_reader **reader,
                               uint64_t *n_spikes, meso_error *err)
{
    *reader = NULL;
    spikes_reader *r = malloc(sizeof *r);
    if (r == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    *r = (spikes_reader){.path = strdup(path), .file = -1, .timestamps = -1, .node_ids = -1};
    h5_silence_state before = h5_silence();
    meso_status status = r->path != NULL ? file_open(r, err)
                                         : error_set(err, MESO_MEMORY, "out of memory");
    if (status == MESO_OK)
        status = datasets_open(r, population, n_spikes, err);
    h5_restore(before);
    if (status != MESO_OK)
        spikes_reader_close(&r);
    *reader = r;
    return status;
}

static bool part_read(hid_t dataset, hid_t type, uint64_t first, uint64_t n, void *values)
{
    const hsize_t start = first, count = n;
    hid_t all = H5Dget_space(dataset), part = H5Screate_simple(1, &count, NULL);
    const bool read = H5Sselect_hyperslab(all, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
                      H5Dread(dataset, type, part, all, H5P_DEFAULT, values) >= 0;
    H5Sclose(part);
    H5Sclose(all);
    return read;
}

meso_status spikes_reader_read(spikes_reader *r, uint64_t first, uint64_t n, double *times_ms,
                               uint64_t *node_ids, meso_error *err)
{
    const hid_t id_type = r->signed_ids ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
    meso_status status = MESO_OK;
    if (n == 0)
        return MESO_OK;
    h5_silence_state before = h5_silence();
    if (!part_read(r->timestamps, H5T_NATIVE_DOUBLE, first, n, times_ms))
        status = h5_fail(r->path, MESO_FORMAT, "read dataset", r->timestamps_name.path, err);
    else if (!part_read(r->node_ids, id_type, first, n, node_ids))
        status = h5_fail(r->path, MESO_FORMAT, "read dataset", r->node_ids_name.path, err);
    h5_restore(before);
    for (uint64_t i = 0; status == MESO_OK && i < n; i++) {
        times_ms[i] *= r->ms_per_unit;
        if (!(times_ms[i] >= 0) || isinf(times_ms[i]))
            status = error_set(err, MESO_FORMAT, "%s: %s[%llu] is %g ms: not a time", r->path,
                               r->timestamps_name.path, (unsigned long long)(first + i),
                               times_ms[i]);
        else if (r->signed_ids && node_ids[i] > INT64_MAX)
            status = error_set(err, MESO_FORMAT, "%s: %s[%llu] is %lld: ids are not negative",
                               r->path, r->node_ids_name.path, (unsigned long long)(first + i),
                               (long long)node_ids[i]);
    }
    return status;
}

void spikes_reader_close(spikes_reader **reader)
{
    if (reader == NULL || *reader == NULL)
        return;
    spikes_reader *r = *reader;
    if (r->timestamps >= 0)
        H5Dclose(r->timestamps);
    if (r->node_ids >= 0)
        H5Dclose(r->node_ids);
    if (r->file >= 0)
        H5Fclose(r->file);
    free(r->path);
    free(r);
    *reader = NULL;
}
