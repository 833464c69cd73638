/**
 * Spikes of one population of a SONATA file, read in pieces.
 *
 * The file has /spikes/<population>/timestamps (floating point, attribute `units`: ms, which is also
 * the default, or s) and /spikes/<population>/node_ids (whole numbers), of one length, in any order.
 */
#ifndef SONATA_SPIKES_READ_H
#define SONATA_SPIKES_READ_H

#include "base/status.h"
#include <stdint.h>

typedef struct spikes_reader spikes_reader;

/**
 * Outputs   n_spikes  in the whole population
 * Errors    MESO_IO: no file; MESO_NOT_FOUND: no such population, with those there are;
 *           MESO_FORMAT: not HDF5, not SONATA, truncated; the dataset is named
 */
meso_status spikes_reader_open(const char *path, const char *population, spikes_reader **reader,
                               uint64_t *n_spikes, meso_error *err);
/**
 * Spikes first ... first + n - 1.
 * Errors    MESO_FORMAT: unreadable, a negative node id, a time that is negative or not a number
 */
meso_status spikes_reader_read(spikes_reader *reader, uint64_t first, uint64_t n, double *times_ms,
                               uint64_t *node_ids, meso_error *err);
void spikes_reader_close(spikes_reader **reader);

#endif
