/*
 * One field step (1 ms): release, uptake and binding of modulators, what bound receptors do to cells, and
 * the rates of outside input.
 *
 * Launch    one group of any size: the tables are short (one entry a compartment, receptor, target, stimulus).
 * Hazards   phases read what earlier phases wrote: a barrier stands between them.
 *
 * `field` holds every quantity by name: concentrations, bound fractions, transporter occupancies, gates.
 */

/* Spikes of the source population `delay` batches ago, over one field step. */
MESO_FUNCTION uint spikes_count(__global const uint *spike_counts, uint n_lists, uint n_history,
                                ulong batch, uint batches_per_field, uint delay, uint first_list,
                                uint n_source_lists)
{
    uint n = 0;
    for (uint back = delay + 1u; back <= delay + batches_per_field; back++) {
        if (back > batch)
            break;
        const uint h = (uint)((batch - back) % n_history);
        for (uint l = first_list; l < first_list + n_source_lists; l++)
            n += spike_counts[h * n_lists + l];
    }
    return n;
}

/* A telegraph process: up (1) or down (0). */
MESO_FUNCTION void gate_step(const gate_entry *g, ulong field_step, __global float *field)
{
    const int up = field[g->index] > 0.5f;
    const meso_words w = meso_threefry(g->key0, g->key1, (uint)field_step, (uint)(field_step >> 32));
    const int leaves = w.x < (up ? g->leave_up : g->leave_down);
    field[g->index] = (up != leaves) ? 1.0f : 0.0f;
}

/* Upper tails of the Poisson distribution: P(count > k) times 2^32, summed from the small end. */
MESO_FUNCTION void poisson_tails(float events, uint n, __global uint *thresholds)
{
    float terms[MESO_MAX_THRESHOLDS + 8];
    terms[0] = meso_exp(-events);
    for (uint k = 1; k < n + 8u; k++)
        terms[k] = terms[k - 1] * events * meso_reciprocal((float)k);
    float tail = 0.0f;
    for (uint k = n + 7u; k > n; k--)
        tail += terms[k];
    for (uint k = n; k > 0u; k--) {
        tail += terms[k];
        thresholds[k - 1u] = tail >= 1.0f ? 0xffffffffu : (uint)(tail * 4294967296.0f);
    }
}

MESO_FUNCTION float stimulus_factor(const stimulus_entry *s, ulong field_step,
                                    __global const float *field)
{
    const float turn = (float)as_int((uint)(field_step * s->theta_turn)) * 0x1p-32f;
    float factor = fma(s->theta_depth, meso_sine_of_turn(turn), 1.0f);
    if (s->gate != MESO_NEVER)
        factor *= fma(1.0f - s->gate_low, field[s->gate], s->gate_low);
    return factor;
}

/* Events per step before theta and gate: the last piece that has begun, none before the first. */
MESO_FUNCTION float stimulus_events(const stimulus_entry *s, ulong step,
                                    __global const rate_entry *rates)
{
    if (s->n_rates == 0u)
        return s->events;
    uint low = s->first_rate, high = s->first_rate + s->n_rates;
    while (low < high) {
        const uint middle = low + (high - low) / 2u;
        if (rates[middle].from <= step)
            low = middle + 1u;
        else
            high = middle;
    }
    return low == s->first_rate ? 0.0f : rates[low - 1u].events;
}

MESO_FUNCTION void stimulus_step(const stimulus_entry *s, ulong field_step, ulong first_step,
                                 uint steps_per_field, __global const rate_entry *rates,
                                 __global const float *field, __global uint *thresholds,
                                 __global ulong *volley)
{
    const int active = first_step >= s->start && first_step < s->stop;
    if (s->kind == 0u) {
        const float events = active ? stimulus_events(s, first_step, rates) *
                                          stimulus_factor(s, field_step, field)
                                    : 0.0f;
        poisson_tails(events, s->n_thresholds, thresholds);
    } else if (s->kind == 1u) {
        const meso_words w = meso_threefry(~s->key0, s->key1, (uint)field_step, (uint)(field_step >> 32));
        const int happens = active && meso_uniform(w.x) < s->events;
        const uint offset = (uint)(((ulong)w.y * steps_per_field) >> 32);
        *volley = happens ? first_step + offset : ~0ul;
    }
}

/* value * scale + add of what receptors modulate, or the factor of U. */
MESO_FUNCTION void target_step(const target_entry *t, __global const effect_entry *effects,
                               __global const float *field, __global float *modulation)
{
    effect_sum sum = {1.0f, 0.0f};
    for (uint k = t->first_effect; k < t->first_effect + t->n_effects; k++)
        effect_add(&sum, effects[k].scale, effects[k].add, field[effects[k].bound]);
    modulation[0] = sum.scale;
    modulation[1] = sum.add;
}

MESO_FUNCTION void receptor_step(const receptor_entry *r, __global const ligand_entry *ligands,
                                 __global const float *drug_nM, float dt_ms, __global float *field,
                                 __global float *states)
{
    const float c = r->concentration == MESO_NEVER ? 0.0f : field[r->concentration];
    const receptor_result now =
        receptor_advance(r, ligands, c, drug_nM, dt_ms, states + r->state, 1u);
    field[r->fields] = now.occupancy;
    field[r->fields + 1u] = now.activation;
    field[r->fields + 2u] = now.surface;
}

/* For the first step; later ones were prepared by the field step before. One group. */
__kernel void grids_prepare(
    uint n_grids, uint n_levels, uint drug_row, __global const float *drug_levels,
    __global const grid_entry *grids, __global const compartment_entry *compartments,
    __global const terminal_entry *terminals, __global const enzyme_entry *enzymes,
    __global const block_entry *blocks, __global const effect_entry *effects,
    __global const float *field, __global const float *states, __global grid_now *grids_now)
{
    for (uint i = (uint)get_local_id(0); i < n_grids; i += (uint)get_local_size(0)) {
        const grid_entry g = grids[i];
        grid_prepare(&g, compartments, terminals, enzymes, blocks, effects,
                     drug_levels + drug_row * n_levels, field, states, &grids_now[i]);
    }
}

__kernel void field_step(
    uint n_compartments, uint n_receptors, uint n_targets, uint n_gates, uint n_stimuli, uint n_field,
    uint n_lists, uint n_history, uint batches_per_field, uint steps_per_field, ulong number, float dt_ms, uint drug_row, uint n_levels,
    __global const compartment_entry *compartments, __global const terminal_entry *terminals,
    __global const enzyme_entry *enzymes, __global const block_entry *blocks,
    __global const receptor_entry *receptors, __global const ligand_entry *ligands,
    __global const target_entry *targets,
    __global const effect_entry *effects, __global const gate_entry *gates,
    __global const stimulus_entry *stimuli, __global const uint *spike_counts,
    __global const float *drug_levels, __global float *field, __global float *field_sum,
    __global float *states, __global float *modulation, __global uint *thresholds,
    __global ulong *volleys, __global const rate_entry *rates, uint n_grids,
    __global const grid_entry *grids, __global const float *sums, __global float *strands,
    __global grid_now *grids_now, __global uint *n_released, __global const local_entry *locals,
    __global uint *local_sums, uint n_signals, __global const signal_entry *signals,
    __global signal_state *signal_states)
{
    const uint me = (uint)get_local_id(0), n_items = (uint)get_local_size(0);
    __global const float *drug_nM = drug_levels + drug_row * n_levels;

    /* 0. what is in the grids, whose step was before */
    for (uint i = me; i < n_grids * MESO_STRANDS; i += n_items) {
        const grid_entry g = grids[i / MESO_STRANDS];
        strands[i] = grid_strand(&g, i % MESO_STRANDS, sums);
    }
    MESO_BARRIER();

    /* 1. compartments, and the gates of outside input */
    for (uint i = me; i < n_compartments; i += n_items) {
        const compartment_entry m = compartments[i];
        if (m.n_lists == 0u && m.pulse == MESO_NEVER)
            continue; /* constant */
        if (m.grid != MESO_NEVER) {
            grid_settle(&m, &grids[m.grid], &grids_now[m.grid], &n_released[m.grid],
                        strands + m.grid * MESO_STRANDS, terminals, enzymes, blocks, effects,
                        drug_nM, dt_ms, field, states);
            continue;
        }
        const uint n_spikes =
            spikes_count(spike_counts, n_lists, n_history, number * batches_per_field,
                         batches_per_field, m.delay_batches, m.first_list, m.n_lists);
        compartment_step(&m, n_spikes, terminals, enzymes, blocks, effects, drug_nM, dt_ms, field,
                         states);
    }
    for (uint i = me; i < n_gates; i += n_items) {
        const gate_entry g = gates[i];
        gate_step(&g, number, field);
    }
    MESO_BARRIER();

    /* 2. receptors follow the concentration of their compartment, and drugs; those of cells in grids have done so */
    for (uint i = me; i < n_receptors; i += n_items) {
        const receptor_entry r = receptors[i];
        if (r.cells != MESO_NEVER)
            receptor_means(&r, &locals[r.cells], local_sums, field);
        else
            receptor_step(&r, ligands, drug_nM, dt_ms, field, states);
    }
    MESO_BARRIER();

    /* 3. what active receptors do to cells and to terminals */
    for (uint i = me; i < n_targets; i += n_items) {
        const target_entry t = targets[i];
        target_step(&t, effects, field, modulation + 2u * i);
    }

    for (uint i = me; i < n_signals; i += n_items) {
        const signal_entry s = signals[i];
        signal_step(&s, number, &signal_states[i], field);
    }

    /* 4. grids, rates and volleys of the coming field step */
    for (uint i = me; i < n_grids; i += n_items) {
        const grid_entry g = grids[i];
        grid_prepare(&g, compartments, terminals, enzymes, blocks, effects, drug_nM, field, states,
                     &grids_now[i]);
    }
    for (uint i = me; i < n_stimuli; i += n_items) {
        const stimulus_entry s = stimuli[i];
        stimulus_step(&s, number, number * steps_per_field, steps_per_field, rates, field,
                      thresholds + i * MESO_MAX_THRESHOLDS, volleys + i);
    }

    /* 5. sums for the time line */
    MESO_BARRIER();
    for (uint i = me; i < n_field; i += n_items)
        field_sum[i] += field[i];
}
