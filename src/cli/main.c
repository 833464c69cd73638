/** mesocl: one table of commands; everything that prints or exits is in this folder. */
#include "cli/command.h"
#include "cli/progress.h"

#include "base/log.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const command *const COMMANDS[] = {
    &run_command,    &check_command,  &bench_command, &devices_command,
    &models_command, &schema_command, &info_command,  &validate_command,
};
enum { N_COMMANDS = sizeof COMMANDS / sizeof *COMMANDS };

static const command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(COMMANDS[i]->name, name) == 0)
            return COMMANDS[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = COMMANDS[i]->name;
    const char *nearest = text_nearest(name, names, N_COMMANDS);
    if (nearest)
        return usage_error(NULL, "unknown command \"%s\"; did you mean \"%s\"?", name, nearest);
    return usage_error(NULL, "unknown command \"%s\"", name);
}

static void print_overview(void)
{
    printf("mesocl " MESO_VERSION
           ": simulates the mesocorticolimbic circuit on any OpenCL device\n\n"
           "usage: mesocl COMMAND ...\n\ncommands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const command *c = COMMANDS[i];
        char left[64];
        snprintf(left, sizeof left, "%s %s", c->name, c->operand ? c->operand : "");
        printf("  %-24s %s\n", left, c->summary);
    }
    printf("  %-24s %s\n", "help [COMMAND]", "this page, or a command's own");
    printf("\nexit codes:\n"
           "  0 done; 2 bad input; 3 device; 4 files; 5 numerics; 6 stopped\n"
           "\nenvironment:\n"
           "  MESOCL_DEVICE            device to use when --device is not given\n"
           "  MESOCL_NO_CACHE=1        build kernels without the cache in $XDG_CACHE_HOME/mesocl\n"
           "  MESOCL_PROGRESS=1        plain progress lines, for a log\n"
           "  MESOCL_LOG=LEVEL         messages from debug, info or warning (default) up\n"
           "  NO_COLOR                 no colours in the progress line\n");
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview();
        return EXIT_SUCCESS;
    }
    const command *c = find_command(argv[1]);
    if (!c)
        return unknown_command(argv[1]);
    print_help(c);
    return EXIT_SUCCESS;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int dispatch(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name)
        return usage_error(NULL, "a command is needed");
    if (strcmp(name, "help") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(1, argv);
    if (strcmp(name, "--version") == 0) {
        printf("mesocl " MESO_VERSION "\n");
        return EXIT_SUCCESS;
    }
    const command *c = find_command(name);
    if (!c)
        return unknown_command(name);
    if (asks_for_help(argc - 1, argv + 1)) {
        print_help(c);
        return EXIT_SUCCESS;
    }
    return c->run(c, argc - 1, argv + 1);
}

/* --- messages of the library ------------------------------------------------------------------ */

static void print_message(void *self, log_level level, const char *message)
{
    static const char *const NAMES[] = {"debug", "info", "warning"};
    if (level < *(const log_level *)self)
        return;
    progress_clear();
    fprintf(stderr, "mesocl: %s: %s\n", NAMES[level], message);
}

static log_level wanted_level(void)
{
    const char *wanted = getenv("MESOCL_LOG");
    if (wanted && strcmp(wanted, "debug") == 0)
        return LOG_DEBUG;
    if (wanted && strcmp(wanted, "info") == 0)
        return LOG_INFO;
    return LOG_WARNING;
}

int report_error(meso_status status, const meso_error *err)
{
    progress_clear();
    fprintf(stderr, "mesocl: error: %s\n", err->message);
    return meso_status_exit_code(status);
}

int main(int argc, char **argv)
{
    log_level level = wanted_level();
    log_listen(print_message, &level);
    int exit_code = dispatch(argc, argv);
    log_listen(NULL, NULL);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("mesocl: error: standard output");
        return meso_status_exit_code(MESO_IO);
    }
    return exit_code;
}
