#include "cli/progress.h"

#include "cli/command.h"

#include "base/status.h"
#include "base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

typedef enum style { SILENT, PLAIN, LINE } style;

/* Populations that are shown as one number. */
typedef struct rate_group {
    char *name;
    uint32_t n_neurons;
} rate_group;

typedef struct grouping {
    rate_group *groups;
    uint32_t n;
    uint32_t *group_of; /* [n_populations] */
} grouping;

struct progress {
    style style;
    bool quiet, colour;
    double last_s; /* of drawing, on the monotonic clock */
    double start_s, reached_s;
    double drawn_model_s, drawn_wall_s; /* what the line showed last */
    double *spikes;                     /* [n_populations], of a neuron since then */
    double *recent_hz;                  /* [n_populations], since then */
    uint32_t n_populations, n_drugs;
    uint32_t *n_neurons; /* [n_populations] */
    grouping populations, regions;
    char **drugs; /* [n_drugs] */
    meso_summary summary;
    double *rates_hz; /* [n_populations], of the summary */
    bool ended;
};

/* A message may have to be printed while a line stands on the terminal. */
static bool line_is_drawn;

void progress_clear(void)
{
    if (line_is_drawn)
        fputs("\r\033[K", stderr);
    line_is_drawn = false;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value;
}

static style choose_style(bool quiet)
{
    const char *terminal = getenv("TERM"), *plain = getenv("MESOCL_PROGRESS");
    if (quiet)
        return SILENT;
    if (plain && strcmp(plain, "1") == 0)
        return PLAIN;
    if (!isatty(STDERR_FILENO))
        return SILENT;
    return terminal && strcmp(terminal, "dumb") != 0 ? LINE : PLAIN;
}

/* --- what the run is about -------------------------------------------------------------------- */

static void free_grouping(grouping *g)
{
    for (uint32_t i = 0; i < g->n; i++)
        free(g->groups[i].name);
    free(g->groups);
    free(g->group_of);
    *g = (grouping){0};
}

static bool join_group(grouping *g, uint32_t population, const char *name, uint32_t n_neurons)
{
    uint32_t i = 0;
    while (i < g->n && strcmp(g->groups[i].name, name) != 0)
        i++;
    if (i == g->n) {
        g->groups[i].name = strdup(name);
        if (!g->groups[i].name)
            return false;
        g->n++;
    }
    g->groups[i].n_neurons += n_neurons;
    g->group_of[population] = i;
    return true;
}

static bool group_populations(grouping *g, const meso_run_info *info, bool by_region)
{
    free_grouping(g);
    g->groups = calloc(info->n_populations, sizeof *g->groups);
    g->group_of = calloc(info->n_populations, sizeof *g->group_of);
    if (!g->groups || !g->group_of)
        return false;
    for (uint32_t i = 0; i < info->n_populations; i++) {
        const meso_population_info *p = &info->populations[i];
        if (!join_group(g, i, by_region ? p->region : p->name, p->n_neurons))
            return false;
    }
    return true;
}

/* Drugs are told from their columns, "drug.<name>.brain_nM", which come in the drugs' order. */
static bool name_drugs(progress *p, const meso_run_info *info)
{
    static const char PREFIX[] = "drug.", SUFFIX[] = ".brain_nM";
    p->drugs = calloc(info->n_series + 1, sizeof *p->drugs);
    if (!p->drugs)
        return false;
    for (uint32_t i = 0; i < info->n_series; i++) {
        const char *name = info->series[i].name;
        size_t length = strlen(name), rest = strlen(PREFIX) + strlen(SUFFIX);
        if (length <= rest || strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
            strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0)
            continue;
        char *drug = strndup(name + strlen(PREFIX), length - rest);
        if (!drug)
            return false;
        p->drugs[p->n_drugs++] = drug;
    }
    return true;
}

void progress_building(progress *p)
{
    static const char TEXT[] = "building kernels and network";
    if (p->style == PLAIN)
        fprintf(stderr, "%s\n", TEXT);
    else if (p->style == LINE)
        fprintf(stderr, "\r%s\033[K", TEXT);
    line_is_drawn = p->style == LINE;
}

static void print_start(const meso_run_info *info)
{
    char neurons[QUANTITY_SIZE], synapses[QUANTITY_SIZE], duration[QUANTITY_SIZE];
    fprintf(stderr, "%s neurons, %s synapses on %s; %s of model time\n",
            format_count(neurons, info->n_neurons), format_count(synapses, info->n_synapses),
            info->device->name, format_time(duration, info->duration_s));
    if (info->start_s > 0)
        fprintf(stderr, "goes on at %s\n", format_time(duration, info->start_s));
}

static meso_status begin(void *self, const meso_run_info *info, meso_error *err)
{
    progress *p = self;
    uint32_t n = info->n_populations;
    p->n_neurons = calloc(n, sizeof *p->n_neurons);
    p->rates_hz = calloc(n, sizeof *p->rates_hz);
    p->spikes = calloc(n, sizeof *p->spikes);
    p->recent_hz = calloc(n, sizeof *p->recent_hz);
    if (!p->n_neurons || !p->rates_hz || !p->spikes || !p->recent_hz ||
        !group_populations(&p->populations, info, false) ||
        !group_populations(&p->regions, info, true) || !name_drugs(p, info))
        return error_set(err, MESO_MEMORY, "no memory for the progress line");
    p->n_populations = n;
    p->start_s = p->reached_s = p->drawn_model_s = info->start_s;
    for (uint32_t i = 0; i < n; i++)
        p->n_neurons[i] = info->populations[i].n_neurons;
    progress_clear();
    if (!p->quiet)
        print_start(info);
    return MESO_OK;
}

/* --- the line --------------------------------------------------------------------------------- */

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
        return size.ws_col;
    return 80;
}

/* Mean over the neurons of a group. */
static double group_rate_hz(const progress *p, const grouping *g, uint32_t group,
                            const double *rates_hz)
{
    double spikes_per_s = 0;
    for (uint32_t i = 0; i < p->n_populations; i++)
        if (g->group_of[i] == group)
            spikes_per_s += rates_hz[i] * p->n_neurons[i];
    return spikes_per_s / g->groups[group].n_neurons;
}

/* "  vta_da 4.2  nac_core 1.3 Hz", as many groups as `width` takes. Did it take all? */
static bool append_rates(text *t, const progress *p, const grouping *g, const double *rates_hz,
                         size_t width)
{
    static const char UNIT[] = " Hz";
    uint32_t group = 0;
    for (; group < g->n; group++) {
        char rate[128];
        int length = snprintf(rate, sizeof rate, "  %s %.1f", g->groups[group].name,
                              group_rate_hz(p, g, group, rates_hz));
        if (t->length + (size_t)length + strlen(UNIT) > width)
            break;
        text_append(t, rate);
    }
    if (group > 0)
        text_append(t, UNIT);
    return group == g->n;
}

static void append_times(text *t, const progress *p, const meso_progress *now)
{
    char model[QUANTITY_SIZE], duration[QUANTITY_SIZE], wall[QUANTITY_SIZE], left[QUANTITY_SIZE];
    double share = now->duration_s > 0 ? now->model_time_s / now->duration_s : 0;
    double done_s = now->model_time_s - p->start_s;
    double left_s = done_s > 0 ? now->wall_s * (now->duration_s - now->model_time_s) / done_s : -1;
    text_appendf(t, "%s/%s %3.0f%%  wall %s  ETA %s  x%.3g", format_time(model, now->model_time_s),
                 format_time(duration, now->duration_s), 100 * share,
                 format_time(wall, now->wall_s), format_time(left, left_s), now->real_time_factor);
}

static void append_drugs(text *t, const progress *p, const meso_progress *now)
{
    for (uint32_t i = 0; i < now->n_drugs && i < p->n_drugs; i++)
        text_appendf(t, "  brain %s %.0f nM", p->drugs[i], now->drug_nM[i]);
}

/* The phase is printed before this; rates as fine as the width allows. */
static void compose(text *t, const progress *p, const meso_progress *now, size_t width)
{
    append_times(t, p, now);
    append_drugs(t, p, now);
    text fine = {0};
    text_append(&fine, t->data ? t->data : "");
    if (append_rates(&fine, p, &p->populations, now->rates_hz, width)) {
        text_free(t);
        *t = fine;
        return;
    }
    text_free(&fine);
    append_rates(t, p, &p->regions, now->rates_hz, width);
}

static void draw(const progress *p, const meso_progress *now)
{
    size_t phase = strlen(now->phase) + 1, width = p->style == LINE ? terminal_width() - 1 : 160;
    size_t rest = width > phase ? width - phase : 0;
    text t = {0};
    compose(&t, p, now, rest);
    if (!t.failed && p->style == PLAIN)
        fprintf(stderr, "%s %s\n", now->phase, t.data);
    else if (!t.failed)
        fprintf(stderr, "\r%s%s%s %.*s\033[K", p->colour ? "\033[1m" : "", now->phase,
                p->colour ? "\033[0m" : "", (int)rest, t.data);
    line_is_drawn = p->style == LINE;
    fflush(stderr);
    text_free(&t);
}

static void count_spikes(progress *p, const meso_progress *now)
{
    for (uint32_t i = 0; i < p->n_populations; i++)
        p->spikes[i] += now->rates_hz[i] * (now->model_time_s - p->reached_s);
    p->reached_s = now->model_time_s;
}

/* One interval is too short for rates and speed: means since the line was last drawn. */
static void draw_means(progress *p, const meso_progress *now)
{
    meso_progress shown = *now;
    double model_s = now->model_time_s - p->drawn_model_s;
    if (model_s > 0) {
        shown.real_time_factor = (now->wall_s - p->drawn_wall_s) / model_s;
        for (uint32_t i = 0; i < p->n_populations; i++)
            p->recent_hz[i] = p->spikes[i] / model_s;
        shown.rates_hz = p->recent_hz;
    }
    draw(p, &shown);
    memset(p->spikes, 0, p->n_populations * sizeof *p->spikes);
    p->drawn_model_s = now->model_time_s;
    p->drawn_wall_s = now->wall_s;
}

static meso_status advance(void *self, const meso_progress *now, meso_error *err)
{
    (void)err;
    progress *p = self;
    count_spikes(p, now);
    double wall_s = now_s(), interval_s = p->style == PLAIN ? 2 : 0.1;
    bool last = now->model_time_s >= now->duration_s;
    if (p->style != SILENT && (wall_s - p->last_s >= interval_s || last)) {
        draw_means(p, now);
        p->last_s = wall_s;
    }
    return MESO_OK;
}

/* --- the end ---------------------------------------------------------------------------------- */

static meso_status end(void *self, const meso_summary *summary, meso_error *err)
{
    (void)err;
    progress *p = self;
    progress_clear();
    p->summary = *summary;
    memcpy(p->rates_hz, summary->rates_hz, p->n_populations * sizeof *p->rates_hz);
    p->summary.rates_hz = p->rates_hz;
    p->reached_s = summary->model_time_s;
    p->ended = true;
    return MESO_OK;
}

double progress_reached_s(const progress *p)
{
    return p->reached_s;
}

static void print_rates(const progress *p)
{
    int width = 10;
    for (uint32_t i = 0; i < p->n_populations; i++)
        if ((int)strlen(p->populations.groups[i].name) > width)
            width = (int)strlen(p->populations.groups[i].name);
    fprintf(stderr, "\n%-*s  %10s  %8s\n", width, "population", "neurons", "rate");
    for (uint32_t i = 0; i < p->n_populations; i++) {
        char n[QUANTITY_SIZE];
        fprintf(stderr, "%-*s  %10s  %5.2f Hz\n", width, p->populations.groups[i].name,
                format_count(n, p->n_neurons[i]), p->rates_hz[i]);
    }
}

void progress_print_summary(const progress *p, const char *directory)
{
    const meso_summary *s = &p->summary;
    char a[QUANTITY_SIZE], b[QUANTITY_SIZE], c[QUANTITY_SIZE];
    if (p->quiet || !p->ended || s->model_time_s <= 0)
        return;
    print_rates(p);
    fprintf(stderr, "\nspikes            %s of %s neurons over %s synapses\n",
            format_count(a, s->spikes), format_count(b, s->neurons), format_count(c, s->synapses));
    fprintf(stderr, "spike hash        %016" PRIx64 " (seed %" PRIu64 ")\n", s->spike_hash,
            s->seed);
    fprintf(stderr, "time              %s of model in %s, after %s to build\n",
            format_time(a, s->model_time_s), format_time(b, s->wall_s),
            format_time(c, s->compile_s + s->build_s));
    fprintf(stderr, "real-time factor  %.3f (wall over model time)\n", s->real_time_factor);
    fprintf(stderr, "device memory     %s\n", format_bytes(a, s->peak_device_bytes));
    fprintf(stderr, "results           %s\n", directory);
}

/* ---------------------------------------------------------------------------------------------- */

progress *progress_create(bool quiet, meso_sink *sink)
{
    progress *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->quiet = quiet;
    p->style = choose_style(quiet);
    p->colour = !is_set("NO_COLOR");
    *sink = (meso_sink){.self = p, .begin = begin, .progress = advance, .end = end};
    return p;
}

void progress_destroy(progress **p)
{
    if (!*p)
        return;
    progress_clear();
    free_grouping(&(*p)->populations);
    free_grouping(&(*p)->regions);
    for (uint32_t i = 0; i < (*p)->n_drugs; i++)
        free((*p)->drugs[i]);
    free((*p)->drugs);
    free((*p)->n_neurons);
    free((*p)->rates_hz);
    free((*p)->spikes);
    free((*p)->recent_hz);
    free(*p);
    *p = NULL;
}
