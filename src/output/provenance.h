/** How every HDF5 file of results begins: whether it goes on, and where it comes from (attributes at its root). */
#ifndef OUTPUT_PROVENANCE_H
#define OUTPUT_PROVENANCE_H

#include "sonata/h5.h"
#include <mesocl/sink.h>

/** A new file; in a run that goes on, the one that is there, to go on with. */
meso_status result_file_begin(const char *path, const meso_run_info *info, h5_file *file,
                              meso_error *err);

/**
 * mesocl_version, seed, device, and experiment_hash: XXH64 of the merged experiment, 16 hex digits.
 * A SONATA file has magic and version (of SONATA) too.
 */
meso_status provenance_write(h5_file *file, const meso_run_info *info, bool sonata,
                             meso_error *err);

/** Of mesocl: "0.1.0". (Its macro and the status MESO_VERSION cannot be used in one file.) */
const char *provenance_version(void);

#endif
