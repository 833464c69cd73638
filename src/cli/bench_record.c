#include "cli/bench_record.h"

#include "base/hash.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <mesocl/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_record_begin(bench_record *r)
{
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(r->started, sizeof r->started, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/* --- numbers ---------------------------------------------------------------------------------- */

typedef double window_figure(const bench_record *r, const bench_window *w);

static double real_time_factor(const bench_record *r, const bench_window *w)
{
    (void)r;
    return w->wall_s / w->model_s;
}

static double ns_per_event(const bench_record *r, const bench_window *w)
{
    (void)r;
    return w->synaptic_events > 0 ? w->wall_s * 1e9 / (double)w->synaptic_events : NAN;
}

static double ns_per_neuron_step(const bench_record *r, const bench_window *w)
{
    const double steps = round(w->model_s * 1e3 / r->e->dt_ms);
    return w->wall_s * 1e9 / steps / (double)r->result->n_neurons;
}

static spread over_windows(const bench_record *r, window_figure *figure)
{
    const uint32_t n = r->result->n_windows;
    double *values = malloc(n * sizeof *values + 1);
    uint32_t n_finite = 0;
    for (uint32_t i = 0; values && i < n; i++) {
        values[n_finite] = figure(r, &r->result->windows[i]);
        n_finite += isfinite(values[n_finite]) ? 1 : 0;
    }
    const spread s = spread_of(values, values ? n_finite : 0);
    free(values);
    return s;
}

static bench_window sum_of_windows(const bench_result *result)
{
    bench_window sum = {0};
    for (uint32_t i = 0; i < result->n_windows; i++) {
        const bench_window *w = &result->windows[i];
        sum.model_s += w->model_s;
        sum.wall_s += w->wall_s;
        sum.spikes += w->spikes;
        sum.synaptic_events += w->synaptic_events;
        sum.launches += w->launches;
        sum.own_cpu_s += w->own_cpu_s;
        sum.foreign_cpu_s += w->foreign_cpu_s;
    }
    return sum;
}

static double rate_hz(const bench_record *r, uint32_t population)
{
    return r->result->spikes[population] / r->e->populations[population].n_neurons /
           r->result->model_s;
}

/* Device memory of the rows whose names begin with `kind`, for each of what they count. NAN without any. */
static double bytes_each(const bench_record *r, const char *kind)
{
    meso_plan_row *rows;
    uint32_t n;
    double bytes = 0, count = 0;
    if (meso_experiment_plan(r->e, r->device, &r->settings->run, &rows, &n, NULL) != MESO_OK)
        return NAN;
    for (uint32_t i = 0; i < n; i++)
        if (strncmp(rows[i].name, kind, strlen(kind)) == 0) {
            bytes += (double)rows[i].bytes;
            count += (double)rows[i].count;
        }
    free(rows);
    return count > 0 ? bytes / count : NAN;
}

static void hash_text(char out[17], uint64_t hash)
{
    snprintf(out, 17, "%016" PRIx64, hash);
}

/* --- the record ------------------------------------------------------------------------------- */

static void write_spread(json_text *json, const char *key, spread s)
{
    json_open(json, key, '{');
    json_number(json, "median", s.median);
    json_number(json, "min", s.min);
    json_number(json, "max", s.max);
    json_close(json, '}');
}

static void write_values(json_text *json, const bench_record *r)
{
    const unsigned options = r->c ? r->c->options : 0;
    const case_values *v = r->values;
    if (options & 1u << CASE_SCALE || !r->e)
        json_number(json, "scale", v->scale);
    if (options & 1u << CASE_DRIVE)
        json_string(json, "drive", v->dc ? "dc" : "poisson");
    if (options & 1u << CASE_G)
        json_number(json, "g", v->g);
    if (options & 1u << CASE_ETA)
        json_number(json, "eta", v->eta);
    if (v->given[CASE_NEURONS])
        json_integer(json, "neurons", v->neurons);
    if (options & 1u << CASE_IN_DEGREE)
        json_integer(json, "in_degree", v->in_degree);
    if (options & 1u << CASE_SIZE)
        json_string(json, "size", v->size);
    if (options & 1u << CASE_GRIDS)
        json_boolean(json, "grids", v->grids);
    json_number(json, "warm_up_s", r->plan->warm_up_s);
    json_number(json, "seconds", r->plan->seconds);
    json_integer(json, "repeats", r->e ? r->result->n_windows : r->plan->n_windows);
    json_boolean(json, "fresh", r->fresh);
    json_open(json, "set", '[');
    for (uint32_t i = 0; i < r->settings->n_overrides; i++)
        json_string(json, NULL, r->settings->overrides[i]);
    json_close(json, ']');
}

static void write_head(json_text *json, const bench_record *r)
{
    json_string(json, "mesocl_version", MESO_VERSION);
    if (*MESO_COMMIT)
        json_string(json, "commit", MESO_COMMIT);
    json_string(json, "started", r->started);
    json_string(json, "case", r->name);
    json_open(json, "parameters", '{');
    write_values(json, r);
    json_close(json, '}');
    json_open(json, "device", '{');
    json_string(json, "name", r->device->name);
    json_string(json, "vendor", r->device->vendor);
    json_string(json, "driver", r->device->driver);
    json_string(json, "platform", r->device->platform);
    json_integer(json, "compute_units", r->device->compute_units);
    json_close(json, '}');
}

static void write_layout(json_text *json, const meso_layout_info *l)
{
    json_open(json, "layout", '{');
    json_integer(json, "partitions", l->partitions);
    json_integer(json, "vector_width", l->vector_width);
    json_integer(json, "work_group_size", l->work_group_size);
    json_integer(json, "batch_steps", l->batch_steps);
    json_string(json, "storage", l->storage);
    json_string(json, "schedule", l->side_by_side ? "side-by-side" : "launch");
    json_close(json, '}');
}

static void write_experiment(json_text *json, const bench_record *r)
{
    char hash[17];
    const char *text = meso_experiment_json(r->e);
    hash_text(hash, hash_bytes(text, strlen(text), 0));
    json_string(json, "title", r->e->title);
    json_integer(json, "seed", r->e->seed);
    json_number(json, "dt_ms", r->e->dt_ms);
    json_string(json, "experiment_hash", hash);
    hash_text(hash, r->result->simulations[0].spike_hash);
    json_string(json, "spike_hash", hash);
    json_integer(json, "neurons", r->result->n_neurons);
    json_integer(json, "synapses", r->result->n_synapses);
    write_layout(json, &r->result->layout);
}

static void write_windows(json_text *json, const bench_record *r)
{
    json_open(json, "builds", '[');
    for (uint32_t i = 0; i < r->result->n_simulations; i++) {
        json_open(json, NULL, '{');
        json_number(json, "compile_s", r->result->simulations[i].compile_s);
        json_number(json, "build_s", r->result->simulations[i].build_s);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_open(json, "windows", '[');
    for (uint32_t i = 0; i < r->result->n_windows; i++) {
        const bench_window *w = &r->result->windows[i];
        json_open(json, NULL, '{');
        json_number(json, "model_s", w->model_s);
        json_number(json, "wall_s", w->wall_s);
        json_integer(json, "spikes", w->spikes);
        json_integer(json, "synaptic_events", w->synaptic_events);
        json_integer(json, "launches", w->launches);
        json_number(json, "own_cpu_s", w->own_cpu_s);
        json_number(json, "foreign_cpu_s", w->foreign_cpu_s);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_sums(json_text *json, const bench_record *r)
{
    const bench_window sum = sum_of_windows(r->result);
    json_number(json, "compile_s", r->result->simulations[0].compile_s);
    json_number(json, "build_s", r->result->simulations[0].build_s);
    json_number(json, "model_s", sum.model_s);
    json_number(json, "wall_s", sum.wall_s);
    json_integer(json, "spikes", sum.spikes);
    json_integer(json, "synaptic_events", sum.synaptic_events);
    json_integer(json, "launches", sum.launches);
    json_number(json, "own_cpu_s", sum.own_cpu_s);
    json_number(json, "foreign_cpu_s", sum.foreign_cpu_s);
    write_spread(json, "real_time_factor", over_windows(r, real_time_factor));
    write_spread(json, "ns_per_event", over_windows(r, ns_per_event));
    write_spread(json, "ns_per_neuron_step", over_windows(r, ns_per_neuron_step));
    json_number(json, "events_per_s", (double)sum.synaptic_events / sum.wall_s);
    json_number(json, "bytes_per_synapse", bytes_each(r, "projection "));
    json_number(json, "bytes_per_neuron", bytes_each(r, "population "));
    json_integer(json, "peak_device_bytes", r->result->peak_device_bytes);
}

static void write_profile(json_text *json, const bench_record *r)
{
    if (!r->profile)
        return;
    json_open(json, "profile", '{');
    json_number(json, "model_s", r->profile->model_s);
    json_open(json, "kernels", '[');
    for (uint32_t i = 0; i < r->profile->n_kernels; i++) {
        const meso_profile_row *k = &r->profile->kernels[i];
        if (k->n == 0)
            continue; /* built the network */
        json_open(json, NULL, '{');
        json_string(json, "name", k->name);
        json_integer(json, "launches", k->n);
        json_number(json, "total_s", k->total_s);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void write_rates(json_text *json, const bench_record *r)
{
    json_open(json, "rates_hz", '{');
    for (uint32_t i = 0; i < r->e->n_populations; i++)
        json_number(json, r->e->populations[i].name, rate_hz(r, i));
    json_close(json, '}');
}

static void write_figures(json_text *json, const bench_record *r)
{
    json_open(json, "figures", '[');
    for (uint32_t i = 0; i < r->n_figures; i++) {
        json_open(json, NULL, '{');
        json_string(json, "name", r->figures[i].name);
        json_string(json, "unit", r->figures[i].unit);
        json_number(json, "median", r->figures[i].value.median);
        json_number(json, "min", r->figures[i].value.min);
        json_number(json, "max", r->figures[i].value.max);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static char *record_text(const bench_record *r)
{
    json_text json = {0};
    json_open(&json, NULL, '{');
    write_head(&json, r);
    if (r->e) {
        write_experiment(&json, r);
        write_sums(&json, r);
        write_windows(&json, r);
        write_profile(&json, r);
        write_rates(&json, r);
    } else {
        write_figures(&json, r);
    }
    json_close(&json, '}');
    return text_take(&json.out);
}

meso_status bench_record_write(const bench_record *r, const char *path, meso_error *err)
{
    char *text = record_text(r);
    if (!text)
        return error_set(err, MESO_MEMORY, "out of memory for the record");
    FILE *file = fopen(path, "w");
    bool written = file && fputs(text, file) >= 0;
    written = file && fclose(file) == 0 && written;
    free(text);
    return written ? MESO_OK : error_set(err, MESO_IO, "%s: %s", path, strerror(errno));
}

/* --- for people ------------------------------------------------------------------------------- */

static void print_spread(const char *name, spread s, const char *unit)
{
    if (isfinite(s.median))
        printf("%-18s %.4g (%.4g to %.4g) %s\n", name, s.median, s.min, s.max, unit);
}

static void print_head(const bench_record *r)
{
    char a[QUANTITY_SIZE], b[QUANTITY_SIZE];
    const meso_layout_info *l = &r->result->layout;
    printf("%s: %s\n%s\n\n", r->name, r->e->title, r->device->name);
    printf("%-18s %s neurons, %s synapses\n", "network", format_count(a, r->result->n_neurons),
           format_count(b, r->result->n_synapses));
    printf("%-18s %u partitions, %u neurons wide, groups of %u, batches of %u steps%s, %s synapses\n",
           "layout", l->partitions, l->vector_width, l->work_group_size, l->batch_steps,
           l->side_by_side ? " side by side" : "", l->storage);
    printf("%-18s %s; %.3g bytes a synapse, %.3g a neuron\n", "device memory",
           format_bytes(a, r->result->peak_device_bytes), bytes_each(r, "projection "),
           bytes_each(r, "population "));
    printf("%-18s %s to compile, ", "before the run",
           format_time(a, r->result->simulations[0].compile_s));
    printf("%s to build\n", format_time(a, r->result->simulations[0].build_s));
}

static void print_windows(const bench_record *r)
{
    char model[QUANTITY_SIZE], wall[QUANTITY_SIZE], spikes[QUANTITY_SIZE], events[QUANTITY_SIZE];
    printf("\n%6s  %8s  %8s  %7s  %11s  %15s  %9s\n", "window", "model", "wall", "factor", "spikes",
           "synaptic events", "other CPU");
    for (uint32_t i = 0; i < r->result->n_windows; i++) {
        const bench_window *w = &r->result->windows[i];
        printf("%6u  %8s  %8s  %7.4g  %11s  %15s  %7.2f s\n", i + 1, format_time(model, w->model_s),
               format_time(wall, w->wall_s), w->wall_s / w->model_s,
               format_count(spikes, w->spikes), format_count(events, w->synaptic_events),
               w->foreign_cpu_s);
    }
    printf("\n");
    print_spread("real-time factor", over_windows(r, real_time_factor), "(wall over model time)");
    print_spread("all, per event", over_windows(r, ns_per_event), "ns");
    print_spread("all, per update", over_windows(r, ns_per_neuron_step), "ns a neuron-step");
    printf("%-18s %016" PRIx64 " (seed %" PRIu64 ")\n", "spike hash",
           r->result->simulations[0].spike_hash, r->e->seed);
}

static void print_profile(const bench_record *r)
{
    if (!r->profile)
        return;
    printf("\n%-32s  %10s  %10s  %10s\n", "kernel", "launches", "total", "each");
    for (uint32_t i = 0; i < r->profile->n_kernels; i++) {
        const meso_profile_row *k = &r->profile->kernels[i];
        if (k->n > 0)
            printf("%-32s  %10" PRIu64 "  %8.4f s  %7.1f us\n", k->name, k->n, k->total_s,
                   1e6 * k->total_s / (double)k->n);
    }
}

static void print_rates(const bench_record *r)
{
    printf("\n%-18s %10s  %s\n", "population", "neurons", "rate");
    for (uint32_t i = 0; i < r->e->n_populations; i++) {
        char n[QUANTITY_SIZE];
        printf("%-18s %10s  %.3f Hz\n", r->e->populations[i].name,
               format_count(n, r->e->populations[i].n_neurons), rate_hz(r, i));
    }
}

void bench_record_print(const bench_record *r)
{
    if (r->e) {
        print_head(r);
        print_windows(r);
        print_profile(r);
        print_rates(r);
        return;
    }
    printf("%s\n\n%-32s  %8s  %8s  %8s\n", r->device->name, "", "median", "min", "max");
    for (uint32_t i = 0; i < r->n_figures; i++) {
        const bench_figure *f = &r->figures[i];
        printf("%-32s  %8.3g  %8.3g  %8.3g  %s\n", f->name, f->value.median, f->value.min,
               f->value.max, f->unit);
    }
}
