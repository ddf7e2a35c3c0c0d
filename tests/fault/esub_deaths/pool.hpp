#pragma once
// A shared psub whose members are killed one by one, in receipt mode.

#include <cstddef>
#include <cstdint>
#include <string>

namespace weft::testing {

/// Replies to the pool from eight clients at once while one member after the other is killed with
/// -9 until one is left; prints what came of them. 0: none that was answered 200 is absent, and
/// every one was answered 200. `program`: this one, which is started for each member.
int run_pool(const std::string& program, std::size_t messages);

/// A member: prints each message, then confirms it.
int run_member(std::uint16_t port);

}  // namespace weft::testing
