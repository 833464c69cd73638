#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

static int run(const command *self, int argc, char **argv)
{
    const char *directory;
    if (next_option(self, argc, argv) == OPTIONS_BAD || !read_operand(self, argc, argv, &directory))
        return EXIT_USAGE;
    meso_error err = {0};
    char *text;
    meso_status status = meso_output_info(directory, &text, &err);
    if (status != MESO_OK)
        return report_error(status, &err);
    fputs(text, stdout);
    free(text);
    return EXIT_SUCCESS;
}

const command info_command = {
    .name = "info",
    .operand = "DIR",
    .summary = "say what a result directory holds",
    .run = run,
};
