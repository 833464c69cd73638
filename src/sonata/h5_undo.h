/**
 * Bringing a file back to an earlier moment, in whatever state a killed process or a dead machine left it.
 *
 * Chunks that are full are never written again. Everything else in the file (indices, and chunks that still fill) is
 * kept elsewhere, byte for byte: it is little. Written back, and the file cut to its length of then, the file is what it
 * was, and HDF5 need not understand what stood there in between.
 */
#ifndef SONATA_H5_UNDO_H
#define SONATA_H5_UNDO_H

#include "sonata/h5.h"

/** Zeroed: empty. */
typedef struct h5_undo {
    uint64_t file_bytes;
    uint64_t *spans; /* [2 n_spans] first byte and length, ascending */
    uint64_t n_spans;
    unsigned char *content; /* [n_content] of the spans, one after the other */
    uint64_t n_content;
} h5_undo;

/** Write all that was collected, down to the disk, and keep what later writing may change. Freed with h5_undo_free. */
meso_status h5_undo_take(h5_file *file, h5_undo *out, meso_error *err);
/** Bring the file at `path` back; nobody may have it open. Errors: MESO_IO; MESO_FORMAT if it is too short. */
meso_status h5_undo_apply(const char *path, const h5_undo *undo, meso_error *err);
void h5_undo_free(h5_undo *undo);

#endif
