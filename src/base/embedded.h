/**
 * Files compiled into the library: kernels and model descriptors, named by their path below
 * kernels/ ("neurons/izhikevich.clh"). MESO_KERNEL_DIR reads them from disk instead (development).
 */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stddef.h>

/** Text of the file or NULL. The text lives as long as the program. */
const char *embedded_find(const char *path);
/** Path of the i-th file in alphabetical order, NULL past the end. */
const char *embedded_path(size_t i);

#endif
