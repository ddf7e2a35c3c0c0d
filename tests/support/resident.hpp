#pragma once
// Whether resident memory says anything in this build: AddressSanitizer keeps what was freed in
// quarantine, hundreds of MiB of it, so bounds on memory hold in the other builds only.

namespace weft::testing {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool resident_memory_is_what_is_used = false;
#else
inline constexpr bool resident_memory_is_what_is_used = true;
#endif

}  // namespace weft::testing
