# Every third-party library that weft uses, found here once. All are Debian 12 packages;
# scripts/install-dependencies.sh installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(simdjson REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(RocksDB 7 REQUIRED)
pkg_check_modules(libzmq REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(libcares REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(libsodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(yamlcpp REQUIRED IMPORTED_TARGET yaml-cpp)

# Header-only ones, by the header that proves they are there.
foreach(header zmq.hpp msgpack.hpp tl/expected.hpp boost/beast.hpp)
    string(MAKE_C_IDENTIFIER "WEFT_HAVE_${header}" found)
    find_path(${found} ${header} REQUIRED)
endforeach()
add_library(weft_msgpack INTERFACE)
target_compile_definitions(weft_msgpack INTERFACE MSGPACK_NO_BOOST)
