#include "tests/fault/ack_storm/cast.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "tests/fault/random.hpp"

namespace weft::fault::storm {
namespace {

using reliability::AckLevel;

std::uint64_t hash_of(const fabric::MessageId& id, std::uint64_t salt) {
    std::uint64_t random_half = 0;
    std::memcpy(&random_half, id.bytes().data() + 8, sizeof random_half);
    return Random(random_half ^ salt).next();
}

}  // namespace

const std::vector<Member>& cast() {
    static const std::vector<Member> members = {
        {"good1", Part::good},  {"good2", Part::good},    {"good3", Part::good},
        {"weak", Part::weak},   {"silent", Part::silent}, {"refuser", Part::refuser},
        {"flaky", Part::flaky}, {"forger", Part::forger}, {"replayer", Part::replayer},
    };
    return members;
}

const Member* member(std::string_view name) {
    const auto& all = cast();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Member& one) { return one.name == name; });
    return found == all.end() ? nullptr : &*found;
}

bool flaky_answers(const fabric::MessageId& id) {
    return hash_of(id, 0xF1A) % 100 < 60;
}

bool refuser_refuses(const fabric::MessageId& id) {
    return hash_of(id, 0x2EF) % 100 < 40;
}

std::string reason_of_refusal(const fabric::MessageId& id) {
    return "not with " + id.text();
}

Truth truth_of(Part part, AckLevel asked, const Chance& chance) {
    const bool consumes = part == Part::good || part == Part::weak || part == Part::refuser;
    if (consumes && asked == AckLevel::stored) return Truth::rejects;  // None is a journal.
    if (consumes && asked == AckLevel::received) return Truth::acknowledges;
    switch (part) {
        case Part::good:
            return Truth::acknowledges;
        case Part::refuser:
            return chance.refuser_refuses ? Truth::rejects : Truth::acknowledges;
        case Part::flaky:
            return chance.flaky_answers && asked != AckLevel::stored ? Truth::acknowledges
                                                                     : Truth::says_nothing;
        case Part::weak:
        case Part::silent:
        case Part::forger:
        case Part::replayer:
            return Truth::says_nothing;
    }
    return Truth::says_nothing;
}

}  // namespace weft::fault::storm
