#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

static void print_device(uint32_t index, const meso_device_info *d)
{
    char memory[QUANTITY_SIZE], buffer[QUANTITY_SIZE], local[QUANTITY_SIZE];
    printf("%u: %s\n", index, d->name);
    printf("   kind            %s, %s\n",
           d->is_gpu   ? "GPU"
           : d->is_cpu ? "CPU"
                       : "accelerator",
           d->vendor);
    printf("   platform        %s, driver %s\n", d->platform, d->driver);
    printf("   language        %s\n", d->opencl_c);
    printf("   compute units   %u at %u MHz, %u floats wide\n", d->compute_units, d->clock_mhz,
           d->vector_width);
    printf("   work-group      at most %llu work-items, %s of local memory\n",
           (unsigned long long)d->max_work_group, format_bytes(local, d->local_bytes));
    printf("   memory          %s, one buffer at most %s\n", format_bytes(memory, d->global_bytes),
           format_bytes(buffer, d->max_alloc_bytes));
    printf("   double          %s\n", d->fp64 ? "yes" : "no (not needed)");
}

/* What a person may have expected to see, and how to get it. */
static void print_missing(const meso_device_info *devices, uint32_t n)
{
    bool has_cpu = false, has_gpu = false;
    for (uint32_t i = 0; i < n; i++) {
        has_cpu = has_cpu || devices[i].is_cpu;
        has_gpu = has_gpu || devices[i].is_gpu;
    }
    if (n == 0)
        printf("no OpenCL device\n");
    if (!has_cpu)
        printf("no CPU device: install pocl-opencl-icd\n");
    if (!has_gpu)
        printf("no GPU device: if there is a GPU, install its vendor's OpenCL driver\n"
               "   (NVIDIA: the driver package with nvidia-opencl-icd; AMD: rocm-opencl-icd or\n"
               "   mesa-opencl-icd; Intel: intel-opencl-icd)\n");
}

static int run(const command *self, int argc, char **argv)
{
    const char *nothing;
    if (next_option(self, argc, argv) == OPTIONS_BAD || !read_operand(self, argc, argv, &nothing))
        return EXIT_USAGE;
    meso_error err = {0};
    meso_device_info *devices;
    uint32_t n;
    meso_status status = meso_device_list(&devices, &n, &err);
    if (status != MESO_OK)
        return report_error(status, &err);
    for (uint32_t i = 0; i < n; i++)
        print_device(i, &devices[i]);
    print_missing(devices, n);
    free(devices);
    return EXIT_SUCCESS;
}

const command devices_command = {
    .name = "devices",
    .summary = "list the OpenCL devices, their limits, and what is missing",
    .details = "The index, a part of the name or platform, \"cpu\" or \"gpu\" chooses a device in\n"
               "`mesocl run --device` and in MESOCL_DEVICE.\n",
    .run = run,
};
