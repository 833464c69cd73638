/* The sink of result directories. What the files look like byte by byte: see tests/sonata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/synthetic_run.h"
#include "base/text.h"
#include "output/directory.h"
#include "sonata/h5.h"
#include "output/json_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- a fresh directory for each test ---------------------------------------------------------- */

static char root[64], run_directory[128]; /* root exists, run_directory does not */

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/mesocl_test_output_XXXXXX");
    if (mkdtemp(root) == NULL)
        return -1;
    snprintf(run_directory, sizeof run_directory, "%s/a/b/run", root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

static h5_name in_run(const char *file)
{
    return h5_name_of("%s/%s", run_directory, file);
}

static bool exists(const char *file)
{
    return access(in_run(file).path, F_OK) == 0;
}

static long size_of(const char *file)
{
    struct stat status;
    return stat(in_run(file).path, &status) == 0 ? (long)status.st_size : -1;
}

static void touch(const char *file)
{
    FILE *stream = fopen(in_run(file).path, "w");
    assert_non_null(stream);
    fclose(stream);
}

static void make_run_directory(void)
{
    char command[256];
    snprintf(command, sizeof command, "mkdir -p '%s'", run_directory);
    assert_int_equal(system(command), 0);
}

static uint64_t rows_of(const char *file, const char *dataset)
{
    hid_t id = H5Fopen(in_run(file).path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(id >= 0);
    hid_t data = H5Dopen2(id, dataset, H5P_DEFAULT);
    assert_true(data >= 0);
    hid_t space = H5Dget_space(data);
    hsize_t size[2] = {0, 0};
    H5Sget_simple_extent_dims(space, size, NULL);
    H5Sclose(space);
    H5Dclose(data);
    H5Fclose(id);
    return size[0];
}

static meso_sink *open_sink(bool force)
{
    meso_sink *sink = NULL;
    meso_error err = {0};
    if (meso_output_create(run_directory, force, &sink, &err) != MESO_OK)
        fail_msg("%s", err.message);
    return sink;
}

static void write_run(bool force)
{
    meso_sink *sink = open_sink(force);
    meso_error err = {0};
    meso_summary summary = synthetic_summary(MESO_OK);
    if (synthetic_play(sink, &err) != MESO_OK || sink->end(sink->self, &summary, &err) != MESO_OK)
        fail_msg("%s", err.message);
    meso_output_destroy(&sink);
    assert_null(sink);
}

/* --- the directory ---------------------------------------------------------------------------- */

static void test_nothing_is_created_before_the_run_begins(void **state)
{
    (void)state;
    meso_sink *sink = open_sink(false);
    meso_output_destroy(&sink);
    assert_false(exists(""));
}

static void test_missing_parents_are_made(void **state)
{
    (void)state;
    write_run(false);
    assert_true(exists("experiment.json"));
    assert_true(exists("spikes.h5"));
    assert_true(exists("timeline.h5"));
    assert_true(exists("reports/potential.h5"));
    assert_true(exists("summary.json"));
    assert_false(exists(".summary.json.partial"));
}

static void test_an_empty_directory_is_used(void **state)
{
    (void)state;
    make_run_directory();
    write_run(false);
}

static void expect_refusal(bool force, const char *reason)
{
    meso_sink *sink = NULL;
    meso_error err = {0};
    assert_int_equal(meso_output_create(run_directory, force, &sink, &err), MESO_IO);
    assert_null(sink);
    assert_non_null(strstr(err.message, run_directory));
    assert_non_null(strstr(err.message, reason));
}

static void test_a_directory_in_use_is_refused(void **state)
{
    (void)state;
    write_run(false);
    expect_refusal(false, "is not empty: choose another --out, or --force");
}

static void test_a_file_in_place_of_the_directory_is_refused(void **state)
{
    (void)state;
    make_run_directory();
    touch("file");
    strcat(run_directory, "/file");
    expect_refusal(true, "is not a directory");
}

static void test_force_does_not_touch_what_is_not_a_run(void **state)
{
    (void)state;
    make_run_directory();
    touch("spikes.h5");
    expect_refusal(true, "not the result of a run");
    assert_true(exists("spikes.h5"));
}

static void test_force_removes_the_earlier_run_and_nothing_else(void **state)
{
    (void)state;
    write_run(false);
    touch("notes.txt");
    touch("figure.png");
    touch("reports/old.h5");
    touch("reports/old.txt");
    meso_sink *sink = open_sink(true);
    assert_true(exists("summary.json")); /* until the run begins */
    assert_int_equal(sink->begin(sink->self, &synthetic_info, NULL), MESO_OK);
    meso_output_destroy(&sink);
    assert_true(exists("notes.txt"));
    assert_true(exists("reports/old.txt"));
    assert_false(exists("figure.png"));
    assert_false(exists("reports/old.h5"));
    assert_false(exists("summary.json"));
    assert_int_equal(rows_of("spikes.h5", "/spikes/vta_da/timestamps"), 0);
}

static void test_a_directory_filled_after_creation_is_refused_at_begin(void **state)
{
    (void)state;
    meso_sink *sink = open_sink(false);
    make_run_directory();
    touch("summary.json"); /* somebody else's */
    meso_error err = {0};
    assert_int_equal(sink->begin(sink->self, &synthetic_info, &err), MESO_IO);
    assert_non_null(strstr(err.message, "is not empty"));
    meso_summary summary = synthetic_summary(MESO_IO);
    assert_int_equal(sink->end(sink->self, &summary, NULL), MESO_OK);
    meso_output_destroy(&sink);
    assert_int_equal(size_of("summary.json"), 0);
    assert_false(exists("experiment.json"));
    assert_false(exists("spikes.h5"));
}

/* --- the content ------------------------------------------------------------------------------ */

static void test_all_rows_are_written(void **state)
{
    (void)state;
    write_run(false);
    assert_int_equal(rows_of("spikes.h5", "/spikes/vta_da/timestamps"), N_STEPS);
    assert_int_equal(rows_of("spikes.h5", "/spikes/vta_da/node_ids"), N_STEPS);
    assert_int_equal(rows_of("spikes.h5", "/spikes/silent/node_ids"), 0);
    assert_int_equal(rows_of("reports/potential.h5", "/report/vta_da/data"), N_POTENTIAL_FRAMES);
    assert_int_equal(rows_of("reports/nothing.h5", "/report/vta_da/data"), 0);
    assert_int_equal(rows_of("timeline.h5", "/time_s"), N_ROWS);
    assert_int_equal(rows_of("timeline.h5", "/rate/vta_da_hz"), N_ROWS);
}

static void test_a_run_without_end_keeps_its_data_and_has_no_summary(void **state)
{
    (void)state;
    meso_sink *sink = open_sink(false);
    assert_int_equal(synthetic_play(sink, NULL), MESO_OK);
    meso_output_destroy(&sink);
    assert_int_equal(rows_of("spikes.h5", "/spikes/vta_da/timestamps"), N_STEPS);
    assert_int_equal(rows_of("timeline.h5", "/time_s"), N_ROWS);
    assert_false(exists("summary.json"));
}

static void test_a_run_without_spikes_reports_or_series_ends_well(void **state)
{
    (void)state;
    meso_run_info info = synthetic_info;
    info.n_reports = info.n_series = 0;
    meso_sink *sink = open_sink(false);
    meso_summary summary = synthetic_summary(MESO_OK);
    assert_int_equal(sink->begin(sink->self, &info, NULL), MESO_OK);
    assert_int_equal(sink->end(sink->self, &summary, NULL), MESO_OK);
    meso_output_destroy(&sink);
    assert_true(exists("summary.json"));
    assert_false(exists("reports"));
}

static void expect_status(meso_status outcome, const char *word)
{
    char *content = NULL;
    size_t length;
    meso_sink *sink = open_sink(true);
    meso_summary summary = synthetic_summary(outcome);
    assert_int_equal(synthetic_play(sink, NULL), MESO_OK);
    assert_int_equal(sink->end(sink->self, &summary, NULL), MESO_OK);
    meso_output_destroy(&sink);
    assert_int_equal(text_read_file(in_run("summary.json").path, &content, &length, NULL), MESO_OK);
    assert_non_null(strstr(content, word));
    free(content);
}

static void test_the_summary_says_how_the_run_ended(void **state)
{
    (void)state;
    expect_status(MESO_OK, "\"status\": \"complete\"");
    expect_status(MESO_STOPPED, "\"status\": \"stopped\"");
    expect_status(MESO_NUMERICS, "\"status\": \"failed\"");
}

static void test_the_experiment_is_kept_as_it_was_merged(void **state)
{
    (void)state;
    write_run(false);
    char *content = NULL;
    size_t length;
    assert_int_equal(text_read_file(in_run("experiment.json").path, &content, &length, NULL),
                     MESO_OK);
    assert_string_equal(content, synthetic_experiment.json);
    free(content);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void test_an_error_of_hdf5_names_file_and_dataset(void **state)
{
    (void)state;
    make_run_directory();
    h5_silence_state before = h5_silence();
    h5_file file;
    h5_rows rows;
    meso_error err = {0};
    h5_name path = in_run("x.h5");
    assert_int_equal(h5_file_create(path.path, &file, &err), MESO_OK);
    assert_int_equal(h5_write(&file, "/a", H5T_NATIVE_INT32, 1, &(int32_t){1}, &err), MESO_OK);
    assert_int_equal(h5_rows_create(&file, "/a", H5T_NATIVE_INT32, 0, 8, H5_PLAIN, &rows, &err),
                     MESO_IO);
    assert_non_null(strstr(err.message, path.path));
    assert_non_null(strstr(err.message, "cannot create dataset /a: "));
    h5_rows_close(&rows);
    assert_int_equal(h5_file_close(&file, &err), MESO_OK);
    h5_restore(before);
}

static void test_a_file_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    h5_silence_state before = h5_silence();
    h5_file file;
    meso_error err = {0};
    assert_int_equal(h5_file_create(in_run("x.h5").path, &file, &err), MESO_IO);
    assert_non_null(strstr(err.message, "No such file or directory"));
    assert_int_equal(h5_file_close(&file, &err), MESO_OK);
    h5_restore(before);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void test_json_is_escaped_and_numbers_read_back(void **state)
{
    (void)state;
    json_text json = {0};
    json_open(&json, NULL, '{');
    json_string(&json, "a\"b", "\\ \n \x01 \xc2\xb5");
    json_number(&json, "tenth", 0.1);
    json_number(&json, "third", 1.0 / 3.0);
    json_number(&json, "nothing", (double)NAN);
    json_integer(&json, "largest", UINT64_MAX);
    json_open(&json, "list", '[');
    json_close(&json, ']');
    json_close(&json, '}');
    assert_string_equal(json.out.data,
                        "{\n  \"a\\\"b\": \"\\\\ \\n \\u0001 \xc2\xb5\",\n  \"tenth\": 0.1,\n"
                        "  \"third\": 0.3333333333333333,\n  \"nothing\": null,\n"
                        "  \"largest\": 18446744073709551615,\n  \"list\": []\n}\n");
    text_free(&json.out);
}

/* --- info ------------------------------------------------------------------------------------- */

static void test_info_lists_files_populations_series_and_summary(void **state)
{
    (void)state;
    write_run(false);
    char *info = NULL;
    assert_int_equal(meso_output_info(run_directory, &info, NULL), MESO_OK);
    const char *expected[] = {"spikes.h5\n",
                              "vta_da  ",
                              "40000 spikes",
                              "reports/potential.h5\n",
                              "3000 frames of 3, mV, 10 to 3010 ms every 1 ms",
                              "drug.cocaine.brain_nM ",
                              "1500 values, 1000 to 2499 nM",
                              "summary.json\n",
                              "spike_hash",
                              "00c0ffee00000001"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (strstr(info, expected[i]) == NULL)
            fail_msg("\"%s\" is not in:\n%s", expected[i], info);
    free(info);
}

static void test_info_says_when_a_run_has_not_ended_or_a_file_is_broken(void **state)
{
    (void)state;
    make_run_directory();
    touch("spikes.h5");
    char *info = NULL;
    assert_int_equal(meso_output_info(run_directory, &info, NULL), MESO_OK);
    assert_non_null(strstr(info, "spikes.h5: cannot be read"));
    assert_non_null(strstr(info, "summary.json: missing, the run has not ended"));
    free(info);
}

static void test_info_on_anything_else_is_an_error(void **state)
{
    (void)state;
    char *info = NULL;
    assert_int_equal(meso_output_info(run_directory, &info, NULL), MESO_NOT_FOUND);
    assert_int_equal(meso_output_info(root, &info, NULL), MESO_NOT_FOUND);
    assert_null(info);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_created_before_the_run_begins),
        TEST(missing_parents_are_made),
        TEST(an_empty_directory_is_used),
        TEST(a_directory_in_use_is_refused),
        TEST(a_file_in_place_of_the_directory_is_refused),
        TEST(force_does_not_touch_what_is_not_a_run),
        TEST(force_removes_the_earlier_run_and_nothing_else),
        TEST(a_directory_filled_after_creation_is_refused_at_begin),
        TEST(all_rows_are_written),
        TEST(a_run_without_end_keeps_its_data_and_has_no_summary),
        TEST(a_run_without_spikes_reports_or_series_ends_well),
        TEST(the_summary_says_how_the_run_ended),
        TEST(the_experiment_is_kept_as_it_was_merged),
        TEST(an_error_of_hdf5_names_file_and_dataset),
        TEST(a_file_that_cannot_be_made_is_an_error),
        TEST(json_is_escaped_and_numbers_read_back),
        TEST(info_lists_files_populations_series_and_summary),
        TEST(info_says_when_a_run_has_not_ended_or_a_file_is_broken),
        TEST(info_on_anything_else_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
