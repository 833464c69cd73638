#include "config/loader.h"
#include "sonata/spikes_read.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 4096 /* spikes read at once */

/* The path as seen from the file that names it; what --set names, from the experiment's folder. */
static const char *find_file(loader *l, const cJSON *name)
{
    arena *memory = l->experiment->memory;
    const char *writer = document_file(&l->document, name);
    const char *slash = writer ? strrchr(writer, '/') : NULL;
    if (name->valuestring[0] == '/' || (writer && !slash))
        return arena_strdup(memory, name->valuestring);
    if (slash)
        return arena_printf(memory, "%.*s%s", (int)(slash - writer + 1), writer, name->valuestring);
    return arena_printf(memory, "%s/%s", l->directory, name->valuestring);
}

/* --- spikes to events ------------------------------------------------------------------------- */

/* The events that are read, as far as they fall into the stimulus' time. */
typedef struct collection {
    playback_event *events;
    uint64_t n;
    double delay_ms, dt_ms, first_step, end_step;
    uint32_t n_neurons;
} collection;

static meso_status collect(loader *l, const cJSON *object, const stimulus *s, collection *c,
                           uint64_t first, uint64_t n, const double *times_ms,
                           const uint64_t *node_ids)
{
    for (uint64_t i = 0; i < n; i++) {
        if (node_ids[i] >= c->n_neurons)
            return LOADER_ERROR(l, object, "file", MESO_RANGE,
                                "%s: /spikes/%s/node_ids[%llu] is %llu, but target '%s' has %u "
                                "neurons, 0 to %u",
                                s->file, s->file_population, (unsigned long long)(first + i),
                                (unsigned long long)node_ids[i],
                                l->experiment->populations[s->target].name, c->n_neurons,
                                c->n_neurons - 1);
        const double step = round((times_ms[i] + c->delay_ms) / c->dt_ms);
        if (step >= c->first_step && step < c->end_step)
            c->events[c->n++] = (playback_event){(uint64_t)step, (uint32_t)node_ids[i]};
    }
    return MESO_OK;
}

static meso_status read_pieces(loader *l, const cJSON *object, const stimulus *s, collection *c,
                               spikes_reader *reader, uint64_t n_spikes)
{
    double times_ms[PIECE];
    uint64_t node_ids[PIECE];
    for (uint64_t first = 0; first < n_spikes; first += PIECE) {
        const uint64_t n = n_spikes - first < PIECE ? n_spikes - first : PIECE;
        meso_error cause;
        const meso_status status = spikes_reader_read(reader, first, n, times_ms, node_ids, &cause);
        if (status != MESO_OK)
            return LOADER_ERROR(l, object, "file", status, "%s", cause.message);
        MESO_TRY(collect(l, object, s, c, first, n, times_ms, node_ids));
    }
    return MESO_OK;
}

static int compare_events(const void *left, const void *right)
{
    const playback_event *a = left, *b = right;
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    return (a->neuron > b->neuron) - (a->neuron < b->neuron);
}

static bool is_sorted(const collection *c)
{
    for (uint64_t i = 1; i < c->n; i++)
        if (compare_events(&c->events[i - 1], &c->events[i]) > 0)
            return false;
    return true;
}

static uint32_t count_at_once(const collection *c)
{
    uint32_t most = 0, n = 0;
    for (uint64_t i = 0; i < c->n; i++) {
        n = i > 0 && compare_events(&c->events[i - 1], &c->events[i]) == 0 ? n + 1 : 1;
        most = n > most ? n : most;
    }
    return most;
}

/* --- building --------------------------------------------------------------------------------- */

static meso_status open_file(loader *l, const cJSON *object, const stimulus *s,
                             spikes_reader **reader, uint64_t *n_spikes)
{
    meso_error cause;
    const meso_status status = spikes_reader_open(s->file, s->file_population, reader, n_spikes,
                                                  &cause);
    if (status == MESO_OK)
        return MESO_OK;
    return LOADER_ERROR(l, object, status == MESO_NOT_FOUND ? "population" : "file", status, "%s",
                        cause.message);
}

meso_status load_playback(loader *l, const cJSON *object, stimulus *s)
{
    const experiment *e = l->experiment;
    collection c = {.delay_ms = s->delay_ms,
                    .dt_ms = e->dt_ms,
                    .first_step = round(s->start_ms / e->dt_ms),
                    .end_step = fmin(round(s->stop_ms / e->dt_ms), 0x1p53),
                    .n_neurons = e->populations[s->target].n_neurons};
    spikes_reader *reader = NULL;
    uint64_t n_spikes = 0;
    meso_status status;
    s->file = find_file(l, get_member(object, "file"));
    if (!s->file)
        return error_set(l->err, MESO_MEMORY, "out of memory");
    MESO_GO(open_file(l, object, s, &reader, &n_spikes));
    c.events = loader_alloc(l, n_spikes, sizeof *c.events);
    if (!c.events) {
        status = MESO_MEMORY;
        goto done;
    }
    MESO_GO(read_pieces(l, object, s, &c, reader, n_spikes));
    if (!is_sorted(&c))
        qsort(c.events, c.n, sizeof *c.events, compare_events);
    s->events = c.events;
    s->n_events = c.n;
    s->most_at_once = count_at_once(&c);
done:
    spikes_reader_close(&reader);
    return status;
}
