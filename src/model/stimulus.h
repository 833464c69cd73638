/** What reaches a population from outside the simulated circuit. */
#ifndef MODEL_STIMULUS_H
#define MODEL_STIMULUS_H

#include "model/projection.h"

typedef enum stimulus_kind {
    STIMULUS_POISSON, /* independent spikes at rate_hz per neuron, optionally modulated */
    STIMULUS_VOLLEYS, /* synchronous openings: a common event reaches each neuron with `participation` */
    STIMULUS_PULSES, /* current pulses */
} stimulus_kind;

typedef struct stimulus {
    const char *name;
    stimulus_kind kind;
    uint32_t target; /* population */
    double start_ms,
        stop_ms; /* active in [start, stop) of model time; stop INFINITY when not given */

    /* poisson, volleys */
    double
        rate_hz; /* per neuron: poisson events (sum over all inputs), or volleys that the neuron takes part in */
    const projection_port *ports;
    uint32_t n_ports;
    distribution
        weight; /* poisson: constant; volleys: drawn per event and neuron (uniform or constant) */

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
} stimulus;

#endif
