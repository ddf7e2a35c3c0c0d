# Warnings are errors, sanitizers come from WEFT_SANITIZE, ccache is used when it is there.
add_library(weft_compiler INTERFACE)
target_compile_features(weft_compiler INTERFACE cxx_std_20)

find_program(WEFT_CCACHE ccache)
if(WEFT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${WEFT_CCACHE})
endif()

set(weft_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                  -Wold-style-cast -Woverloaded-virtual -Wnull-dereference -Wimplicit-fallthrough
                  -Werror)
# g++ 12 reports false positives of these two inside its own std::string and optional at -O2.
set(weft_quiet $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-null-dereference>
               $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)

if(WEFT_SANITIZE)
    add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${WEFT_SANITIZE})
    if(WEFT_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
endif()
if(WEFT_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "WEFT_FUZZ needs clang, for its libFuzzer: use the preset `fuzz`")
    endif()
    # The library's own checks, such as front() of nothing, find what ASan cannot see.
    add_compile_options(-fsanitize=fuzzer-no-link -D_GLIBCXX_ASSERTIONS)
endif()
# asserts state invariants and stay on in every build (see ARCHITECTURE.md).
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_${config} "${CMAKE_CXX_FLAGS_${config}}")
endforeach()
