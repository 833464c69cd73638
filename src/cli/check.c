#include "cli/command.h"
#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const option_spec OPTIONS[] = {
    SETTINGS_EXPERIMENT_OPTIONS,
    SETTINGS_LAYOUT_OPTIONS,
    {0},
};

/* Sum of the counts of rows whose names begin with `kind`. */
static uint64_t total_count(const meso_plan_row *rows, uint32_t n, const char *kind)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        if (strncmp(rows[i].name, kind, strlen(kind)) == 0)
            total += rows[i].count;
    return total;
}

static void print_plan(const meso_plan_row *rows, uint32_t n)
{
    char count[QUANTITY_SIZE], bytes[QUANTITY_SIZE];
    int width = 0;
    for (uint32_t i = 0; i < n; i++)
        if ((int)strlen(rows[i].name) > width)
            width = (int)strlen(rows[i].name);
    printf("%-*s  %14s  %10s  %s\n", width, "", "count", "memory", "storage");
    for (uint32_t i = 0; i < n; i++)
        printf("%-*s  %14s  %10s%s%s\n", width, rows[i].name,
               rows[i].count > 0 ? format_count(count, rows[i].count) : "",
               rows[i].bytes > 0 ? format_bytes(bytes, rows[i].bytes) : "",
               rows[i].storage != NULL ? "  " : "", rows[i].storage != NULL ? rows[i].storage : "");
    printf("\n%s neurons, ", format_count(count, total_count(rows, n, "population ")));
    printf("about %s synapses\n", format_count(count, total_count(rows, n, "projection ")));
}

static int print_for_device(const settings *s, const meso_experiment *experiment,
                            meso_device *device)
{
    const meso_device_info *info = meso_device_describe(device);
    meso_error err = {0};
    meso_plan_row *rows;
    uint32_t n;
    char memory[QUANTITY_SIZE], buffer[QUANTITY_SIZE];
    meso_status status = meso_experiment_plan(experiment, info, &s->run, &rows, &n, &err);
    if (status == MESO_OK)
        status = meso_experiment_compile(experiment, device, &s->run, &err);
    if (status != MESO_OK) {
        free(rows);
        return report_error(status, &err);
    }
    printf("%s is valid\n\n", s->experiment);
    print_plan(rows, n);
    printf("%s has %s, one buffer at most %s\n", info->name,
           format_bytes(memory, info->global_bytes), format_bytes(buffer, info->max_alloc_bytes));
    free(rows);
    return EXIT_SUCCESS;
}

static bool has_device(void)
{
    meso_device_info *devices;
    uint32_t n;
    if (meso_device_list(&devices, &n, NULL) != MESO_OK)
        return true; /* opening one will say what is wrong */
    free(devices);
    return n > 0;
}

static int check(const settings *s, meso_experiment **experiment, meso_device **device)
{
    meso_error err = {0};
    meso_status status = meso_experiment_load(s->experiment, s->overrides, s->n_overrides,
                                              experiment, &err);
    if (status != MESO_OK)
        return report_error(status, &err);
    if (!has_device()) {
        printf("%s is valid; without an OpenCL device nothing can be said about memory\n",
               s->experiment);
        return EXIT_SUCCESS;
    }
    status = meso_device_open(&s->device, device, &err);
    if (status != MESO_OK)
        return report_error(status, &err);
    return print_for_device(s, *experiment, *device);
}

static int run(const command *self, int argc, char **argv)
{
    settings asked = {0};
    meso_experiment *experiment = NULL;
    meso_device *device = NULL;
    int exit_code = EXIT_USAGE;
    if (settings_read(self, argc, argv, &asked))
        exit_code = check(&asked, &experiment, &device);
    meso_device_close(&device);
    meso_experiment_destroy(&experiment);
    settings_free(&asked);
    return exit_code;
}

const command check_command = {
    .name = "check",
    .operand = "EXPERIMENT.json",
    .summary = "validate an experiment; its populations, synapses and memory; nothing runs",
    .options = OPTIONS,
    .run = run,
};
