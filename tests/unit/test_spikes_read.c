/* Spikes of SONATA files, right ones and wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sonata/h5.h"
#include "sonata/spikes_read.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(path, "/tmp/mesocl_test_spikes_XXXXXX");
    const int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void ok(meso_status status, const meso_error *err)
{
    if (status != MESO_OK)
        fail_msg("%s", err->message);
}

#define N 5
static const double times[N] = {0.5, 0.1, 3.25, 3.25, 1e6};
static const uint64_t ids[N] = {3, 0, 7, 7, UINT64_C(1) << 40};

/* What a file deviates in from the right one; zeroed: in nothing. */
typedef struct deviation {
    const char *unit;
    hid_t time_type, id_type; /* types of the values in memory and, but for byte order, on disk */
    const void *times, *ids;
    uint64_t n_ids;
} deviation;

static void write_file(deviation x)
{
    meso_error err;
    h5_file file;
    ok(h5_file_create(path, &file, &err), &err);
    ok(h5_write(&file, "/spikes/cells/timestamps", x.time_type ? x.time_type : H5T_NATIVE_DOUBLE, N,
                x.times ? x.times : times, &err),
       &err);
    ok(h5_write(&file, "/spikes/cells/node_ids", x.id_type ? x.id_type : H5T_NATIVE_UINT64,
                x.n_ids ? x.n_ids : N, x.ids ? x.ids : ids, &err),
       &err);
    ok(h5_group_create(&file, "/spikes/others", &err), &err);
    if (x.unit)
        ok(h5_attribute_text(&file, "/spikes/cells/timestamps", "units", x.unit, &err), &err);
    ok(h5_file_close(&file, &err), &err);
}

/* Read all, in pieces of two; the status of the first call that fails. */
static meso_status read_file(const char *population, double *t, uint64_t *id, meso_error *err)
{
    spikes_reader *reader;
    uint64_t n = 0;
    meso_status status = spikes_reader_open(path, population, &reader, &n, err);
    if (status != MESO_OK) {
        assert_null(reader);
        return status;
    }
    assert_int_equal(n, N);
    for (uint64_t i = 0; status == MESO_OK && i < n; i += 2)
        status = spikes_reader_read(reader, i, n - i < 2 ? n - i : 2, t + i, id + i, err);
    spikes_reader_close(&reader);
    return status;
}

static void expect(meso_status expected, const char *population, const char *words)
{
    double t[N];
    uint64_t id[N];
    meso_error err = {0};
    const meso_status status = read_file(population, t, id, &err);
    if (status != expected || err.status != expected || !strstr(err.message, words) ||
        !strstr(err.message, path))
        fail_msg("%s: '%s'; expected '%s'", meso_status_name(status), err.message, words);
}

static void expect_spikes(double ms_per_unit)
{
    double t[N];
    uint64_t id[N];
    meso_error err = {0};
    ok(read_file("cells", t, id, &err), &err);
    for (int i = 0; i < N; i++) {
        assert_true(t[i] == times[i] * ms_per_unit);
        assert_true(id[i] == ids[i]);
    }
}

/* --- right files ------------------------------------------------------------------------------ */

static void test_spikes_are_read_in_the_order_of_the_file(void **state)
{
    (void)state;
    write_file((deviation){0});
    expect_spikes(1);
    write_file((deviation){.unit = "ms"});
    expect_spikes(1);
}

static void test_seconds_become_milliseconds(void **state)
{
    (void)state;
    write_file((deviation){.unit = "s"});
    expect_spikes(1000);
}

static void test_any_width_of_numbers_is_read(void **state)
{
    (void)state;
    const float single[N] = {0.5f, 0.25f, 3.25f, 3.25f, 1e6f};
    const int16_t narrow[N] = {3, 0, 7, 7, 32767};
    write_file((deviation){.time_type = H5T_NATIVE_FLOAT,
                           .times = single,
                           .id_type = H5T_NATIVE_INT16,
                           .ids = narrow});
    double t[N];
    uint64_t id[N];
    meso_error err;
    ok(read_file("cells", t, id, &err), &err);
    for (int i = 0; i < N; i++) {
        assert_true(t[i] == (double)single[i]);
        assert_int_equal(id[i], narrow[i]);
    }
}

/* --- wrong files ------------------------------------------------------------------------------ */

static void test_a_missing_file_is_an_io_error(void **state)
{
    (void)state;
    char kept[sizeof path];
    strcpy(kept, path);
    strcat(path, "_no");
    expect(MESO_IO, "cells", "No such file or directory");
    strcpy(path, kept);
}

static void test_a_file_that_is_not_hdf5_is_refused(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    fputs("time,neuron\n0.1,3\n", file);
    fclose(file);
    expect(MESO_FORMAT, "cells", "not an HDF5 file");
}

static void test_a_truncated_file_is_refused(void **state)
{
    (void)state;
    write_file((deviation){0});
    FILE *file = fopen(path, "r");
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    fclose(file);
    assert_int_equal(truncate(path, size / 2), 0);
    expect(MESO_FORMAT, "cells", "truncated");
}

static void test_an_unknown_population_is_answered_with_those_there_are(void **state)
{
    (void)state;
    write_file((deviation){0});
    expect(MESO_NOT_FOUND, "cell", "there is no population 'cell' in /spikes; there are: cells");
}

static void test_files_without_spikes_or_datasets_are_refused(void **state)
{
    (void)state;
    write_file((deviation){0});
    expect(MESO_FORMAT, "others", "there is no dataset /spikes/others/timestamps");
    meso_error err;
    h5_file file;
    ok(h5_file_create(path, &file, &err), &err);
    ok(h5_group_create(&file, "/report", &err), &err);
    ok(h5_file_close(&file, &err), &err);
    expect(MESO_FORMAT, "cells", "no group /spikes: not a SONATA spike file");
}

static void test_datasets_of_different_length_are_refused(void **state)
{
    (void)state;
    write_file((deviation){.n_ids = N - 1});
    expect(MESO_FORMAT, "cells",
           "/spikes/cells/timestamps has 5 entries and /spikes/cells/node_ids has 4");
}

static void test_datasets_of_the_wrong_type_are_refused(void **state)
{
    (void)state;
    write_file((deviation){.time_type = H5T_NATIVE_UINT64, .times = ids});
    expect(MESO_FORMAT, "cells",
           "/spikes/cells/timestamps holds integers, not floating-point numbers");
    write_file((deviation){.id_type = H5T_NATIVE_DOUBLE, .ids = times});
    expect(MESO_FORMAT, "cells",
           "/spikes/cells/node_ids holds floating-point numbers, not integers");
}

static void test_values_that_cannot_be_are_refused(void **state)
{
    (void)state;
    double t[N];
    memcpy(t, times, sizeof t);
    const double impossible[] = {-0.1, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        t[3] = impossible[i];
        write_file((deviation){.times = t});
        expect(MESO_FORMAT, "cells", "/spikes/cells/timestamps[3] is ");
    }
    const int32_t negative[N] = {3, 0, -7, 7, 8};
    write_file((deviation){.id_type = H5T_NATIVE_INT32, .ids = negative});
    expect(MESO_FORMAT, "cells", "/spikes/cells/node_ids[2] is -7");
}

static void test_an_unknown_unit_is_refused(void **state)
{
    (void)state;
    write_file((deviation){.unit = "us"});
    expect(MESO_FORMAT, "cells", "units of /spikes/cells/timestamps are 'us', not ms or s");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(spikes_are_read_in_the_order_of_the_file),
        TEST(seconds_become_milliseconds),
        TEST(any_width_of_numbers_is_read),
        TEST(a_missing_file_is_an_io_error),
        TEST(a_file_that_is_not_hdf5_is_refused),
        TEST(a_truncated_file_is_refused),
        TEST(an_unknown_population_is_answered_with_those_there_are),
        TEST(files_without_spikes_or_datasets_are_refused),
        TEST(datasets_of_different_length_are_refused),
        TEST(datasets_of_the_wrong_type_are_refused),
        TEST(values_that_cannot_be_are_refused),
        TEST(an_unknown_unit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
