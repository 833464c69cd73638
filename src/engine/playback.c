/*
 * Spikes of files that stimuli play to populations. The host lists the ring words to count up, sorted by batch and
 * partition, one interval at a time; each partition adds what is due in a batch before it advances its cells.
 */
#include "engine/internal.h"

#include <string.h>

static int plays(const stimulus *s)
{
    return s->kind == STIMULUS_PLAYBACK && s->n_events > 0;
}

static uint32_t interval_batches(const layout *l)
{
    return SIMULATION_INTERVAL * l->batches_per_field;
}

/* Most events of a stimulus in any time as long as an interval. */
static uint64_t most_events(const stimulus *s, uint64_t n_steps)
{
    uint64_t most = 0;
    for (uint64_t first = 0, end = 0; end < s->n_events; end++) {
        while (s->events[end].step - s->events[first].step >= n_steps)
            first++;
        most = end - first + 1 > most ? end - first + 1 : most;
    }
    return most;
}

/* Events that one half has room for. */
static uint64_t capacity(const experiment *e, const layout *l)
{
    const uint64_t n_steps = (uint64_t)SIMULATION_INTERVAL * l->steps_per_field;
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->n_stimuli; i++)
        if (plays(&e->stimuli[i]))
            n += most_events(&e->stimuli[i], n_steps);
    return n;
}

/* One for each batch and partition, and two ends. */
static uint64_t n_offsets(const layout *l)
{
    return (uint64_t)interval_batches(l) * l->n_partitions + 2;
}

uint64_t playback_bytes(const experiment *e, const layout *l)
{
    const uint64_t n_events = capacity(e, l);
    return n_events > 0 ? (n_events + n_offsets(l)) * sizeof(uint32_t) : 0;
}

meso_status playback_create(simulation *sim, meso_error *err)
{
    playback *p = &sim->playback;
    const experiment *e = sim->e;
    const uint64_t n_events = capacity(e, sim->l), offsets = n_events > 0 ? n_offsets(sim->l) : 0;
    if (n_events > UINT32_MAX || offsets > UINT32_MAX)
        return error_set(err, MESO_DEVICE_MEMORY,
                         "playback: %llu spikes in one interval, and at most 4.29e+09 can be "
                         "numbered",
                         (unsigned long long)n_events);
    MESO_TRY(simulation_alloc(sim, e->n_stimuli, sizeof *p->next, &p->next, err));
    MESO_TRY(simulation_alloc(sim, e->n_stimuli, sizeof *p->end, &p->end, err));
    for (int i = 0; i < 2; i++) {
        playback_half *h = &p->halves[i];
        MESO_TRY(simulation_alloc(sim, n_events, sizeof *h->host_events, &h->host_events, err));
        MESO_TRY(simulation_alloc(sim, offsets, sizeof *h->host_offsets, &h->host_offsets, err));
        MESO_TRY(buffer_create(sim->device, BUFFER_PASSING, "played spikes",
                               n_events * sizeof(uint32_t), NULL, &h->events, err));
        MESO_TRY(buffer_create(sim->device, BUFFER_PASSING, "played spikes by batch",
                               offsets * sizeof(uint32_t), NULL, &h->offsets, err));
    }
    return MESO_OK;
}

void playback_destroy(simulation *sim)
{
    for (int i = 0; i < 2; i++) {
        buffer_destroy(sim->device, &sim->playback.halves[i].events);
        buffer_destroy(sim->device, &sim->playback.halves[i].offsets);
    }
}

/* --- an interval ------------------------------------------------------------------------------------ */

/* Where an event is added: in which batch of the interval and partition, and the word of that partition's ring. */
typedef struct place {
    uint64_t key; /* batch * n_partitions + partition */
    uint32_t word;
} place;

static place place_of(const simulation *sim, uint32_t stimulus_index, const playback_event *event)
{
    const layout *l = sim->l;
    const population_layout *p = &l->populations[sim->e->stimuli[stimulus_index].target];
    uint32_t partition;
    const uint32_t local = layout_cell(l, p, event->neuron, &partition);
    const uint32_t slot = (uint32_t)(event->step % l->n_slots);
    return (place){
        .key = (event->step - sim->step) / l->batch_steps * l->n_partitions + partition,
        .word = slot * l->n_words + p->ring_word +
                l->playback_channels[stimulus_index] * p->n_local + local,
    };
}

/* Count, add up, place: `offsets` has a spare entry in front while it counts. */
static void events_sort(const simulation *sim, uint32_t *offsets, uint32_t *events)
{
    const playback *p = &sim->playback;
    const uint64_t n = n_offsets(sim->l);
    memset(offsets, 0, n * sizeof *offsets);
    for (uint32_t s = 0; s < sim->e->n_stimuli; s++)
        for (uint64_t i = p->next[s]; i < p->end[s]; i++)
            offsets[place_of(sim, s, &sim->e->stimuli[s].events[i]).key + 2]++;
    for (uint64_t k = 2; k < n; k++)
        offsets[k] += offsets[k - 1];
    for (uint32_t s = 0; s < sim->e->n_stimuli; s++)
        for (uint64_t i = p->next[s]; i < p->end[s]; i++) {
            const place at = place_of(sim, s, &sim->e->stimuli[s].events[i]);
            events[offsets[at.key + 1]++] = at.word;
        }
}

meso_status playback_begin(simulation *sim, uint32_t n_field_steps, meso_error *err)
{
    playback *p = &sim->playback;
    playback_half *h = &p->halves[sim->n_enqueued % 2];
    const uint64_t end_step = sim->step + (uint64_t)n_field_steps * sim->l->steps_per_field;
    p->n_due = 0;
    for (uint32_t s = 0; s < sim->e->n_stimuli; s++) {
        const stimulus *x = &sim->e->stimuli[s];
        p->end[s] = p->next[s];
        while (plays(x) && p->end[s] < x->n_events && x->events[p->end[s]].step < end_step)
            p->end[s]++;
        p->n_due += (uint32_t)(p->end[s] - p->next[s]);
    }
    if (p->n_due == 0)
        return MESO_OK;
    events_sort(sim, h->host_offsets, h->host_events);
    memcpy(p->next, p->end, sim->e->n_stimuli * sizeof *p->next);
    MESO_TRY(buffer_write_begin(sim->device, &h->offsets, 0, h->offsets.bytes, h->host_offsets,
                                NULL, err));
    return buffer_write_begin(sim->device, &h->events, 0, p->n_due * sizeof(uint32_t),
                              h->host_events, NULL, err);
}
