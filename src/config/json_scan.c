#include "config/json_scan.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 64        /* levels of nesting */
#define LONGEST_NUMBER 60 /* characters that cJSON reads */

typedef struct scanner {
    const char *name;
    const char *at, *end;
    const char *line_start;
    int line;
    int depth;
    json_lines *lines;
    meso_error *err;
} scanner;

static meso_status fail(const scanner *s, const char *format, ...) MESO_PRINTF(2, 3);

static meso_status fail(const scanner *s, const char *format, ...)
{
    char message[512], place[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const int column = (int)(s->at - s->line_start) + 1;
    snprintf(place, sizeof place, "%.400s:%d:%d", s->name, s->line, column);
    error_set(s->err, MESO_CONFIG, "%s: %s", place, message);
    if (s->err)
        memcpy(s->err->place, place, sizeof s->err->place);
    return MESO_CONFIG;
}

static bool at_end(const scanner *s)
{
    return s->at >= s->end;
}

static void skip_space(scanner *s)
{
    for (; !at_end(s) && strchr(" \t\r\n", *s->at) && *s->at; s->at++) {
        if (*s->at == '\n') {
            s->line++;
            s->line_start = s->at + 1;
        }
    }
}

/* What stands here, in words. */
static const char *found(const scanner *s, char buffer[32])
{
    if (at_end(s))
        return "the end of the text";
    const unsigned char c = (unsigned char)*s->at;
    snprintf(buffer, 32, isprint(c) ? "'%c'" : "byte 0x%02x", c);
    return buffer;
}

/* Comments are the most common thing that is not JSON: say what to do instead. */
static meso_status expected(const scanner *s, const char *what)
{
    char buffer[32];
    if (!at_end(s) && (*s->at == '#' || *s->at == '/'))
        return fail(s, "JSON has no comments: write a key that starts with '_' instead");
    return fail(s, "expected %s, found %s", what, found(s, buffer));
}

static meso_status note_value(scanner *s)
{
    json_lines *l = s->lines;
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 1024;
        int *line = realloc(l->line, capacity * sizeof *line);
        if (!line)
            return error_set(s->err, MESO_MEMORY, "%s: out of memory", s->name);
        l->line = line;
        l->capacity = capacity;
    }
    l->line[l->n++] = s->line;
    return MESO_OK;
}

/* --- strings ---------------------------------------------------------------------------------- */

static bool hex4(const scanner *s, uint32_t *code)
{
    *code = 0;
    if (s->end - s->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        const unsigned char c = (unsigned char)s->at[i];
        if (!isxdigit(c))
            return false;
        *code = 16 * *code + (uint32_t)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
    }
    return true;
}

/* After "\u". */
static meso_status scan_unicode(scanner *s)
{
    uint32_t code, low;
    if (!hex4(s, &code))
        return fail(s, "expected four hexadecimal digits after \\u");
    if (code == 0)
        return fail(s, "\\u0000 is not allowed");
    s->at += 4;
    if (code < 0xd800 || code > 0xdfff)
        return MESO_OK;
    bool paired = code < 0xdc00 && s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u';
    if (paired) {
        s->at += 2;
        paired = hex4(s, &low) && low >= 0xdc00 && low <= 0xdfff;
    }
    if (!paired)
        return fail(s, "half of a surrogate pair");
    s->at += 4;
    return MESO_OK;
}

static meso_status scan_string(scanner *s)
{
    s->at++;
    while (!at_end(s) && *s->at != '"') {
        const unsigned char c = (unsigned char)*s->at;
        if (c == '\n' || c == '\r')
            return fail(s, "the string does not end on its line: expected '\"'");
        if (c < 0x20)
            return fail(s, "byte 0x%02x in a string: write it as an escape", c);
        s->at++;
        if (c != '\\')
            continue;
        if (at_end(s) || !*s->at || !strchr("\"\\/bfnrtu", *s->at))
            return fail(s, "unknown escape in a string: expected one of \\\" \\\\ \\/ \\b \\f \\n "
                           "\\r \\t \\u");
        if (*s->at++ == 'u')
            MESO_TRY(scan_unicode(s));
    }
    if (at_end(s))
        return fail(s, "the text ends inside a string");
    s->at++;
    return MESO_OK;
}

/* --- words and numbers ------------------------------------------------------------------------ */

static int word_length(const scanner *s)
{
    int n = 0;
    while (s->at + n < s->end && (isalnum((unsigned char)s->at[n]) || strchr("+-._", s->at[n])) &&
           s->at[n])
        n++;
    return n;
}

static int digits(const char **p, const char *end)
{
    int n = 0;
    for (; *p < end && isdigit((unsigned char)**p); (*p)++)
        n++;
    return n;
}

/* -? (0 | [1-9][0-9]*) (.[0-9]+)? ([eE][+-]?[0-9]+)? */
static bool is_number(const char *p, const char *end)
{
    p += p < end && *p == '-';
    const bool zero = p < end && *p == '0';
    const int n_whole = digits(&p, end);
    if (n_whole == 0 || (zero && n_whole > 1))
        return false;
    if (p < end && *p == '.') {
        p++;
        if (digits(&p, end) == 0)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        if (digits(&p, end) == 0)
            return false;
    }
    return p == end;
}

static bool same_word(const char *word, int n, const char *name)
{
    if (strlen(name) != (size_t)n)
        return false;
    for (int i = 0; i < n; i++)
        if (tolower((unsigned char)word[i]) != name[i])
            return false;
    return true;
}

static bool is_not_finite(const char *word, int n)
{
    if (n > 0 && (*word == '-' || *word == '+')) {
        word++;
        n--;
    }
    return same_word(word, n, "nan") || same_word(word, n, "inf") || same_word(word, n, "infinity");
}

static meso_status scan_word(scanner *s)
{
    static const char *const literals[] = {"true", "false", "null"};
    const int n = word_length(s);
    if (n == 0)
        return expected(s, "a value");
    if (is_not_finite(s->at, n))
        return fail(s, "%.*s is not a number in JSON: give a finite number", n, s->at);
    for (int i = 0; i < 3; i++) {
        if (!same_word(s->at, n, literals[i]))
            continue;
        if (memcmp(s->at, literals[i], (size_t)n) != 0)
            return fail(s, "expected a value, found %.*s: write %s", n, s->at, literals[i]);
        s->at += n;
        return MESO_OK;
    }
    if (!is_number(s->at, s->at + n))
        return fail(s, "expected a value, found %.*s%s", n > 40 ? 40 : n, s->at,
                    isalpha((unsigned char)*s->at) ? ": strings take double quotes" : "");
    if (n > LONGEST_NUMBER)
        return fail(s, "a number of %d characters: at most %d", n, LONGEST_NUMBER);
    s->at += n;
    return MESO_OK;
}

/* --- lists and objects ------------------------------------------------------------------------ */

static meso_status scan_value(scanner *s);

static meso_status scan_key(scanner *s)
{
    if (at_end(s) || *s->at != '"')
        return expected(s, "a key in double quotes");
    MESO_TRY(scan_string(s));
    skip_space(s);
    if (at_end(s) || *s->at != ':')
        return expected(s, "':' after the key");
    s->at++;
    return MESO_OK;
}

/* After an element: true in `more` when another one follows. */
static meso_status scan_separator(scanner *s, char close, int first_line, bool *more)
{
    skip_space(s);
    const char *kind = close == '}' ? "object" : "list";
    if (at_end(s))
        return fail(s, "the text ends inside the %s that begins at line %d: expected ',' or '%c'",
                    kind, first_line, close);
    *more = *s->at == ',';
    if (!*more && *s->at != close)
        return expected(s, close == '}' ? "',' or '}'" : "',' or ']'");
    const scanner comma = *s;
    s->at++;
    skip_space(s);
    if (*more && !at_end(s) && *s->at == close)
        return fail(&comma, "a comma before '%c': remove it", close);
    return MESO_OK;
}

static meso_status scan_container(scanner *s, char close)
{
    const int first_line = s->line;
    if (++s->depth > DEEPEST)
        return fail(s, "nested deeper than %d levels", DEEPEST);
    s->at++;
    skip_space(s);
    bool more = at_end(s) || *s->at != close;
    if (!more) {
        s->at++;
        skip_space(s);
    }
    while (more) {
        if (close == '}')
            MESO_TRY(scan_key(s));
        MESO_TRY(scan_value(s));
        MESO_TRY(scan_separator(s, close, first_line, &more));
    }
    s->depth--;
    return MESO_OK;
}

static meso_status scan_value(scanner *s)
{
    skip_space(s);
    MESO_TRY(note_value(s));
    switch (at_end(s) ? '\0' : *s->at) {
    case '{':
        return scan_container(s, '}');
    case '[':
        return scan_container(s, ']');
    case '"':
        return scan_string(s);
    case '\'':
        return fail(s, "expected a value, found ': strings take double quotes");
    default:
        return scan_word(s);
    }
}

meso_status json_scan(const char *name, const char *text, size_t length, json_lines *lines,
                      meso_error *err)
{
    scanner s = {.name = name,
                 .at = text,
                 .end = text + length,
                 .line_start = text,
                 .line = 1,
                 .lines = lines,
                 .err = err};
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        s.at += 3; /* byte order mark */
    skip_space(&s);
    if (at_end(&s))
        return fail(&s, "the text is empty: expected '{'");
    MESO_TRY(scan_value(&s));
    skip_space(&s);
    if (!at_end(&s))
        return expected(&s, "the end of the text after the first value");
    lines->n_lines = s.line;
    return MESO_OK;
}
