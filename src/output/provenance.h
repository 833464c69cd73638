/** Where a file comes from: attributes at the root of every HDF5 file. */
#ifndef OUTPUT_PROVENANCE_H
#define OUTPUT_PROVENANCE_H

#include "sonata/h5.h"
#include <mesocl/sink.h>

/**
 * mesocl_version, seed, device, and experiment_hash: XXH64 of the merged experiment, 16 hex digits.
 * A SONATA file has magic and version (of SONATA) too.
 */
meso_status provenance_write(h5_file *file, const meso_run_info *info, bool sonata,
                             meso_error *err);

#endif
