/**
 * Field tables: one row per key of an experiment file.
 *
 * A row says what a key may hold, in which unit and range, what it is when not given, and where it
 * goes in the model. The same rows validate, fill in defaults, fill the model's structs, and print
 * the JSON Schema, so none of these can disagree. The tables stand beside the code that builds
 * their structs.
 */
#ifndef CONFIG_FIELDS_H
#define CONFIG_FIELDS_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include "config/document.h"
#include "model/distribution.h"
#include <stdint.h>

typedef enum field_kind {
    FIELD_NUMBER,         /* double */
    FIELD_INTEGER,        /* uint32_t or uint64_t */
    FIELD_BOOLEAN,        /* bool */
    FIELD_TEXT,           /* const char * */
    FIELD_NAME,           /* const char *: letters, digits and '_' */
    FIELD_CHOICE,         /* enum: position in `choices` */
    FIELD_DISTRIBUTION,   /* struct distribution: a number or how it is drawn */
    FIELD_PER_NEURON,     /* struct distribution, or a list of numbers, one for each neuron */
    FIELD_OBJECT,         /* of `type` */
    FIELD_MAP,            /* names to objects of `type` */
    FIELD_LIST,           /* of objects of `type` */
    FIELD_NUMBER_MAP,     /* names to numbers */
    FIELD_PER_NEURON_MAP, /* names to numbers, distributions or lists */
    FIELD_PATHS,          /* a path or a list of paths */
    FIELD_SELECTION,      /* true, false, or a list of names */
    FIELD_INDICES,        /* a count, or a list of indices */
    FIELD_NUMBERS,        /* a number or a list of numbers */
    FIELD_NAMES,          /* a name or a list of names */
    FIELD_NUMBER_OR_NAME,
    FIELD_BOX, /* double[3]: three numbers, or one for all */
} field_kind;

typedef struct object_type object_type;

typedef struct field {
    const char *key;
    field_kind kind;
    const char *unit; /* as people write it; NULL for pure numbers */
    const char *doc;
    bool required;

    bool bounded;  /* min and max hold */
    bool open_min; /* min itself is not allowed */
    double min, max;

    bool has_default; /* then a missing key gets `number`, `text`, or an empty object */
    double number;
    const char *text;

    const char *const *choices; /* ends with NULL */
    const object_type *type;
    /* Bits of the variants (choices of the type's `variant` key) in which the key has a meaning;
     * 0: in all. */
    unsigned variants;

    size_t offset, size; /* of the struct's member; size 0: resolved elsewhere */
} field;

struct object_type {
    const char *name; /* in the schema: "population" */
    const char *doc;
    const field *fields;       /* ends with a row without key */
    const char *variant;       /* key of a FIELD_CHOICE that decides which others have a meaning */
    const char *const *one_of; /* exactly one of these keys must be given, in variants where they
                                * have a meaning; ends with NULL */
};

/* Parts of a row, to be used inside its braces. */
#define FIELD_IN(struct_name, member)                                                              \
    .offset = offsetof(struct_name, member), .size = sizeof(((struct_name *)0)->member)
#define FIELD_FROM(low, high) .bounded = true, .min = (low), .max = (high)
#define FIELD_ABOVE(low, high) FIELD_FROM(low, high), .open_min = true
#define FIELD_DEFAULT(value) .has_default = true, .number = (value)
#define FIELD_DEFAULT_TEXT(value) .has_default = true, .text = (value)
#define FIELD_DEFAULT_EMPTY .has_default = true
#define VARIANT(choice) (1u << (choice))

extern const object_type distribution_type;

/** The row of `key`, or NULL. */
const field *type_find(const object_type *type, const char *key);

/**
 * Check `object` against its table and add the defaults of all missing keys to it.
 * Errors    MESO_CONFIG, MESO_UNIT, MESO_RANGE with place, value and what is allowed
 */
meso_status type_check(const document *d, const object_type *type, cJSON *object, meso_error *err);
/** Check one value against one row. */
meso_status field_check(const document *d, const field *f, cJSON *value, meso_error *err);

/** Copy what has a place in the struct `out` from a checked object; strings go to `memory`. */
meso_status type_read(const object_type *type, const cJSON *object, arena *memory, void *out,
                      meso_error *err);
/**
 * A checked number or distribution. Bounds that were not given are those of the row `f`, so that no
 * draw leaves the allowed range.
 */
distribution field_read_distribution(const field *f, const cJSON *value);

/** "(0, 10000] ms" */
void field_append_range(const field *f, text *out);

/** The JSON Schema (draft 7) of `type`, for cJSON_Delete; NULL when out of memory. */
cJSON *type_schema(const object_type *type);

#endif
