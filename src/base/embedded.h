/**
 * Files compiled into the library: kernels and model descriptors, named by their path below
 * kernels/ ("neurons/izhikevich.clh"), which MESO_KERNEL_DIR reads from disk instead (development);
 * and experiments: "configs/baseline.json", "bench/pd14.json", and those in "validation/", with its table.
 */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>

/** Text of the file or NULL. The text lives as long as the program. */
const char *embedded_find(const char *path);
/** Path of the i-th file in alphabetical order, NULL past the end. */
const char *embedded_path(size_t i);
/** Is the file at this path an experiment, or a part of one? */
bool embedded_is_experiment(const char *path);

#endif
