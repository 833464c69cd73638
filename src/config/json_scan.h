/**
 * A strict pass over JSON text before cJSON takes it: exact places and plain words for every
 * mistake of syntax, and the line of every value, which cJSON does not keep.
 */
#ifndef CONFIG_JSON_SCAN_H
#define CONFIG_JSON_SCAN_H

#include "base/status.h"
#include <stddef.h>

typedef struct json_lines {
    int *line; /* [n] line of each value, in the order in which values begin; freed with free() */
    size_t n, capacity;
    int n_lines; /* of the whole text */
} json_lines;

/**
 * Check that `text` is one JSON value (RFC 8259, nothing more).
 *
 * Inputs    name   of the file, for messages
 * Outputs   lines  owned by the caller also after an error
 * Errors    MESO_CONFIG: "name:line:column: what was found and what was expected"
 */
meso_status json_scan(const char *name, const char *text, size_t length, json_lines *lines,
                      meso_error *err);

#endif
