/**
 * The same bits on a device, at every vector width, with and without denormals, as in host C:
 * the functions of math.clh and rng.clh, and the built-in neuron models over many steps.
 */
#include "device/opencl.h"

#include "base/arena.h"
#include "base/embedded.h"
#include "base/text.h"
#include "config/load.h"
#include "engine/codegen.h"

#include "mesocl.clh"
#include "math.clh"
#include "rng.clh"
#include "models/izhikevich.h"
#include "neurons/izhikevich.clh"
#include "models/izhikevich_fs.h"
#include "neurons/izhikevich_fs.clh"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    N = 1 << 14,      /* numbers put through each function */
    N_FUNCTIONS = 12, /* rows of results */
    N_CELLS = 64,
    N_STEPS = 1000,
};

static const char KERNELS[] =
    "__kernel void functions(uint n, __global const uint *in, __global uint *out)\n"
    "{\n"
    "    const uint i = (uint)get_global_id(0) * MESO_WIDTH;\n"
    "    const word bits = meso_load_word(in, i);\n"
    "    const real x = meso_as_real(bits);\n"
    "    const meso_words w = meso_threefry(5u, 6u, bits, meso_lanes() + (word)(i));\n"
    "    meso_store_word(meso_as_word(meso_reciprocal(x)), out, i);\n"
    "    meso_store_word(meso_as_word(meso_sqrt(x)), out + n, i);\n"
    "    meso_store_word(meso_as_word(meso_exp(x)), out + 2 * n, i);\n"
    "    meso_store_word(meso_as_word(meso_log(x)), out + 3 * n, i);\n"
    "    meso_store_word(meso_as_word(meso_flush(x)), out + 4 * n, i);\n"
    "    meso_store_word(w.x, out + 5 * n, i);\n"
    "    meso_store_word(w.y, out + 6 * n, i);\n"
    "    meso_store_word(meso_as_word(meso_uniform(bits) + meso_to_real(bits) +\n"
    "                                 meso_int_to_real(meso_as_truth(bits))), out + 7 * n, i);\n"
    "    meso_store_word(meso_as_word(meso_exprel(x)), out + 8 * n, i);\n"
    "    const real turn = meso_uniform(bits) - (real)(0.5f);\n"
    "    meso_store_word(meso_as_word(meso_sine_of_turn(turn)), out + 9 * n, i);\n"
    "    meso_store_word(meso_as_word(meso_turn(turn, 123456789012ul)), out + 10 * n, i);\n"
    "    meso_store_word(meso_as_word(meso_normal(w)), out + 11 * n, i);\n"
    "}\n"
    "#define DEFINE_RUN(model)                                                             \\\n"
    "    __kernel void run_##model(uint n, uint n_parameters, uint n_steps,                \\\n"
    "                              __global const float *in, __global uint *out)           \\\n"
    "    {                                                                                 \\\n"
    "        const uint i = (uint)get_global_id(0) * MESO_WIDTH;                           \\\n"
    "        model##_parameters p;                                                         \\\n"
    "        real *member = (real *)&p;                                                    \\\n"
    "        for (uint k = 0; k < n_parameters; k++)                                       \\\n"
    "            member[k] = meso_load(in + k * n, i);                                     \\\n"
    "        model##_state s;                                                              \\\n"
    "        s.v_mV = p.vr_mV;                                                             \\\n"
    "        s.u_pA = (real)(0.0f);                                                        \\\n"
    "        model##_inputs inputs;                                                        \\\n"
    "        inputs.current_pA = meso_load(in + n_parameters * n, i);                      \\\n"
    "        word spikes = (word)(0u);                                                     \\\n"
    "        for (uint t = 0; t < n_steps; t++) {                                          \\\n"
    "            s = model(s, p, inputs, 0.1f);                                            \\\n"
    "            spikes += select((word)(0u), (word)(1u), meso_as_word(s.spiked));         \\\n"
    "        }                                                                             \\\n"
    "        meso_store_word(meso_as_word(s.v_mV), out, i);                                \\\n"
    "        meso_store_word(meso_as_word(s.u_pA), out + n, i);                            \\\n"
    "        meso_store_word(spikes, out + 2 * n, i);                                      \\\n"
    "    }\n"
    "DEFINE_RUN(izhikevich)\n"
    "DEFINE_RUN(izhikevich_fs)\n";

static meso_error err;
static meso_device *device;
static char *source;

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != MESO_OK)                                                                     \
            fail_msg("%s: %s", #call, err.message);                                                \
    } while (0)

/* --- inputs ----------------------------------------------------------------------------------- */

/* Floats as bits: the interesting ones, then all exponents with random mantissas. */
static void fill_numbers(uint in[N])
{
    static const uint special[] = {
        0x00000000u, 0x80000000u, 0x00000001u, 0x007fffffu, 0x80000001u, 0x00800000u, 0x80800000u,
        0x3f800000u, 0xbf800000u, 0x7e800000u, 0x7e800001u, 0xfe800000u, 0x7f7fffffu, 0xff7fffffu,
        0x7f800000u, 0xff800000u, 0x42b17217u, 0x42b17218u, 0xc2aeac4fu, 0xc2aeac50u, 0xc2aeac51u,
        0x0f800000u, 0x0f7fffffu, 0x8f7fffffu, 0x3f3504f3u, 0x3f3504f4u, 0x3fb504f3u, 0x3fb504f4u};
    const uint n_special = sizeof special / sizeof *special;
    for (uint i = 0; i < N; i++) {
        const meso_words w = meso_threefry(1u, 2u, i, 0u);
        in[i] = i < n_special ? special[i]
                : i % 2 == 0  ? w.x
                              : as_uint(200 * meso_uniform(w.x) - 100);
    }
}

/* Parameters of cells over the range of the circuit's, and a constant current: [field][cell]. */
static void fill_cells(const float low[], const float high[], uint n_fields, float in[])
{
    for (uint k = 0; k < n_fields; k++)
        for (uint i = 0; i < N_CELLS; i++)
            in[k * N_CELLS + i] = low[k] +
                                  (high[k] - low[k]) * meso_uniform(meso_threefry(3u, k, i, 0u).x);
}

/* --- host ------------------------------------------------------------------------------------- */

static void host_functions(const uint in[N], uint out[N_FUNCTIONS * N])
{
    for (uint i = 0; i < N; i++) {
        const float x = as_float(in[i]);
        const meso_words w = meso_threefry(5u, 6u, in[i], i);
        const uint results[N_FUNCTIONS] = {
            as_uint(meso_reciprocal(x)),
            as_uint(meso_sqrt(x)),
            as_uint(meso_exp(x)),
            as_uint(meso_log(x)),
            as_uint(meso_flush(x)),
            w.x,
            w.y,
            as_uint(meso_uniform(in[i]) + meso_to_real(in[i]) + meso_int_to_real((int)in[i])),
            as_uint(meso_exprel(x)),
            as_uint(meso_sine_of_turn(meso_uniform(in[i]) - 0.5f)),
            as_uint(meso_turn(meso_uniform(in[i]) - 0.5f, 123456789012u)),
            as_uint(meso_normal(w))};
        for (uint k = 0; k < N_FUNCTIONS; k++)
            out[k * N + i] = results[k];
    }
}

#define DEFINE_HOST_RUN(model)                                                                     \
    static void host_run_##model(const float in[], uint out[3 * N_CELLS])                          \
    {                                                                                              \
        enum { N_PARAMETERS = sizeof(model##_parameters) / sizeof(float) };                        \
        for (uint i = 0; i < N_CELLS; i++) {                                                       \
            float fields[N_PARAMETERS];                                                            \
            for (uint k = 0; k < N_PARAMETERS; k++)                                                \
                fields[k] = in[k * N_CELLS + i];                                                   \
            model##_parameters p;                                                                  \
            memcpy(&p, fields, sizeof p);                                                          \
            model##_state s = {.v_mV = p.vr_mV};                                                   \
            const model##_inputs inputs = {.current_pA = in[N_PARAMETERS * N_CELLS + i]};          \
            uint spikes = 0;                                                                       \
            for (uint t = 0; t < N_STEPS; t++) {                                                   \
                s = model(s, p, inputs, 0.1f);                                                     \
                spikes += s.spiked ? 1u : 0u;                                                      \
            }                                                                                      \
            out[i] = as_uint(s.v_mV);                                                              \
            out[N_CELLS + i] = as_uint(s.u_pA);                                                    \
            out[2 * N_CELLS + i] = spikes;                                                         \
        }                                                                                          \
    }
DEFINE_HOST_RUN(izhikevich)
DEFINE_HOST_RUN(izhikevich_fs)

/* --- device ----------------------------------------------------------------------------------- */

static void append_model(arena *memory, text *t, const char *name)
{
    const neuron_model *model;
    assert_ok(config_load_neuron_model(name, NULL, memory, &model, &err));
    codegen_model_structs(model, t);
    text_append(t, model->text);
}

static int open_device(void **state)
{
    (void)state;
    const meso_device_options options = {.selector = getenv("MESOCL_TEST_DEVICE")};
    if (meso_device_open(&options, &device, &err) != MESO_OK) {
        print_message("%s\n", err.message);
        return -1;
    }
    print_message("on %s\n", meso_device_describe(device)->name);
    arena *memory = arena_create();
    text t = {0};
    text_append(&t, embedded_find("mesocl.clh"));
    text_append(&t, embedded_find("math.clh"));
    text_append(&t, embedded_find("rng.clh"));
    append_model(memory, &t, "izhikevich");
    append_model(memory, &t, "izhikevich_fs");
    text_append(&t, KERNELS);
    source = text_take(&t);
    arena_destroy(&memory);
    return source == NULL;
}

static int close_device(void **state)
{
    (void)state;
    free(source);
    meso_device_close(&device);
    return 0;
}

static cl_program build(uint width, const char *options)
{
    char all_options[128];
    /* no warnings: without AVX-512 clang has one for each function of 16 lanes */
    snprintf(all_options, sizeof all_options, "-w -DMESO_WIDTH=%u %s", width, options);
    cl_program program;
    assert_ok(program_build(device, "test_math_device", source, all_options, &program, &err));
    return program;
}

static void device_functions(cl_program program, uint width, const uint in[N], uint out[])
{
    kernel k;
    buffer numbers, results;
    assert_ok(kernel_create(program, "functions", &k, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "numbers", N * sizeof *in, in, &numbers, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "results", N_FUNCTIONS * N * sizeof *out, NULL,
                            &results, &err));
    assert_ok(kernel_set_u32(&k, 0, N, &err));
    assert_ok(kernel_set_buffer(&k, 1, &numbers, &err));
    assert_ok(kernel_set_buffer(&k, 2, &results, &err));
    assert_ok(device_launch(device, &k, N / width / 16, 16, &err));
    assert_ok(buffer_read(device, &results, 0, N_FUNCTIONS * N * sizeof *out, out, &err));
    buffer_destroy(device, &results);
    buffer_destroy(device, &numbers);
    kernel_release(&k);
}

static void device_run(cl_program program, const char *name, uint width, uint n_parameters,
                       const float in[], uint out[3 * N_CELLS])
{
    kernel k;
    buffer cells, results;
    assert_ok(kernel_create(program, name, &k, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "cells",
                            (n_parameters + 1) * N_CELLS * sizeof *in, in, &cells, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "results", 3 * N_CELLS * sizeof *out, NULL,
                            &results, &err));
    assert_ok(kernel_set_u32(&k, 0, N_CELLS, &err));
    assert_ok(kernel_set_u32(&k, 1, n_parameters, &err));
    assert_ok(kernel_set_u32(&k, 2, N_STEPS, &err));
    assert_ok(kernel_set_buffer(&k, 3, &cells, &err));
    assert_ok(kernel_set_buffer(&k, 4, &results, &err));
    assert_ok(device_launch(device, &k, N_CELLS / width, 1, &err));
    assert_ok(buffer_read(device, &results, 0, 3 * N_CELLS * sizeof *out, out, &err));
    buffer_destroy(device, &results);
    buffer_destroy(device, &cells);
    kernel_release(&k);
}

/* --- tests ------------------------------------------------------------------------------------ */

typedef struct variant {
    uint width;
    const char *options;
} variant;

static const variant VARIANTS[] = {
    {1, ""}, {4, ""}, {8, ""}, {16, ""}, {1, "-cl-denorms-are-zero"}, {16, "-cl-denorms-are-zero"},
};
enum { N_VARIANTS = sizeof VARIANTS / sizeof *VARIANTS };

/* NaN is NaN: devices keep different payloads. */
static int same_bits(uint a, uint b)
{
    return a == b || ((a & 0x7fffffffu) > 0x7f800000u && (b & 0x7fffffffu) > 0x7f800000u);
}

static void assert_same(const variant *v, const char *const *rows, uint n_rows, uint n,
                        const uint *actual, const uint *expected, int floats)
{
    for (uint k = 0; k < n_rows; k++)
        for (uint i = 0; i < n; i++) {
            const uint a = actual[k * n + i], b = expected[k * n + i];
            if (floats ? !same_bits(a, b) : a != b)
                fail_msg("%s, width %u %s: number %u is %08x instead of %08x", rows[k], v->width,
                         v->options, i, a, b);
        }
}

static void test_functions_give_the_hosts_bits(void **state)
{
    (void)state;
    static const char *const rows[N_FUNCTIONS] = {
        "reciprocal", "sqrt", "exp", "log", "flush", "threefry x", "threefry y", "conversions"};
    uint *in = malloc(N * sizeof *in), *actual = malloc(N_FUNCTIONS * N * sizeof *actual),
         *expected = malloc(N_FUNCTIONS * N * sizeof *expected);
    assert_true(in && actual && expected);
    fill_numbers(in);
    host_functions(in, expected);
    for (uint i = 0; i < N_VARIANTS; i++) {
        cl_program program = build(VARIANTS[i].width, VARIANTS[i].options);
        device_functions(program, VARIANTS[i].width, in, actual);
        assert_same(&VARIANTS[i], rows, 5, N, actual, expected, 1);
        assert_same(&VARIANTS[i], rows + 5, 3, N, actual + 5 * N, expected + 5 * N, 0);
        program_release(&program);
    }
    free(in);
    free(actual);
    free(expected);
}

static void check_model(const char *name, uint n_parameters, const float in[], const uint *expected)
{
    static const char *const rows[] = {"v", "u", "spikes"};
    uint actual[3 * N_CELLS], n_spikes = 0;
    for (uint i = 0; i < N_CELLS; i++)
        n_spikes += expected[2 * N_CELLS + i];
    assert_true(n_spikes > N_CELLS); /* something to compare */
    for (uint i = 0; i < N_VARIANTS; i++) {
        cl_program program = build(VARIANTS[i].width, VARIANTS[i].options);
        device_run(program, name, VARIANTS[i].width, n_parameters, in, actual);
        assert_same(&VARIANTS[i], rows, 3, N_CELLS, actual, expected, 0);
        program_release(&program);
    }
}

static void test_izhikevich_cells_give_the_hosts_bits(void **state)
{
    (void)state;
    /* C k vr vt vpeak a b c d I0, current */
    const float low[] = {15, 0.7f, -80, -45, 20, 0.005f, -20, -62, 20, 0, -100};
    const float high[] = {100, 1.2f, -58, -29, 40, 0.05f, 0, -50, 100, 120, 500};
    float in[11 * N_CELLS];
    uint expected[3 * N_CELLS];
    fill_cells(low, high, 11, in);
    host_run_izhikevich(in, expected);
    check_model("run_izhikevich", 10, in, expected);
}

static void test_fast_spiking_cells_give_the_hosts_bits(void **state)
{
    (void)state;
    /* C k vr vt vpeak a b vb c d I0, current */
    const float low[] = {20, 0.8f, -70, -50, 20, 0.1f, 0.01f, -57, -60, 0, 0, -100};
    const float high[] = {80, 1.2f, -55, -40, 30, 0.3f, 0.03f, -53, -45, 10, 50, 500};
    float in[12 * N_CELLS];
    uint expected[3 * N_CELLS];
    fill_cells(low, high, 12, in);
    host_run_izhikevich_fs(in, expected);
    check_model("run_izhikevich_fs", 11, in, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_give_the_hosts_bits),
        cmocka_unit_test(test_izhikevich_cells_give_the_hosts_bits),
        cmocka_unit_test(test_fast_spiking_cells_give_the_hosts_bits),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
