#include "base/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 200, DEEPEST = 50 };

typedef struct parser {
    const char *text, *at;
    expression_lookup *lookup;
    void *self;
    meso_error *err;
    int depth;
} parser;

static meso_status both(parser *p, double *value);

static meso_status unexpected(const parser *p, const char *wanted)
{
    return error_set(p->err, MESO_CONFIG, "expected %s at '%.20s' in '%s'", wanted,
                     *p->at != '\0' ? p->at : "end", p->text);
}

/* Is `word` next? Then go behind it. */
static bool take(parser *p, const char *word)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
    if (strncmp(p->at, word, strlen(word)) != 0)
        return false;
    p->at += strlen(word);
    return true;
}

static meso_status close(parser *p)
{
    return take(p, ")") ? MESO_OK : unexpected(p, "')'");
}

static meso_status call(parser *p, const char *name, double *value)
{
    double x, y;
    MESO_TRY(both(p, &x));
    const int one = strcmp(name, "abs") == 0    ? 1
                    : strcmp(name, "sqrt") == 0 ? 2
                    : strcmp(name, "log") == 0  ? 3
                                                : 0;
    if (one > 0) {
        *value = one == 1 ? fabs(x) : one == 2 ? sqrt(x) : log(x);
        return close(p);
    }
    const bool least = strcmp(name, "min") == 0;
    if (!least && strcmp(name, "max") != 0)
        return error_set(p->err, MESO_CONFIG,
                         "unknown function '%s' in '%s'; known: abs, sqrt, log, min, max", name,
                         p->text);
    if (!take(p, ","))
        return unexpected(p, "','");
    MESO_TRY(both(p, &y));
    *value = isnan(x) || isnan(y) ? NAN : least ? fmin(x, y) : fmax(x, y);
    return close(p);
}

static meso_status named(parser *p, double *value)
{
    char name[LONGEST_NAME + 1];
    size_t n = 0;
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_' || p->at[n] == '.')
        n++;
    if (n > LONGEST_NAME)
        return unexpected(p, "a shorter name");
    memcpy(name, p->at, n);
    name[n] = '\0';
    p->at += n;
    if (take(p, "("))
        return call(p, name, value);
    return p->lookup(p->self, name, value, p->err);
}

static meso_status factor(parser *p, double *value)
{
    if (take(p, "-")) {
        MESO_TRY(factor(p, value));
        *value = -*value;
        return MESO_OK;
    }
    if (take(p, "(")) {
        if (++p->depth > DEEPEST)
            return unexpected(p, "fewer parentheses");
        MESO_TRY(both(p, value));
        p->depth--;
        return close(p);
    }
    if (isalpha((unsigned char)*p->at))
        return named(p, value);
    if (!isdigit((unsigned char)*p->at))
        return unexpected(p, "a number or a name");
    char *end;
    *value = strtod(p->at, &end);
    p->at = end;
    return MESO_OK;
}

static meso_status product(parser *p, double *value)
{
    double next;
    MESO_TRY(factor(p, value));
    for (;;) {
        if (take(p, "*")) {
            MESO_TRY(factor(p, &next));
            *value *= next;
        } else if (take(p, "/")) {
            MESO_TRY(factor(p, &next));
            *value /= next;
        } else {
            return MESO_OK;
        }
    }
}

static meso_status sum(parser *p, double *value)
{
    double next;
    MESO_TRY(product(p, value));
    for (;;) {
        if (take(p, "+")) {
            MESO_TRY(product(p, &next));
            *value += next;
        } else if (take(p, "-")) {
            MESO_TRY(product(p, &next));
            *value -= next;
        } else {
            return MESO_OK;
        }
    }
}

static meso_status comparison(parser *p, double *value)
{
    static const char *const signs[] = {"<=", ">=", "<", ">"};
    double right;
    MESO_TRY(sum(p, value));
    for (int s = 0; s < 4; s++) {
        if (!take(p, signs[s]))
            continue;
        MESO_TRY(sum(p, &right));
        const bool holds = s == 0   ? *value <= right
                           : s == 1 ? *value >= right
                           : s == 2 ? *value < right
                                    : *value > right;
        *value = isnan(*value) || isnan(right) ? NAN : holds;
        return MESO_OK;
    }
    return MESO_OK;
}

static meso_status both(parser *p, double *value)
{
    double next;
    MESO_TRY(comparison(p, value));
    while (take(p, "&")) {
        MESO_TRY(comparison(p, &next));
        *value = isnan(*value) || isnan(next) ? NAN : *value != 0 && next != 0;
    }
    return MESO_OK;
}

meso_status expression_evaluate(const char *text, expression_lookup *lookup, void *self,
                                double *value, meso_error *err)
{
    parser p = {.text = text, .at = text, .lookup = lookup, .self = self, .err = err};
    MESO_TRY(both(&p, value));
    take(&p, ""); /* blanks */
    return *p.at == '\0' ? MESO_OK : unexpected(&p, "an operator");
}
