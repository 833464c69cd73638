/*
 * All that a simulation carries from one interval to the next: buffers whose role is BUFFER_STATE, parts of those
 * whose role is BUFFER_PARTS, and the few numbers that the host keeps. What is not here is made anew by
 * simulation_create.
 */
#include "base/hash.h"
#include "base/state.h"
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECE ((size_t)64 << 20) /* bytes: larger buffers are shown in pieces */

typedef struct carrier {
    const meso_state_visitor *v;
    meso_device *device;
    void *piece; /* [PIECE] on its way */
} carrier;

/* --- buffers ---------------------------------------------------------------------------------------- */

static meso_status piece_carry(const carrier *c, const buffer *b, size_t offset, size_t bytes,
                               const char *name, meso_error *err)
{
    if (!c->v->fills)
        MESO_TRY(buffer_read(c->device, b, offset, bytes, c->piece, err));
    MESO_TRY(state_block(c->v, c->piece, bytes, err, "device/%s", name));
    return c->v->fills ? buffer_write(c->device, b, offset, bytes, c->piece, err) : MESO_OK;
}

static meso_status part_carry(const carrier *c, const buffer *b, size_t offset, size_t bytes,
                              const char *name, meso_error *err)
{
    char label[160];
    for (size_t done = 0, number = 0; done < bytes; done += PIECE, number++) {
        const size_t left = bytes - done;
        snprintf(label, sizeof label, number > 0 ? "%.128s, %zu" : "%.128s", name, number);
        MESO_TRY(piece_carry(c, b, offset + done, left < PIECE ? left : PIECE, label, err));
    }
    return MESO_OK;
}

static meso_status buffer_carry(void *self, const buffer *b, meso_error *err)
{
    return b->role == BUFFER_STATE ? part_carry(self, b, 0, b->bytes, b->name, err) : MESO_OK;
}

/* Of BUFFER_PARTS: synapses that learn. */
static meso_status synapses_carry(const carrier *c, const simulation *sim, meso_error *err)
{
    char name[128];
    for (uint32_t i = 0; i < sim->l->n_bundles; i++) {
        const bundle_layout *b = &sim->l->bundles[i];
        const bundle_synapses *s = &sim->synapses.bundles[i];
        if (b->learning == MESO_NEVER)
            continue;
        snprintf(name, sizeof name, "synapses of %.80s, bundle %u",
                 sim->e->projections[b->projections[0]].name, i);
        MESO_TRY(part_carry(c, &sim->synapses.buffers[s->buffer], s->first_word * sizeof(uint32_t),
                            s->n_synapses * b->synapse_bytes, name, err));
    }
    return MESO_OK;
}

static meso_status buffers_carry(simulation *sim, const meso_state_visitor *v, meso_error *err)
{
    carrier c = {.v = v, .device = sim->device, .piece = malloc(PIECE)};
    meso_status status = MESO_OK;
    if (c.piece == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    MESO_GO(buffers_visit(sim->device, sim->first_buffer, sim->end_buffer, buffer_carry, &c, err));
    MESO_GO(synapses_carry(&c, sim, err));
done:
    free(c.piece);
    return status;
}

/* --- where things lie ------------------------------------------------------------------------------- */

static uint64_t numbers_hash(const uint64_t *numbers, size_t n, uint64_t before)
{
    return hash_bytes(numbers, n * sizeof *numbers, before);
}

#define HASH(before, ...)                                                                          \
    numbers_hash((const uint64_t[]){__VA_ARGS__},                                                  \
                 sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), before)

/* Of all that decides what a number's place in a buffer means. */
static uint64_t layout_hash(const simulation *sim)
{
    const layout *l = sim->l;
    uint64_t h = HASH(sim->e->n_populations, l->n_partitions, l->steps_per_field, l->batch_steps,
                      l->batches_per_group, l->n_slots, l->n_words, l->offset_bits, l->n_history,
                      l->list_partitions, l->cell_bits, l->spikes_per_batch,
                      l->amplitudes_per_batch, l->n_rows);
    for (uint32_t i = 0; i < sim->e->n_populations; i++) {
        const population_layout *p = &l->populations[i];
        h = HASH(h, p->chunk_size, p->rotation, p->n_local, p->n_padded, p->ring_word,
                 p->n_channels, p->spike_base, p->spike_capacity, p->first_plastic);
    }
    for (uint32_t i = 0; i < l->n_bundles; i++) {
        const bundle_layout *b = &l->bundles[i];
        h = HASH(h, b->source, b->storage, b->synapse_bytes, b->first_cell, b->n_cells,
                 b->first_group, b->n_groups, b->row_base, b->n_rows);
    }
    for (uint32_t i = 0; i < l->n_learnings; i++) {
        const learning_layout *x = &l->learnings[i];
        h = HASH(h, x->projection, x->update_steps, x->first_target, x->first_event, x->event_bits,
                 x->first_level, x->level_bits, x->first_pending, x->pending_bits);
    }
    for (uint32_t i = 0; i < l->n_structures; i++) {
        const structure_layout *x = &l->structures[i];
        h = HASH(h, x->projection, x->update_steps, x->reach_steps, x->first_indegree,
                 x->first_outdegree, x->first_tally);
    }
    return h;
}

/* --- all -------------------------------------------------------------------------------------------- */

meso_status simulation_state(simulation *sim, const meso_state_visitor *v, meso_error *err)
{
    if (sim->n_enqueued != sim->n_collected)
        return error_set(err, MESO_INTERNAL, "the state of a simulation that does not stand still");
    MESO_TRY(state_same(v, layout_hash(sim), err, "engine/layout",
                        "how the network lies on the device (--partitions, --work-group-size)"));
    MESO_TRY(STATE_VALUE(v, sim->step, err, "engine/step"));
    MESO_TRY(STATE_VALUE(v, sim->schedule.batch, err, "engine/batch"));
    MESO_TRY(STATE_VALUE(v, sim->recorder.n_events, err, "engine/synaptic events"));
    MESO_TRY(state_block(v, sim->playback.next, sim->e->n_stimuli * sizeof *sim->playback.next, err,
                         "engine/next played spikes"));
    MESO_TRY(outdegrees_state(sim, v, err));
    return buffers_carry(sim, v, err);
}
