/**
 * One document from an experiment file, its parents, and the overrides of the command line.
 */
#ifndef CONFIG_MERGE_H
#define CONFIG_MERGE_H

#include "config/document.h"
#include "config/fields.h"
#include <stdint.h>

/** Experiments that are compiled in are "builtin:" and the path of embedded.h. */
#define BUILTIN "builtin:"

/**
 * Fill `d` with the file at `path`: parents first, in the order in which `extends` lists them,
 * later values on top of earlier ones. Objects merge by key, all else replaces, null removes.
 * Paths in `extends` are seen from the file that has them, be it on disk or built in.
 *
 * Inputs    type  of the root, for the keys that may stand there
 * Errors    MESO_IO: the file itself cannot be read; MESO_NOT_FOUND: a parent cannot;
 *           MESO_CONFIG: not JSON, a cycle of parents, null where nothing was inherited
 */
meso_status merge_file(document *d, const object_type *type, const char *path, meso_error *err);

/** The same from `content`, which messages call `name`; its `extends` is seen from the working directory. */
meso_status merge_text(document *d, const object_type *type, const char *name, const char *content,
                       meso_error *err);

/**
 * Apply "path=value", e.g. "populations.pv.n_neurons=40" or "protocol[0].minutes=1". The value is
 * JSON, or a bare word, which is taken as a string.
 * Errors    MESO_ARGUMENT: not of this form; MESO_NOT_FOUND: no such path
 */
meso_status merge_override(document *d, const object_type *type, const char *assignment,
                           meso_error *err);

/**
 * Merge `value`, a member of `over`, into `base`; the value is taken away from `over` or left there
 * to be freed with it. Places and paths in errors are those of `patch`.
 */
meso_status merge_member(const document *patch, cJSON *base, cJSON *over, cJSON *value,
                         meso_error *err);

#endif
