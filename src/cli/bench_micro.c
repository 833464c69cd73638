#include "cli/bench_micro.h"

#include <math.h>
#include <stdlib.h>

const char bench_micro_summary[] = "costs of single things: update of a cell, delivery of a "
                                   "synaptic event, random words, a launch";

enum { NEURONS = 65536, SOURCES = 8192, IN_DEGREE = 1000, MAX_FIGURES = 16 };
#define SOURCE_HZ 50.0
#define INPUT_HZ 16000.0 /* as the microcircuit of Potjans & Diesmann has */

/* A network of cells without connections among them, that never fire unless they are sources themselves. */
typedef struct network {
    const char *model;
    uint32_t n;
    bool conductances; /* two, exponential */
    bool input;        /* Poisson, from outside */
    uint32_t n_sources;
    bool connected; /* sources to cells */
    meso_schedule schedule; /* auto: as asked for */
} network;

/* --- as JSON ---------------------------------------------------------------------------------- */

static void write_conductance(json_text *json, const char *name, double tau_ms, double E_mV)
{
    json_open(json, name, '{');
    json_string(json, "kind", "exponential");
    json_number(json, "tau_decay_ms", tau_ms);
    json_number(json, "E_mV", E_mV);
    json_close(json, '}');
}

static void write_cells(json_text *json, const network *n)
{
    json_open(json, "cells", '{');
    json_open(json, "cell", '{');
    json_string(json, "model", n->model);
    if (n->conductances) {
        json_open(json, "conductances", '{');
        write_conductance(json, "ex", 5, 0);
        write_conductance(json, "in", 10, -80);
        json_close(json, '}');
    }
    json_close(json, '}');
    json_open(json, "source", '{');
    json_string(json, "model", "poisson_source");
    json_open(json, "parameters", '{');
    json_number(json, "rate_hz", SOURCE_HZ);
    json_close(json, '}');
    json_close(json, '}');
    json_close(json, '}');
}

static void write_population(json_text *json, const char *name, const char *cell, uint32_t n)
{
    json_open(json, name, '{');
    json_string(json, "cell", cell);
    json_integer(json, "n_neurons", n);
    json_close(json, '}');
}

static void write_weight(json_text *json)
{
    json_open(json, "receptors", '{');
    json_number(json, "I_syn_pA", 1);
    json_close(json, '}');
    json_number(json, "weight_pA", 0.01);
}

static void write_projection(json_text *json)
{
    json_open(json, "sources_to_cells", '{');
    json_string(json, "source", "sources");
    json_string(json, "target", "cells");
    json_string(json, "rule", "fixed_indegree");
    json_integer(json, "indegree", IN_DEGREE);
    write_weight(json);
    json_open(json, "delay_ms", '{');
    json_string(json, "distribution", "uniform");
    json_number(json, "min", 1);
    json_number(json, "max", 4);
    json_close(json, '}');
    json_close(json, '}');
}

static void write_input(json_text *json)
{
    json_open(json, "input", '{');
    json_string(json, "kind", "poisson");
    json_string(json, "target", "cells");
    json_number(json, "rate_hz", INPUT_HZ);
    write_weight(json);
    json_close(json, '}');
}

/* The caller frees it; NULL: out of memory. */
static char *network_text(const network *n)
{
    json_text json = {0};
    json_open(&json, NULL, '{');
    json_integer(&json, "schema_version", 1);
    write_cells(&json, n);
    json_open(&json, "populations", '{');
    write_population(&json, "cells", "cell", n->n);
    if (n->n_sources > 0)
        write_population(&json, "sources", "source", n->n_sources);
    json_close(&json, '}');
    json_open(&json, "projections", '{');
    if (n->connected)
        write_projection(&json);
    json_close(&json, '}');
    json_open(&json, "stimuli", '{');
    if (n->input)
        write_input(&json);
    json_close(&json, '}');
    json_close(&json, '}');
    return text_take(&json.out);
}

/* --- measuring -------------------------------------------------------------------------------- */

typedef struct bench_micro {
    meso_device *device;
    const settings *settings;
    const bench_plan *plan;
    const char **overrides; /* the protocol, then those of the settings */
    double scale;
    bench_figure *figures;
    uint32_t n_figures;
} bench_micro;

static meso_status measure(const bench_micro *m, const network *n, bench_result *result,
                           meso_error *err)
{
    char *json = network_text(n);
    experiment *e = NULL;
    *result = (bench_result){0};
    if (!json)
        return error_set(err, MESO_MEMORY, "out of memory");
    meso_status status;
    MESO_GO(meso_experiment_load_text(BENCH_MICRO, json, m->overrides, m->settings->n_overrides + 1,
                                      &e, err));
    meso_run_options options = m->settings->run;
    if (n->schedule != MESO_SCHEDULE_AUTO)
        options.schedule = n->schedule;
    MESO_GO(bench_measure(e, m->device, &options, m->plan, result, err));
done:
    free(json);
    meso_experiment_destroy(&e);
    return status;
}

/* What the windows of two networks differ by, each divided by what a window of the first does. */
typedef double divisor(const network *n, const bench_window *w);

static double neuron_steps(const network *n, const bench_window *w)
{
    return round(w->model_s * 1e4) * n->n; /* dt is 0.1 ms */
}

static double events(const network *n, const bench_window *w)
{
    (void)n;
    return (double)w->synaptic_events;
}

/* Without delays a batch is a field step, 1 ms. */
static double batches(const network *n, const bench_window *w)
{
    (void)n;
    return round(w->model_s * 1e3);
}

static meso_status add_figure(bench_micro *m, bench_figure figure, const bench_result *a,
                              const bench_result *b, divisor *divisor, const network *n,
                              double factor, meso_error *err)
{
    double *values = malloc(a->n_windows * sizeof *values + 1);
    if (!values)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < a->n_windows; i++) {
        const double less_s = b ? b->windows[i].wall_s : 0;
        values[i] = factor * (a->windows[i].wall_s - less_s) / divisor(n, &a->windows[i]);
    }
    figure.value = spread_of(values, a->n_windows);
    free(values);
    m->figures[m->n_figures++] = figure;
    return MESO_OK;
}

/* A figure from the windows of `more` less those of `less`, if that is not NULL. */
static meso_status compare(bench_micro *m, bench_figure figure, const network *more,
                           const network *less, divisor *divisor, double factor, meso_error *err)
{
    bench_result a = {0}, b = {0};
    meso_status status;
    MESO_GO(measure(m, more, &a, err));
    if (less)
        MESO_GO(measure(m, less, &b, err));
    MESO_GO(add_figure(m, figure, &a, less ? &b : NULL, divisor, more, factor, err));
done:
    bench_result_free(&a);
    bench_result_free(&b);
    return status;
}

static uint32_t scaled(const bench_micro *m, uint32_t n)
{
    const double x = round(n * m->scale);
    return x < 1 ? 1 : (uint32_t)x;
}

/* One cell costs what launches cost; the others are what updates cost. */
static meso_status measure_updates(bench_micro *m, meso_error *err)
{
    static const struct {
        const char *figure, *model;
        bool conductances;
    } updates[] = {
        {"update, lif_exp", "lif_exp", false},
        {"update, lif_cond", "lif_cond", true},
        {"update, adex", "adex", true},
        {"update, izhikevich", "izhikevich", true},
        {"update, hodgkin_huxley", "hodgkin_huxley", true},
    };
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++) {
        network many = {.model = updates[i].model,
                        .n = scaled(m, NEURONS),
                        .conductances = updates[i].conductances};
        network one = many;
        one.n = 1;
        MESO_TRY(compare(m, (bench_figure){.name = updates[i].figure, .unit = "ns per neuron-step"},
                         &many, &one, neuron_steps, 1e9, err));
    }
    return MESO_OK;
}

/* A source draws two words a step and does nothing else; a parrot without input does nothing. */
static meso_status measure_random(bench_micro *m, meso_error *err)
{
    const uint32_t n = scaled(m, NEURONS);
    const network source = {.model = "poisson_source", .n = n},
                  parrot = {.model = "parrot", .n = n};
    const network still = {.model = "lif_exp", .n = n};
    const network driven = {.model = "lif_exp", .n = n, .input = true};
    MESO_TRY(compare(m, (bench_figure){.name = "random numbers", .unit = "ns per word"}, &source,
                     &parrot, neuron_steps, 1e9 / 2, err));
    return compare(m, (bench_figure){.name = "Poisson input", .unit = "ns per neuron-step"},
                   &driven, &still, neuron_steps, 1e9, err);
}

static meso_status measure_delivery(bench_micro *m, meso_error *err)
{
    const network connected = {.model = "lif_exp",
                               .n = scaled(m, SOURCES),
                               .n_sources = scaled(m, SOURCES),
                               .connected = true};
    network apart = connected;
    apart.connected = false;
    return compare(m, (bench_figure){.name = "delivery", .unit = "ns per synaptic event"},
                   &connected, &apart, events, 1e9, err);
}

/* What a batch costs a network with next to nothing to do: a launch, or a wait for each other. */
static meso_status measure_batches(bench_micro *m, meso_error *err)
{
    const network launched = {.model = "lif_exp", .n = 1, .schedule = MESO_SCHEDULE_LAUNCH};
    const network waiting = {.model = "lif_exp", .n = 1, .schedule = MESO_SCHEDULE_SIDE_BY_SIDE};
    MESO_TRY(compare(m, (bench_figure){.name = "launch", .unit = "us"}, &launched, NULL, batches,
                     1e6, err));
    return compare(m, (bench_figure){.name = "batch side by side", .unit = "us"}, &waiting, NULL,
                   batches, 1e6, err);
}

static meso_status measure_all(bench_micro *m, meso_error *err)
{
    MESO_TRY(measure_updates(m, err));
    MESO_TRY(measure_random(m, err));
    MESO_TRY(measure_delivery(m, err));
    return measure_batches(m, err);
}

meso_status bench_micro_measure(meso_device *device, const settings *s, const bench_plan *plan,
                                double scale, bench_figure **figures, uint32_t *n_figures,
                                meso_error *err)
{
    char *protocol = bench_protocol_override(plan);
    bench_micro m = {.device = device,
                     .settings = s,
                     .plan = plan,
                     .scale = scale,
                     .overrides = calloc(s->n_overrides + 1, sizeof(char *)),
                     .figures = calloc(MAX_FIGURES, sizeof(bench_figure))};
    meso_status status = MESO_MEMORY;
    if (protocol && m.overrides && m.figures) {
        m.overrides[0] = protocol;
        for (uint32_t i = 0; i < s->n_overrides; i++)
            m.overrides[i + 1] = s->overrides[i];
        status = measure_all(&m, err);
    } else {
        error_set(err, MESO_MEMORY, "out of memory");
    }
    free(protocol);
    free(m.overrides);
    *figures = m.figures;
    *n_figures = m.n_figures;
    return status;
}
