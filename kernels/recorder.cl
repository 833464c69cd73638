/*
 * Samples for reports and the time line. One work-item an element.
 */

/* An element is one value of the source, or the difference of two (biexponential conductances). */
__kernel void frame_record(uint n_elements, uint row, __global const uint2 *elements,
                           __global const float *source, __global float *frames)
{
    const uint i = (uint)get_global_id(0);
    if (i >= n_elements)
        return;
    float value = source[elements[i].x];
    if (elements[i].y != MESO_NEVER)
        value -= source[elements[i].y];
    frames[row * n_elements + i] = value;
}

/* Mean of every field quantity since the last time, which starts anew. */
__kernel void timeline_record(uint n_field, uint row, float per_sample, __global float *field_sum,
                              __global float *rows)
{
    const uint i = (uint)get_global_id(0);
    if (i >= n_field)
        return;
    rows[row * n_field + i] = field_sum[i] * per_sample;
    field_sum[i] = 0.0f;
}
