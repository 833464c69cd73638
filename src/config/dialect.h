/**
 * What a user's kernel text must not use, because its bits differ between devices.
 */
#ifndef CONFIG_DIALECT_H
#define CONFIG_DIALECT_H

#include "base/status.h"

/** Refuse division, library functions that OpenCL lets differ by some ulp, and a neuron model that never says whether
 *  it fired (`must_assign`, such as "spiked"; may be NULL). Errors: MESO_CONFIG with path:line. */
meso_status dialect_check(const char *path, const char *content, const char *must_assign, meso_error *err);

#endif
