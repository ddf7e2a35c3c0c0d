#include "gateway/routemaster/state_desk.hpp"

#include <memory>
#include <utility>

namespace weft::gateway::routemaster {
namespace {

constexpr std::size_t entries_at_a_time = 1000;
constexpr const char* busy = "too much waits for the journal";

tl::expected<StateDesk::Entries, std::string> read_all(reliability::StateStore& state) {
    StateDesk::Entries all;
    std::string after;
    while (true) {
        auto some = state.list("routemaster/", after, entries_at_a_time);
        if (!some) return tl::make_unexpected(some.error().sentence);
        if (some->empty()) return all;
        after = some->back().first;
        for (auto& entry : *some) all.push_back(std::move(entry));
    }
}

}  // namespace

void StateDesk::apply(Changes changes, Durability durability, OnDone done) {
    if (changes.empty()) return done({});
    const auto shared = std::make_shared<OnDone>(std::move(done));
    const bool taken =
        room_.work([changes = std::move(changes), durability, shared](JournalThings& things) {
            const auto applied = things.journal.state().apply(changes, durability);
            if (!applied) return (*shared)(tl::make_unexpected(applied.error().sentence));
            (*shared)({});
        });
    if (!taken) (*shared)(tl::make_unexpected(std::string{busy}));
}

void StateDesk::load(OnEntries done) {
    const auto shared = std::make_shared<OnEntries>(std::move(done));
    const bool taken = room_.work(
        [shared](JournalThings& things) { (*shared)(read_all(things.journal.state())); });
    if (!taken) (*shared)(tl::make_unexpected(std::string{busy}));
}

}  // namespace weft::gateway::routemaster
