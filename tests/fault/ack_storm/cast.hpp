#pragma once
// Who takes part in the storm, and what each of them truly does about a message: decided by its
// name, the level that is asked for and a hash of the message's id, so that the publisher knows how
// each publish must end.
// Threads: values and pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/message_id.hpp"
#include "reliability/ack/level.hpp"

namespace weft::fault::storm {

enum class Part {
    good,      ///< Acknowledges all that it is asked for.
    weak,      ///< Says `received` and never ends its work.
    silent,    ///< Receives everything, says nothing.
    refuser,   ///< Rejects a share of what it is to process.
    flaky,     ///< Answers a share, and says nothing about the rest. Says `stored` unentitled.
    forger,    ///< Speaks for others with its own key, and for itself about other bytes.
    replayer,  ///< Has no voice of its own: sends others' ACKs again, whole and altered.
};

struct Member {
    std::string name;
    Part part;
};

inline constexpr std::string_view publisher_name = "storm.publisher";
inline constexpr std::string_view topics_glob = "storm.**";

[[nodiscard]] const std::vector<Member>& cast();
/// Null if nobody has this name.
[[nodiscard]] const Member* member(std::string_view name);

[[nodiscard]] bool flaky_answers(const fabric::MessageId& id);
[[nodiscard]] bool refuser_refuses(const fabric::MessageId& id);
/// In the refuser's own words.
[[nodiscard]] std::string reason_of_refusal(const fabric::MessageId& id);

/// All that the truth takes from an id.
struct Chance {
    bool flaky_answers = false;
    bool refuser_refuses = false;
    [[nodiscard]] static Chance of(const fabric::MessageId& id) {
        return {storm::flaky_answers(id), storm::refuser_refuses(id)};
    }
};

enum class Truth { acknowledges, rejects, says_nothing };
[[nodiscard]] Truth truth_of(Part part, reliability::AckLevel asked, const Chance& chance);

}  // namespace weft::fault::storm
