#include "gateway/delivery/engine_core.hpp"
#include "gateway/delivery/record.hpp"

namespace weft::gateway::delivery {

using reliability::StateChange;
using reliability::StateStore;

namespace {

constexpr fabric::Instant room_again = std::chrono::milliseconds{50};
constexpr std::size_t noted_at_once_max = 8;
constexpr std::size_t apply_bytes = std::size_t{2} << 20;

std::string key_of(std::string_view prefix, const std::string& id) {
    return std::string{prefix} + id;
}

std::size_t bytes_of(const std::vector<StateChange>& changes) {
    std::size_t bytes = 0;
    for (const StateChange& change : changes) {
        bytes += change.key.size() + (change.value ? change.value->size() : 0);
    }
    return bytes;
}

/// What all of it weighs stays below what one apply() takes.
reliability::JournalResult<void> apply_in_parts(StateStore& state,
                                                const std::vector<StateChange>& changes) {
    std::vector<StateChange> part;
    std::size_t bytes = 0;
    for (const StateChange& change : changes) {
        bytes += change.key.size() + (change.value ? change.value->size() : 0);
        part.push_back(change);
        // A cursor and the progress beside it stay together.
        if (bytes < apply_bytes || part.size() % 2 != 0) continue;
        if (auto done = state.apply(part, StateStore::Durability::lazy); !done) return done;
        part.clear();
        bytes = 0;
    }
    if (part.empty()) return {};
    return state.apply(part, StateStore::Durability::lazy);
}

}  // namespace

void LiveEngine::Core::keep(Work work, Then then) {
    to_keep.emplace_back(std::move(work), std::move(then));
}

void LiveEngine::Core::start_keeping() {
    if (keeping || to_keep.empty() || parts.clock.steady() < keep_again) return;
    auto job = std::make_shared<std::pair<Work, Then>>(std::move(to_keep.front()));
    const bool taken = parts.room.work([weak = weak_from_this(), job](JournalThings& things) {
        auto result = std::make_shared<reliability::JournalResult<void>>(job->first(things));
        const auto self = weak.lock();
        if (!self) return;
        self->post([core = self.get(), job, result] {
            core->keeping = false;
            job->second(std::move(*result));
        });
    });
    if (taken) {
        to_keep.pop_front();
        keeping = true;
        return;
    }
    to_keep.front() = std::move(*job);
    keep_again = parts.clock.steady() + room_again;
    next_sweep = std::min(next_sweep, keep_again);
}

void LiveEngine::Core::write_notes(bool everything) {
    if (everything) {
        for (const auto& [serial, entry] : entries) {
            if (entry->to_be_noted || entry->courier.position() == entry->noted) continue;
            entry->to_be_noted = true;
            to_note.push_back(serial);
        }
    }
    if (keeping || !to_keep.empty() || to_note.empty()) return;
    struct Noted {
        std::uint64_t serial, version;
        reliability::Position position;
    };
    auto noted = std::make_shared<std::vector<Noted>>();
    std::vector<StateChange> changes;
    const Moment now = moment();
    for (const std::uint64_t serial : std::exchange(to_note, {})) {
        Entry* entry = find(serial);
        if (entry == nullptr) continue;
        entry->to_be_noted = false;
        const Courier::Note note = entry->courier.note(now);
        const Subscription& subscription = entry->courier.subscription();
        const auto cursor =
            cursor_of(subscription, note.progress.position, note.progress.dropped, now.utc_us);
        changes.push_back({reliability::cursor_key(cursor.name), encode_cursor(cursor)});
        changes.push_back(
            {key_of(progress_prefix, subscription.id), encode_progress(note.progress)});
        noted->push_back({serial, note.version, note.progress.position});
    }
    if (noted->empty()) return;
    apply_notes(std::move(changes), [this, noted](const reliability::JournalResult<void>& result) {
        ++(result ? notes : notes_failed);
        for (const Noted& one : *noted) {
            Entry* entry = find(one.serial);
            if (entry == nullptr) continue;
            // Where nothing can be written deliveries go on; the next note has it all.
            entry->courier.on_noted(one.version);
            if (result) entry->noted = one.position;
            pump(*entry);
        }
    });
}

/// Deliveries wait for it: straight to the journal's writer, where that can be, instead of through
/// a worker of the room that would wait for it. While no request is under way nobody but this
/// subscription waits, and a note that is written here saves it the way to the writer and back.
void LiveEngine::Core::apply_notes(std::vector<StateChange> changes, Then then) {
    if (writer == nullptr || bytes_of(changes) > apply_bytes) {
        auto shared = std::make_shared<std::vector<StateChange>>(std::move(changes));
        return keep(
            [shared](JournalThings& things) {
                return apply_in_parts(things.journal.state(), *shared);
            },
            std::move(then));
    }
    if (in_flight == 0 && changes.size() <= noted_at_once_max) {
        if (auto done = writer->apply_if_idle(changes)) return then(std::move(*done));
    }
    keeping = true;
    auto shared_then = std::make_shared<Then>(std::move(then));
    writer->apply_soon(
        std::move(changes), StateStore::Durability::lazy,
        [weak = weak_from_this(), shared_then](reliability::JournalResult<void> got) {
            const auto self = weak.lock();
            if (!self) return;
            auto result = std::make_shared<reliability::JournalResult<void>>(std::move(got));
            self->post([core = self.get(), shared_then, result] {
                core->keeping = false;
                (*shared_then)(std::move(*result));
            });
        });
}

void LiveEngine::Core::keep_subscription(const Entry& entry) {
    keep(
        [this, id = entry.courier.subscription().id](
            JournalThings& things) -> reliability::JournalResult<void> {
            StateChange change{key_of(subscription_prefix, id), std::nullopt};
            {
                const std::scoped_lock lock(shown_mutex);
                const auto found = shown.find(id);
                if (found == shown.end()) return {};  // it was removed meanwhile
                change.value = encode_subscription(found->second);
            }
            return things.journal.state().apply({change});
        },
        [this](const reliability::JournalResult<void>& result) {
            if (!result && parts.warn) {
                parts.warn("a subscription could not be written: " + result.error().sentence);
            }
        });
}

}  // namespace weft::gateway::delivery
