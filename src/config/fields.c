#include "config/fields.h"

#include "config/names.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

#define LONGEST_NAME 63

/* --- distributions: the one type that many rows share ----------------------------------------- */

enum { NORMAL, LOGNORMAL, UNIFORM };

#define SPREAD (VARIANT(NORMAL) | VARIANT(LOGNORMAL))

static const char *const distribution_names[] = {"normal", "lognormal", "uniform", NULL};

/* clang-format off */
static const field distribution_fields[] = {
    {.key = "distribution", .kind = FIELD_CHOICE, .choices = distribution_names, .required = true,
     .doc = "how values are drawn"},
    {.key = "mean", .kind = FIELD_NUMBER, .required = true, .variants = SPREAD,
     .doc = "mean, before clipping"},
    {.key = "sd", .kind = FIELD_NUMBER, .required = true, .variants = SPREAD,
     FIELD_FROM(0, INFINITY),
     .doc = "standard deviation, before clipping; of the value also when it is lognormal"},
    {.key = "min", .kind = FIELD_NUMBER, .variants = SPREAD,
     .doc = "smaller draws are clipped to it; default: the least that the key allows"},
    {.key = "max", .kind = FIELD_NUMBER, .variants = SPREAD,
     .doc = "larger draws are clipped to it; default: the most that the key allows"},
    {.key = "min", .kind = FIELD_NUMBER, .variants = VARIANT(UNIFORM), .required = true,
     .doc = "least value"},
    {.key = "max", .kind = FIELD_NUMBER, .variants = VARIANT(UNIFORM), .required = true,
     .doc = "largest value"},
    {0}};
/* clang-format on */

const object_type distribution_type = {
    .name = "distribution",
    .doc = "How a value is drawn, once for each neuron, synapse or event",
    .fields = distribution_fields,
    .variant = "distribution"};

/* --- words for messages ----------------------------------------------------------------------- */

void field_append_range(const field *f, text *out)
{
    const bool open_min = f->open_min || isinf(f->min);
    char min[NUMBER_TEXT], max[NUMBER_TEXT];
    text_appendf(out, "%c%s, %s%c", open_min ? '(' : '[', number_text(f->min, min),
                 number_text(f->max, max), isinf(f->max) ? ')' : ']');
    if (f->unit)
        text_appendf(out, " %s", f->unit);
}

static void append_choices(const field *f, text *out)
{
    for (size_t i = 0; f->choices[i]; i++)
        text_appendf(out, "%s%s", i ? ", " : "", f->choices[i]);
}

/* "a number in ms" */
static void append_expected(const field *f, text *out)
{
    static const char *const words[] = {
        [FIELD_NUMBER] = "a number",
        [FIELD_INTEGER] = "a whole number",
        [FIELD_BOOLEAN] = "true or false",
        [FIELD_TEXT] = "a string",
        [FIELD_NAME] = "a name",
        [FIELD_CHOICE] = "one of ",
        [FIELD_DISTRIBUTION] = "a number",
        [FIELD_PER_NEURON] = "a number",
        [FIELD_OBJECT] = "an object",
        [FIELD_MAP] = "an object of names",
        [FIELD_LIST] = "a list of objects",
        [FIELD_NUMBER_MAP] = "an object of names and numbers",
        [FIELD_PER_NEURON_MAP] = "an object of names and numbers, distributions or lists",
        [FIELD_PATHS] = "a path or a list of paths",
        [FIELD_SELECTION] = "true, false or a list of names",
        [FIELD_INDICES] = "a count or a list of indices",
        [FIELD_NUMBERS] = "a number or a list of numbers",
        [FIELD_NAMES] = "a name or a list of names",
        [FIELD_NUMBER_OR_NAME] = "a number or a name",
        [FIELD_BOX] = "a number or a list of three",
    };
    if (f->bounded && f->min == f->max)
        text_appendf(out, "%.15g", f->min);
    else
        text_append(out, words[f->kind]);
    if (f->kind == FIELD_CHOICE)
        append_choices(f, out);
    if (f->unit)
        text_appendf(out, " in %s", f->unit);
    if (f->kind == FIELD_DISTRIBUTION)
        text_append(out, " or a distribution");
    if (f->kind == FIELD_PER_NEURON)
        text_append(out, ", a distribution or a list of numbers");
}

static const char *content(const text *t)
{
    return t->failed || !t->data ? "" : t->data;
}

static meso_status wrong_kind(const document *d, const field *f, const cJSON *value,
                              meso_error *err)
{
    char got[80];
    text what = {0};
    append_expected(f, &what);
    document_error(d, value, NULL, err, MESO_CONFIG, "expected %s, got %s", content(&what),
                   document_describe(value, got));
    text_free(&what);
    return MESO_CONFIG;
}

static meso_status missing(const document *d, const field *f, const cJSON *object, meso_error *err)
{
    text what = {0};
    append_expected(f, &what);
    document_error(d, object, f->key, err, MESO_CONFIG, "missing: expected %s", content(&what));
    text_free(&what);
    return MESO_CONFIG;
}

/* --- single values ---------------------------------------------------------------------------- */

static meso_status check_range(const document *d, const field *f, const cJSON *value,
                               meso_error *err)
{
    const double x = value->valuedouble;
    if (!f->bounded || (x <= f->max && (f->open_min ? x > f->min : x >= f->min)))
        return MESO_OK;
    char given[NUMBER_TEXT];
    number_text(x, given);
    if (f->min == f->max)
        return document_error(d, value, NULL, err, MESO_RANGE, "%s: it must be %.15g", given,
                              f->min);
    text range = {0};
    field_append_range(f, &range);
    document_error(d, value, NULL, err, MESO_RANGE, "%s%s%s is outside %s", given,
                   f->unit ? " " : "", f->unit ? f->unit : "", content(&range));
    text_free(&range);
    return MESO_RANGE;
}

static meso_status check_number(const document *d, const field *f, const cJSON *value,
                                meso_error *err)
{
    if (!cJSON_IsNumber(value))
        return wrong_kind(d, f, value, err);
    if (f->kind == FIELD_INTEGER && value->valuedouble != floor(value->valuedouble))
        return document_error(d, value, NULL, err, MESO_CONFIG, "%.15g is not a whole number",
                              value->valuedouble);
    return check_range(d, f, value, err);
}

static meso_status check_name(const document *d, const cJSON *at, const char *name, meso_error *err)
{
    const size_t length = strlen(name);
    bool good = length > 0 && length <= LONGEST_NAME && isalpha((unsigned char)name[0]);
    for (size_t i = 0; i < length; i++)
        good = good && (isalnum((unsigned char)name[i]) || name[i] == '_');
    if (good)
        return MESO_OK;
    return document_error(d, at, NULL, err, MESO_CONFIG,
                          "'%.80s' is not a name: letters, digits and '_', a letter first, at "
                          "most %d characters",
                          name, LONGEST_NAME);
}

static meso_status check_choice(const document *d, const field *f, const cJSON *value,
                                meso_error *err)
{
    name_list choices = {0};
    for (size_t i = 0; f->choices[i]; i++) {
        if (strcmp(f->choices[i], value->valuestring) == 0) {
            names_free(&choices);
            return MESO_OK;
        }
        names_add(&choices, f->choices[i], NULL);
    }
    text hint = {0};
    names_append_hint(&choices, value->valuestring, "choices", &hint);
    document_error(d, value, NULL, err, MESO_CONFIG, "unknown %s '%.80s'%s", f->key,
                   value->valuestring, content(&hint));
    text_free(&hint);
    names_free(&choices);
    return MESO_CONFIG;
}

static meso_status check_text(const document *d, const field *f, const cJSON *value,
                              meso_error *err)
{
    if (!cJSON_IsString(value))
        return wrong_kind(d, f, value, err);
    if (f->kind == FIELD_NAME || f->kind == FIELD_NUMBER_OR_NAME)
        return check_name(d, value, value->valuestring, err);
    return f->kind == FIELD_CHOICE ? check_choice(d, f, value, err) : MESO_OK;
}

static meso_status check_distribution(const document *d, const field *f, cJSON *value,
                                      meso_error *err)
{
    if (cJSON_IsNumber(value))
        return check_range(d, f, value, err);
    if (!cJSON_IsObject(value))
        return wrong_kind(d, f, value, err);
    MESO_TRY(type_check(d, &distribution_type, value, err));
    const char *const in_range[] = {"mean", "min", "max"};
    for (int i = 0; i < 3; i++) {
        const cJSON *number = get_member(value, in_range[i]);
        if (number)
            MESO_TRY(check_range(d, f, number, err));
    }
    const cJSON *min = get_member(value, "min"), *max = get_member(value, "max");
    if (min && max && min->valuedouble > max->valuedouble)
        return document_error(d, value, "min", err, MESO_RANGE, "%.15g is above max, %.15g",
                              min->valuedouble, max->valuedouble);
    const cJSON *mean = get_member(value, "mean");
    const char *kind = get_member(value, "distribution")->valuestring;
    if (mean && strcmp(kind, "lognormal") == 0 && mean->valuedouble <= 0)
        return document_error(d, mean, NULL, err, MESO_RANGE,
                              "%.15g: the mean of a lognormal distribution must be above 0",
                              mean->valuedouble);
    return MESO_OK;
}

/* --- objects and lists of values -------------------------------------------------------------- */

static meso_status check_map(const document *d, const field *f, cJSON *value, meso_error *err)
{
    if (!cJSON_IsObject(value))
        return wrong_kind(d, f, value, err);
    field element = *f;
    element.kind = f->kind == FIELD_NUMBER_MAP       ? FIELD_NUMBER
                   : f->kind == FIELD_PER_NEURON_MAP ? FIELD_PER_NEURON
                                                     : FIELD_OBJECT;
    for (cJSON *member = first_member(value); member; member = next_member(member)) {
        MESO_TRY(check_name(d, member, member->string, err));
        MESO_TRY(field_check(d, &element, member, err));
    }
    return MESO_OK;
}

static meso_status check_list(const document *d, const field *f, cJSON *value, const field *element,
                              meso_error *err)
{
    if (!cJSON_IsArray(value))
        return wrong_kind(d, f, value, err);
    for (cJSON *item = value->child; item; item = item->next)
        MESO_TRY(field_check(d, element, item, err));
    return MESO_OK;
}

meso_status field_check(const document *d, const field *f, cJSON *value, meso_error *err)
{
    static const field name = {.kind = FIELD_NAME}, path = {.kind = FIELD_TEXT};
    static const field count = {.kind = FIELD_INTEGER, FIELD_FROM(1, UINT32_MAX)};
    static const field index = {.kind = FIELD_INTEGER, FIELD_FROM(0, UINT32_MAX)};
    const field object = {.kind = FIELD_OBJECT, .type = f->type};
    field number = *f;
    number.kind = FIELD_NUMBER;
    switch (f->kind) {
    case FIELD_NUMBER:
    case FIELD_INTEGER:
        return check_number(d, f, value, err);
    case FIELD_BOOLEAN:
        return cJSON_IsBool(value) ? MESO_OK : wrong_kind(d, f, value, err);
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_CHOICE:
        return check_text(d, f, value, err);
    case FIELD_DISTRIBUTION:
        return check_distribution(d, f, value, err);
    case FIELD_PER_NEURON:
        return cJSON_IsArray(value) ? check_list(d, f, value, &number, err)
                                    : check_distribution(d, f, value, err);
    case FIELD_OBJECT:
        return cJSON_IsObject(value) ? type_check(d, f->type, value, err)
                                     : wrong_kind(d, f, value, err);
    case FIELD_MAP:
    case FIELD_NUMBER_MAP:
    case FIELD_PER_NEURON_MAP:
        return check_map(d, f, value, err);
    case FIELD_LIST:
        return check_list(d, f, value, &object, err);
    case FIELD_PATHS:
        return cJSON_IsString(value) ? MESO_OK : check_list(d, f, value, &path, err);
    case FIELD_SELECTION:
        return cJSON_IsBool(value) ? MESO_OK : check_list(d, f, value, &name, err);
    case FIELD_INDICES:
        return cJSON_IsNumber(value) ? check_number(d, &count, value, err)
                                     : check_list(d, f, value, &index, err);
    case FIELD_NUMBERS:
        return cJSON_IsNumber(value) ? check_number(d, &number, value, err)
                                     : check_list(d, f, value, &number, err);
    case FIELD_NAMES:
        return cJSON_IsString(value) ? check_name(d, value, value->valuestring, err)
                                     : check_list(d, f, value, &name, err);
    case FIELD_NUMBER_OR_NAME:
        return cJSON_IsNumber(value) ? MESO_OK : check_text(d, f, value, err);
    case FIELD_BOX:
        if (cJSON_IsNumber(value))
            return check_range(d, f, value, err);
        return cJSON_GetArraySize(value) == 3 ? check_list(d, f, value, &number, err)
                                              : wrong_kind(d, f, value, err);
    }
    return MESO_OK;
}

/* --- objects of a type ------------------------------------------------------------------------ */

const field *type_find(const object_type *type, const char *key)
{
    for (const field *f = type->fields; f->key; f++)
        if (strcmp(f->key, key) == 0)
            return f;
    return NULL;
}

static bool has_meaning(const field *f, unsigned variant)
{
    return f->variants == 0 || (f->variants & variant) != 0;
}

/* The row of a key in a variant; any row of the key when it has no meaning there. */
static const field *find_in_variant(const object_type *type, const char *key, unsigned variant)
{
    for (const field *f = type->fields; f->key; f++)
        if (strcmp(f->key, key) == 0 && has_meaning(f, variant))
            return f;
    return type_find(type, key);
}

static meso_status unknown_key(const document *d, const object_type *type, const cJSON *object,
                               const char *key, unsigned variant, meso_error *err)
{
    name_list keys = {0};
    for (const field *f = type->fields; f->key; f++)
        if (has_meaning(f, variant))
            names_add(&keys, f->key, f->unit);
    meso_status status = names_error_key(d, object, key, "known keys", &keys, err);
    names_free(&keys);
    return status;
}

static meso_status key_without_meaning(const document *d, const object_type *type,
                                       const cJSON *object, const field *f, meso_error *err)
{
    text only = {0};
    unsigned variants = 0; /* of all rows of the key */
    const field *chooser = type_find(type, type->variant);
    for (const field *row = type->fields; row->key; row++)
        if (strcmp(row->key, f->key) == 0)
            variants |= row->variants;
    for (unsigned i = 0; chooser->choices[i]; i++)
        if (variants & VARIANT(i))
            text_appendf(&only, "%s%s", only.length ? ", " : "", chooser->choices[i]);
    document_error(d, object, f->key, err, MESO_CONFIG,
                   "has no meaning when %s is '%s', only with %s; null removes an inherited one",
                   type->variant, get_member(object, type->variant)->valuestring, content(&only));
    text_free(&only);
    return MESO_CONFIG;
}

static cJSON *create_default(const field *f)
{
    switch (f->kind) {
    case FIELD_BOOLEAN:
    case FIELD_SELECTION:
        return cJSON_CreateBool(f->number != 0);
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_CHOICE:
        return cJSON_CreateString(f->text);
    case FIELD_OBJECT:
    case FIELD_MAP:
        return cJSON_CreateObject();
    default:
        return cJSON_CreateNumber(f->number);
    }
}

static meso_status add_default(const document *d, const field *f, cJSON *object, meso_error *err)
{
    cJSON *value = create_default(f);
    if (!value || !cJSON_AddItemToObject(object, f->key, value)) {
        cJSON_Delete(value);
        return error_set(err, MESO_MEMORY, "out of memory");
    }
    document_copy_place(value, object);
    return f->kind == FIELD_OBJECT ? type_check(d, f->type, value, err) : MESO_OK;
}

/* The bit of the variant that the object chose. */
static meso_status find_variant(const document *d, const object_type *type, cJSON *object,
                                unsigned *variant, meso_error *err)
{
    *variant = ~0u;
    if (!type->variant)
        return MESO_OK;
    const field *f = type_find(type, type->variant);
    if (!get_member(object, f->key) && f->has_default)
        MESO_TRY(add_default(d, f, object, err));
    cJSON *value = get_member(object, f->key);
    if (!value)
        return missing(d, f, object, err);
    MESO_TRY(field_check(d, f, value, err));
    unsigned i = 0;
    while (strcmp(f->choices[i], value->valuestring) != 0)
        i++;
    *variant = VARIANT(i);
    return MESO_OK;
}

static meso_status check_one_of(const document *d, const object_type *type, const cJSON *object,
                                unsigned variant, meso_error *err)
{
    if (!type->one_of || !has_meaning(type_find(type, type->one_of[0]), variant))
        return MESO_OK;
    int n_given = 0;
    text keys = {0};
    for (size_t i = 0; type->one_of[i]; i++) {
        n_given += get_member(object, type->one_of[i]) != NULL;
        text_appendf(&keys, "%s%s", i ? ", " : "", type->one_of[i]);
    }
    meso_status status = MESO_OK;
    if (n_given != 1)
        status = document_error(d, object, NULL, err, MESO_CONFIG,
                                "expected exactly one of %s, got %d of them", content(&keys),
                                n_given);
    text_free(&keys);
    return status;
}

meso_status type_check(const document *d, const object_type *type, cJSON *object, meso_error *err)
{
    unsigned variant;
    MESO_TRY(find_variant(d, type, object, &variant, err));
    for (cJSON *member = first_member(object); member; member = next_member(member)) {
        const field *f = find_in_variant(type, member->string, variant);
        if (!f)
            return unknown_key(d, type, object, member->string, variant, err);
        if (!has_meaning(f, variant))
            return key_without_meaning(d, type, object, f, err);
        MESO_TRY(field_check(d, f, member, err));
    }
    for (const field *f = type->fields; f->key; f++) {
        if (!has_meaning(f, variant) || get_member(object, f->key))
            continue;
        if (f->required)
            return missing(d, f, object, err);
        if (f->has_default)
            MESO_TRY(add_default(d, f, object, err));
    }
    return check_one_of(d, type, object, variant, err);
}
