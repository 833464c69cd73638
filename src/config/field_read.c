#include "config/fields.h"

#include <math.h>
#include <string.h>

/* Position of a checked text in the row's choices. */
static unsigned choice_index(const field *f, const char *value)
{
    unsigned i = 0;
    while (strcmp(f->choices[i], value) != 0)
        i++;
    return i;
}

static double number_or(const cJSON *object, const char *key, double otherwise)
{
    const cJSON *value = get_member(object, key);
    return value ? value->valuedouble : otherwise;
}

distribution field_read_distribution(const field *f, const cJSON *value)
{
    if (cJSON_IsNumber(value))
        return (distribution){.kind = DISTRIBUTION_CONSTANT,
                              .mean = value->valuedouble,
                              .min = -INFINITY,
                              .max = INFINITY};
    static const distribution_kind kinds[] = {DISTRIBUTION_NORMAL, DISTRIBUTION_LOGNORMAL,
                                              DISTRIBUTION_UNIFORM};
    const field *kind = type_find(&distribution_type, "distribution");
    distribution d = {.kind = kinds[choice_index(kind, get_member(value, kind->key)->valuestring)]};
    d.mean = number_or(value, "mean", 0);
    d.sd = number_or(value, "sd", 0);
    d.min = number_or(value, "min", f->bounded ? f->min : -INFINITY);
    d.max = number_or(value, "max", f->bounded ? f->max : INFINITY);
    return d;
}

static void read_integer(const field *f, double value, void *to)
{
    if (f->size == sizeof(uint64_t))
        *(uint64_t *)to = (uint64_t)value;
    else
        *(uint32_t *)to = (uint32_t)value;
}

static meso_status read_text(const cJSON *value, arena *memory, const char **to, meso_error *err)
{
    *to = arena_strdup(memory, value->valuestring);
    return *to ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

static void read_box(const cJSON *value, double to[3])
{
    for (int i = 0; i < 3; i++)
        to[i] = cJSON_IsNumber(value) ? value->valuedouble
                                      : cJSON_GetArrayItem(value, i)->valuedouble;
}

static meso_status read_value(const field *f, const cJSON *value, arena *memory, void *to,
                              meso_error *err)
{
    switch (f->kind) {
    case FIELD_NUMBER:
        *(double *)to = value->valuedouble;
        return MESO_OK;
    case FIELD_INTEGER:
        read_integer(f, value->valuedouble, to);
        return MESO_OK;
    case FIELD_BOOLEAN:
        *(bool *)to = cJSON_IsTrue(value);
        return MESO_OK;
    case FIELD_TEXT:
    case FIELD_NAME:
        return read_text(value, memory, to, err);
    case FIELD_CHOICE:
        *(unsigned *)to = choice_index(f, value->valuestring);
        return MESO_OK;
    case FIELD_DISTRIBUTION:
        *(distribution *)to = field_read_distribution(f, value);
        return MESO_OK;
    case FIELD_BOX:
        read_box(value, to);
        return MESO_OK;
    default:
        return error_set(err, MESO_INTERNAL, "key '%s' has no place in a struct", f->key);
    }
}

meso_status type_read(const object_type *type, const cJSON *object, arena *memory, void *out,
                      meso_error *err)
{
    for (const field *f = type->fields; f->key; f++) {
        const cJSON *value = f->size ? get_member(object, f->key) : NULL;
        if (value)
            MESO_TRY(read_value(f, value, memory, (char *)out + f->offset, err));
    }
    return MESO_OK;
}
