/**
 * checkpoint.h5: the state of a run at a moment, and what brings the result files back to that moment.
 *
 *     /mesocl_version, /experiment, /time_s, /layout   what it is of
 *     /state/<block>                                   as the run shows it (mesocl/state.h)
 *     /files/<number>/{path, bytes, spans, content}    of each HDF5 file (sonata/h5_undo.h)
 *     /checksum                                        of state and contents
 */
#ifndef OUTPUT_CHECKPOINT_H
#define OUTPUT_CHECKPOINT_H

#include "sonata/h5.h"
#include <mesocl/sink.h>

#define CHECKPOINT_FILE "checkpoint.h5"

typedef struct checkpoint_head {
    uint64_t experiment; /* experiment_fingerprint */
    uint32_t layout[3];  /* partitions, work-group size, vector width */
} checkpoint_head;

/** In place of the one before, whole or not at all. `files` lie in the directory. */
meso_status checkpoint_write(const char *directory, const checkpoint_head *head,
                             const meso_state *state, h5_file *const *files, uint32_t n_files,
                             meso_error *err);

/** One that is read. */
typedef struct checkpoint {
    h5_file file;
    char *directory;
    checkpoint_head head;
    double time_s;
    uint64_t checksum;          /* of what was read so far */
    meso_state_visitor visitor; /* fills the run's state */
} checkpoint;

/** Errors: MESO_VERSION if it is of another version of mesocl, MESO_IO, MESO_FORMAT. Freed with checkpoint_close. */
meso_status checkpoint_open(const char *directory, checkpoint **out, meso_error *err);
/** After the state was filled: bring the files back. Errors: MESO_FORMAT when anything was damaged; MESO_IO */
meso_status checkpoint_restore_files(checkpoint *c, meso_error *err);
/** Fine on NULL. */
void checkpoint_close(checkpoint **c);

#endif
