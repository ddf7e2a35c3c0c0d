#include "tests/fault/ack_storm/demand.hpp"

#include <algorithm>

namespace weft::fault::storm {
namespace {

using reliability::AckLevel;

std::string text_of(const Demand::Group& group) {
    std::string names;
    for (const Member* one : group.members) names += (names.empty() ? "" : ", ") + one->name;
    if (group.members.size() == 1) return names;
    if (group.needed == group.members.size()) return "all(" + names + ")";
    if (group.needed == 1) return "any(" + names + ")";
    return std::to_string(group.needed) + " of (" + names + ")";
}

AckLevel random_level(Random& random) {
    const std::uint64_t roll = random.below(100);
    if (roll < 45) return AckLevel::received;
    return roll < 95 ? AckLevel::processed : AckLevel::stored;
}

std::vector<const Member*> random_members(Random& random) {
    // Half of the publishes ask only those who speak, or the storm would be a calm of deadlines.
    const bool speakers_only = random.permille(500);
    std::vector<const Member*> choice;
    for (const Member& one : cast()) {
        const bool speaks = one.part == Part::good || one.part == Part::refuser;
        if (speaks || !speakers_only) choice.push_back(&one);
    }
    const std::size_t count = random.between(std::uint64_t{1}, std::uint64_t{4});
    std::vector<const Member*> members;
    while (members.size() < count) {
        const std::size_t at = random.below(choice.size());
        members.push_back(choice[at]);
        choice.erase(choice.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return members;
}

}  // namespace

std::string Demand::text() const {
    if (groups.size() == 1) return text_of(groups.front());
    std::string all;
    for (const Group& group : groups) all += (all.empty() ? "" : ", ") + text_of(group);
    return "all(" + all + ")";
}

std::vector<const Member*> Demand::members() const {
    std::vector<const Member*> all;
    for (const Group& group : groups) {
        all.insert(all.end(), group.members.begin(), group.members.end());
    }
    return all;
}

Ending Demand::ending(const TruthOf& truth) const {
    bool satisfied = true;
    for (const Group& group : groups) {
        std::size_t acknowledge = 0, reject = 0;
        for (const Member* one : group.members) {
            const Truth said = truth(*one);
            if (said == Truth::acknowledges) ++acknowledge;
            if (said == Truth::rejects) ++reject;
        }
        if (group.members.size() - reject < group.needed) return Ending::rejected;
        if (acknowledge < group.needed) satisfied = false;
    }
    return satisfied ? Ending::acknowledged : Ending::unknown;
}

Ending Demand::ending(const Chance& chance) const {
    return ending([&](const Member& one) { return truth_of(one.part, level, chance); });
}

bool Demand::is_prompt() const {
    // Who answers more only makes an open end less likely.
    return ending(Chance{.flaky_answers = false, .refuser_refuses = false}) != Ending::unknown &&
           ending(Chance{.flaky_answers = false, .refuser_refuses = true}) != Ending::unknown;
}

Demand random_demand(Random& random) {
    Demand demand;
    demand.level = random_level(random);
    std::vector<const Member*> members = random_members(random);
    const std::size_t count = members.size();
    const std::uint64_t shape = random.below(10);
    if (shape < 2 && count > 2) {
        demand.groups.push_back({1, {members.front()}});
        members.erase(members.begin());
        demand.groups.push_back({1, std::move(members)});
        return demand;
    }
    std::size_t needed = count;
    if (shape >= 6) needed = random.between(std::uint64_t{1}, std::uint64_t{count});
    demand.groups.push_back({needed, std::move(members)});
    return demand;
}

}  // namespace weft::fault::storm
