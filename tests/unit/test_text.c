/* Growing text, files, nearest names, errors and arenas. */
#include "base/arena.h"
#include "base/embedded.h"
#include "base/log.h"
#include "base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_text_grows_and_is_given_away(void **state)
{
    (void)state;
    text t = {0};
    for (int i = 0; i < 1000; i++)
        text_appendf(&t, "%d,", i % 10);
    text_append(&t, "end");
    assert_int_equal(t.length, 2003);
    char *taken = text_take(&t);
    assert_string_equal(taken + 1998, "9,end");
    assert_null(t.data);
    free(taken);
}

static void test_empty_text_is_a_string(void **state)
{
    (void)state;
    text t = {0};
    char *taken = text_take(&t);
    assert_string_equal(taken, "");
    free(taken);
}

static void test_file_is_read_whole(void **state)
{
    (void)state;
    char path[] = "/tmp/mesocl_test_text_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    char *long_text = malloc(200000);
    memset(long_text, 'x', 200000);
    assert_int_equal(write(file, long_text, 200000), 200000);
    close(file);

    char *content;
    size_t length;
    assert_int_equal(text_read_file(path, &content, &length, NULL), MESO_OK);
    unlink(path);
    assert_int_equal(length, 200000);
    assert_memory_equal(content, long_text, 200000);
    assert_int_equal(content[200000], '\0');
    free(content);
    free(long_text);
}

static void test_missing_file_is_named(void **state)
{
    (void)state;
    meso_error err = {0};
    char *content;
    assert_int_equal(text_read_file("/nowhere/x.json", &content, NULL, &err), MESO_IO);
    assert_string_equal(err.message, "/nowhere/x.json: No such file or directory");
    assert_int_equal(text_read_file("/", &content, NULL, &err), MESO_IO);
    assert_string_equal(err.message, "/: Is a directory");
}

static void test_nearest_name_is_near(void **state)
{
    (void)state;
    const char *const names[] = {"nac_core_d1", "nac_core_d2", "vta_da", "pv"};
    assert_string_equal(text_nearest("nac_core_d", names, 4), "nac_core_d1");
    assert_string_equal(text_nearest("nac_croe_d2", names, 4), "nac_core_d2");
    assert_string_equal(text_nearest("vta_ad", names, 4), "vta_da");
    assert_string_equal(text_nearest("pvv", names, 4), "pv");
    assert_null(text_nearest("hippocampus", names, 4));
    assert_null(text_nearest("x", names, 4));
    assert_null(text_nearest("", names, 4));
    assert_null(text_nearest("pv", names, 0));
    assert_string_equal(text_nearest("PV", names, 4), "pv");
}

static void test_abbreviations_are_understood_where_only_one_name_fits(void **state)
{
    (void)state;
    const char *const names[] = {"U", "tau_recovery_ms", "tau_facilitation_ms", "v_mV", "n_neurons"};
    assert_string_equal(text_nearest("u", names, 5), "U");
    assert_string_equal(text_nearest("v", names, 5), "v_mV");
    assert_string_equal(text_nearest("n", names, 5), "n_neurons");
    assert_string_equal(text_nearest("tau_rec_ms", names, 5), "tau_recovery_ms");
    assert_null(text_nearest("tau", names, 5));
}

static void test_place_is_put_before_a_message(void **state)
{
    (void)state;
    meso_error err = {0};
    assert_int_equal(error_set(&err, MESO_RANGE, "%d is too much", 7), MESO_RANGE);
    assert_int_equal(error_prepend(&err, MESO_RANGE, "projection '%s'", "a"), MESO_RANGE);
    assert_string_equal(err.message, "projection 'a': 7 is too much");
    assert_int_equal(error_set(NULL, MESO_IO, "nobody listens"), MESO_IO);
}

static void test_long_message_is_cut_at_its_end(void **state)
{
    (void)state;
    meso_error err = {0};
    char long_text[3000];
    memset(long_text, 'y', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    error_set(&err, MESO_IO, "%s", long_text);
    error_prepend(&err, MESO_IO, "place");
    assert_memory_equal(err.message, "place: yyy", 10);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    error_prepend(&err, MESO_IO, "%s", long_text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void test_each_status_has_name_and_exit_code(void **state)
{
    (void)state;
    assert_string_equal(meso_status_name(MESO_RANGE), "MESO_RANGE");
    assert_int_equal(meso_status_exit_code(MESO_OK), 0);
    assert_int_equal(meso_status_exit_code(MESO_UNIT), 2);
    assert_int_equal(meso_status_exit_code(MESO_STOPPED), 6);
    assert_string_equal(meso_status_meaning((meso_status)999), "unknown status");
}

static void test_arena_is_zeroed_and_aligned(void **state)
{
    (void)state;
    arena *a = arena_create();
    for (size_t bytes = 1; bytes < 300000; bytes = bytes * 3 + 1) {
        unsigned char *p = arena_alloc(a, bytes);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, bytes);
    }
    assert_string_equal(arena_printf(a, "%s_%d", "n", 3), "n_3");
    assert_null(arena_alloc(a, SIZE_MAX));
    arena_destroy(&a);
    assert_null(a);
    arena_destroy(&a);
}

static void test_embedded_files_are_found_in_order(void **state)
{
    (void)state;
    unsetenv("MESO_KERNEL_DIR");
    assert_non_null(strstr(embedded_find("neurons/izhikevich.json"), "\"izhikevich\""));
    assert_null(embedded_find("neurons/none.json"));
    for (size_t i = 1; embedded_path(i); i++)
        assert_true(strcmp(embedded_path(i - 1), embedded_path(i)) < 0);
}

static void test_kernel_directory_wins_over_embedded_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/mesocl_test_kernels_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/math.clh", folder);
    FILE *file = fopen(path, "w");
    fputs("changed", file);
    fclose(file);
    setenv("MESO_KERNEL_DIR", folder, 1);
    assert_string_equal(embedded_find("math.clh"), "changed");
    assert_null(embedded_find("neurons/izhikevich.json"));
    assert_non_null(embedded_find("configs/baseline.json")); /* no kernel */
    unlink(path);
    rmdir(folder);
    assert_string_equal(embedded_find("math.clh"), "changed"); /* texts live on */
    unsetenv("MESO_KERNEL_DIR");
}

static void keep_message(void *self, log_level level, const char *message)
{
    snprintf(self, 64, "%d %s", (int)level, message);
}

static void test_log_reaches_its_listener_alone(void **state)
{
    (void)state;
    char heard[64] = "";
    log_listen(keep_message, heard);
    log_message(LOG_WARNING, "%d spikes", 3);
    assert_string_equal(heard, "2 3 spikes");
    log_listen(NULL, NULL);
    log_message(LOG_WARNING, "nobody");
    assert_string_equal(heard, "2 3 spikes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_grows_and_is_given_away),
        cmocka_unit_test(test_empty_text_is_a_string),
        cmocka_unit_test(test_file_is_read_whole),
        cmocka_unit_test(test_missing_file_is_named),
        cmocka_unit_test(test_nearest_name_is_near),
        cmocka_unit_test(test_abbreviations_are_understood_where_only_one_name_fits),
        cmocka_unit_test(test_place_is_put_before_a_message),
        cmocka_unit_test(test_long_message_is_cut_at_its_end),
        cmocka_unit_test(test_each_status_has_name_and_exit_code),
        cmocka_unit_test(test_arena_is_zeroed_and_aligned),
        cmocka_unit_test(test_embedded_files_are_found_in_order),
        cmocka_unit_test(test_kernel_directory_wins_over_embedded_files),
        cmocka_unit_test(test_log_reaches_its_listener_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
