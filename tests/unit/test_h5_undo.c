/*
 * A file is brought back to an earlier moment whatever happened to it since: everything but full chunks may have been
 * overwritten.
 */
#include "sonata/h5_undo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        meso_error err = {0};                                                                      \
        if ((call) != MESO_OK)                                                                     \
            fail_msg("%s", err.message);                                                           \
    } while (0)

#define WIDE 70000 /* columns: more than one chunk holds */

typedef struct results {
    h5_file file;
    h5_rows plain, wide, packed;
} results;

static char path[64];

static void begin(results *r, bool goes_on)
{
    *r = (results){0};
    assert_ok(goes_on ? h5_file_go_on(path, &r->file, &err) : h5_file_create(path, &r->file, &err));
    assert_ok(h5_attribute_text(&r->file, "/", "who", "me", &err));
    assert_ok(h5_group_create(&r->file, "/group", &err));
    assert_ok(h5_rows_create(&r->file, "/group/plain", H5T_NATIVE_DOUBLE, 0, 100, H5_PLAIN,
                             &r->plain, &err));
    assert_ok(
        h5_rows_create(&r->file, "/wide", H5T_NATIVE_FLOAT, WIDE, 2, H5_PLAIN, &r->wide, &err));
    assert_ok(h5_rows_create(&r->file, "/packed", H5T_NATIVE_DOUBLE, 0, 64, H5_COMPRESSED,
                             &r->packed, &err));
    assert_ok(h5_attribute_text(&r->file, "/packed", "units", "s", &err));
}

/* Rows [from, to): row k of the wide dataset is k everywhere. */
static void append(results *r, uint32_t from, uint32_t to)
{
    static float row[WIDE];
    for (uint32_t k = from; k < to; k++) {
        const double value = k * 1.5, squared = (double)k * k;
        assert_ok(h5_rows_append(&r->plain, &value, 1, &err));
        assert_ok(h5_rows_append(&r->packed, &squared, 1, &err));
        for (uint32_t i = 0; k % 100 == 0 && i < WIDE; i++)
            row[i] = (float)k;
        if (k % 100 == 0)
            assert_ok(h5_rows_append(&r->wide, row, 1, &err));
        if (k % 37 == 0) { /* as a run does every other second */
            assert_ok(h5_rows_flush(&r->plain, &err));
            assert_ok(h5_rows_flush(&r->packed, &err));
            assert_ok(h5_file_flush(&r->file, &err));
        }
    }
}

static void end(results *r)
{
    assert_ok(h5_rows_flush(&r->plain, &err));
    assert_ok(h5_rows_flush(&r->wide, &err));
    assert_ok(h5_rows_flush(&r->packed, &err));
    h5_rows_close(&r->plain);
    h5_rows_close(&r->wide);
    h5_rows_close(&r->packed);
    assert_ok(h5_file_close(&r->file, &err));
}

static void check_holds(uint32_t n)
{
    static double values[5000];
    static float rows[50 * WIDE];
    h5_file file = {0};
    assert_ok(h5_file_open(path, &file, &err));
    assert_ok(h5_read(&file, "/group/plain", H5T_NATIVE_DOUBLE, n, values, &err));
    for (uint32_t k = 0; k < n; k++)
        assert_true(values[k] == k * 1.5);
    assert_ok(h5_read(&file, "/packed", H5T_NATIVE_DOUBLE, n, values, &err));
    for (uint32_t k = 0; k < n; k++)
        assert_true(values[k] == (double)k * k);
    hid_t wide = H5Dopen2(file.id, "/wide", H5P_DEFAULT), space = H5Dget_space(wide);
    hsize_t size[2];
    H5Sget_simple_extent_dims(space, size, NULL);
    assert_int_equal(size[0], (n + 99) / 100);
    assert_true(H5Dread(wide, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) >= 0);
    for (hsize_t i = 0; i < size[0]; i++)
        for (hsize_t c = 0; c < WIDE; c++)
            assert_true(rows[i * WIDE + c] == (float)(i * 100));
    H5Sclose(space);
    H5Dclose(wide);
    assert_int_equal(H5Lexists(file.id, "/later", H5P_DEFAULT), 0);
    assert_ok(h5_file_close(&file, &err));
}

/* Nothing that was kept is as it was, and there is more behind. */
static void ruin(const h5_undo *u)
{
    static unsigned char noise[4096];
    const int file = open(path, O_WRONLY);
    assert_true(file >= 0);
    memset(noise, 0xa5, sizeof noise);
    for (uint64_t i = 0; i < u->n_spans; i++)
        for (uint64_t done = 0; done < u->spans[2 * i + 1]; done += sizeof noise) {
            const uint64_t left = u->spans[2 * i + 1] - done;
            const size_t n = left < sizeof noise ? left : sizeof noise;
            assert_int_equal(pwrite(file, noise, n, (off_t)(u->spans[2 * i] + done)), n);
        }
    assert_int_equal(pwrite(file, noise, sizeof noise, (off_t)u->file_bytes), sizeof noise);
    close(file);
}

static void test_a_file_becomes_what_it_was(void **state)
{
    (void)state;
    results r;
    h5_undo undo;
    uint32_t from = 0;
    for (uint32_t n = 0; n < 5000; n += 1234) { /* also in an empty file, and twice in one */
        begin(&r, n > 0);
        append(&r, from, n);
        assert_ok(h5_undo_take(&r.file, &undo, &err));
        append(&r, n, n + 333);
        assert_ok(h5_group_create(&r.file, "/later", &err));
        end(&r);
        ruin(&undo);
        assert_ok(h5_undo_apply(path, &undo, &err));
        h5_undo_free(&undo);
        check_holds(n);
        from = n;
    }
    unlink(path);
}

static void test_a_file_is_brought_back_from_the_latest_moment(void **state)
{
    (void)state;
    results r;
    h5_undo first, second;
    begin(&r, false);
    append(&r, 0, 1000);
    assert_ok(h5_undo_take(&r.file, &first, &err));
    append(&r, 1000, 2050);
    assert_ok(h5_undo_take(&r.file, &second, &err));
    append(&r, 2050, 2100);
    end(&r);
    ruin(&second);
    assert_ok(h5_undo_apply(path, &second, &err));
    check_holds(2050);
    assert_ok(h5_undo_apply(path, &first, &err));
    check_holds(1000);
    h5_undo_free(&first);
    h5_undo_free(&second);
    unlink(path);
}

static void test_full_chunks_are_not_kept(void **state)
{
    (void)state;
    results r;
    h5_undo undo;
    struct stat found;
    begin(&r, false);
    append(&r, 0, 4001);
    assert_ok(h5_undo_take(&r.file, &undo, &err));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(undo.file_bytes, found.st_size);
    assert_true(found.st_size > 40 * WIDE * 4);
    assert_true(undo.n_content <
                2 * 65536 * 2 * 4 + 65536); /* a row of chunks that fill, and indices */
    h5_undo_free(&undo);
    end(&r);
    unlink(path);
}

static void test_a_file_that_was_cut_is_refused(void **state)
{
    (void)state;
    results r;
    h5_undo undo;
    meso_error refusal = {0};
    begin(&r, false);
    append(&r, 0, 500);
    assert_ok(h5_undo_take(&r.file, &undo, &err));
    end(&r);
    assert_int_equal(truncate(path, (off_t)undo.file_bytes - 1), 0); /* of what can be put back */
    assert_ok(h5_undo_apply(path, &undo, &err));
    check_holds(500);
    assert_int_equal(truncate(path, 3000), 0);
    assert_int_equal(h5_undo_apply(path, &undo, &refusal), MESO_FORMAT);
    assert_non_null(strstr(refusal.message, "shorter"));
    unlink(path);
    assert_int_equal(h5_undo_apply(path, &undo, &refusal), MESO_IO);
    h5_undo_free(&undo);
}

int main(void)
{
    snprintf(path, sizeof path, "/tmp/mesocl_test_undo_%ld.h5", (long)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_becomes_what_it_was),
        cmocka_unit_test(test_a_file_is_brought_back_from_the_latest_moment),
        cmocka_unit_test(test_full_chunks_are_not_kept),
        cmocka_unit_test(test_a_file_that_was_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
