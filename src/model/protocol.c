#include "model/protocol.h"

uint32_t protocol_phase_at(const phase *phases, uint32_t n_phases, double time_s)
{
    uint32_t i = 0;
    while (i + 1 < n_phases && phases[i + 1].start_s <= time_s)
        i++;
    return i;
}

double protocol_model_time_s(const phase *phases, uint32_t n_phases, double time_s)
{
    double leaps_s = 0;
    for (uint32_t i = 0; i < n_phases && (i == 0 || phases[i].start_s <= time_s); i++)
        leaps_s += phases[i].leap_s;
    return time_s + leaps_s;
}
