#pragma once
// What one publish of the storm asks for, and how it must end. Judged by counting, and not by the
// code that is under test.
// Threads: values and pure functions.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "reliability/ack/level.hpp"
#include "tests/fault/ack_storm/cast.hpp"
#include "tests/fault/random.hpp"

namespace weft::fault::storm {

enum class Ending { acknowledged, rejected, unknown };

/// Every group must have enough of its members; no member stands in two of them.
struct Demand {
    struct Group {
        std::size_t needed = 0;
        std::vector<const Member*> members;
    };
    std::vector<Group> groups;
    reliability::AckLevel level = reliability::AckLevel::received;

    /// In the grammar of recipients, such as "all(good1, any(weak, forger))".
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::vector<const Member*> members() const;

    using TruthOf = std::function<Truth(const Member&)>;
    [[nodiscard]] Ending ending(const TruthOf& truth) const;
    [[nodiscard]] Ending ending(const Chance& chance) const;
    /// It is acknowledged or rejected whatever the message's id: nobody need wait for a deadline.
    [[nodiscard]] bool is_prompt() const;
};

/// One to four names, all of them, any, some, or one and any of the others.
[[nodiscard]] Demand random_demand(Random& random);

}  // namespace weft::fault::storm
