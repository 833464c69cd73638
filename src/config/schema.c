#include "config/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory shows as a NULL somewhere in the tree; `ok` remembers it until the end. */
typedef struct schema {
    cJSON *definitions;
    bool ok;
} schema;

#define NAME_PATTERN "^[A-Za-z][A-Za-z0-9_]*$"

static cJSON *add(schema *s, cJSON *object, const char *key, cJSON *value)
{
    if (!object || !value || !cJSON_AddItemToObject(object, key, value)) {
        cJSON_Delete(value);
        s->ok = false;
        return NULL;
    }
    return value;
}

static void add_text(schema *s, cJSON *object, const char *key, const char *value)
{
    add(s, object, key, cJSON_CreateString(value));
}

static cJSON *append(schema *s, cJSON *list, cJSON *value)
{
    if (!list || !value || !cJSON_AddItemToArray(list, value)) {
        cJSON_Delete(value);
        s->ok = false;
        return NULL;
    }
    return value;
}

static void append_text(schema *s, cJSON *list, const char *value)
{
    append(s, list, cJSON_CreateString(value));
}

static void describe_type(schema *s, const object_type *type);

/* --- values ----------------------------------------------------------------------------------- */

static void add_range(schema *s, cJSON *out, const field *f)
{
    if (!f->bounded)
        return;
    if (isfinite(f->min))
        add(s, out, f->open_min ? "exclusiveMinimum" : "minimum", cJSON_CreateNumber(f->min));
    if (isfinite(f->max))
        add(s, out, "maximum", cJSON_CreateNumber(f->max));
}

static void describe_number(schema *s, cJSON *out, const field *f)
{
    add_text(s, out, "type", f->kind == FIELD_INTEGER ? "integer" : "number");
    add_range(s, out, f);
}

static void add_reference(schema *s, cJSON *out, const object_type *type)
{
    text path = {0};
    text_appendf(&path, "#/definitions/%s", type->name);
    add_text(s, out, "$ref", path.failed ? "" : path.data);
    s->ok = s->ok && !path.failed;
    text_free(&path);
    describe_type(s, type);
}

static void describe_name(schema *s, cJSON *out)
{
    add_text(s, out, "type", "string");
    add_text(s, out, "pattern", NAME_PATTERN);
}

static void describe_choice(schema *s, cJSON *out, const field *f)
{
    cJSON *choices = add(s, out, "enum", cJSON_CreateArray());
    for (size_t i = 0; f->choices[i]; i++)
        append_text(s, choices, f->choices[i]);
}

static cJSON *alternative(schema *s, cJSON *out)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(out, "anyOf");
    if (!list)
        list = add(s, out, "anyOf", cJSON_CreateArray());
    return append(s, list, cJSON_CreateObject());
}

static void describe_distribution(schema *s, cJSON *out, const field *f)
{
    describe_number(s, alternative(s, out), f);
    add_reference(s, alternative(s, out), &distribution_type);
}

static cJSON *describe_list(schema *s, cJSON *out)
{
    add_text(s, out, "type", "array");
    return add(s, out, "items", cJSON_CreateObject());
}

static void describe_per_neuron(schema *s, cJSON *out, const field *f)
{
    describe_distribution(s, out, f);
    describe_number(s, describe_list(s, alternative(s, out)), f);
}

static void describe_map(schema *s, cJSON *out, const field *f)
{
    add_text(s, out, "type", "object");
    cJSON *patterns = add(s, out, "patternProperties", cJSON_CreateObject());
    cJSON *element = add(s, patterns, NAME_PATTERN, cJSON_CreateObject());
    add(s, patterns, "^_", cJSON_CreateObject());
    add(s, out, "additionalProperties", cJSON_CreateFalse());
    if (f->kind == FIELD_NUMBER_MAP)
        describe_number(s, element, f);
    else if (f->kind == FIELD_PER_NEURON_MAP)
        describe_per_neuron(s, element, f);
    else
        add_reference(s, element, f->type);
}

static void describe_indices(schema *s, cJSON *out)
{
    cJSON *count = alternative(s, out);
    add_text(s, count, "type", "integer");
    add(s, count, "minimum", cJSON_CreateNumber(1));
    cJSON *index = describe_list(s, alternative(s, out));
    add_text(s, index, "type", "integer");
    add(s, index, "minimum", cJSON_CreateNumber(0));
}

static void describe_box(schema *s, cJSON *out, const field *f)
{
    describe_number(s, alternative(s, out), f);
    cJSON *list = alternative(s, out);
    describe_number(s, describe_list(s, list), f);
    add(s, list, "minItems", cJSON_CreateNumber(3));
    add(s, list, "maxItems", cJSON_CreateNumber(3));
}

static void describe_value(schema *s, cJSON *out, const field *f)
{
    switch (f->kind) {
    case FIELD_NUMBER:
    case FIELD_INTEGER:
        describe_number(s, out, f);
        break;
    case FIELD_BOOLEAN:
        add_text(s, out, "type", "boolean");
        break;
    case FIELD_TEXT:
        add_text(s, out, "type", "string");
        break;
    case FIELD_NAME:
        describe_name(s, out);
        break;
    case FIELD_CHOICE:
        describe_choice(s, out, f);
        break;
    case FIELD_DISTRIBUTION:
        describe_distribution(s, out, f);
        break;
    case FIELD_PER_NEURON:
        describe_per_neuron(s, out, f);
        break;
    case FIELD_OBJECT:
        /* what stands beside $ref would be ignored, and the description stands there */
        add_reference(s, append(s, add(s, out, "allOf", cJSON_CreateArray()), cJSON_CreateObject()),
                      f->type);
        break;
    case FIELD_MAP:
    case FIELD_NUMBER_MAP:
    case FIELD_PER_NEURON_MAP:
        describe_map(s, out, f);
        break;
    case FIELD_LIST:
        add_reference(s, describe_list(s, out), f->type);
        break;
    case FIELD_PATHS:
        add_text(s, alternative(s, out), "type", "string");
        add_text(s, describe_list(s, alternative(s, out)), "type", "string");
        break;
    case FIELD_SELECTION:
        add_text(s, alternative(s, out), "type", "boolean");
        describe_name(s, describe_list(s, alternative(s, out)));
        break;
    case FIELD_INDICES:
        describe_indices(s, out);
        break;
    case FIELD_NUMBERS:
        describe_number(s, alternative(s, out), f);
        describe_number(s, describe_list(s, alternative(s, out)), f);
        break;
    case FIELD_NAMES:
        describe_name(s, alternative(s, out));
        describe_name(s, describe_list(s, alternative(s, out)));
        break;
    case FIELD_NUMBER_OR_NAME:
        add_text(s, alternative(s, out), "type", "number");
        describe_name(s, alternative(s, out));
        break;
    case FIELD_BOX:
        describe_box(s, out, f);
        break;
    }
}

/* --- rows and tables -------------------------------------------------------------------------- */

static void add_default(schema *s, cJSON *out, const field *f)
{
    if (!f->has_default)
        return;
    if (f->text)
        add_text(s, out, "default", f->text);
    else if (f->kind == FIELD_BOOLEAN || f->kind == FIELD_SELECTION)
        add(s, out, "default", cJSON_CreateBool(f->number != 0));
    else if (f->kind == FIELD_OBJECT)
        add(s, out, "default", cJSON_CreateObject());
    else
        add(s, out, "default", cJSON_CreateNumber(f->number));
}

static void describe_field(schema *s, cJSON *properties, const field *f)
{
    if (cJSON_GetObjectItemCaseSensitive(properties, f->key))
        return; /* a second row of the key, for other variants */
    cJSON *out = add(s, properties, f->key, cJSON_CreateObject());
    text doc = {0};
    text_append(&doc, f->doc);
    if (f->unit)
        text_appendf(&doc, " (%s)", f->unit);
    add_text(s, out, "description", doc.failed ? "" : doc.data);
    s->ok = s->ok && !doc.failed;
    text_free(&doc);
    describe_value(s, out, f);
    add_default(s, out, f);
}

static void add_required(schema *s, cJSON *out, const object_type *type, unsigned variant)
{
    cJSON *required = NULL;
    for (const field *f = type->fields; f->key; f++) {
        if (!f->required || (variant ? !(f->variants & variant) : f->variants != 0))
            continue;
        if (!required)
            required = add(s, out, "required", cJSON_CreateArray());
        append_text(s, required, f->key);
    }
}

static bool key_has_meaning(const object_type *type, const char *key, unsigned variant)
{
    for (const field *f = type->fields; f->key; f++)
        if (strcmp(f->key, key) == 0 && (f->variants == 0 || (f->variants & variant)))
            return true;
    return false;
}

static void describe_one_of(schema *s, cJSON *out, const object_type *type)
{
    cJSON *list = add(s, out, "oneOf", cJSON_CreateArray());
    for (size_t i = 0; type->one_of[i]; i++) {
        cJSON *item = append(s, list, cJSON_CreateObject());
        append_text(s, add(s, item, "required", cJSON_CreateArray()), type->one_of[i]);
    }
}

/* Do the keys of which one must be given belong to certain variants? */
static bool one_of_varies(const object_type *type)
{
    return type->one_of && type_find(type, type->one_of[0])->variants != 0;
}

/* In one variant: what it requires, and the keys that have no meaning in it. */
static void describe_variant(schema *s, cJSON *list, const object_type *type, unsigned i,
                             const char *name)
{
    cJSON *rule = append(s, list, cJSON_CreateObject());
    cJSON *condition = add(s, rule, "if", cJSON_CreateObject());
    cJSON *chosen = add(s, add(s, condition, "properties", cJSON_CreateObject()), type->variant,
                        cJSON_CreateObject());
    add_text(s, chosen, "const", name);
    const field *chooser = type_find(type, type->variant);
    if (!chooser->has_default || strcmp(chooser->text, name) != 0)
        append_text(s, add(s, condition, "required", cJSON_CreateArray()), type->variant);

    cJSON *then = add(s, rule, "then", cJSON_CreateObject());
    add_required(s, then, type, VARIANT(i));
    if (one_of_varies(type) && key_has_meaning(type, type->one_of[0], VARIANT(i)))
        describe_one_of(s, then, type);
    cJSON *properties = NULL;
    for (const field *f = type->fields; f->key; f++) {
        if (key_has_meaning(type, f->key, VARIANT(i)))
            continue;
        if (!properties)
            properties = add(s, then, "properties", cJSON_CreateObject());
        if (!cJSON_GetObjectItemCaseSensitive(properties, f->key))
            add(s, properties, f->key, cJSON_CreateFalse());
    }
}

static void describe_variants(schema *s, cJSON *out, const object_type *type)
{
    const field *chooser = type_find(type, type->variant);
    cJSON *list = add(s, out, "allOf", cJSON_CreateArray());
    for (unsigned i = 0; chooser->choices[i]; i++)
        describe_variant(s, list, type, i, chooser->choices[i]);
}

static void describe_object(schema *s, cJSON *out, const object_type *type)
{
    add_text(s, out, "description", type->doc);
    add_text(s, out, "type", "object");
    cJSON *properties = add(s, out, "properties", cJSON_CreateObject());
    for (const field *f = type->fields; f->key; f++)
        describe_field(s, properties, f);
    add(s, add(s, out, "patternProperties", cJSON_CreateObject()), "^_", cJSON_CreateObject());
    add(s, out, "additionalProperties", cJSON_CreateFalse());
    add_required(s, out, type, 0);
    if (type->variant)
        describe_variants(s, out, type);
    if (type->one_of && !one_of_varies(type))
        describe_one_of(s, out, type);
}

static void describe_type(schema *s, const object_type *type)
{
    if (cJSON_GetObjectItemCaseSensitive(s->definitions, type->name))
        return;
    cJSON *definition = add(s, s->definitions, type->name, cJSON_CreateObject());
    describe_object(s, definition, type);
}

cJSON *type_schema(const object_type *type)
{
    schema s = {.definitions = cJSON_CreateObject(), .ok = true};
    cJSON *out = cJSON_CreateObject();
    add_text(&s, out, "$schema", "http://json-schema.org/draft-07/schema#");
    add_text(&s, out, "title", type->name);
    describe_object(&s, out, type);
    add(&s, out, "definitions", s.definitions);
    if (!s.ok) {
        cJSON_Delete(out);
        return NULL;
    }
    return out;
}
