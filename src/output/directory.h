/** The result directory: whether it may be used, making it, and whole small files in it. */
#ifndef OUTPUT_DIRECTORY_H
#define OUTPUT_DIRECTORY_H

#include "base/status.h"
#include <stdbool.h>

/** "directory/name"; the caller frees it. NULL: out of memory. */
char *path_join(const char *directory, const char *name);

/**
 * May a run write here? Yes if the directory is missing and can be made, is empty, or holds an
 * earlier run and `force` is given.
 * Errors    MESO_IO
 */
meso_status directory_check(const char *directory, bool force, meso_error *err);

/** Check, make the directory with its parents, and remove the files of an earlier run. */
meso_status directory_prepare(const char *directory, bool force, meso_error *err);

/** Make one directory inside; fine if it exists. */
meso_status directory_add(const char *directory, const char *name, meso_error *err);

/** Where a file is written before it takes its place with directory_commit; the caller frees it. NULL: out of memory. */
char *directory_partial(const char *directory, const char *name);
/** Down to the disk, and in place of the file that was there. */
meso_status directory_commit(const char *directory, const char *name, meso_error *err);

/** Down to the disk. */
bool path_sync(const char *path);
/** Is there such a file? */
bool directory_has(const char *directory, const char *name);
/** Is it missing, or is nothing in it? */
bool directory_is_empty(const char *directory);
/** Remove a file; fine if there is none. */
meso_status directory_remove(const char *directory, const char *name, meso_error *err);

/** Write a file whole or not at all: under a temporary name that is then changed. */
meso_status directory_write_file(const char *directory, const char *name, const char *content,
                                 meso_error *err);

#endif
