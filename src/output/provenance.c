#include "output/provenance.h"
#include "base/hash.h"
#include <inttypes.h>
#include <mesocl/version.h>
#include <stdio.h>
#include <string.h>

static const uint32_t sonata_magic = 0x0A7A;
static const uint32_t sonata_version[2] = {0, 1};

meso_status result_file_begin(const char *path, const meso_run_info *info, h5_file *file,
                              meso_error *err)
{
    return info->start_s > 0 ? h5_file_go_on(path, file, err) : h5_file_create(path, file, err);
}

meso_status provenance_write(h5_file *file, const meso_run_info *info, bool sonata, meso_error *err)
{
    const char *json = meso_experiment_json(info->experiment);
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, hash_bytes(json, strlen(json), 0));

    MESO_TRY(h5_attribute_text(file, "/", "mesocl_version", MESO_VERSION, err));
    MESO_TRY(h5_attribute(file, "/", "seed", H5T_NATIVE_UINT64, 0, &info->seed, err));
    MESO_TRY(h5_attribute_text(file, "/", "device", info->device->name, err));
    MESO_TRY(h5_attribute_text(file, "/", "experiment_hash", hash, err));
    if (!sonata)
        return MESO_OK;
    MESO_TRY(h5_attribute(file, "/", "magic", H5T_NATIVE_UINT32, 0, &sonata_magic, err));
    return h5_attribute(file, "/", "version", H5T_NATIVE_UINT32, 2, sonata_version, err);
}

const char *provenance_version(void)
{
    return MESO_VERSION;
}
