#include "cli/bench_measure.h"

#include "cli/cpu_time.h"
#include "cli/progress.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- a sink that counts ----------------------------------------------------------------------- */

typedef struct mark {
    double model_s, wall_s;
    uint64_t spikes, synaptic_events, launches;
    cpu_time cpu;
} mark;

typedef struct stopwatch {
    const experiment *e;
    meso_device *device;
    const bench_plan *plan;
    bench_result *result;
    uint32_t n_marks; /* so far: the end of the warm-up, and of each window */
    mark last;
    double reached_s;
    meso_profile_row *kernels; /* at the first mark */
    uint32_t n_kernels;
} stopwatch;

static const meso_profile_row *find_kernel(const meso_profile_row *rows, uint32_t n,
                                           const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

/* Reading the profile waits for what is queued: as much at the first mark as at the last, so it cancels. */
static meso_status profile_begin(stopwatch *s, meso_error *err)
{
    return meso_device_profile(s->device, &s->kernels, &s->n_kernels, err);
}

static meso_status profile_end(stopwatch *s, meso_error *err)
{
    bench_result *r = s->result;
    free(r->kernels);
    MESO_TRY(meso_device_profile(s->device, &r->kernels, &r->n_kernels, err));
    for (uint32_t i = 0; i < r->n_kernels; i++) {
        const meso_profile_row *before = find_kernel(s->kernels, s->n_kernels, r->kernels[i].name);
        r->kernels[i].n -= before ? before->n : 0;
        r->kernels[i].total_s -= before ? before->total_s : 0;
    }
    return MESO_OK;
}

static void add_window(stopwatch *s, const mark *now)
{
    bench_result *r = s->result;
    const double model_s = round((now->model_s - s->last.model_s) * 1e9) / 1e9;
    r->windows[r->n_windows++] = (bench_window){
        .model_s = model_s,
        .wall_s = now->wall_s - s->last.wall_s,
        .spikes = now->spikes - s->last.spikes,
        .synaptic_events = now->synaptic_events - s->last.synaptic_events,
        .launches = now->launches - s->last.launches,
        .own_cpu_s = now->cpu.own_s - s->last.cpu.own_s,
        .foreign_cpu_s = cpu_time_foreign_s(s->last.cpu, now->cpu),
    };
    r->model_s += model_s;
}

static meso_status set_mark(stopwatch *s, const meso_progress *p, meso_error *err)
{
    if (s->n_marks == s->plan->n_windows)
        MESO_TRY(profile_end(s, err));
    const mark now = {.model_s = p->model_time_s,
                      .wall_s = p->wall_s,
                      .spikes = p->spikes,
                      .synaptic_events = p->synaptic_events,
                      .launches = meso_device_work_done(s->device).n_launches,
                      .cpu = cpu_time_now()};
    if (s->n_marks++ > 0)
        add_window(s, &now);
    else
        MESO_TRY(profile_begin(s, err));
    s->last = now;
    return MESO_OK;
}

static meso_status stopwatch_begin(void *self, const meso_run_info *info, meso_error *err)
{
    stopwatch *s = self;
    s->result->layout = info->layout;
    s->result->n_neurons = info->n_neurons;
    s->result->n_synapses = info->n_synapses;
    return s->plan->warm_up_s > 0 ? MESO_OK : set_mark(s, &(meso_progress){0}, err);
}

static meso_status stopwatch_progress(void *self, const meso_progress *p, meso_error *err)
{
    stopwatch *s = self;
    const double seconds = p->model_time_s - s->reached_s;
    s->reached_s = p->model_time_s;
    if (s->n_marks > s->plan->n_windows)
        return MESO_OK; /* the tail */
    for (uint32_t i = 0; s->n_marks > 0 && i < p->n_populations; i++)
        s->result->spikes[i] += p->rates_hz[i] * seconds * s->e->populations[i].n_neurons;
    const double due_s = s->plan->warm_up_s + s->n_marks * s->plan->seconds;
    return p->model_time_s > due_s - 1e-6 ? set_mark(s, p, err) : MESO_OK;
}

static meso_status stopwatch_end(void *self, const meso_summary *summary, meso_error *err)
{
    stopwatch *s = self;
    bench_result *r = s->result;
    bench_simulation *now = &r->simulations[r->n_simulations++];
    *now = (bench_simulation){summary->compile_s, summary->build_s, summary->spike_hash};
    r->peak_device_bytes = summary->peak_device_bytes;
    if (summary->status != MESO_OK || now->spike_hash == r->simulations[0].spike_hash)
        return MESO_OK;
    return error_set(err, MESO_INTERNAL,
                     "simulation %u has other spikes than the first: %016" PRIx64
                     ", not %016" PRIx64,
                     r->n_simulations, now->spike_hash, r->simulations[0].spike_hash);
}

/* --- measuring -------------------------------------------------------------------------------- */

/* Results come in whole field steps. */
static meso_status check_time(const experiment *e, const char *option, double seconds,
                              meso_error *err)
{
    const double fields = seconds * 1e3 / e->field_step_ms;
    if (fabs(fields - round(fields)) < 1e-6)
        return MESO_OK;
    return error_set(err, MESO_ARGUMENT, "%s: %.15g s is not a multiple of field_step_ms, %.15g ms",
                     option, seconds, e->field_step_ms);
}

static meso_status check_protocol(const experiment *e, const bench_plan *plan, meso_error *err)
{
    MESO_TRY(check_time(e, "--warm-up", plan->warm_up_s, err));
    MESO_TRY(check_time(e, "--seconds", plan->seconds, err));
    const double planned_s = plan->warm_up_s + plan->n_windows * plan->seconds + plan->tail_s;
    if (fabs(e->duration_s - planned_s) < 1e-6)
        return MESO_OK;
    return error_set(
        err, MESO_ARGUMENT,
        "the protocol is made of --warm-up, --seconds and --repeats; it cannot be --set");
}

/* Room for one more simulation. */
static meso_status make_room(const experiment *e, const bench_plan *plan, bench_result *r,
                             meso_error *err)
{
    bench_simulation *simulations = realloc(r->simulations,
                                            (r->n_simulations + 1) * sizeof *simulations);
    if (simulations)
        r->simulations = simulations;
    bench_window *windows = realloc(r->windows, (r->n_windows + plan->n_windows) * sizeof *windows);
    if (windows)
        r->windows = windows;
    if (!r->spikes)
        r->spikes = calloc(e->n_populations + 1, sizeof *r->spikes);
    return simulations && windows && r->spikes ? MESO_OK
                                               : error_set(err, MESO_MEMORY, "out of memory");
}

meso_status bench_measure(const experiment *e, meso_device *device, const meso_run_options *options,
                          const bench_plan *plan, bench_result *result, meso_error *err)
{
    MESO_TRY(check_protocol(e, plan, err));
    MESO_TRY(make_room(e, plan, result, err));
    stopwatch s = {.e = e, .device = device, .plan = plan, .result = result};
    meso_sink counting = {.self = &s,
                          .begin = stopwatch_begin,
                          .progress = stopwatch_progress,
                          .end = stopwatch_end},
              showing;
    progress *shown = progress_create(plan->quiet, &showing);
    if (!shown)
        return error_set(err, MESO_MEMORY, "out of memory");
    progress_building(shown);
    meso_sink *const sinks[] = {&counting, &showing};
    meso_status status = meso_experiment_run(e, device, options, sinks, 2, err);
    progress_destroy(&shown);
    free(s.kernels);
    return status;
}

void bench_result_free(bench_result *r)
{
    free(r->simulations);
    free(r->windows);
    free(r->spikes);
    free(r->kernels);
    *r = (bench_result){0};
}

/* --- statistics ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

spread spread_of(double *values, uint32_t n)
{
    if (n == 0)
        return (spread){NAN, NAN, NAN};
    qsort(values, n, sizeof *values, compare);
    return (spread){(values[(n - 1) / 2] + values[n / 2]) / 2, values[0], values[n - 1]};
}
