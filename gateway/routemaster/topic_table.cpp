#include "gateway/routemaster/topic_table.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/routemaster/names.hpp"

namespace weft::gateway::routemaster {
namespace {

using nlohmann::json;
using reliability::JournalId;

constexpr std::string_view topic_prefix = "routemaster/topic/", count_prefix = "routemaster/count/";

std::string key_of(std::string_view prefix, const std::string& name) {
    return std::string{prefix} + name;
}

/// A member of a record of ours, or `otherwise` where it is not what we write.
template <class T>
T member(const json& record, const char* name, T otherwise) {
    const auto found = record.find(name);
    if (found == record.end()) return otherwise;
    if constexpr (std::is_same_v<T, std::string>) {
        return found->is_string() ? found->get<T>() : otherwise;
    } else {
        return found->is_number_integer() ? found->get<T>() : otherwise;
    }
}

}  // namespace

std::string TopicTable::text_of(const Record& record) {
    return json{{"owner", record.owner}, {"publisher", record.publisher}, {"since", record.since}}
        .dump();
}

void TopicTable::load(const StateDesk::Entries& entries) {
    const std::scoped_lock lock(mutex_);
    std::map<std::string, json> counts;
    for (const auto& [key, value] : entries) {
        json record = json::parse(value, nullptr, false);
        if (!record.is_object()) continue;
        if (key.starts_with(count_prefix)) {
            counts[key.substr(count_prefix.size())] = std::move(record);
        } else if (key.starts_with(topic_prefix)) {
            const std::string name = key.substr(topic_prefix.size());
            if (!is_topic_name(name)) continue;
            if (record.contains("deleted")) {
                deleted_[name] = member<JournalId>(record, "deleted", 0);
                continue;
            }
            Record& topic = records_[name];
            topic.owner = member<std::string>(record, "owner", "");
            topic.publisher = member<std::string>(record, "publisher", "");
            topic.since = member<JournalId>(record, "since", 0);
            topic.real = true;
            topic.confirmed = !topic.owner.empty();
        }
    }
    for (const auto& [name, count] : counts) {
        if (!is_topic_name(name) || deleted_.count(name) != 0) continue;
        const auto since = member<JournalId>(count, "since", 0);
        const auto [found, fresh] = records_.emplace(name, Record{});
        Record& topic = found->second;
        if (fresh) topic.since = since;  // of the fabric: it has a count and no owner
        topic.real = true;
        topic.last_t = member<std::int64_t>(count, "t", 0);
        if (since == topic.since) topic.events = member<std::uint64_t>(count, "events", 0);
    }
}

bool TopicTable::is_foreign(const std::string& name, const std::string& client) const {
    const std::scoped_lock lock(mutex_);
    const auto found = records_.find(name);
    return found != records_.end() && !found->second.owner.empty() && found->second.owner != client;
}

bool TopicTable::wait_for(Record& record, std::function<void()> again) {
    if (waiting_ >= waiting_max) return false;
    ++waiting_;
    record.waiting.push_back(std::move(again));
    return true;
}

/// Who waited looks again.
void TopicTable::go_on(const std::string& name) {
    std::vector<std::function<void()>> waiting;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = records_.find(name);
        if (found == records_.end()) return;
        waiting.swap(found->second.waiting);
        waiting_ -= waiting.size();
        found->second.busy = false;
        if (!found->second.real && found->second.owner.empty() && found->second.under_way == 0) {
            records_.erase(found);
        }
    }
    for (const auto& again : waiting) again();
}

void TopicTable::claim(const std::string& name, const Client& client, JournalId head,
                       OnClaim done) {
    Lock lock(mutex_);
    auto found = records_.find(name);
    if (found == records_.end()) {
        if (records_.size() >= Settings::topics_max) {
            lock.unlock();
            return done(Claim::full);
        }
        found = records_.emplace(name, Record{}).first;
        found->second.since = head;
    }
    Record& record = found->second;
    if (record.busy) {
        const bool waits =
            wait_for(record, [this, name, client, head, done] { claim(name, client, head, done); });
        lock.unlock();
        if (!waits) done(Claim::away);
        return;
    }
    if (!record.owner.empty()) {
        const bool own = record.owner == client.id;
        if (own) ++record.under_way;
        lock.unlock();
        return done(own ? Claim::granted : Claim::foreign);
    }
    record.busy = true;
    Record claimed;
    claimed.owner = record.owner = client.id;
    claimed.publisher = record.publisher = client.name;
    claimed.since = record.since;
    ++record.under_way;
    lock.unlock();
    desk_.apply({{key_of(topic_prefix, name), text_of(claimed)}}, StateDesk::Durability::sync,
                [this, name, done = std::move(done)](const auto& applied) {
                    if (!applied) {
                        const std::scoped_lock again(mutex_);
                        Record& failed = records_[name];
                        failed.owner.clear();
                        failed.publisher.clear();
                        --failed.under_way;
                    }
                    go_on(name);
                    done(applied ? Claim::granted : Claim::away);
                });
}

void TopicTable::published(const std::string& name, const Client& client, JournalId head,
                           bool stored) {
    Lock lock(mutex_);
    const auto found = records_.find(name);
    if (found == records_.end() || found->second.owner != client.id) {
        // Deleted while its event was on the way: that is the first of a new topic.
        const bool is_free = found == records_.end() || found->second.owner.empty();
        lock.unlock();
        if (!stored || !is_free) return;
        return claim(name, client, head, [this, name, client, head](Claim claimed) {
            if (claimed == Claim::granted) published(name, client, head, true);
        });
    }
    Record& record = found->second;
    if (record.under_way > 0) --record.under_way;
    if (stored) record.real = record.confirmed = true;
    if (record.confirmed || record.under_way > 0 || record.busy) return;
    // A claim under which nothing was stored was none.
    record.busy = true;
    record.owner.clear();
    record.publisher.clear();
    auto left = record.real ? std::optional<std::string>{text_of(record)} : std::nullopt;
    lock.unlock();
    desk_.apply({{key_of(topic_prefix, name), std::move(left)}}, StateDesk::Durability::sync,
                [this, name](const auto&) { go_on(name); });
}

std::int64_t TopicTable::next_time(const std::string& name, std::int64_t now_ms) {
    const std::scoped_lock lock(mutex_);
    const auto found = records_.find(name);
    if (found == records_.end()) return now_ms;
    Record& record = found->second;
    record.last_t = std::max(now_ms, record.last_t + 1);
    record.dirty = true;
    return record.last_t;
}

void TopicTable::create(const std::vector<std::string>& names, JournalId head, OnDone done) {
    StateDesk::Changes changes;
    std::vector<std::string> made;
    {
        const std::scoped_lock lock(mutex_);
        for (const std::string& name : names) {
            const auto found = records_.find(name);
            if (found != records_.end()) {
                found->second.real = true;
                continue;
            }
            Record record;
            record.since = head;
            record.busy = true;
            changes.push_back({key_of(topic_prefix, name), text_of(record)});
            made.push_back(name);
            records_.emplace(name, std::move(record));
        }
        if (records_.size() > Settings::topics_max) {
            for (const std::string& name : made) records_.erase(name);
            return done(tl::make_unexpected("there are " + std::to_string(Settings::topics_max) +
                                            " topics already: delete some first"));
        }
    }
    if (made.empty()) return done({});
    desk_.apply(std::move(changes), StateDesk::Durability::sync,
                [this, made = std::move(made), done = std::move(done)](const auto& applied) {
                    for (const std::string& name : made) {
                        {
                            const std::scoped_lock lock(mutex_);
                            records_[name].real = applied.has_value();
                        }
                        go_on(name);
                    }
                    done(applied);
                });
}

std::optional<TopicView> TopicTable::find(const std::string& name) const {
    const std::scoped_lock lock(mutex_);
    const auto found = records_.find(name);
    if (found == records_.end() || !found->second.real) return std::nullopt;
    const Record& record = found->second;
    return TopicView{name, record.owner, record.publisher, record.events};
}

std::vector<TopicView> TopicTable::all() const {
    const std::scoped_lock lock(mutex_);
    std::vector<TopicView> all;
    for (const auto& [name, record] : records_) {
        if (record.real) all.push_back({name, record.owner, record.publisher, record.events});
    }
    return all;
}

void TopicTable::remove(const std::string& name, JournalId head, OnDone done) {
    Lock lock(mutex_);
    const auto found = records_.find(name);
    if (found == records_.end()) {
        lock.unlock();
        return done({});
    }
    if (found->second.busy) {
        const bool waits =
            wait_for(found->second, [this, name, head, done] { remove(name, head, done); });
        lock.unlock();
        if (!waits) done(tl::make_unexpected(std::string{"too much waits for the journal"}));
        return;
    }
    found->second.busy = true;
    lock.unlock();
    desk_.apply({{key_of(topic_prefix, name), json{{"deleted", head}}.dump()},
                 {key_of(count_prefix, name), std::nullopt}},
                StateDesk::Durability::sync,
                [this, name, head, done = std::move(done)](const auto& applied) {
                    if (applied) {
                        const std::scoped_lock again(mutex_);
                        Record& record = records_[name];
                        deleted_[name] = head;
                        record.owner.clear();
                        record.publisher.clear();
                        record.since = head;
                        record.events = 0;
                        record.under_way = 0;
                        record.real = record.confirmed = record.dirty = false;
                    }
                    go_on(name);
                    done(applied);
                });
}

void TopicTable::count(const std::string& name, JournalId id, std::optional<std::int64_t> t) {
    const std::scoped_lock lock(mutex_);
    auto found = records_.find(name);
    if (found == records_.end()) {
        const auto deleted = deleted_.find(name);
        if (deleted != deleted_.end() && id <= deleted->second) return;
        if (records_.size() >= Settings::topics_max) return;
        // Published on the fabric: nobody of ours owns it yet. The journal itself keeps it.
        found = records_.emplace(name, Record{}).first;
        found->second.since = id - 1;
    }
    Record& record = found->second;
    if (id <= record.since) return;
    if (t) record.last_t = std::max(record.last_t, *t);
    record.real = true;
    record.dirty = true;
    ++record.events;
}

StateDesk::Changes TopicTable::uncounted(JournalId counted_through,
                                         std::vector<std::string>& purged) {
    const std::scoped_lock lock(mutex_);
    StateDesk::Changes changes;
    for (auto& [name, record] : records_) {
        if (!std::exchange(record.dirty, false)) continue;
        changes.push_back(
            {key_of(count_prefix, name),
             json{{"since", record.since}, {"events", record.events}, {"t", record.last_t}}
                 .dump()});
    }
    for (auto it = deleted_.begin(); it != deleted_.end();) {
        if (it->second > counted_through) {
            ++it;
            continue;
        }
        if (records_.count(it->first) == 0) {
            changes.push_back({key_of(topic_prefix, it->first), std::nullopt});
            records_[it->first].busy = true;
            purged.push_back(it->first);
        }
        it = deleted_.erase(it);
    }
    return changes;
}

void TopicTable::stored(const std::vector<std::string>& purged, bool kept) {
    if (!kept) {
        const std::scoped_lock lock(mutex_);
        for (auto& [name, record] : records_) record.dirty = true;
    }
    for (const std::string& name : purged) go_on(name);
}

}  // namespace weft::gateway::routemaster
