#include "output/json_text.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void quote(text *out, const char *value)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    text_append(out, "\"");
    for (const char *c = value; *c != '\0'; c++) {
        const char *special = strchr(escaped, *c);
        if (special != NULL)
            text_appendf(out, "\\%c", letters[special - escaped]);
        else if ((unsigned char)*c < 0x20)
            text_appendf(out, "\\u%04x", (unsigned)*c);
        else
            text_appendf(out, "%c", *c);
    }
    text_append(out, "\"");
}

static void new_line(json_text *json)
{
    text_appendf(&json->out, "\n%*s", 2 * json->depth, "");
}

static void begin_item(json_text *json, const char *key)
{
    if (json->has_items)
        text_append(&json->out, ",");
    if (json->depth > 0)
        new_line(json);
    if (key != NULL) {
        quote(&json->out, key);
        text_append(&json->out, ": ");
    }
    json->has_items = true;
}

void json_open(json_text *json, const char *key, char bracket)
{
    begin_item(json, key);
    text_appendf(&json->out, "%c", bracket);
    json->depth++;
    json->has_items = false;
}

void json_close(json_text *json, char bracket)
{
    json->depth--;
    if (json->has_items)
        new_line(json);
    text_appendf(&json->out, "%c", bracket);
    if (json->depth == 0)
        text_append(&json->out, "\n");
    json->has_items = true;
}

void json_string(json_text *json, const char *key, const char *value)
{
    begin_item(json, key);
    quote(&json->out, value);
}

void json_null(json_text *json, const char *key)
{
    begin_item(json, key);
    text_append(&json->out, "null");
}

void json_number(json_text *json, const char *key, double value)
{
    if (!isfinite(value)) {
        json_null(json, key);
        return;
    }
    begin_item(json, key);
    char digits[32];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    char *comma = strchr(digits, ','); /* the decimal point of some locales */
    if (comma != NULL)
        *comma = '.';
    text_append(&json->out, digits);
}

void json_integer(json_text *json, const char *key, uint64_t value)
{
    begin_item(json, key);
    text_appendf(&json->out, "%" PRIu64, value);
}

void json_boolean(json_text *json, const char *key, bool value)
{
    begin_item(json, key);
    text_append(&json->out, value ? "true" : "false");
}
