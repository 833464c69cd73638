/*
 * Standing still on the way, so that sinks can keep the state, and going on from there. Where a walk stands still
 * cannot be seen in its results.
 */
#include "base/log.h"
#include "base/state.h"
#include "protocol/walk.h"

#include <math.h>

/* Of the results told so far. */
static meso_status results_state(walk *w, const meso_state_visitor *v, meso_error *err)
{
    const size_t n = w->e->n_populations;
    MESO_TRY(hash_stream_state(w->hash, v, err, "results/spike hash"));
    MESO_TRY(STATE_VALUE(v, w->step, err, "results/step"));
    MESO_TRY(STATE_VALUE(v, w->spikes, err, "results/spikes"));
    MESO_TRY(
        state_block(v, w->n_spikes, n * sizeof *w->n_spikes, err, "results/spikes of populations"));
    MESO_TRY(STATE_VALUE(v, w->row_step, err, "results/step of the last row"));
    return state_block(v, w->row_spikes, n * sizeof *w->row_spikes, err,
                       "results/spikes since the last row");
}

meso_status walk_state(walk *w, const meso_state_visitor *v, meso_error *err)
{
    size_t n_waiting;
    void *waiting = contingencies_state(w->contingencies, &n_waiting);
    double wall_s = w->earlier_s + (w->started_s > 0 ? walk_clock_s() - w->started_s : 0);
    MESO_TRY(state_same(v, experiment_fingerprint(w->e), err, "experiment", "the experiment"));
    MESO_TRY(STATE_VALUE(v, wall_s, err, "wall time"));
    if (v->fills)
        w->earlier_s = wall_s;
    MESO_TRY(STATE_VALUE(v, w->field, err, "field step"));
    MESO_TRY(STATE_VALUE(v, w->next_dose, err, "drugs/next dose"));
    MESO_TRY(state_block(v, w->row_sum_nM, 2 * w->e->n_drugs * sizeof *w->row_sum_nM, err,
                         "drugs/sums since the last row"));
    MESO_TRY(pk_state(w->drugs, v, err));
    MESO_TRY(state_block(v, waiting, n_waiting, err, "contingencies"));
    MESO_TRY(results_state(w, v, err));
    MESO_TRY(assays_state(w->assays, v, err));
    return simulation_state(w->sim, v, err);
}

#define LEAST_RATIO 50 /* of the time between checkpoints to that for one */

/* --- when ------------------------------------------------------------------------------------- */

/* Field steps in a time; 0 when none was asked for. */
static uint64_t fields_of(const walk *w, double seconds)
{
    return seconds > 0 ? (uint64_t)fmax(1, round(seconds * 1e3 / w->e->field_step_ms)) : 0;
}

static uint64_t stop_field(const walk *w)
{
    const uint64_t field = w->options != NULL ? fields_of(w, w->options->stop_after_s) : 0;
    return field > 0 ? field : UINT64_MAX;
}

uint64_t walk_fields_to_stand(const walk *w)
{
    const uint64_t every = fields_of(w, w->e->record.checkpoint_interval_s), stop = stop_field(w);
    const uint64_t checkpoint = every > 0 ? every - w->field % every : UINT64_MAX;
    return stop > w->field && stop - w->field < checkpoint ? stop - w->field : checkpoint;
}

bool walk_stop_is_wanted(const walk *w)
{
    const bool signalled = w->options != NULL && w->options->stop != NULL && *w->options->stop;
    return signalled || w->field >= stop_field(w);
}

static bool anyone_keeps(const walk *w)
{
    for (uint32_t i = 0; i < w->n_sinks; i++)
        if (w->sinks[i]->checkpoint != NULL)
            return true;
    return false;
}

bool walk_checkpoint_is_due(const walk *w)
{
    const uint64_t every = fields_of(w, w->e->record.checkpoint_interval_s);
    const double wall_s = w->options != NULL ? w->options->checkpoint_wall_s : 0;
    const double passed_s = walk_clock_s() - w->last_checkpoint_s;
    if (!anyone_keeps(w) || w->field >= w->n_fields)
        return false;
    return (every > 0 && w->field % every == 0) ||
           (wall_s > 0 && passed_s >= fmax(wall_s, LEAST_RATIO * w->checkpoint_took_s));
}

/* --- what sinks are told ---------------------------------------------------------------------- */

static meso_status on_visit(void *self, const meso_state_visitor *v, meso_error *err)
{
    return walk_state(self, v, err);
}

meso_status walk_checkpoint(walk *w, meso_error *err)
{
    const meso_state state = {
        .self = w, .time_s = (double)w->field * w->e->field_step_ms * 1e-3, .visit = on_visit};
    if (w->field == w->kept_field)
        return MESO_OK;
    const double start_s = walk_clock_s();
    TELL(w, checkpoint, &state, err);
    w->kept_field = w->field;
    w->last_checkpoint_s = walk_clock_s();
    w->checkpoint_took_s = w->last_checkpoint_s - start_s;
    log_message(LOG_DEBUG, "checkpoint at %g s of model time: took %.3f s", state.time_s,
                w->checkpoint_took_s);
    return MESO_OK;
}
