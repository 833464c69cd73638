/**
 * The few HDF5 operations that results need. Every call is checked; an error names file, object and
 * what the library said. HDF5 itself prints errors unless it is between h5_silence and h5_restore.
 */
#ifndef SONATA_H5_H
#define SONATA_H5_H

#include "base/status.h"
#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/** How HDF5 reported errors before. */
typedef struct h5_silence_state {
    H5E_auto2_t function;
    void *data;
} h5_silence_state;

h5_silence_state h5_silence(void);
void h5_restore(h5_silence_state before);

/** The error of the HDF5 call that failed last: "path: cannot <what> <object>: <what HDF5 said>". */
meso_status h5_fail(const char *path, meso_status status, const char *what, const char *object,
                    meso_error *err);

/** Bytes of a file, [first, end). */
typedef struct h5_extent {
    uint64_t first, end;
} h5_extent;

typedef struct h5_extents {
    h5_extent *list; /* [n] */
    uint64_t n, capacity;
} h5_extents;

/** A file being written. Zeroed: not open. */
typedef struct h5_file {
    hid_t id;
    char *path;
    bool dirty;           /* written to since the last flush */
    bool goes_on;         /* what is there already stays as it is: nothing is made twice */
    struct h5_rows *rows; /* that grow in it: a list */
    h5_extents
        full; /* chunks that will not change any more, as far as they were asked for (h5_undo.c) */
} h5_file;

meso_status h5_file_create(const char *path, h5_file *file, meso_error *err);
/** Open a file to go on with it: what would be created is found there, datasets that grow do so at their end. */
meso_status h5_file_go_on(const char *path, h5_file *file, meso_error *err);
/** Open a file to read it. Errors: MESO_IO, MESO_FORMAT. */
meso_status h5_file_open(const char *path, h5_file *file, meso_error *err);
/** Make what was written readable even if the process is killed next; free when nothing was. */
meso_status h5_file_flush(h5_file *file, meso_error *err);
/** Fine on a file that is not open. */
meso_status h5_file_close(h5_file *file, meso_error *err);

/** A path in a file; 511 characters are enough for any name that people write. */
typedef struct h5_name {
    char path[512];
} h5_name;

h5_name h5_name_of(const char *format, ...) MESO_PRINTF(1, 2);

/* Objects are named by their path in the file; missing groups on the way are made. Types are HDF5's
 * native ones; on disk they are little-endian. */

meso_status h5_group_create(h5_file *file, const char *group, meso_error *err);
/** A whole one-dimensional dataset, made or written again. */
meso_status h5_write(h5_file *file, const char *dataset, hid_t type, uint64_t n, const void *values,
                     meso_error *err);
/** A whole two-dimensional dataset. */
meso_status h5_write_matrix(h5_file *file, const char *dataset, hid_t type, uint64_t n_rows,
                            uint64_t n_columns, const void *values, meso_error *err);
/** Values of a one-dimensional dataset. Errors: MESO_FORMAT if it is missing, or has not n of them. */
meso_status h5_read(const h5_file *file, const char *dataset, hid_t type, uint64_t n, void *values,
                    meso_error *err);
/** How many values it has; 0 if it is missing. */
uint64_t h5_length(const h5_file *file, const char *dataset);
meso_status h5_hard_link(h5_file *file, const char *object, const char *link, meso_error *err);
/** An attribute of an object: n values, or a scalar when n is 0. */
meso_status h5_attribute(h5_file *file, const char *object, const char *name, hid_t type,
                         uint64_t n, const void *values, meso_error *err);
meso_status h5_attribute_text(h5_file *file, const char *object, const char *name,
                              const char *value, meso_error *err);

typedef enum h5_storage { H5_PLAIN, H5_COMPRESSED } h5_storage;

/**
 * A dataset that grows by rows. Rows are collected in memory and written a chunk at a time, or when
 * flushed. Zeroed: not open.
 */
typedef struct h5_rows {
    struct h5_rows *next; /* of the same file: must stay where it is */
    h5_file *file;        /* borrowed: must stay where it is */
    char *path;
    hid_t id, type;
    uint64_t n_columns; /* 0: one-dimensional */
    uint64_t chunk_rows;
    size_t row_bytes;
    uint64_t n_written, n_collected;
    uint64_t n_settled; /* rows in the file's `full` chunks */
    char *collected; /* [chunk_rows * row_bytes] */
} h5_rows;

/**
 * Inputs    n_columns   0 for a one-dimensional dataset
 *           chunk_rows  rows that are stored, and held in memory, together
 *           storage     SONATA files are plain: libsonata's packages come with an HDF5 without gzip
 */
meso_status h5_rows_create(h5_file *file, const char *dataset, hid_t type, uint64_t n_columns,
                           uint64_t chunk_rows, h5_storage storage, h5_rows *rows, meso_error *err);
meso_status h5_rows_append(h5_rows *rows, const void *values, uint64_t n_rows, meso_error *err);
meso_status h5_rows_flush(h5_rows *rows, meso_error *err);
/**
 * Rows of a chunk in a dataset that will have about so many: a thousandth of them, as far as it is between `least` and
 * `most`. HDF5 1.10 goes through all chunks to find one, which a checkpoint asks for.
 */
uint64_t h5_chunk_rows(double expected, uint64_t least, uint64_t most);
/** Columns that lie in one chunk, at least 1. */
uint64_t h5_rows_chunk_columns(const h5_rows *rows);
/** Drops what was not flushed. Fine when not open. */
void h5_rows_close(h5_rows *rows);

#endif
