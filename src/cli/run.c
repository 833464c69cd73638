#include "cli/command.h"
#include "cli/progress.h"
#include "cli/settings.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECKPOINT_MIN 10.0

static const option_spec OPTIONS[] = {
    {OPTION_OUT, "out", "DIR", "where results go (default: results/<experiment>)"},
    {OPTION_FORCE, "force", NULL, "replace an earlier run's files in DIR"},
    {OPTION_RESUME, "resume", NULL, "go on with the run in DIR from its last checkpoint"},
    {OPTION_CHECKPOINT, "checkpoint-min", "MIN",
     "longest wall time that a killed run may lose (default: 10; 0: none)"},
    {OPTION_STOP_AFTER, "stop-after-s", "S", "stop when S seconds have been simulated"},
    SETTINGS_EXPERIMENT_OPTIONS,
    {OPTION_QUIET, "quiet", NULL, "only errors and warnings"},
    {OPTION_PROFILE, "profile", NULL, "print the time of every kernel at the end"},
    SETTINGS_PROGRAM_OPTIONS,
    SETTINGS_LAYOUT_OPTIONS,
    {0},
};

/* --- stopping --------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop;
static volatile sig_atomic_t say_so; /* someone sits at the terminal */

/* The first signal asks for an orderly end, a second one ends the program at once. */
static void ask_to_stop(int number)
{
    static const char NOTICE[] = "\nmesocl: stopping; once more ends it at once\n";
    (void)number;
    stop = 1;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (say_so && write(STDERR_FILENO, NOTICE, sizeof NOTICE - 1) < 0)
        say_so = 0;
}

static void listen_for_signals(bool quiet)
{
    say_so = !quiet && isatty(STDERR_FILENO);
    signal(SIGINT, ask_to_stop);
    signal(SIGTERM, ask_to_stop);
}

/* --- the run ---------------------------------------------------------------------------------- */

typedef struct session {
    meso_experiment *experiment;
    meso_device *device;
    meso_sink *output;
    progress *progress;
} session;

static void print_profile(meso_device *device)
{
    meso_error err = {0};
    meso_profile_row *rows;
    uint32_t n;
    double total_s = 0;
    meso_status status = meso_device_profile(device, &rows, &n, &err);
    if (status != MESO_OK) {
        report_error(status, &err);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        total_s += rows[i].total_s;
    fprintf(stderr, "\n%-32s  %10s  %10s  %6s  %10s\n", "profile", "launches", "total", "share",
            "each");
    for (uint32_t i = 0; i < n; i++)
        fprintf(stderr, "%-32s  %10" PRIu64 "  %8.4f s  %5.1f%%  %7.1f us\n", rows[i].name,
                rows[i].n, rows[i].total_s, 100 * rows[i].total_s / (total_s > 0 ? total_s : 1),
                1e6 * rows[i].total_s / (double)(rows[i].n ? rows[i].n : 1));
    free(rows);
}

static int report_stop(const session *s, const char *directory)
{
    char reached[QUANTITY_SIZE];
    progress_clear();
    fprintf(stderr,
            "mesocl: stopped at %s of model time; --resume goes on from there; results so far are "
            "in %s\n",
            format_time(reached, progress_reached_s(s->progress)), directory);
    return meso_status_exit_code(MESO_STOPPED);
}

/* Inputs are checked before the device is touched; nothing is written before the run begins. */
static meso_status prepare(const settings *a, session *s, meso_run_options *options,
                           meso_sink *progress_sink, meso_error *err)
{
    meso_status status = meso_experiment_load(a->experiment, a->overrides, a->n_overrides,
                                              &s->experiment, err);
    if (status == MESO_OK)
        status = a->resume
                     ? meso_output_resume(a->directory, s->experiment, options, &s->output, err)
                     : meso_output_create(a->directory, a->force, &s->output, err);
    if (status == MESO_OK && s->output == NULL)
        return MESO_OK; /* nothing is left to do */
    if (status == MESO_OK)
        status = meso_device_open(&a->device, &s->device, err);
    if (status != MESO_OK)
        return status;
    s->progress = progress_create(a->quiet, progress_sink);
    return s->progress ? MESO_OK : MESO_MEMORY;
}

static int execute(const settings *a, session *s)
{
    meso_error err = {.message = "out of memory"};
    meso_sink progress_sink;
    meso_run_options options = a->run;
    meso_status status = prepare(a, s, &options, &progress_sink, &err);
    if (status != MESO_OK)
        return report_error(status, &err);
    if (s->output == NULL) {
        if (!a->quiet)
            fprintf(stderr, "mesocl: all of the run is in %s\n", a->directory);
        return EXIT_SUCCESS;
    }
    listen_for_signals(a->quiet);
    options.stop = &stop;
    progress_building(s->progress);
    meso_sink *const sinks[] = {s->output, &progress_sink};
    status = meso_experiment_run(s->experiment, s->device, &options, sinks, 2, &err);
    if (status != MESO_OK && status != MESO_STOPPED)
        return report_error(status, &err);
    progress_print_summary(s->progress, a->directory);
    if (a->device.profile)
        print_profile(s->device);
    return status == MESO_STOPPED ? report_stop(s, a->directory) : EXIT_SUCCESS;
}

static int run(const command *self, int argc, char **argv)
{
    settings asked = {.run.checkpoint_wall_s = CHECKPOINT_MIN * 60};
    session s = {0};
    int exit_code = EXIT_USAGE;
    if (settings_read(self, argc, argv, &asked))
        exit_code = execute(&asked, &s);
    meso_output_destroy(&s.output);
    progress_destroy(&s.progress);
    meso_device_close(&s.device);
    meso_experiment_destroy(&s.experiment);
    settings_free(&asked);
    return exit_code;
}

const command run_command = {
    .name = "run",
    .operand = "EXPERIMENT.json",
    .summary = "simulate an experiment and write its results",
    .details =
        "Results are never overwritten silently: a directory that is not empty needs --force.\n"
        "Ctrl-C ends the run in order: the files hold everything up to then, and --resume goes\n"
        "on from there. A second one ends it at once; so does a crash or a power cut, and\n"
        "--resume goes on from the last checkpoint. In how many sittings a run was done, and\n"
        "--work-group-size, --vector-width and --partitions, never change a result.\n",
    .options = OPTIONS,
    .run = run,
};
