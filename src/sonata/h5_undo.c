#include "sonata/h5_undo.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static meso_status fail(const char *path, const char *what, meso_error *err)
{
    return error_set(err, MESO_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

static meso_status out_of_memory(const char *path, meso_error *err)
{
    return error_set(err, MESO_MEMORY, "out of memory for a checkpoint of %s", path);
}

/* --- full chunks ------------------------------------------------------------------------------ */

/* One more extent; it may grow the last one. */
static meso_status extent_add(h5_file *file, uint64_t first, uint64_t bytes, meso_error *err)
{
    h5_extents *e = &file->full;
    if (e->n > 0 && e->list[e->n - 1].end == first) {
        e->list[e->n - 1].end += bytes;
        return MESO_OK;
    }
    if (e->n == e->capacity) {
        const uint64_t capacity = e->capacity > 0 ? 2 * e->capacity : 64;
        h5_extent *longer = realloc(e->list, capacity * sizeof *longer);
        if (longer == NULL)
            return out_of_memory(file->path, err);
        e->list = longer;
        e->capacity = capacity;
    }
    e->list[e->n++] = (h5_extent){first, first + bytes};
    return MESO_OK;
}

/* Where the chunks of so many rows lie that begin with a row. */
static meso_status chunk_row_find(h5_rows *rows, uint64_t row, meso_error *err)
{
    const uint64_t width = h5_rows_chunk_columns(rows);
    for (uint64_t column = 0; column == 0 || column < rows->n_columns; column += width) {
        unsigned mask;
        haddr_t first;
        hsize_t bytes;
        if (H5Dget_chunk_info_by_coord(rows->id, (hsize_t[]){row, column}, &mask, &first, &bytes) <
            0)
            return h5_fail(rows->file->path, MESO_IO, "find chunks of", rows->path, err);
        if (first == HADDR_UNDEF)
            return error_set(err, MESO_FORMAT, "%s: %s lacks rows", rows->file->path, rows->path);
        MESO_TRY(extent_add(rows->file, first, bytes, err));
    }
    return MESO_OK;
}

/* Those that filled since the last time. */
static meso_status chunks_find(h5_rows *rows, meso_error *err)
{
    for (; rows->n_settled + rows->chunk_rows <= rows->n_written;
         rows->n_settled += rows->chunk_rows)
        MESO_TRY(chunk_row_find(rows, rows->n_settled, err));
    return MESO_OK;
}

static int earlier(const void *a, const void *b)
{
    const h5_extent *one = a, *other = b;
    return (one->first > other->first) - (one->first < other->first);
}

/* --- the rest --------------------------------------------------------------------------------- */

/* What lies between the extents. */
static meso_status spans_list(h5_file *file, h5_undo *u, meso_error *err)
{
    const h5_extents *e = &file->full;
    u->spans = malloc(2 * (e->n + 1) * sizeof *u->spans);
    if (u->spans == NULL)
        return out_of_memory(file->path, err);
    if (e->n > 0)
        qsort(e->list, e->n, sizeof *e->list, earlier);
    uint64_t at = 0;
    for (uint64_t i = 0; i <= e->n; i++) {
        const uint64_t end = i < e->n ? e->list[i].first : u->file_bytes;
        if (end > at) {
            u->spans[2 * u->n_spans] = at;
            u->spans[2 * u->n_spans++ + 1] = end - at;
            u->n_content += end - at;
        }
        at = i < e->n ? e->list[i].end : at;
    }
    return MESO_OK;
}

static meso_status spans_read(const char *path, int file, h5_undo *u, meso_error *err)
{
    u->content = malloc(u->n_content + 1);
    if (u->content == NULL)
        return out_of_memory(path, err);
    unsigned char *to = u->content;
    for (uint64_t i = 0; i < u->n_spans; i++) {
        uint64_t at = u->spans[2 * i], left = u->spans[2 * i + 1];
        while (left > 0) {
            const ssize_t n = pread(file, to, left, (off_t)at);
            if (n <= 0)
                return fail(path, "read", err);
            to += n;
            at += (uint64_t)n;
            left -= (uint64_t)n;
        }
    }
    return MESO_OK;
}

static meso_status undo_take(h5_file *file, int descriptor, h5_undo *u, meso_error *err)
{
    struct stat found;
    if (fsync(descriptor) != 0 || fstat(descriptor, &found) != 0)
        return fail(file->path, "write", err);
    u->file_bytes = (uint64_t)found.st_size;
    MESO_TRY(spans_list(file, u, err));
    return spans_read(file->path, descriptor, u, err);
}

meso_status h5_undo_take(h5_file *file, h5_undo *out, meso_error *err)
{
    *out = (h5_undo){0};
    for (h5_rows *rows = file->rows; rows != NULL; rows = rows->next) {
        MESO_TRY(h5_rows_flush(rows, err));
        MESO_TRY(chunks_find(rows, err));
    }
    MESO_TRY(h5_file_flush(file, err));
    const int descriptor = open(file->path, O_RDONLY);
    if (descriptor < 0)
        return fail(file->path, "open", err);
    const meso_status status = undo_take(file, descriptor, out, err);
    close(descriptor);
    if (status != MESO_OK)
        h5_undo_free(out);
    return status;
}

/* --- back ------------------------------------------------------------------------------------- */

static meso_status spans_write(const char *path, int file, const h5_undo *u, meso_error *err)
{
    const unsigned char *from = u->content;
    for (uint64_t i = 0; i < u->n_spans; i++) {
        uint64_t at = u->spans[2 * i], left = u->spans[2 * i + 1];
        while (left > 0) {
            const ssize_t n = pwrite(file, from, left, (off_t)at);
            if (n <= 0)
                return fail(path, "write", err);
            from += n;
            at += (uint64_t)n;
            left -= (uint64_t)n;
        }
    }
    return MESO_OK;
}

/* The end of the last full chunk: HDF5 may have cut off what is behind, and did not write it again. */
static uint64_t least_bytes(const h5_undo *u)
{
    const uint64_t *last = u->n_spans > 0 ? &u->spans[2 * u->n_spans - 2] : NULL;
    return last != NULL && last[0] + last[1] == u->file_bytes ? last[0] : u->file_bytes;
}

static meso_status undo_apply(const char *path, int file, const h5_undo *u, meso_error *err)
{
    struct stat found;
    if (fstat(file, &found) != 0)
        return fail(path, "read", err);
    if ((uint64_t)found.st_size < least_bytes(u))
        return error_set(err, MESO_FORMAT, "%s is shorter than it was at the checkpoint", path);
    MESO_TRY(spans_write(path, file, u, err));
    if (ftruncate(file, (off_t)u->file_bytes) != 0 || fsync(file) != 0)
        return fail(path, "write", err);
    return MESO_OK;
}

meso_status h5_undo_apply(const char *path, const h5_undo *undo, meso_error *err)
{
    const int file = open(path, O_RDWR);
    if (file < 0)
        return fail(path, "open", err);
    meso_status status = undo_apply(path, file, undo, err);
    if (close(file) != 0 && status == MESO_OK)
        status = fail(path, "write", err);
    return status;
}

void h5_undo_free(h5_undo *undo)
{
    free(undo->spans);
    free(undo->content);
    *undo = (h5_undo){0};
}
