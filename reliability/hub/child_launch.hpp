#pragma once
// fork and exec, with only async-signal-safe calls between them.
// Threads: any; the child dies with the calling thread. Errors: a sentence.

#include <sys/types.h>

#include <string>
#include <tl/expected.hpp>

#include "reliability/hub/child_process.hpp"
#include "reliability/hub/descriptor.hpp"

namespace weft::reliability::hub {

/// A child that runs its program, and our ends of what connects it. Whoever has it reaps it.
struct Launched {
    pid_t pid = -1;
    Descriptor in, out, err, extra;
};

/// The caller has blocked all signals in its thread, so that none of our handlers runs in the
/// child.
[[nodiscard]] tl::expected<Launched, std::string> launch(const ChildOrder& order);

}  // namespace weft::reliability::hub
