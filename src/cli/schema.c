#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

static int run(const command *self, int argc, char **argv)
{
    const char *nothing;
    if (next_option(self, argc, argv) == OPTIONS_BAD || !read_operand(self, argc, argv, &nothing))
        return EXIT_USAGE;
    meso_error err = {0};
    char *json;
    meso_status status = meso_experiment_schema(&json, &err);
    if (status != MESO_OK)
        return report_error(status, &err);
    printf("%s\n", json);
    free(json);
    return EXIT_SUCCESS;
}

const command schema_command = {
    .name = "schema",
    .summary = "print the JSON Schema of an experiment",
    .run = run,
};
