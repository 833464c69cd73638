/** What reaches a population from outside the simulated circuit. */
#ifndef MODEL_STIMULUS_H
#define MODEL_STIMULUS_H

#include "model/neuron_model.h"
#include "model/projection.h"

typedef enum stimulus_kind {
    STIMULUS_POISSON, /* independent spikes at rate_hz per neuron, optionally modulated */
    STIMULUS_VOLLEYS, /* synchronous openings: a common event reaches each neuron with `participation` */
    STIMULUS_PULSES,   /* current pulses */
    STIMULUS_CURRENT,  /* a current as a model of its own describes it */
    STIMULUS_PLAYBACK, /* spikes of a file */
} stimulus_kind;

typedef struct rate_segment {
    double from_ms, rate_hz;
} rate_segment;

typedef struct playback_event {
    uint64_t step; /* in which it arrives */
    uint32_t neuron;
} playback_event;

typedef struct stimulus {
    const char *name;
    stimulus_kind kind;
    uint32_t target; /* population */
    double start_ms,
        stop_ms; /* active in [start, stop) of model time; stop INFINITY when not given */

    /* poisson, volleys, playback */
    double
        rate_hz; /* per neuron: poisson events (sum over all inputs), or volleys that the neuron takes part in */
    const projection_port *ports;
    uint32_t n_ports;
    distribution
        weight; /* poisson, playback: constant; volleys: drawn per event and neuron (uniform or constant) */

    /* poisson: rate_hz changes at the times of `rates`, where there are any; it is then the largest of them,
     * and before the first there are no events */
    const rate_segment *rates; /* [n_rates] in order of time */
    uint32_t n_rates;

    /* poisson: rate(t) = rate_hz * (1 + theta_depth sin(2 pi theta_hz t)) * gate(t); the gate is a telegraph
     * process common to the population, 1 when up and gate_down when down, exponential dwell times.
     * gate_up_ms 0: always up. `gate` names the process: stimuli with one name share it. */
    double theta_hz, theta_depth;
    double gate_up_ms, gate_down_ms, gate_low;
    const char *gate;

    /* volleys */
    double participation; /* (0, 1]: share of the population that a common event reaches */

    /* pulses: from start_ms, every period_ms, each of width_ms, until stop_ms */
    double amplitude_pA, width_ms, period_ms; /* period 0: one pulse */

    /* current */
    const neuron_model *current;
    const distribution *parameters; /* [current.n_parameters] */

    /* playback: a spike at time t arrives in the step that begins nearest to t + delay_ms */
    const char *file, *file_population;
    double delay_ms;
    const playback_event *events; /* [n_events] in order of (step, neuron) */
    uint64_t n_events;
    uint32_t most_at_once; /* events of one neuron and step */
} stimulus;

#endif
