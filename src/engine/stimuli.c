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
    const rng_words key = rng_stream_key(e->seed, "stimulus/%s", s->name);
    stimulus_entry entry = {
        .kind = s->kind,
        .key0 = key.x,
        .key1 = key.y,
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
        if (s->kind == STIMULUS_VOLLEYS || s->theta_depth > 0 || s->gate_up_ms > 0)
            return 1;
    }
    return 0;
}

int stimuli_change(const experiment *e, uint64_t step)
{
    for (uint32_t i = 0; i < e->n_stimuli; i++) {
        const stimulus *s = &e->stimuli[i];
        if (s->kind != STIMULUS_POISSON)
            continue;
        if (step_or_never(e, s->start_ms) == step || step_or_never(e, s->stop_ms) == step)
            return 1;
        for (uint32_t r = 0; r < s->n_rates; r++)
            if (layout_steps(e, s->rates[r].from_ms) == step)
                return 1;
    }
    return 0;
}

static uint32_t rates_count(const experiment *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_stimuli; i++)
        n += e->stimuli[i].n_rates;
    return n;
}

uint64_t stimuli_bytes(const experiment *e)
{
    const uint64_t each = sizeof(stimulus_entry) + MESO_MAX_THRESHOLDS * sizeof(uint32_t) +
                          sizeof(uint64_t);
    return e->n_stimuli * each + rates_count(e) * sizeof(rate_entry);
}

/* The table is ordered by target population, as population_entry.stimulus_base expects. */
static void tables_fill(const simulation *sim, stimulus_entry *table, rate_entry *rates)
{
    const experiment *e = sim->e;
    uint32_t at = 0, rate = 0;
    for (uint32_t p = 0; p < e->n_populations; p++)
        for (uint32_t i = 0; i < e->n_stimuli; i++) {
            const stimulus *s = &e->stimuli[i];
            if (s->target != p)
                continue;
            table[at] = entry_of(sim, s);
            table[at].first_rate = rate;
            table[at++].n_rates = s->n_rates;
            for (uint32_t r = 0; r < s->n_rates; r++)
                rates[rate++] = (rate_entry){
                    .from = layout_steps(e, s->rates[r].from_ms),
                    .events = (float)(s->rates[r].rate_hz * e->dt_ms * 1e-3),
                };
        }
}

meso_status stimuli_create(simulation *sim, meso_error *err)
{
    stimuli *s = &sim->stimuli;
    meso_device *d = sim->device;
    const uint32_t n = sim->e->n_stimuli, n_rates = rates_count(sim->e);
    meso_status status = MESO_OK;
    stimulus_entry *table = calloc(n + 1, sizeof *table);
    rate_entry *rates = calloc(n_rates + 1, sizeof *rates);
    if (table == NULL || rates == NULL) {
        status = error_set(err, MESO_MEMORY, "out of memory");
        goto done;
    }
    tables_fill(sim, table, rates);
    MESO_GO(buffer_create(d, BUFFER_CONSTANT, "stimuli", n * sizeof *table, table, &s->table, err));
    MESO_GO(
        buffer_create(d, BUFFER_CONSTANT, "rates", n_rates * sizeof *rates, rates, &s->rates, err));
    MESO_GO(buffer_create(d, BUFFER_STATE, "stimulus thresholds",
                          n * MESO_MAX_THRESHOLDS * sizeof(uint32_t), NULL, &s->thresholds, err));
    MESO_GO(
        buffer_create(d, BUFFER_STATE, "volleys", n * sizeof(uint64_t), NULL, &s->volleys, err));
done:
    free(table);
    free(rates);
    return status;
}

void stimuli_destroy(simulation *sim)
{
    buffer_destroy(sim->device, &sim->stimuli.table);
    buffer_destroy(sim->device, &sim->stimuli.rates);
    buffer_destroy(sim->device, &sim->stimuli.thresholds);
    buffer_destroy(sim->device, &sim->stimuli.volleys);
}
