#include "gateway/delivery/engine_core.hpp"
#include "gateway/delivery/record.hpp"

namespace weft::gateway::delivery {

using reliability::StateChange;
using reliability::StateStore;

namespace {

constexpr fabric::Instant room_again = std::chrono::milliseconds{50};

struct OfOne {
    std::uint64_t serial;
    std::string id;
    std::deque<Attempt> attempts;
};

std::string key_of(const std::string& id) {
    return std::string{attempts_prefix} + id;
}

}  // namespace

void LiveEngine::Core::attempts_changed(Entry& entry) {
    const bool shown_to_somebody = entry.presenter != nullptr && entry.presenter->shows_attempts();
    if (!shown_to_somebody || std::exchange(entry.attempts_unkept, true)) return;
    unkept.push_back(entry.serial);
}

void LiveEngine::Core::keep_attempts(std::size_t most) {
    if (keeping_attempts) return;
    const auto all = std::make_shared<std::vector<OfOne>>();
    while (!unkept.empty() && all->size() < most) {
        Entry* entry = find(unkept.front());
        unkept.pop_front();
        if (entry == nullptr) continue;
        entry->attempts_unkept = false;
        all->push_back({entry->serial, entry->courier.subscription().id, entry->attempts});
    }
    if (all->empty()) return;
    const auto done = [this, all] {
        keeping_attempts = false;
        for (const OfOne& one : *all) {
            if (find(one.serial) != nullptr) continue;
            // It was removed meanwhile, and this may have come after that.
            keep(
                [key = key_of(one.id)](JournalThings& things) {
                    return things.journal.state().apply({{key, std::nullopt}});
                },
                [](const reliability::JournalResult<void>&) {});
        }
    };
    keeping_attempts = parts.room.work([weak = weak_from_this(), all, done](JournalThings& things) {
        std::vector<StateChange> changes;
        changes.reserve(all->size());
        for (const OfOne& one : *all) {
            changes.push_back({key_of(one.id), encode_attempts(one.attempts)});
        }
        // Where they cannot be written the next attempt writes them all.
        static_cast<void>(things.journal.state().apply(changes, StateStore::Durability::lazy));
        if (const auto self = weak.lock()) self->post(done);
    });
    if (keeping_attempts) return;
    for (const OfOne& one : *all) attempts_changed(*find(one.serial));
    next_sweep = std::min(next_sweep, parts.clock.steady() + room_again);
}

}  // namespace weft::gateway::delivery
