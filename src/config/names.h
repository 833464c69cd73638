/** What a user may have meant by a name that does not exist. */
#ifndef CONFIG_NAMES_H
#define CONFIG_NAMES_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include "config/document.h"
#include <stddef.h>
#include <stdint.h>

/** Names (and units, NULL where there is none) to choose from. */
typedef struct name_list {
    const char **names, **units;
    size_t n, capacity;
} name_list;

void names_add(name_list *l, const char *name, const char *unit);
void names_add_members(name_list *l, const cJSON *object);
void names_free(name_list *l);

/** "; did you mean 'x'?", or "; <what>: a, b, c", or "; there are no <what>". */
void names_append_hint(const name_list *l, const char *name, const char *what, text *out);

/**
 * The error about `key` of `object` that is none of the names. A key that differs from one of them
 * in its unit alone gives MESO_UNIT and names the right one, any other MESO_CONFIG.
 * Inputs    what  the names are: "keys", "parameters"
 */
meso_status names_error_key(const document *d, const cJSON *object, const char *key,
                            const char *what, const name_list *l, meso_error *err);

/** The error about the string `value` that names none of them ("populations"). MESO_NOT_FOUND. */
meso_status names_error_value(const document *d, const cJSON *value, const char *name,
                              const char *what, const name_list *l, meso_error *err);

/** MESO_OK if `name` is one of them, else that error. */
meso_status names_check_value(const document *d, const cJSON *value, const char *name,
                              const char *what, const name_list *l, meso_error *err);

#endif
