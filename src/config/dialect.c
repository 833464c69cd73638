#include "config/dialect.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

typedef struct scanner {
    const char *at;
    unsigned line;
} scanner;

typedef struct replacement {
    const char *name, *instead;
} replacement;

/* OpenCL C 1.2, section 7.4: these may differ by some ulp. */
static const replacement differing[] = {
    {"exp", "meso_exp"}, {"log", "meso_log"}, {"cos", "meso_sine_of_turn"}, {"sin", "meso_sine_of_turn"},
    {"exp2", "meso_exp"}, {"exp10", "meso_exp"}, {"expm1", "meso_exprel"}, {"log2", "meso_log"},
    {"log10", "meso_log"}, {"log1p", "meso_log"}, {"pow", "meso_exp(y * meso_log(x))"},
    {"pown", "products"}, {"powr", "meso_exp(y * meso_log(x))"}, {"sqrt", "meso_sqrt"},
    {"rsqrt", "meso_reciprocal(meso_sqrt(x))"}, {"cbrt", "meso_exp and meso_log"},
    {"tan", NULL}, {"sincos", NULL}, {"asin", NULL}, {"acos", NULL}, {"atan", NULL}, {"atan2", NULL},
    {"sinh", "meso_exp"}, {"cosh", "meso_exp"}, {"tanh", "meso_exp and meso_reciprocal"},
    {"erf", NULL}, {"erfc", NULL}, {"tgamma", NULL}, {"lgamma", NULL}, {"fmod", "integers"},
    {"remainder", "integers"}, {"mad", "fma"}, {"mix", "fma"}, {"hypot", NULL}, {"length", NULL},
    {"distance", NULL}, {"normalize", NULL},
};

static void skip_comment(scanner *s)
{
    const bool block = s->at[1] == '*';
    s->at += 2;
    while (*s->at && (block ? strncmp(s->at, "*/", 2) != 0 : *s->at != '\n'))
        s->line += *s->at++ == '\n';
    if (block && *s->at)
        s->at += 2;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool same_word(const char *word, size_t n, const char *name)
{
    return strlen(name) == n && memcmp(word, name, n) == 0;
}

static bool assigns(const char *after)
{
    while (*after == ' ' || *after == '\t')
        after++;
    return after[0] == '=' && after[1] != '=';
}

/* Does `after` open the arguments of a call? */
static bool calls(const char *after)
{
    while (*after == ' ' || *after == '\t')
        after++;
    return *after == '(';
}

static meso_status check_call(const char *path, unsigned line, const char *word, size_t n, meso_error *err)
{
    if (strncmp(word, "native_", 7) == 0 || strncmp(word, "half_", 5) == 0)
        return error_set(err, MESO_CONFIG, "%s:%u: '%.*s' does not give the same bits on every device", path,
                         line, (int)n, word);
    for (size_t i = 0; i < sizeof differing / sizeof *differing; i++)
        if (same_word(word, n, differing[i].name))
            return error_set(err, MESO_CONFIG,
                             "%s:%u: '%s' does not give the same bits on every device%s%s", path, line,
                             differing[i].name, differing[i].instead ? ": use " : "",
                             differing[i].instead ? differing[i].instead : "");
    return MESO_OK;
}

meso_status dialect_check(const char *path, const char *content, const char *must_assign, meso_error *err)
{
    scanner s = {content, 1};
    bool assigned = must_assign == NULL;
    while (*s.at) {
        if (s.at[0] == '/' && (s.at[1] == '/' || s.at[1] == '*')) {
            skip_comment(&s);
        } else if (*s.at == '/') {
            return error_set(err, MESO_CONFIG,
                             "%s:%u: division does not give the same bits on every device: multiply, with "
                             "meso_reciprocal(x) for 1 / x",
                             path, s.line);
        } else if (is_word(*s.at)) {
            const char *word = s.at;
            while (is_word(*s.at))
                s.at++;
            const size_t n = (size_t)(s.at - word);
            if (calls(s.at))
                MESO_TRY(check_call(path, s.line, word, n, err));
            assigned = assigned || (same_word(word, n, must_assign) && assigns(s.at));
        } else {
            s.line += *s.at++ == '\n';
        }
    }
    if (!assigned)
        return error_set(err, MESO_CONFIG, "%s: nothing is assigned to '%s': cells would never fire", path,
                         must_assign);
    return MESO_OK;
}
