#include "cli/command.h"

#include "base/text.h"
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 32 };

int usage_error(const command *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("mesocl: error: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nsee: mesocl help%s%s\n", c ? " " : "", c ? c->name : "");
    return EXIT_USAGE;
}

static size_t count_options(const command *c)
{
    size_t n = 0;
    while (c->options && c->options[n].name)
        n++;
    return n;
}

static void unknown_option(const command *c, const char *word)
{
    const char *names[MAX_OPTIONS];
    size_t n = count_options(c);
    for (size_t i = 0; i < n; i++)
        names[i] = c->options[i].name;
    char name[64];
    const char *start = word + strspn(word, "-");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "="), start);
    const char *nearest = n > 0 ? text_nearest(name, names, n) : NULL;
    if (nearest)
        usage_error(c, "unknown option %s; did you mean --%s?", word, nearest);
    else
        usage_error(c, "unknown option %s", word);
}

static bool has_option(const command *c, int id)
{
    for (size_t i = 0; i < count_options(c); i++)
        if (c->options[i].id == id)
            return true;
    return false;
}

/* getopt says ':' for a missing value; else optopt is 0, or the id of a switch that was given a
 * value, or a letter: there are no options of one letter. */
static void bad_option(const command *c, int result, const char *word)
{
    if (result == ':')
        usage_error(c, "option %s needs a value", word);
    else if (optopt == 0)
        unknown_option(c, word);
    else if (has_option(c, optopt))
        usage_error(c, "option %.*s takes no value", (int)strcspn(word, "="), word);
    else
        usage_error(c, "unknown option -%c; options have names, as --%s", optopt,
                    count_options(c) > 0 ? c->options[0].name : "help");
}

int next_option(const command *c, int argc, char **argv)
{
    struct option known[MAX_OPTIONS + 1] = {{0}};
    for (size_t i = 0; i < count_options(c); i++) {
        const option_spec *o = &c->options[i];
        known[i] = (struct option){o->name, o->argument ? required_argument : no_argument, NULL,
                                   o->id};
    }
    opterr = 0;
    int result = getopt_long(argc, argv, ":", known, NULL);
    if (result == -1)
        return OPTIONS_END;
    if (result != '?' && result != ':')
        return result;
    bad_option(c, result, argv[optind - 1]);
    return OPTIONS_BAD;
}

bool read_operand(const command *c, int argc, char **argv, const char **operand)
{
    *operand = optind < argc ? argv[optind] : NULL;
    if (*operand && !c->operand) {
        usage_error(c, "mesocl %s takes no \"%s\"", c->name, *operand);
        return false;
    }
    if (!*operand && c->operand && c->operand[0] != '[') {
        usage_error(c, "mesocl %s needs %s", c->name, c->operand);
        return false;
    }
    if (optind + 1 < argc) {
        usage_error(c, "mesocl %s takes one %s; \"%s\" is too much", c->name, c->operand,
                    argv[optind + 1]);
        return false;
    }
    return true;
}

bool read_count(const command *c, const char *option, const char *word, uint32_t *value)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(word, &end, 10);
    if (!isdigit((unsigned char)*word) || *end || errno || n < 1 || n > UINT32_MAX) {
        usage_error(c, "%s: \"%s\" is not a whole number from 1 to %u", option, word, UINT32_MAX);
        return false;
    }
    *value = (uint32_t)n;
    return true;
}

bool read_number(const command *c, const char *option, const char *word, double min, double max,
                 double *value)
{
    char *end;
    double x = strtod(word, &end);
    if (!*word || *end || !(x >= min && x <= max)) {
        usage_error(c, "%s: \"%s\" is not a number from %g to %g", option, word, min, max);
        return false;
    }
    *value = x;
    return true;
}

void print_help(const command *c)
{
    size_t n = count_options(c);
    printf("usage: mesocl %s%s%s%s\n\n%s\n", c->name, n ? " [OPTION]..." : "",
           c->operand ? " " : "", c->operand ? c->operand : "", c->summary);
    if (c->details)
        printf("\n%s", c->details);
    if (n > 0)
        printf("\noptions:\n");
    for (size_t i = 0; i < n; i++) {
        const option_spec *o = &c->options[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        printf("  %-24s %s\n", left, o->help);
    }
}
