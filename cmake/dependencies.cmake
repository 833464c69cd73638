# Everything that mesocl links with. A message for each names the package to install.

find_package(PkgConfig)
if(NOT PkgConfig_FOUND)
    message(FATAL_ERROR "pkg-config was not found. Debian and Ubuntu: apt-get install pkg-config")
endif()

function(missing what packages)
    message(FATAL_ERROR "${what} was not found. Debian and Ubuntu: apt-get install ${packages}\n"
                        "(scripts/install_packages.sh installs everything at once.)")
endfunction()

find_package(OpenCL)
if(NOT OpenCL_FOUND)
    missing("OpenCL (headers and ICD loader)" "ocl-icd-opencl-dev opencl-headers")
endif()

pkg_check_modules(cJSON IMPORTED_TARGET libcjson)
if(NOT cJSON_FOUND)
    missing("cJSON" "libcjson-dev")
endif()

pkg_check_modules(xxHash IMPORTED_TARGET libxxhash)
if(NOT xxHash_FOUND)
    missing("xxHash" "libxxhash-dev")
endif()

find_package(HDF5 COMPONENTS C)
if(NOT HDF5_FOUND)
    missing("HDF5 (C library)" "libhdf5-dev")
endif()

if(MESOCL_TESTS)
    pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
    if(NOT cmocka_FOUND)
        missing("cmocka (for the tests)" "libcmocka-dev")
    endif()
    find_path(RANDOM123_INCLUDE_DIR Random123/threefry.h)
    if(NOT RANDOM123_INCLUDE_DIR)
        missing("Random123 (for the tests)" "librandom123-dev")
    endif()
endif()
