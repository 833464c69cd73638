#include "protocol/contingencies.h"

#include "base/rng.h"
#include "engine/simulation.h"

#include <math.h>
#include <string.h>

/* The longest history of a condition, kept by all alike. */
typedef struct contingency_state {
    uint64_t n_triggered, n_given;
    uint64_t source_time[2]; /* of a coincidence: the source's latest spikes, as step + 1 */
    uint64_t free_from;      /* spikes before this step do not count: the timeout */
    uint64_t n_counted;      /* spikes since the last trigger */
} contingency_state;

/* One contingency in steps, and its part of the state. */
typedef struct condition {
    const contingency *of;
    rng_words key;
    uint64_t start, stop, within, timeout; /* steps */
    uint64_t delay_min, n_delays;          /* field steps */
    uint64_t n_due, over;                  /* places of `due`; field steps of an infusion */
    double mg_per_kg_per_h;
    contingency_state *state;
    uint64_t
        *counted;   /* [spikes] steps of those that count, the latest at (n_counted - 1) % spikes */
    uint64_t *due;  /* [n_due] consequences by field step % n_due */
    uint64_t *ends; /* [over] infusions that end, the same */
} condition;

struct contingencies {
    const experiment *e;
    condition *conditions; /* [n_contingencies] */
    uint64_t *state;
    size_t state_bytes;
    uint64_t steps_per_field, n_fields;
};

/* --- creation --------------------------------------------------------------------------------- */

static uint64_t steps(double s, double step_ms)
{
    return (uint64_t)llround(s * 1e3 / step_ms);
}

static condition condition_of(const experiment *e, const contingency *of)
{
    const bool fixed = of->delay_s.kind == DISTRIBUTION_CONSTANT;
    const double from_s = fixed ? of->delay_s.mean : of->delay_s.min;
    const double to_s = fixed ? of->delay_s.mean : of->delay_s.max;
    const uint64_t least = steps(from_s, e->field_step_ms), most = steps(to_s, e->field_step_ms);
    return (condition){
        .of = of,
        .key = rng_stream_key(e->seed, "contingency/%s", of->name),
        .start = steps(of->start_s, e->dt_ms),
        .stop = steps(of->stop_s, e->dt_ms),
        .within = steps(of->within_ms * 1e-3, e->dt_ms),
        .timeout = steps(of->timeout_s, e->dt_ms),
        .delay_min = least,
        .n_delays = most - least + 1,
        .n_due = most + 2,
        .over = steps(of->over_s, e->field_step_ms),
        .mg_per_kg_per_h = of->over_s > 0 ? of->dose_mg_per_kg / of->over_s * 3600 : 0,
    };
}

/* In 8-byte words. */
static size_t state_words(const condition *d)
{
    const size_t counted = d->of->trigger == TRIGGER_SPIKES ? d->of->spikes : 0;
    return sizeof *d->state / sizeof(uint64_t) + counted + d->n_due + d->over;
}

static void condition_place(condition *d, uint64_t *words)
{
    d->state = (contingency_state *)words;
    d->counted = words + sizeof *d->state / sizeof *words;
    d->due = d->counted + (d->of->trigger == TRIGGER_SPIKES ? d->of->spikes : 0);
    d->ends = d->due + d->n_due;
}

meso_status contingencies_create(const experiment *e, arena *memory, contingencies **out,
                                 meso_error *err)
{
    contingencies *c = arena_alloc(memory, sizeof *c);
    condition *d = arena_alloc(memory, (e->n_contingencies + 1) * sizeof *d);
    size_t n = 0;
    if (c == NULL || d == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < e->n_contingencies; i++) {
        d[i] = condition_of(e, &e->contingencies[i]);
        n += state_words(&d[i]);
    }
    *c = (contingencies){
        .e = e,
        .conditions = d,
        .state = arena_alloc(memory, (n + 1) * sizeof *c->state),
        .state_bytes = n * sizeof *c->state,
        .steps_per_field = (uint64_t)llround(e->field_step_ms / e->dt_ms),
        .n_fields = steps(e->duration_s, e->field_step_ms),
    };
    if (c->state == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    uint64_t *words = c->state;
    for (uint32_t i = 0; i < e->n_contingencies; i++) {
        condition_place(&d[i], words);
        words += state_words(&d[i]);
    }
    *out = c;
    return MESO_OK;
}

void *contingencies_state(contingencies *c, size_t *bytes)
{
    *bytes = c->state_bytes;
    return c->state;
}

/* A spike in the first field step of an interval is seen when the next interval is on its way, too: what it brings is due
 * 1 + delay later, which must not be before both have ended. */
uint32_t contingencies_interval(const contingencies *c)
{
    uint64_t most = SIMULATION_INTERVAL;
    for (uint32_t i = 0; i < c->e->n_contingencies; i++) {
        const uint64_t allowed = (c->conditions[i].delay_min + 1) / 2;
        most = allowed < most ? allowed : most;
    }
    return (uint32_t)most;
}

/* --- spikes ----------------------------------------------------------------------------------- */

static bool is_listed(const contingency *of, uint32_t neuron)
{
    uint32_t low = 0, high = of->n_neurons;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (of->neurons[middle] < neuron)
            low = middle + 1;
        else
            high = middle;
    }
    return low < of->n_neurons && of->neurons[low] == neuron;
}

/* The source's spike is not seen by one of the target in the same step, whichever comes first in the list. */
static bool coincides(condition *d, const meso_spike *spike)
{
    const contingency *of = d->of;
    uint64_t *source = d->state->source_time;
    const uint64_t time = spike->step + 1;
    if (spike->population == of->source && spike->neuron == of->source_neuron) {
        source[1] = source[0];
        source[0] = time;
        return false;
    }
    if (spike->population != of->target || spike->neuron != of->target_neuron)
        return false;
    const uint64_t before = source[0] < time ? source[0] : source[1];
    return before > 0 && time - before <= d->within;
}

static bool is_enough(condition *d, const meso_spike *spike)
{
    const contingency *of = d->of;
    contingency_state *s = d->state;
    if (spike->population != of->population || !is_listed(of, spike->neuron))
        return false;
    d->counted[s->n_counted++ % of->spikes] = spike->step;
    if (s->n_counted < of->spikes ||
        spike->step - d->counted[s->n_counted % of->spikes] > d->within)
        return false;
    s->n_counted = 0;
    return true;
}

static bool counts(const condition *d, uint64_t step)
{
    return step >= d->start && step < d->stop && step >= d->state->free_from &&
           (d->of->at_most == 0 || d->state->n_triggered < d->of->at_most);
}

static bool is_met(condition *d, const meso_spike *spike)
{
    const bool now = counts(d, spike->step);
    if (d->of->trigger == TRIGGER_COINCIDENCE)
        return coincides(d, spike) && now; /* the source's spikes are always remembered */
    return now && is_enough(d, spike);
}

/* Field step in which the consequence of a trigger falls due. */
static uint64_t due_of(const contingencies *c, const condition *d, uint64_t step)
{
    const uint64_t number = d->state->n_triggered;
    const rng_words w = rng_threefry(d->key.x, d->key.y, (uint32_t)number,
                                     (uint32_t)(number >> 32));
    return step / c->steps_per_field + 1 + d->delay_min + ((w.x * d->n_delays) >> 32);
}

meso_status contingencies_spikes(contingencies *c, const meso_spike *spikes, uint64_t n,
                                 trigger_hearer *hear, void *self, meso_error *err)
{
    const experiment *e = c->e;
    for (uint64_t k = 0; e->n_contingencies > 0 && k < n; k++)
        for (uint32_t i = 0; i < e->n_contingencies; i++) {
            condition *d = &c->conditions[i];
            if (!is_met(d, &spikes[k]))
                continue;
            const uint64_t due = due_of(c, d, spikes[k].step);
            d->due[due % d->n_due]++;
            d->state->n_triggered++;
            d->state->free_from = spikes[k].step + d->timeout;
            const meso_trigger met = {
                .contingency = i,
                .time_s = (double)(spikes[k].step + 1) * e->dt_ms * 1e-3,
                .given_s = due < c->n_fields ? (double)due * e->field_step_ms * 1e-3 : NAN,
            };
            MESO_TRY(hear(self, &met, err));
        }
    return MESO_OK;
}

/* --- consequences ----------------------------------------------------------------------------- */

static uint64_t take(uint64_t *places, uint64_t n_places, uint64_t field_step)
{
    if (n_places == 0)
        return 0;
    uint64_t *place = &places[field_step % n_places];
    const uint64_t n = *place;
    *place = 0;
    return n;
}

static void doses_give(condition *d, uint64_t field_step, uint64_t n, pharmacokinetics *drugs)
{
    const contingency *of = d->of;
    for (uint64_t k = take(d->ends, d->over, field_step); k > 0; k--)
        pk_infuse(drugs, of->drug, of->route, -d->mg_per_kg_per_h);
    if (d->over > 0)
        d->ends[field_step % d->over] += n;
    for (; n > 0; n--)
        if (d->over > 0)
            pk_infuse(drugs, of->drug, of->route, d->mg_per_kg_per_h);
        else
            pk_dose(drugs, of->drug, of->route, of->dose_mg_per_kg);
}

void contingencies_give(contingencies *c, uint64_t field_step, pharmacokinetics *drugs,
                        float *added_nM)
{
    for (uint32_t p = 0; p < c->e->n_pulsed; p++)
        added_nM[p] = 0;
    for (uint32_t i = 0; i < c->e->n_contingencies; i++) {
        condition *d = &c->conditions[i];
        const uint64_t n = take(d->due, d->n_due, field_step);
        d->state->n_given += n;
        if (d->of->pulse == MODEL_NONE)
            doses_give(d, field_step, n, drugs);
        else
            added_nM[d->of->pulse] += (float)n * (float)d->of->amount_nM;
    }
}

meso_contingency_count contingencies_count(const contingencies *c, uint32_t index)
{
    const condition *d = &c->conditions[index];
    return (meso_contingency_count){d->of->name, d->state->n_triggered, d->state->n_given};
}
