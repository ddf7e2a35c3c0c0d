// What libFuzzer calls. WEFT_FUZZ_TARGET is the name of one target.

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    weft::fuzz::WEFT_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
    return 0;
}
