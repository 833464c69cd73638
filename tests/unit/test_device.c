/** The device layer, on the device that MESOCL_TEST_DEVICE selects (any, when unset). */
#include "device/opencl.h"

#include "base/log.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char SOURCE[] =
    "kernel void scale(uint n, int factor, global const int *in, global int *out)\n"
    "{\n"
    "    uint i = get_global_id(0);\n"
    "    if (i < n) out[i] = factor * in[i];\n"
    "}\n"
    "kernel void sum_group(local int *work, global int *out)\n"
    "{\n"
    "    uint i = get_local_id(0);\n"
    "    work[i] = (int)i;\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    if (i == 0) {\n"
    "        int sum = 0;\n"
    "        for (uint j = 0; j < get_local_size(0); j++) sum += work[j];\n"
    "        out[get_group_id(0)] = sum;\n"
    "    }\n"
    "}\n";

static meso_error err;
static char cache_home[64], cache[128];
static int n_from_source, n_from_cache;

static void count_builds(void *self, log_level level, const char *message)
{
    (void)self, (void)level;
    n_from_source += strstr(message, "built from source") != NULL;
    n_from_cache += strstr(message, "taken from the cache") != NULL;
}

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != MESO_OK)                                                                     \
            fail_msg("%s: %s", #call, err.message);                                                \
    } while (0)

static meso_device *open_with(meso_device_options options)
{
    meso_device *device;
    if (!options.selector)
        options.selector = getenv("MESOCL_TEST_DEVICE");
    assert_ok(meso_device_open(&options, &device, &err));
    return device;
}

static uint32_t count_devices(void)
{
    meso_device_info *devices;
    uint32_t n;
    assert_ok(meso_device_list(&devices, &n, &err));
    free(devices);
    return n;
}

/* --- choosing a device ------------------------------------------------------------------------ */

static void test_list_describes_every_device(void **state)
{
    (void)state;
    meso_device_info *devices;
    uint32_t n;
    assert_ok(meso_device_list(&devices, &n, &err));
    assert_true(n > 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(devices[i].name[0] != '\0');
        assert_true(devices[i].compute_units > 0);
        assert_true(devices[i].max_alloc_bytes > 0);
        assert_true(devices[i].global_bytes >= devices[i].max_alloc_bytes / 2);
    }
    free(devices);
}

static void test_device_is_chosen_by_index_or_part_of_its_name(void **state)
{
    (void)state;
    meso_device *device = open_with((meso_device_options){.selector = "0"});
    meso_device_info info = *meso_device_describe(device);
    meso_device_close(&device);
    assert_null(device);
    if (count_devices() > 1)
        return; /* a part of the name could match others too */
    char part[8] = "";
    for (size_t i = 0; i + 1 < sizeof part && info.name[i + 1]; i++)
        part[i] = info.name[i + 1] >= 'a' && info.name[i + 1] <= 'z' ? (char)(info.name[i + 1] - 32)
                                                                     : info.name[i + 1];
    device = open_with((meso_device_options){.selector = part});
    assert_string_equal(meso_device_describe(device)->name, info.name);
    meso_device_close(&device);
    device = open_with((meso_device_options){.selector = info.is_gpu ? "GPU" : "cpu"});
    meso_device_close(&device);
}

static void test_unknown_selector_lists_the_devices(void **state)
{
    (void)state;
    meso_device *device;
    meso_device_options options = {.selector = "abacus"};
    assert_int_equal(meso_device_open(&options, &device, &err), MESO_NOT_FOUND);
    assert_null(device);
    assert_non_null(strstr(err.message, "\"abacus\""));
    assert_non_null(strstr(err.message, "\n  0: "));
}

static void test_environment_chooses_when_no_selector_is_given(void **state)
{
    (void)state;
    meso_device *device;
    setenv("MESOCL_DEVICE", "slide rule", 1);
    assert_int_equal(meso_device_open(NULL, &device, &err), MESO_NOT_FOUND);
    assert_non_null(strstr(err.message, "slide rule"));
    setenv("MESOCL_DEVICE", "0", 1);
    assert_ok(meso_device_open(NULL, &device, &err));
    meso_device_close(&device);
    unsetenv("MESOCL_DEVICE");
}

/* --- buffers ---------------------------------------------------------------------------------- */

static void test_buffers_hold_what_was_written(void **state)
{
    meso_device *device = *state;
    uint32_t content[5] = {1, 2, 3, 4, 5}, back[5] = {0};
    buffer b;
    assert_ok(buffer_create(device, BUFFER_PASSING, "numbers", sizeof content, content, &b, &err));
    assert_ok(buffer_read(device, &b, 0, sizeof back, back, &err));
    assert_memory_equal(back, content, sizeof back);
    uint32_t nine = 9;
    cl_event event;
    assert_ok(buffer_write_begin(device, &b, 4, 4, &nine, &event, &err));
    assert_ok(device_wait(device, &event, &err));
    assert_ok(buffer_clear(device, &b, 12, 8, &err));
    assert_ok(buffer_read_begin(device, &b, 0, sizeof back, back, &event, &err));
    assert_ok(device_wait(device, &event, &err));
    assert_null(event);
    assert_memory_equal(back, ((uint32_t[]){1, 9, 3, 0, 0}), sizeof back);
    buffer_destroy(device, &b);
}

static void test_buffer_without_content_is_zero(void **state)
{
    meso_device *device = *state;
    unsigned char back[1001];
    buffer b;
    assert_ok(buffer_create(device, BUFFER_PASSING, "zeros", sizeof back, NULL, &b, &err));
    memset(back, 1, sizeof back);
    assert_ok(buffer_read(device, &b, 0, sizeof back, back, &err));
    for (size_t i = 0; i < sizeof back; i++)
        assert_int_equal(back[i], 0);
    buffer_destroy(device, &b);
}

static void test_memory_in_use_is_counted(void **state)
{
    meso_device *device = *state;
    uint64_t before, now, peak;
    buffer a, empty;
    meso_device_memory(device, &before, &peak);
    assert_ok(buffer_create(device, BUFFER_PASSING, "a", 4096, NULL, &a, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "empty", 0, NULL, &empty, &err));
    meso_device_memory(device, &now, &peak);
    assert_int_equal(now, before + 4096 + 4);
    buffer_destroy(device, &a);
    buffer_destroy(device, &empty);
    buffer_destroy(device, &empty);
    meso_device_memory(device, &now, &peak);
    assert_int_equal(now, before);
    assert_true(peak >= before + 4100);
}

static void test_buffer_over_the_limit_names_itself_and_the_limits(void **state)
{
    meso_device *device = *state;
    buffer b;
    size_t bytes = meso_device_describe(device)->max_alloc_bytes + 4;
    assert_int_equal(buffer_create(device, BUFFER_PASSING, "synapses", bytes, NULL, &b, &err),
                     MESO_DEVICE_MEMORY);
    assert_null(b.mem);
    assert_non_null(strstr(err.message, "`synapses`"));
    assert_non_null(strstr(err.message, "largest single buffer"));
}

static meso_status see_last(void *self, const buffer *b, meso_error *err)
{
    (void)err;
    *(const char **)self = b->name;
    return MESO_OK;
}

static void test_a_buffer_says_what_it_is_to_a_restart(void **state)
{
    meso_device *device = *state;
    meso_error err = {0};
    buffer a, b;
    const buffer_spec forgotten = {.name = "forgotten", .bytes = 8, .out = &a};
    assert_int_equal(buffers_create(device, &forgotten, 1, &err), MESO_INTERNAL);
    assert_string_equal(err.message,
                        "buffer `forgotten` does not say whether it is constant or state");
    const uint64_t first = buffers_made(device);
    assert_ok(buffer_create(device, BUFFER_STATE, "a", 8, NULL, &a, &err));
    assert_ok(buffer_create(device, BUFFER_CONSTANT, "b", 8, NULL, &b, &err));
    const char *seen = "";
    assert_ok(buffers_visit(device, first, first + 2, see_last, &seen, &err));
    assert_string_equal(seen, "b");
    buffer_destroy(device, &b);
    assert_ok(buffers_visit(device, first, first + 2, see_last, &seen, &err));
    assert_string_equal(seen, "a");
    buffer_destroy(device, &a);
}

static void test_transfer_past_the_end_is_refused(void **state)
{
    meso_device *device = *state;
    buffer b;
    char byte[16];
    assert_ok(buffer_create(device, BUFFER_PASSING, "short", 8, NULL, &b, &err));
    assert_int_equal(buffer_read(device, &b, 4, 8, byte, &err), MESO_INTERNAL);
    assert_string_equal(err.message, "read of 8 bytes at 4 passes the end of `short` (8 bytes)");
    assert_ok(buffer_read(device, &b, 8, 0, byte, &err));
    buffer_destroy(device, &b);
}

/* --- kernels ---------------------------------------------------------------------------------- */

static void test_kernel_computes(void **state)
{
    meso_device *device = *state;
    int32_t in[6] = {1, -2, 3, -4, 5, -6}, out[6];
    cl_program program;
    kernel scale;
    buffer from, to;
    assert_ok(program_build(device, "test", SOURCE, "", &program, &err));
    assert_ok(kernel_create(program, "scale", &scale, &err));
    assert_int_equal(scale.n_arguments, 4);
    assert_ok(buffer_create(device, BUFFER_PASSING, "from", sizeof in, in, &from, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "to", sizeof out, NULL, &to, &err));
    assert_ok(kernel_set_u32(&scale, 0, 6, &err));
    assert_ok(kernel_set_i32(&scale, 1, -10, &err));
    assert_ok(kernel_set_buffer(&scale, 2, &from, &err));
    assert_ok(kernel_set_buffer(&scale, 3, &to, &err));
    assert_ok(device_launch(device, &scale, 2, 4, &err));
    assert_ok(device_flush(device, &err));
    assert_ok(device_wait(device, NULL, &err));
    assert_ok(buffer_read(device, &to, 0, sizeof out, out, &err));
    for (int i = 0; i < 6; i++)
        assert_int_equal(out[i], -10 * in[i]);
    buffer_destroy(device, &from);
    buffer_destroy(device, &to);
    kernel_release(&scale);
    program_release(&program);
    assert_null(program);
}

static void test_groups_share_local_memory(void **state)
{
    meso_device *device = *state;
    int32_t out[3];
    cl_program program;
    kernel sum;
    buffer to;
    assert_ok(program_build(device, "test", SOURCE, NULL, &program, &err));
    assert_ok(kernel_create(program, "sum_group", &sum, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "to", sizeof out, NULL, &to, &err));
    assert_ok(kernel_set_local(&sum, 0, 8 * sizeof(int32_t), &err));
    assert_ok(kernel_set_buffer(&sum, 1, &to, &err));
    assert_ok(device_launch(device, &sum, 3, 8, &err));
    assert_ok(device_launch(device, &sum, 0, 8, &err));
    assert_ok(buffer_read(device, &to, 0, sizeof out, out, &err));
    for (int i = 0; i < 3; i++)
        assert_int_equal(out[i], 28);
    buffer_destroy(device, &to);
    kernel_release(&sum);
    program_release(&program);
}

static void test_launch_with_a_missing_argument_is_refused(void **state)
{
    meso_device *device = *state;
    cl_program program;
    kernel scale;
    assert_ok(program_build(device, "test", SOURCE, "", &program, &err));
    assert_ok(kernel_create(program, "scale", &scale, &err));
    assert_ok(kernel_set_u32(&scale, 0, 1, &err));
    assert_int_equal(device_launch(device, &scale, 1, 1, &err), MESO_INTERNAL);
    assert_string_equal(err.message, "kernel `scale`: argument 1 of 4 was never set");
    assert_int_equal(kernel_set_u32(&scale, 4, 1, &err), MESO_INTERNAL);
    assert_string_equal(err.message, "kernel `scale` has no argument 4 (it has 4)");
    kernel_release(&scale);
    program_release(&program);
}

static void test_unknown_kernel_names_itself(void **state)
{
    meso_device *device = *state;
    cl_program program;
    kernel k;
    assert_ok(program_build(device, "test", SOURCE, "", &program, &err));
    assert_int_equal(kernel_create(program, "divide", &k, &err), MESO_DEVICE);
    assert_string_equal(err.message,
                        "CL_INVALID_KERNEL_NAME (-46) from clCreateKernel of `divide`");
    program_release(&program);
}

static void test_group_that_is_too_large_is_an_error_of_the_launch(void **state)
{
    meso_device *device = *state;
    cl_program program;
    kernel sum;
    buffer to;
    assert_ok(program_build(device, "test", SOURCE, "", &program, &err));
    assert_ok(kernel_create(program, "sum_group", &sum, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "to", 4, NULL, &to, &err));
    assert_ok(kernel_set_local(&sum, 0, 4, &err));
    assert_ok(kernel_set_buffer(&sum, 1, &to, &err));
    size_t too_many = 2 * meso_device_describe(device)->max_work_group;
    assert_int_equal(device_launch(device, &sum, 1, too_many, &err), MESO_DEVICE);
    assert_non_null(strstr(err.message, "1 groups of "));
    assert_non_null(strstr(err.message, "CL_INVALID_WORK_"));
    assert_non_null(strstr(err.message, "`sum_group`"));
    buffer_destroy(device, &to);
    kernel_release(&sum);
    program_release(&program);
}

static void test_build_error_shows_the_compilers_words(void **state)
{
    meso_device *device = *state;
    cl_program program;
    const char *source = "kernel void f(global int *x) { x[0] = undeclared_thing; }\n";
    assert_int_equal(program_build(device, "broken", source, "", &program, &err),
                     MESO_KERNEL_BUILD);
    assert_null(program);
    assert_non_null(strstr(err.message, "program `broken` does not compile for "));
    assert_non_null(strstr(err.message, "undeclared_thing"));
}

/* --- the program cache ------------------------------------------------------------------------ */

/* Build once on a fresh device; where did the program come from? */
static void build(meso_device_options options, const char *source, const char *build_options)
{
    meso_device *device = open_with(options);
    cl_program program;
    kernel scale;
    n_from_source = n_from_cache = 0;
    assert_ok(program_build(device, "test", source, build_options, &program, &err));
    assert_ok(kernel_create(program, "scale", &scale, &err));
    kernel_release(&scale);
    program_release(&program);
    meso_device_close(&device);
}

/* Paths of the entries; `path` gets the last one. */
static int entries(char path[512])
{
    int n = 0;
    DIR *directory = opendir(cache);
    if (!directory)
        return 0;
    for (struct dirent *e; (e = readdir(directory));)
        if (e->d_name[0] != '.' || strncmp(e->d_name, ".new", 4) == 0) {
            snprintf(path, 512, "%s/%s", cache, e->d_name);
            n++;
        }
    closedir(directory);
    return n;
}

static void clear_cache(void)
{
    char path[512];
    while (entries(path) > 0)
        unlink(path);
}

static void test_second_build_comes_from_the_cache(void **state)
{
    (void)state;
    char path[512];
    struct stat s;
    clear_cache();
    build((meso_device_options){0}, SOURCE, "-DX=1");
    assert_int_equal(n_from_source, 1);
    assert_int_equal(stat(cache, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0700);
    if (entries(path) == 0)
        skip(); /* this driver gives no binaries */
    build((meso_device_options){0}, SOURCE, "-DX=1");
    assert_int_equal(n_from_cache, 1);
    assert_int_equal(entries(path), 1);
    build((meso_device_options){0}, SOURCE, "-DX=2");
    assert_int_equal(n_from_source, 1);
    assert_int_equal(entries(path), 2);
}

/* Damage the only entry by `damage`, then expect a rebuild that repairs it. */
static void expect_repair(void (*damage)(const char *path))
{
    char path[512];
    clear_cache();
    build((meso_device_options){0}, SOURCE, "");
    if (entries(path) == 0)
        skip();
    damage(path);
    build((meso_device_options){0}, SOURCE, "");
    assert_int_equal(n_from_source, 1);
    build((meso_device_options){0}, SOURCE, "");
    assert_int_equal(n_from_cache, 1);
}

static void flip_a_byte(const char *path)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 100, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, 100, SEEK_SET);
    fputc(byte ^ 0x10, file);
    fclose(file);
}

static void cut_short(const char *path)
{
    assert_int_equal(truncate(path, 60), 0);
}

static void empty(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void replace_by_text(const char *path)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("this is not a program\n", file);
    fclose(file);
}

static void test_damaged_entries_are_rebuilt(void **state)
{
    (void)state;
    expect_repair(flip_a_byte);
    expect_repair(cut_short);
    expect_repair(empty);
    expect_repair(replace_by_text);
}

static void test_cache_can_be_switched_off(void **state)
{
    (void)state;
    char path[512];
    clear_cache();
    build((meso_device_options){.no_program_cache = true}, SOURCE, "");
    assert_int_equal(entries(path), 0);
    setenv("MESOCL_NO_CACHE", "1", 1);
    build((meso_device_options){0}, SOURCE, "");
    unsetenv("MESOCL_NO_CACHE");
    assert_int_equal(entries(path), 0);
}

static void test_without_a_place_for_the_cache_programs_still_build(void **state)
{
    (void)state;
    setenv("XDG_CACHE_HOME", "/proc/no-such-place", 1);
    build((meso_device_options){0}, SOURCE, "");
    setenv("XDG_CACHE_HOME", cache_home, 1);
}

static void test_cache_that_others_can_write_to_is_not_trusted(void **state)
{
    (void)state;
    char path[512];
    clear_cache();
    assert_int_equal(chmod(cache, 0777), 0);
    build((meso_device_options){0}, SOURCE, "");
    assert_int_equal(chmod(cache, 0700), 0);
    assert_int_equal(entries(path), 0);
}

/* --- the profile ------------------------------------------------------------------------------ */

static uint64_t launches(const meso_profile_row *rows, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].n;
    return 0;
}

static void test_profile_counts_launches_and_transfers_by_name(void **state)
{
    (void)state;
    enum { N_LAUNCHES = 1500 }; /* more than events can be pending */
    meso_device *device = open_with((meso_device_options){.profile = true});
    cl_program program;
    kernel sum;
    buffer to;
    int32_t out;
    cl_event event;
    assert_ok(program_build(device, "test", SOURCE, "", &program, &err));
    assert_ok(kernel_create(program, "sum_group", &sum, &err));
    assert_ok(buffer_create(device, BUFFER_PASSING, "to", sizeof out, NULL, &to, &err));
    assert_ok(kernel_set_local(&sum, 0, sizeof out, &err));
    assert_ok(kernel_set_buffer(&sum, 1, &to, &err));
    for (int i = 0; i < N_LAUNCHES; i++)
        assert_ok(device_launch(device, &sum, 1, 1, &err));
    assert_ok(buffer_read_begin(device, &to, 0, sizeof out, &out, &event, &err));
    assert_ok(device_wait(device, &event, &err));
    assert_ok(buffer_read(device, &to, 0, sizeof out, &out, &err));

    meso_profile_row *rows;
    uint32_t n;
    assert_ok(meso_device_profile(device, &rows, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(launches(rows, n, "sum_group"), N_LAUNCHES);
    assert_int_equal(launches(rows, n, "read"), 2);
    assert_int_equal(launches(rows, n, "write"), 1); /* zeros of a small buffer */
    assert_true(rows[0].total_s > 0);
    for (uint32_t i = 1; i < n; i++)
        assert_true(rows[i - 1].total_s >= rows[i].total_s);
    free(rows);
    buffer_destroy(device, &to);
    kernel_release(&sum);
    program_release(&program);
    meso_device_close(&device);
}

static void test_profile_is_empty_unless_asked_for(void **state)
{
    meso_device *device = *state;
    meso_profile_row *rows;
    uint32_t n;
    assert_ok(meso_device_profile(device, &rows, &n, &err));
    assert_int_equal(n, 0);
    assert_null(rows);
}

/* --- set-up ----------------------------------------------------------------------------------- */

static int open_shared(void **state)
{
    strcpy(cache_home, "/tmp/mesocl-test-XXXXXX");
    if (!mkdtemp(cache_home))
        return -1;
    snprintf(cache, sizeof cache, "%s/mesocl", cache_home);
    setenv("XDG_CACHE_HOME", cache_home, 1);
    unsetenv("MESOCL_DEVICE");
    unsetenv("MESOCL_NO_CACHE");
    log_listen(count_builds, NULL);
    *state = open_with((meso_device_options){0});
    return 0;
}

static int close_shared(void **state)
{
    meso_device *device = *state;
    meso_device_close(&device);
    /* Drivers keep caches there, too. */
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", cache_home);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_describes_every_device),
        cmocka_unit_test(test_device_is_chosen_by_index_or_part_of_its_name),
        cmocka_unit_test(test_unknown_selector_lists_the_devices),
        cmocka_unit_test(test_environment_chooses_when_no_selector_is_given),
        cmocka_unit_test(test_a_buffer_says_what_it_is_to_a_restart),
        cmocka_unit_test(test_buffers_hold_what_was_written),
        cmocka_unit_test(test_buffer_without_content_is_zero),
        cmocka_unit_test(test_memory_in_use_is_counted),
        cmocka_unit_test(test_buffer_over_the_limit_names_itself_and_the_limits),
        cmocka_unit_test(test_transfer_past_the_end_is_refused),
        cmocka_unit_test(test_kernel_computes),
        cmocka_unit_test(test_groups_share_local_memory),
        cmocka_unit_test(test_launch_with_a_missing_argument_is_refused),
        cmocka_unit_test(test_unknown_kernel_names_itself),
        cmocka_unit_test(test_group_that_is_too_large_is_an_error_of_the_launch),
        cmocka_unit_test(test_build_error_shows_the_compilers_words),
        cmocka_unit_test(test_second_build_comes_from_the_cache),
        cmocka_unit_test(test_damaged_entries_are_rebuilt),
        cmocka_unit_test(test_cache_can_be_switched_off),
        cmocka_unit_test(test_without_a_place_for_the_cache_programs_still_build),
        cmocka_unit_test(test_cache_that_others_can_write_to_is_not_trusted),
        cmocka_unit_test(test_profile_counts_launches_and_transfers_by_name),
        cmocka_unit_test(test_profile_is_empty_unless_asked_for),
    };
    return cmocka_run_group_tests(tests, open_shared, close_shared);
}
