/** What the commands of the program share: their table, their options, and how they speak. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <mesocl/mesocl.h>

enum {
    EXIT_USAGE = 2,
    OPTIONS_END = -1, /* all options were read */
    OPTIONS_BAD = -2, /* a message was printed */
};

/** An option; parser and help text are made from it. `argument` is NULL for a switch. */
typedef struct option_spec {
    int id;
    const char *name, *argument, *help;
} option_spec;

typedef struct command command;
struct command {
    const char *name;
    const char *operand; /* "EXPERIMENT.json"; "[NAME]" when it may be left out; NULL: none */
    const char *summary; /* one line */
    const char *details; /* for its own help, or NULL */
    const option_spec *options; /* up to the one without a name; NULL: none */
    int (*run)(const command *self, int argc, char **argv); /* gives the exit code */
};

extern const command run_command, check_command, bench_command, devices_command, models_command,
    schema_command, info_command, validate_command;

/* --- options ---------------------------------------------------------------------------------- */

/** Next option's id, its argument in optarg; OPTIONS_END, or OPTIONS_BAD. */
int next_option(const command *c, int argc, char **argv);
/** What follows the options: the operand, or NULL if it may be left out and was. False: printed. */
bool read_operand(const command *c, int argc, char **argv, const char **operand);
/** A whole number of an option, 1 or more. False: printed. */
bool read_count(const command *c, const char *option, const char *word, uint32_t *value);
/** A number of an option, from `min` to `max`. False: printed. */
bool read_number(const command *c, const char *option, const char *word, double min, double max,
                 double *value);
void print_help(const command *c);

/* --- messages, on stderr ---------------------------------------------------------------------- */

/** "mesocl: error: ..." and where to look; gives EXIT_USAGE. */
int usage_error(const command *c, const char *format, ...) MESO_PRINTF(2, 3);
/** "mesocl: error: <message>"; gives the exit code of `status`. */
int report_error(meso_status status, const meso_error *err);

/* --- numbers for people ----------------------------------------------------------------------- */

enum { QUANTITY_SIZE = 32 };
/** 1234567 as "1,234,567". */
const char *format_count(char out[QUANTITY_SIZE], uint64_t n);
/** 1234567 as "1.2 MB". */
const char *format_bytes(char out[QUANTITY_SIZE], uint64_t bytes);
/** 83.2 as "1:23", 0.2 as "0.2 s". */
const char *format_time(char out[QUANTITY_SIZE], double seconds);

#endif
