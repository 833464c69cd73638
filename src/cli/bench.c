#include "cli/bench_cases.h"
#include "cli/bench_measure.h"
#include "cli/bench_micro.h"
#include "cli/bench_record.h"
#include "cli/command.h"
#include "cli/settings.h"

#include "base/text.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTION_CASE = OPTIONS_OF_SETTINGS, /* the first of N_CASE_OPTIONS */
    OPTION_SECONDS = OPTION_CASE + N_CASE_OPTIONS,
    OPTION_WARM_UP,
    OPTION_REPEATS,
    OPTION_FRESH,
    OPTION_NO_PROFILE,
    OPTION_JSON,
    OPTION_PRINT_EXPERIMENT,
};

static const option_spec OPTIONS[] = {
    {OPTION_CASE + CASE_SCALE, "scale", "X", "size of the network; 1 as published (default)"},
    {OPTION_CASE + CASE_DRIVE, "drive", "KIND",
     "pd14: input from outside, poisson (default) or dc"},
    {OPTION_CASE + CASE_G, "g", "X", "brunel: strength of inhibition (default 5)"},
    {OPTION_CASE + CASE_ETA, "eta", "X", "brunel: input from outside over threshold (default 2)"},
    {OPTION_CASE + CASE_NEURONS, "neurons", "N", "coba: cells, instead of --scale"},
    {OPTION_CASE + CASE_IN_DEGREE, "in-degree", "N", "coba: synapses a cell, 80 (default) or 1000"},
    {OPTION_CASE + CASE_SIZE, "size", "SIZE", "circuit: xs (default), s, m or l"},
    {OPTION_CASE + CASE_GRIDS, "grids", NULL, "circuit: dopamine of the accumbens in space"},
    {OPTION_SECONDS, "seconds", "T", "model time of a window"},
    {OPTION_WARM_UP, "warm-up", "T", "model time before the first window"},
    {OPTION_REPEATS, "repeats", "N", "windows (default 3)"},
    {OPTION_FRESH, "fresh", NULL, "build the network anew for each window"},
    {OPTION_NO_PROFILE, "no-profile", NULL, "no further simulation to time the kernels apart"},
    {OPTION_JSON, "json", "FILE", "write the record there"},
    {OPTION_PRINT_EXPERIMENT, "print-experiment", NULL, "print what would run; nothing runs"},
    SETTINGS_EXPERIMENT_OPTIONS,
    SETTINGS_PROGRAM_OPTIONS,
    SETTINGS_LAYOUT_OPTIONS,
    {0},
};

typedef struct bench_request {
    settings settings;
    const char *name;    /* what was asked for; NULL: the list */
    const bench_case *c; /* NULL: an experiment's file, or the microbenchmarks */
    case_values values;
    double seconds, warm_up_s; /* below 0: the case's own */
    uint32_t repeats;
    bool fresh, no_profile, print_experiment;
    const char *json;
} bench_request;

/* --- what is asked ---------------------------------------------------------------------------- */

static bool read_drive(const command *self, const char *word, bool *dc)
{
    *dc = strcmp(word, "dc") == 0;
    if (*dc || strcmp(word, "poisson") == 0)
        return true;
    usage_error(self, "--drive: \"%s\" is not poisson or dc", word);
    return false;
}

static bool read_size(const command *self, const char *word, const char **size)
{
    static const char *const sizes[] = {"xs", "s", "m", "l"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strcmp(word, sizes[i]) == 0) {
            *size = sizes[i];
            return true;
        }
    usage_error(self, "--size: \"%s\" is not xs, s, m or l", word);
    return false;
}

static bool take_case_option(const command *self, case_values *v, case_option option,
                             const char *word)
{
    v->given[option] = true;
    switch (option) {
    case CASE_SCALE:
        return read_number(self, "--scale", word, 1e-6, 1e6, &v->scale);
    case CASE_DRIVE:
        return read_drive(self, word, &v->dc);
    case CASE_G:
        return read_number(self, "--g", word, 0, 1000, &v->g);
    case CASE_ETA:
        return read_number(self, "--eta", word, 0, 1000, &v->eta);
    case CASE_NEURONS:
        return read_count(self, "--neurons", word, &v->neurons);
    case CASE_IN_DEGREE:
        return read_count(self, "--in-degree", word, &v->in_degree);
    case CASE_GRIDS:
        return v->grids = true;
    default:
        return read_size(self, word, &v->size);
    }
}

static bool take_option(const command *self, bench_request *r, int id, const char *word)
{
    if (id >= OPTION_CASE && id < OPTION_SECONDS)
        return take_case_option(self, &r->values, (case_option)(id - OPTION_CASE), word);
    switch (id) {
    case OPTION_SECONDS:
        return read_number(self, "--seconds", word, 1e-3, 1e6, &r->seconds);
    case OPTION_WARM_UP:
        return read_number(self, "--warm-up", word, 0, 1e6, &r->warm_up_s);
    case OPTION_REPEATS:
        return read_count(self, "--repeats", word, &r->repeats);
    case OPTION_FRESH:
        return r->fresh = true;
    case OPTION_NO_PROFILE:
        return r->no_profile = true;
    case OPTION_JSON:
        r->json = word;
        return true;
    case OPTION_PRINT_EXPERIMENT:
        return r->print_experiment = true;
    default:
        return settings_take(self, &r->settings, id, word);
    }
}

static bool is_file(const char *name)
{
    const size_t length = strlen(name);
    return strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".json") == 0);
}

static bool unknown_case(const command *self, const char *name)
{
    const char *names[16];
    size_t n = 0;
    for (; bench_cases[n].name; n++)
        names[n] = bench_cases[n].name;
    names[n++] = BENCH_MICRO;
    const char *nearest = text_nearest(name, names, n);
    usage_error(self, "there is no case \"%s\"%s%s%s", name, nearest ? "; did you mean \"" : "",
                nearest ? nearest : "", nearest ? "\"?" : "");
    return false;
}

/* Each option of a case means something there. */
static bool check_case_options(const command *self, const bench_request *r)
{
    const bool micro = strcmp(r->name, BENCH_MICRO) == 0;
    const unsigned options = r->c ? r->c->options : micro ? 1u << CASE_SCALE : 0;
    for (int i = 0; i < N_CASE_OPTIONS; i++)
        if (r->values.given[i] && !(options >> i & 1)) {
            usage_error(self, "%s takes no --%s", r->name, OPTIONS[i].name);
            return false;
        }
    if (r->c && r->values.given[CASE_SCALE] && r->values.scale > r->c->largest_scale) {
        usage_error(self, "--scale: %s has scales up to %g", r->name, r->c->largest_scale);
        return false;
    }
    return true;
}

static bool read_request(const command *self, int argc, char **argv, bench_request *r)
{
    *r = (bench_request){.seconds = -1, .warm_up_s = -1, .repeats = 3};
    r->values = (case_values){.scale = 1, .g = 5, .eta = 2, .in_degree = 80, .size = "xs"};
    if (!settings_begin(&r->settings, argc))
        return false;
    int id;
    while ((id = next_option(self, argc, argv)) != OPTIONS_END)
        if (!take_option(self, r, id, optarg))
            return false;
    settings_end(&r->settings);
    if (!read_operand(self, argc, argv, &r->name))
        return false;
    if (!r->name)
        return true;
    r->c = bench_case_find(r->name);
    if (!r->c && strcmp(r->name, BENCH_MICRO) != 0 && !is_file(r->name))
        return unknown_case(self, r->name);
    return check_case_options(self, r);
}

/* --- one case --------------------------------------------------------------------------------- */

static bench_plan make_plan(const bench_request *r, uint32_t n_windows)
{
    bench_plan plan = {.seconds = r->c ? r->c->seconds : 1,
                       .warm_up_s = r->c ? r->c->warm_up_s : 0.5,
                       .n_windows = n_windows,
                       .quiet = !isatty(STDERR_FILENO)};
    if (r->seconds > 0)
        plan.seconds = r->seconds;
    if (r->warm_up_s >= 0)
        plan.warm_up_s = r->warm_up_s;
    plan.tail_s = plan.seconds < 0.1 ? plan.seconds
                                     : 0.1; /* 100 field steps: what waits in the queue */
    return plan;
}

/* An experiment's file gets the protocol of the plan in the place of its own. */
static meso_status load_file(const bench_request *r, const bench_plan *plan, experiment **e,
                             meso_error *err)
{
    const settings *s = &r->settings;
    const char **overrides = calloc(s->n_overrides + 1, sizeof *overrides);
    char *protocol = bench_protocol_override(plan);
    meso_status status = MESO_MEMORY;
    if (overrides && protocol) {
        overrides[0] = protocol;
        memcpy(overrides + 1, s->overrides, s->n_overrides * sizeof *overrides);
        status = meso_experiment_load(r->name, overrides, s->n_overrides + 1, e, err);
    } else {
        error_set(err, MESO_MEMORY, "out of memory");
    }
    free(overrides);
    free(protocol);
    return status;
}

static meso_status load(const bench_request *r, const bench_plan *plan, experiment **e,
                        meso_error *err)
{
    char *json;
    if (!r->c)
        return load_file(r, plan, e, err);
    MESO_TRY(bench_case_text(r->c, &r->values, plan, &json, err));
    meso_status status = meso_experiment_load_text(r->name, json, r->settings.overrides,
                                                   r->settings.n_overrides, e, err);
    free(json);
    return status;
}

/* Another simulation, of one window, on a device that times each kernel: that costs time. */
static meso_status measure_kernels(const bench_request *r, bench_result *result, meso_error *err)
{
    const bench_plan plan = make_plan(r, 1);
    meso_device_options options = r->settings.device;
    meso_device *device = NULL;
    experiment *e = NULL;
    meso_status status;
    options.profile = true;
    MESO_GO(load(r, &plan, &e, err));
    MESO_GO(meso_device_open(&options, &device, err));
    MESO_GO(bench_measure(e, device, &r->settings.run, &plan, result, err));
done:
    meso_device_close(&device);
    meso_experiment_destroy(&e);
    return status;
}

static meso_status finish(const bench_request *r, const bench_record *record, meso_error *err)
{
    if (r->json)
        MESO_TRY(bench_record_write(record, r->json, err));
    bench_record_print(record);
    return MESO_OK;
}

static meso_status measure(const bench_request *r, const bench_plan *plan, const experiment *e,
                           meso_error *err)
{
    meso_device *device = NULL;
    bench_result result = {0}, kernels = {0};
    bench_record record = {.name = r->name,
                           .c = r->c,
                           .values = &r->values,
                           .settings = &r->settings,
                           .plan = plan,
                           .fresh = r->fresh,
                           .e = e,
                           .result = &result};
    meso_status status;
    bench_record_begin(&record);
    MESO_GO(meso_device_open(&r->settings.device, &device, err));
    record.device = meso_device_describe(device);
    for (uint32_t i = 0; i < (r->fresh ? r->repeats : 1); i++)
        MESO_GO(bench_measure(e, device, &r->settings.run, plan, &result, err));
    if (!r->no_profile) {
        MESO_GO(measure_kernels(r, &kernels, err));
        record.profile = &kernels;
    }
    MESO_GO(finish(r, &record, err));
done:
    bench_result_free(&result);
    bench_result_free(&kernels);
    meso_device_close(&device);
    return status;
}

static meso_status run_case(const bench_request *r, meso_error *err)
{
    const bench_plan plan = make_plan(r, r->fresh ? 1 : r->repeats);
    experiment *e;
    MESO_TRY(load(r, &plan, &e, err));
    meso_status status = MESO_OK;
    if (r->print_experiment)
        fputs(meso_experiment_json(e), stdout);
    else
        status = measure(r, &plan, e, err);
    meso_experiment_destroy(&e);
    return status;
}

static meso_status run_micro(const bench_request *r, meso_error *err)
{
    if (r->print_experiment)
        return error_set(err, MESO_ARGUMENT, "%s takes no --print-experiment: it times many networks", r->name);
    bench_plan plan = make_plan(r, r->repeats);
    plan.seconds = r->seconds > 0 ? r->seconds : BENCH_MICRO_SECONDS;
    plan.warm_up_s = r->warm_up_s >= 0 ? r->warm_up_s : BENCH_MICRO_SECONDS;
    meso_device *device = NULL;
    bench_record record = {
        .name = r->name, .values = &r->values, .settings = &r->settings, .plan = &plan};
    meso_status status;
    bench_record_begin(&record);
    MESO_GO(meso_device_open(&r->settings.device, &device, err));
    record.device = meso_device_describe(device);
    MESO_GO(bench_micro_measure(device, &r->settings, &plan, r->values.scale, &record.figures,
                                &record.n_figures, err));
    MESO_GO(finish(r, &record, err));
done:
    free(record.figures);
    meso_device_close(&device);
    return status;
}

/* --- the command ------------------------------------------------------------------------------ */

static int print_cases(void)
{
    for (const bench_case *c = bench_cases; c->name; c++)
        printf("%-16s %s\n", c->name, c->summary);
    printf("%-16s %s\n", BENCH_MICRO, bench_micro_summary);
    return EXIT_SUCCESS;
}

static int run(const command *self, int argc, char **argv)
{
    bench_request r;
    meso_error err = {0};
    int exit_code = EXIT_USAGE;
    if (read_request(self, argc, argv, &r)) {
        if (!r.name) {
            exit_code = print_cases();
        } else {
            const bool micro = strcmp(r.name, BENCH_MICRO) == 0;
            const meso_status status = micro ? run_micro(&r, &err) : run_case(&r, &err);
            exit_code = status == MESO_OK ? EXIT_SUCCESS : report_error(status, &err);
        }
    }
    settings_free(&r.settings);
    return exit_code;
}

const command bench_command = {
    .name = "bench",
    .operand = "[CASE]",
    .summary = "time the simulation of a network; without CASE: the list",
    .details =
        "CASE is a name of the list, or an experiment's file, whose protocol is then replaced.\n"
        "After a warm-up, windows of model time are timed in one simulation (--fresh: in one\n"
        "each); nothing is written meanwhile. A table goes to stdout, every number to --json.\n"
        "Kernels are timed apart in a further simulation, as that costs time. See\n"
        "docs/performance.md for how to read the numbers.\n",
    .options = OPTIONS,
    .run = run,
};
