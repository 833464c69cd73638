/** What is asked of `mesocl run`, `check` and `bench`: an experiment, a device, how to compute. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "cli/command.h"

enum {
    OPTION_OUT = 1,
    OPTION_DEVICE,
    OPTION_SEED,
    OPTION_SET,
    OPTION_FORCE,
    OPTION_QUIET,
    OPTION_PROFILE,
    OPTION_WORK_GROUP_SIZE,
    OPTION_VECTOR_WIDTH,
    OPTION_PARTITIONS,
    OPTION_NO_CACHE,
    OPTION_SCHEDULE,
    OPTION_DUMP_KERNELS,
    OPTION_RESUME,
    OPTION_CHECKPOINT,
    OPTION_STOP_AFTER,
    OPTIONS_OF_SETTINGS, /* ids of other options begin here */
};

/* Rows of an option table that more than one command has. */
#define SETTINGS_EXPERIMENT_OPTIONS                                                                \
    {OPTION_SEED, "seed", "N", "seed of all random numbers; short for --set seed=N"},              \
        {OPTION_SET, "set", "PATH=VALUE", "change the experiment (may be repeated)"},              \
    {                                                                                              \
        OPTION_DEVICE, "device", "SEL", "index, part of a name, cpu or gpu; see mesocl devices"    \
    }

#define SETTINGS_PROGRAM_OPTIONS                                                                   \
    {OPTION_NO_CACHE, "no-cache", NULL, "build the kernels, even if they are in the cache"},       \
    {                                                                                              \
        OPTION_DUMP_KERNELS, "dump-kernels", "DIR", "write the kernels there, as compiled"         \
    }

#define SETTINGS_LAYOUT_OPTIONS                                                                    \
    {OPTION_WORK_GROUP_SIZE, "work-group-size", "N", "work-items per group"},                      \
        {OPTION_VECTOR_WIDTH, "vector-width", "N", "neurons per work-item: 1, 4, 8 or 16"},        \
        {OPTION_SCHEDULE, "schedule", "HOW",                                                       \
         "auto; launch: one launch a batch; side-by-side: many in one"},                           \
    {                                                                                              \
        OPTION_PARTITIONS, "partitions", "N", "parts of the network"                               \
    }

typedef struct settings {
    const char *experiment;
    char *directory;        /* of the results */
    char *seed;             /* "seed=N" */
    const char **overrides; /* [n_overrides] "path=value" */
    uint32_t n_overrides;
    bool force, resume, quiet;
    meso_device_options device;
    meso_run_options run;
} settings;

/** Make room for what argc words can say; `s` is zeroed before. False: out of memory. */
bool settings_begin(settings *s, int argc);
/** Take the option `id` with its argument `word`. False: printed. */
bool settings_take(const command *c, settings *s, int id, const char *word);
/** What follows from options taken: the seed becomes the last override. */
void settings_end(settings *s);

/** Read options and operand into `s`: zeroed before, freed in any case. False: printed. */
bool settings_read(const command *c, int argc, char **argv, settings *s);
void settings_free(settings *s);

#endif
