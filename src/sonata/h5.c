#include "sonata/h5.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMPRESSION_LEVEL 1 /* higher levels cost much time and save little */

/* --- errors ----------------------------------------------------------------------------------- */

h5_silence_state h5_silence(void)
{
    h5_silence_state before = {NULL, NULL};
    H5Eget_auto2(H5E_DEFAULT, &before.function, &before.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return before;
}

void h5_restore(h5_silence_state before)
{
    H5Eset_auto2(H5E_DEFAULT, before.function, before.data);
}

static herr_t keep_first(unsigned n, const H5E_error2_t *entry, void *reason)
{
    if (n == 0)
        *(const char **)reason = entry->desc;
    return 0;
}

/* The innermost entry of HDF5's error stack says what happened, the outer ones only where. */
meso_status h5_fail(const char *path, meso_status status, const char *what, const char *object,
                    meso_error *err)
{
    const char *reason = NULL;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &reason);
    if (reason == NULL)
        reason = "unknown HDF5 error";
    static const char mark[] =
        "error message = '"; /* the system's own words among addresses and sizes */
    const char *system = strstr(reason, mark);
    if (system != NULL)
        reason = system + strlen(mark);
    int length = (int)(system != NULL ? strcspn(reason, "'") : strlen(reason));
    return error_set(err, status, "%s: cannot %s %s: %.*s", path, what, object, length, reason);
}

static meso_status fail(const h5_file *file, const char *what, const char *object, meso_error *err)
{
    return h5_fail(file->path, MESO_IO, what, object, err);
}

static meso_status fail_memory(const char *object, meso_error *err)
{
    return error_set(err, MESO_MEMORY, "out of memory for the output buffer of %s", object);
}

/* --- files ------------------------------------------------------------------------------------ */

/* Metadata reach the disk at flushes only. If HDF5 evicted them in between, a killed run would
 * leave an index that points to chunks that were not written yet. */
static hid_t file_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5AC_cache_config_t cache = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(access, &cache) < 0)
        return access;
    cache.evictions_enabled = false;
    cache.incr_mode = H5C_incr__off;
    cache.flash_incr_mode = H5C_flash_incr__off;
    cache.decr_mode = H5C_decr__off;
    H5Pset_mdc_config(access, &cache);
    return access;
}

meso_status h5_file_create(const char *path, h5_file *file, meso_error *err)
{
    *file = (h5_file){.path = strdup(path)};
    if (file->path == NULL)
        return fail_memory(path, err);
    hid_t access = file_access();
    file->id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    meso_status status = file->id < 0 ? fail(file, "create", "the file", err) : MESO_OK;
    H5Pclose(access);
    file->dirty = true;
    return status;
}

meso_status h5_file_go_on(const char *path, h5_file *file, meso_error *err)
{
    *file = (h5_file){.path = strdup(path), .goes_on = true};
    if (file->path == NULL)
        return fail_memory(path, err);
    hid_t access = file_access();
    file->id = H5Fopen(path, H5F_ACC_RDWR, access);
    meso_status status = file->id < 0 ? fail(file, "open", "the file", err) : MESO_OK;
    H5Pclose(access);
    return status;
}

meso_status h5_file_open(const char *path, h5_file *file, meso_error *err)
{
    *file = (h5_file){.path = strdup(path)};
    if (file->path == NULL)
        return fail_memory(path, err);
    if (access(path, R_OK) != 0)
        return error_set(err, MESO_IO, "%s: cannot open: %s", path, strerror(errno));
    file->id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return file->id < 0 ? h5_fail(path, MESO_FORMAT, "open", "the file", err) : MESO_OK;
}

meso_status h5_file_flush(h5_file *file, meso_error *err)
{
    if (file->id <= 0 || !file->dirty)
        return MESO_OK;
    if (H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0)
        return fail(file, "write", "the file", err);
    file->dirty = false;
    return MESO_OK;
}

meso_status h5_file_close(h5_file *file, meso_error *err)
{
    meso_status status = MESO_OK;
    if (file->id > 0 && H5Fclose(file->id) < 0)
        status = fail(file, "close", "the file", err);
    free(file->path);
    free(file->full.list);
    *file = (h5_file){0};
    return status;
}

/* --- groups, datasets, attributes ------------------------------------------------------------- */

static hid_t with_parents(void)
{
    hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    return link;
}

h5_name h5_name_of(const char *format, ...)
{
    h5_name name;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name.path, sizeof name.path, format, arguments);
    va_end(arguments);
    return name;
}

/* No time stamps: the same run writes the same bytes. */
static hid_t without_times(hid_t property_class)
{
    hid_t create = H5Pcreate(property_class);
    H5Pset_obj_track_times(create, false);
    return create;
}

static hid_t little_endian(hid_t type)
{
    hid_t stored = H5Tcopy(type);
    if (H5Tget_order(stored) == H5T_ORDER_BE)
        H5Tset_order(stored, H5T_ORDER_LE);
    return stored;
}

/* In a file that goes on. */
static bool is_there(const h5_file *file, const char *object)
{
    return file->goes_on && H5Lexists(file->id, object, H5P_DEFAULT) > 0;
}

meso_status h5_group_create(h5_file *file, const char *group, meso_error *err)
{
    if (is_there(file, group))
        return MESO_OK;
    hid_t link = with_parents();
    hid_t id = H5Gcreate2(file->id, group, link, H5P_DEFAULT, H5P_DEFAULT);
    meso_status status = id < 0 ? fail(file, "create group", group, err) : MESO_OK;
    if (id >= 0)
        H5Gclose(id);
    H5Pclose(link);
    file->dirty = true;
    return status;
}

static hid_t dataset_create(h5_file *file, const char *dataset, hid_t type, hid_t space,
                            hid_t create)
{
    hid_t link = with_parents(), stored = little_endian(type);
    hid_t id = H5Dcreate2(file->id, dataset, stored, space, link, create, H5P_DEFAULT);
    H5Tclose(stored);
    H5Pclose(link);
    file->dirty = true;
    return id;
}

static meso_status write_whole(h5_file *file, const char *dataset, hid_t type, int rank,
                               const hsize_t *size, const void *values, meso_error *err)
{
    meso_status status = MESO_OK;
    hid_t id;
    if (H5Lexists(file->id, dataset, H5P_DEFAULT) > 0) {
        id = H5Dopen2(file->id, dataset, H5P_DEFAULT);
    } else {
        hid_t space = H5Screate_simple(rank, size, NULL);
        hid_t create = without_times(H5P_DATASET_CREATE);
        id = dataset_create(file, dataset, type, space, create);
        H5Pclose(create);
        H5Sclose(space);
    }
    if (id < 0)
        return fail(file, "create dataset", dataset, err);
    if (H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = fail(file, "write dataset", dataset, err);
    H5Dclose(id);
    file->dirty = true;
    return status;
}

meso_status h5_write(h5_file *file, const char *dataset, hid_t type, uint64_t n, const void *values,
                     meso_error *err)
{
    return write_whole(file, dataset, type, 1, (hsize_t[]){n}, values, err);
}

meso_status h5_write_matrix(h5_file *file, const char *dataset, hid_t type, uint64_t n_rows,
                            uint64_t n_columns, const void *values, meso_error *err)
{
    return write_whole(file, dataset, type, 2, (hsize_t[]){n_rows, n_columns}, values, err);
}

static hid_t read_open(const h5_file *file, const char *dataset, uint64_t *n)
{
    hsize_t size = 0;
    *n = 0;
    if (H5Lexists(file->id, dataset, H5P_DEFAULT) <= 0)
        return -1;
    hid_t id = H5Dopen2(file->id, dataset, H5P_DEFAULT);
    if (id < 0)
        return id;
    hid_t space = H5Dget_space(id);
    if (H5Sget_simple_extent_ndims(space) == 1)
        H5Sget_simple_extent_dims(space, &size, NULL);
    H5Sclose(space);
    *n = size;
    return id;
}

meso_status h5_read(const h5_file *file, const char *dataset, hid_t type, uint64_t n, void *values,
                    meso_error *err)
{
    uint64_t found;
    hid_t id = read_open(file, dataset, &found);
    if (id < 0)
        return error_set(err, MESO_FORMAT, "%s: there is no dataset %s", file->path, dataset);
    meso_status status = MESO_OK;
    if (found != n)
        status = error_set(err, MESO_FORMAT, "%s: %s has %llu values instead of %llu", file->path,
                           dataset, (unsigned long long)found, (unsigned long long)n);
    else if (H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = fail(file, "read dataset", dataset, err);
    H5Dclose(id);
    return status;
}

uint64_t h5_length(const h5_file *file, const char *dataset)
{
    uint64_t n;
    hid_t id = read_open(file, dataset, &n);
    if (id >= 0)
        H5Dclose(id);
    return n;
}

meso_status h5_hard_link(h5_file *file, const char *object, const char *link, meso_error *err)
{
    if (is_there(file, link))
        return MESO_OK;
    if (H5Lcreate_hard(file->id, object, file->id, link, H5P_DEFAULT, H5P_DEFAULT) < 0)
        return fail(file, "create link", link, err);
    file->dirty = true;
    return MESO_OK;
}

static meso_status attribute_write(h5_file *file, const char *object, const char *name,
                                   hid_t memory_type, hid_t space, const void *values,
                                   meso_error *err)
{
    if (file->goes_on && H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0)
        return MESO_OK;
    hid_t stored = little_endian(memory_type);
    hid_t id = H5Acreate_by_name(file->id, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT,
                                 H5P_DEFAULT);
    bool written = id >= 0 && H5Awrite(id, memory_type, values) >= 0;
    meso_status status = written ? MESO_OK : fail(file, "write an attribute of", object, err);
    if (id >= 0)
        H5Aclose(id);
    H5Tclose(stored);
    file->dirty = true;
    return status;
}

meso_status h5_attribute(h5_file *file, const char *object, const char *name, hid_t type,
                         uint64_t n, const void *values, meso_error *err)
{
    hid_t space = n == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, (hsize_t[]){n}, NULL);
    meso_status status = attribute_write(file, object, name, type, space, values, err);
    H5Sclose(space);
    return status;
}

meso_status h5_attribute_text(h5_file *file, const char *object, const char *name,
                              const char *value, meso_error *err)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    meso_status status = attribute_write(file, object, name, type, space, &value, err);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

/* --- datasets that grow ----------------------------------------------------------------------- */

#define MAX_CHUNK_COLUMNS 65536

uint64_t h5_chunk_rows(double expected, uint64_t least, uint64_t most)
{
    const double wanted = expected / 1000;
    if (!(wanted > (double)least))
        return least;
    return wanted < (double)most ? (uint64_t)wanted : most;
}

uint64_t h5_rows_chunk_columns(const h5_rows *rows)
{
    if (rows->n_columns == 0)
        return 1;
    return rows->n_columns < MAX_CHUNK_COLUMNS ? rows->n_columns : MAX_CHUNK_COLUMNS;
}

static hid_t rows_layout(const h5_rows *rows, h5_storage storage)
{
    hid_t create = without_times(H5P_DATASET_CREATE);
    hsize_t columns = h5_rows_chunk_columns(rows);
    H5Pset_chunk(create, rows->n_columns > 0 ? 2 : 1, (hsize_t[]){rows->chunk_rows, columns});
    if (storage == H5_COMPRESSED) {
        H5Pset_shuffle(create); /* bytes of equal weight together, which compress better */
        H5Pset_deflate(create, COMPRESSION_LEVEL);
    }
    return create;
}

/* Those of a file that goes on. */
static meso_status rows_find(h5_rows *rows, const char *dataset, meso_error *err)
{
    hsize_t size[2] = {0};
    rows->id = H5Dopen2(rows->file->id, dataset, H5P_DEFAULT);
    if (rows->id < 0)
        return fail(rows->file, "open dataset", dataset, err);
    hid_t space = H5Dget_space(rows->id);
    const int rank = H5Sget_simple_extent_ndims(space);
    if (rank == (rows->n_columns > 0 ? 2 : 1))
        H5Sget_simple_extent_dims(space, size, NULL);
    H5Sclose(space);
    rows->n_written = size[0];
    if (size[1] == rows->n_columns)
        return MESO_OK;
    return error_set(err, MESO_FORMAT, "%s: %s has not the shape of this run's", rows->file->path,
                     dataset);
}

meso_status h5_rows_create(h5_file *file, const char *dataset, hid_t type, uint64_t n_columns,
                           uint64_t chunk_rows, h5_storage storage, h5_rows *rows, meso_error *err)
{
    *rows = (h5_rows){.file = file, .type = type, .n_columns = n_columns, .chunk_rows = chunk_rows};
    rows->row_bytes = H5Tget_size(type) * (n_columns > 0 ? n_columns : 1);
    rows->path = strdup(dataset);
    rows->collected = malloc(chunk_rows * rows->row_bytes);
    if (rows->path == NULL || rows->collected == NULL)
        return fail_memory(dataset, err);

    rows->next = file->rows;
    file->rows = rows;
    if (is_there(file, dataset))
        return rows_find(rows, dataset, err);
    hsize_t size[] = {0, n_columns}, limit[] = {H5S_UNLIMITED, n_columns};
    hid_t space = H5Screate_simple(n_columns > 0 ? 2 : 1, size, limit);
    hid_t create = rows_layout(rows, storage);
    rows->id = dataset_create(file, dataset, type, space, create);
    H5Pclose(create);
    H5Sclose(space);
    return rows->id < 0 ? fail(file, "create dataset", dataset, err) : MESO_OK;
}

meso_status h5_rows_flush(h5_rows *rows, meso_error *err)
{
    if (rows->n_collected == 0)
        return MESO_OK;
    int rank = rows->n_columns > 0 ? 2 : 1;
    hsize_t size[] = {rows->n_written + rows->n_collected, rows->n_columns};
    hsize_t start[] = {rows->n_written, 0}, count[] = {rows->n_collected, rows->n_columns};

    rows->file->dirty = true;
    if (H5Dset_extent(rows->id, size) < 0)
        return fail(rows->file, "extend dataset", rows->path, err);
    hid_t all = H5Dget_space(rows->id), part = H5Screate_simple(rank, count, NULL);
    bool written = H5Sselect_hyperslab(all, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                   H5Dwrite(rows->id, rows->type, part, all, H5P_DEFAULT, rows->collected) >= 0;
    meso_status status = written ? MESO_OK : fail(rows->file, "append to", rows->path, err);
    H5Sclose(part);
    H5Sclose(all);
    if (written) {
        rows->n_written += rows->n_collected;
        rows->n_collected = 0;
    }
    return status;
}

meso_status h5_rows_append(h5_rows *rows, const void *values, uint64_t n_rows, meso_error *err)
{
    const char *next = values;
    while (n_rows > 0) {
        uint64_t filled = (rows->n_written + rows->n_collected) % rows->chunk_rows;
        if (filled == 0) /* chunks are written whole */
            MESO_TRY(h5_rows_flush(rows, err));
        uint64_t room = rows->chunk_rows - filled;
        uint64_t n = n_rows < room ? n_rows : room;
        memcpy(rows->collected + rows->n_collected * rows->row_bytes, next, n * rows->row_bytes);
        rows->n_collected += n;
        next += n * rows->row_bytes;
        n_rows -= n;
    }
    return MESO_OK;
}

void h5_rows_close(h5_rows *rows)
{
    struct h5_rows **link = rows->file != NULL ? &rows->file->rows : NULL;
    while (link != NULL && *link != NULL && *link != rows)
        link = &(*link)->next;
    if (link != NULL && *link == rows)
        *link = rows->next;
    if (rows->id > 0)
        H5Dclose(rows->id);
    free(rows->path);
    free(rows->collected);
    *rows = (h5_rows){0};
}
