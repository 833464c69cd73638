#include "base/rng.h"
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t step_or_never(const experiment *e, double ms)
{
    return isfinite(ms) ? layout_steps(e, ms) : UINT64_MAX;
}

static stimulus_entry entry_of(const simulation *sim, const stimulus *s)
{
    const experiment *e = sim->e;
    char stream[256];
    uint32_t key[2];
    snprintf(stream, sizeof stream, "stimulus/%s", s->name);
    rng_stream_key(e->seed, stream, key);
    stimulus_entry entry = {
        .kind = s->kind,
        .key0 = key[0],
        .key1 = key[1],
        .gate = s->gate_up_ms > 0 ? modulators_gate(&sim->modulators, s->gate) : MESO_NEVER,
        .gate_low = (float)s->gate_low,
        .theta_depth = (float)s->theta_depth,
        .theta_turn = (uint32_t)llround(fmod(s->theta_hz * e->field_step_ms * 1e-3, 1) * 0x1p32),
        .start = step_or_never(e, s->start_ms),
        .stop = step_or_never(e, s->stop_ms),
        .width = step_or_never(e, s->width_ms),
        .period = s->period_ms > 0 ? layout_steps(e, s->period_ms) : UINT64_MAX,
    };
    if (s->kind == STIMULUS_POISSON) {
        entry.events = (float)(s->rate_hz * e->dt_ms * 1e-3);
        entry.n_thresholds = codegen_poisson_thresholds(e, s);
    } else if (s->kind == STIMULUS_VOLLEYS) {
        entry.events = (float)(s->rate_hz / s->participation * e->field_step_ms * 1e-3);
        entry.participation = (uint32_t)fmin(s->participation * 0x1p32, UINT32_MAX);
    }
    return entry;
}

int stimuli_move(const experiment *e)
{
    for (uint32_t i = 0; i < e->n_stimuli; i++) {
        const stimulus *s = &e->stimuli[i];
        const int constant = s->kind == STIMULUS_POISSON && s->theta_depth == 0 &&
                             s->gate_up_ms == 0 && s->start_ms == 0 && !isfinite(s->stop_ms);
        if (!constant && s->kind != STIMULUS_PULSES)
            return 1;
    }
    return 0;
}

/* The table is ordered by target population, as population_entry.stimulus_base expects. */
meso_status stimuli_create(simulation *sim, meso_error *err)
{
    const experiment *e = sim->e;
    stimuli *s = &sim->stimuli;
    const uint32_t n = e->n_stimuli;
    stimulus_entry *table = calloc(n + 1, sizeof *table);
    if (table == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    uint32_t at = 0;
    for (uint32_t p = 0; p < e->n_populations; p++)
        for (uint32_t i = 0; i < n; i++)
            if (e->stimuli[i].target == p)
                table[at++] = entry_of(sim, &e->stimuli[i]);
    meso_status status = buffer_create(sim->device, "stimuli", n * sizeof *table, table, &s->table,
                                       err);
    free(table);
    MESO_TRY(status);
    MESO_TRY(buffer_create(sim->device, "stimulus thresholds",
                           n * MESO_MAX_THRESHOLDS * sizeof(uint32_t), NULL, &s->thresholds, err));
    return buffer_create(sim->device, "volleys", n * sizeof(uint64_t), NULL, &s->volleys, err);
}

void stimuli_destroy(simulation *sim)
{
    buffer_destroy(sim->device, &sim->stimuli.table);
    buffer_destroy(sim->device, &sim->stimuli.thresholds);
    buffer_destroy(sim->device, &sim->stimuli.volleys);
}
