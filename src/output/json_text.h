/** Writing JSON: two blanks a level, one key a line. */
#ifndef OUTPUT_JSON_TEXT_H
#define OUTPUT_JSON_TEXT_H

#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>

/** Zeroed: nothing written yet. `key` is NULL for the outermost object and inside arrays. */
typedef struct json_text {
    text out;
    int depth;
    bool has_items; /* of the innermost object or array */
} json_text;

void json_open(json_text *json, const char *key, char bracket); /* '{' or '[' */
void json_close(json_text *json, char bracket);                 /* '}' or ']' */
/** UTF-8 passes as it is; quotes, backslashes and control characters are escaped. */
void json_string(json_text *json, const char *key, const char *value);
void json_null(json_text *json, const char *key);
/** The shortest text that reads back as the same number; null when it is not finite. */
void json_number(json_text *json, const char *key, double value);
void json_integer(json_text *json, const char *key, uint64_t value);
void json_boolean(json_text *json, const char *key, bool value);

#endif
