# weft_library(NAME PUBLIC_HEADERS … SOURCES … LINKS … PRIVATE_LINKS …)
# One library per directory: weft_<name>, alias weft::<name>. PUBLIC_HEADERS are installed and must
# compile alone (target all_verify_interface_header_sets).
function(weft_library name)
    cmake_parse_arguments(arg "" "" "PUBLIC_HEADERS;SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
    set(target weft_${name})
    add_library(${target} STATIC ${arg_SOURCES})
    add_library(weft::${name} ALIAS ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
                   FILES ${arg_PUBLIC_HEADERS})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_compile_options(${target} PRIVATE ${weft_warnings} ${weft_quiet})
    target_link_libraries(${target} PUBLIC ${arg_LINKS} Threads::Threads PRIVATE ${arg_PRIVATE_LINKS})
endfunction()

# weft_program(NAME SOURCES … LINKS …): an executable with the project's warnings.
function(weft_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_options(${name} PRIVATE ${weft_warnings} ${weft_quiet})
    target_link_libraries(${name} PRIVATE ${arg_LINKS})
endfunction()
