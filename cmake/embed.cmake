# embed_files(output "prefix|directory"...): a C file that holds every .cl, .clh and .json file below the
# directories:
#
#     struct embedded_file { const char *path, *text; };
#     const struct embedded_file embedded_files[];   sorted by path: prefix and path below the directory
#     const size_t n_embedded_files;
#
# It is written anew when one of the files changes. This file is also the script that writes it.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(embed_script ${CMAKE_CURRENT_LIST_FILE})

    function(embed_files output)
        set(files "") # "path in the table,path on disk"
        set(disk_files "")
        foreach(tree IN LISTS ARGN)
            string(REGEX MATCH "^(.*)\\|(.*)$" tree "${tree}")
            set(prefix "${CMAKE_MATCH_1}")
            set(directory "${CMAKE_MATCH_2}")
            file(GLOB_RECURSE paths CONFIGURE_DEPENDS RELATIVE ${directory}
                 ${directory}/*.cl ${directory}/*.clh ${directory}/*.json)
            list(FILTER paths EXCLUDE REGEX "schema\\.json$") # the program prints it
            foreach(path IN LISTS paths)
                list(APPEND files "${prefix}${path},${directory}/${path}")
                list(APPEND disk_files ${directory}/${path})
            endforeach()
        endforeach()
        list(SORT files)
        add_custom_command(
            OUTPUT ${output}
            COMMAND ${CMAKE_COMMAND} -D "files=${files}" -D output=${output} -P ${embed_script}
            DEPENDS ${disk_files} ${embed_script}
            COMMENT "Embedding kernels and experiments"
            VERBATIM)
    endfunction()
    return()
endif()

set(texts "")
set(rows "")
set(n 0)
foreach(file IN LISTS files)
    string(REPLACE "," ";" file "${file}")
    list(GET file 0 path)
    list(GET file 1 disk_path)
    # Bytes, not string literals: a literal may be no longer than 64 KiB in portable C.
    file(READ ${disk_path} bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n    " bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND texts "/* ${path} */\n"
                        "static const unsigned char text_${n}[] = {\n    ${bytes}0x00};\n\n")
    string(APPEND rows "    {\"${path}\", (const char *)text_${n}},\n")
    math(EXPR n "${n} + 1")
endforeach()

file(WRITE ${output}
"#include <stddef.h>

struct embedded_file {
    const char *path, *text;
};

extern const struct embedded_file embedded_files[];
extern const size_t n_embedded_files;

${texts}const struct embedded_file embedded_files[] = {
${rows}    {NULL, NULL},
};
const size_t n_embedded_files = ${n};
")
