#include "gateway/routemaster/tally.hpp"

#include <cassert>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/routemaster/event.hpp"
#include "gateway/routemaster/names.hpp"

namespace weft::gateway::routemaster {
namespace {

using nlohmann::json;

constexpr std::string_view key = "routemaster/tally";

reliability::TopicFilter filter_of(const std::string& root) {
    auto glob = signing::TopicGlob::parse(root + ".*");
    assert(glob);
    return reliability::TopicFilter{{*std::move(glob)}};
}

}  // namespace

Tally::Tally(std::string root, FabricBridge& bridge, TopicTable& table, StateDesk& desk)
    : root_(std::move(root)),
      bridge_(bridge),
      table_(table),
      desk_(desk),
      filter_(filter_of(root_)) {}

void Tally::load(const StateDesk::Entries& entries) {
    for (const auto& [name, value] : entries) {
        if (name != key) continue;
        if (auto position = reliability::Position::parse(value)) position_ = *position;
    }
}

void Tally::catch_up(std::function<void()> done) {
    {
        const std::scoped_lock lock(mutex_);
        next_.push_back(std::move(done));
        if (std::exchange(reading_, true)) return;
    }
    read();
}

void Tally::read() {
    ReadRequest request;
    {
        const std::scoped_lock lock(mutex_);
        // Only who came before this read may rely on it.
        for (auto& done : std::exchange(next_, {})) current_.push_back(std::move(done));
        request.after = position_;
    }
    request.filter = filter_;
    bridge_.read(std::move(request), [this](const auto& page) { take(page); });
}

void Tally::take(const BridgeResult<EventPage>& page) {
    std::vector<std::function<void()>> ready;
    bool again = false;
    {
        const std::scoped_lock lock(mutex_);
        if (page) {
            for (const StoredEvent& stored : page->events) {
                const auto name = name_in(root_, stored.message.topic());
                if (!name || !Event::is_one(stored.message)) {
                    ++stats_.malformed;
                    continue;
                }
                const std::size_t bytes = stored.message.body().size();
                ++stats_.events;
                stats_.bytes += bytes;
                OfTopic& topic = topics_[std::string{*name}];
                topic.topic = *name;
                ++topic.events;
                topic.bytes += bytes;
                table_.count(topic.topic, stored.id, given_time(stored));
            }
            moved_ = moved_ || position_ != page->next;
            position_ = page->next;
        }
        again = page && !page->at_head;
        if (!again) {
            ready = std::exchange(current_, {});
            again = !next_.empty();
            reading_ = again;
        }
    }
    for (const auto& done : ready) done();
    if (again) read();
}

void Tally::keep(std::function<void()> done) {
    std::vector<std::string> purged;
    StateDesk::Changes changes;
    {
        const std::scoped_lock lock(mutex_);
        changes = table_.uncounted(position_.id, purged);
        if (std::exchange(moved_, false)) changes.push_back({std::string{key}, position_.text()});
    }
    desk_.apply(std::move(changes), StateDesk::Durability::lazy,
                [this, purged = std::move(purged), done = std::move(done)](const auto& kept) {
                    if (!kept) {
                        const std::scoped_lock lock(mutex_);
                        moved_ = true;
                    }
                    table_.stored(purged, kept.has_value());
                    done();
                });
}

Tally::Stats Tally::stats() const {
    const std::scoped_lock lock(mutex_);
    return stats_;
}

std::vector<Tally::OfTopic> Tally::by_topic() const {
    const std::scoped_lock lock(mutex_);
    std::vector<OfTopic> all;
    for (const auto& [name, topic] : topics_) all.push_back(topic);
    return all;
}

}  // namespace weft::gateway::routemaster
