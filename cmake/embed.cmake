# embed_files(directory output): a C file that holds every .cl, .clh and .json file below `directory`:
#
#     struct embedded_file { const char *path, *text; };
#     const struct embedded_file embedded_files[];   sorted by path, which is relative to `directory`
#     const size_t n_embedded_files;
#
# It is written anew when one of the files changes. This file is also the script that writes it.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(embed_script ${CMAKE_CURRENT_LIST_FILE})

    function(embed_files directory output)
        file(GLOB_RECURSE files CONFIGURE_DEPENDS
             ${directory}/*.cl ${directory}/*.clh ${directory}/*.json)
        add_custom_command(
            OUTPUT ${output}
            COMMAND ${CMAKE_COMMAND} -D directory=${directory} -D output=${output} -P ${embed_script}
            DEPENDS ${files} ${embed_script}
            COMMENT "Embedding kernels"
            VERBATIM)
    endfunction()
    return()
endif()

file(GLOB_RECURSE paths RELATIVE ${directory}
     ${directory}/*.cl ${directory}/*.clh ${directory}/*.json)
list(SORT paths)

set(texts "")
set(rows "")
set(n 0)
foreach(path IN LISTS paths)
    # Bytes, not string literals: a literal may be no longer than 64 KiB in portable C.
    file(READ ${directory}/${path} bytes HEX)
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
