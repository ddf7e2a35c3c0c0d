#include "gateway/esub/cluster/unclaimed_store.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "gateway/esub/cluster/fabric_headers.hpp"
#include "gateway/esub/cluster/token_hash.hpp"

namespace weft::gateway::esub {
namespace {

constexpr std::size_t records_max = 10'000, bytes_max = std::size_t{64} << 20,
                      consumed_max = 10'000;

Principal ourselves() {
    Principal who;
    who.name = "esub";
    who.everything = true;
    return who;
}

}  // namespace

/// One question, page by page.
struct UnclaimedStore::Search : std::enable_shared_from_this<Search> {
    void go() {
        ReadRequest request;
        request.after = next;
        request.filter = filter;
        request.stored_since_us = since_us;
        store->bridge_.read(std::move(request),
                            [self = shared_from_this()](BridgeResult<EventPage> page) {
                                self->take(std::move(page));
                            });
    }
    void take(BridgeResult<EventPage> page) {
        if (!page) {
            found.problem = page.error().sentence;
            return done(std::move(found));
        }
        for (const StoredEvent& event : page->events) take(event);
        next = page->next;
        if (!page->at_head && found.records.size() < records_max && bytes < bytes_max) return go();
        std::erase_if(found.records, [&](const Record& record) {
            return record.seq <= after || consumed.contains(record.id) ||
                   store->was_consumed(record.id);
        });
        done(std::move(found));
    }
    void take(const StoredEvent& event) {
        const fabric::Message& message = event.message;
        if (const auto of = message.header(headers::consumed)) {
            consumed.emplace(*of);
            return;
        }
        const auto kept = message.header(headers::kept);
        if (!kept) return;
        if (!same_hash(message.header(headers::token_hash).value_or(""), hash)) {
            found.under_other_tokens = true;
            return;
        }
        if (found.records.size() >= records_max || bytes >= bytes_max) return;
        bytes += message.body().size();
        found.records.push_back({event.id, event.stored_us, *kept == "1",
                                 std::string{message.body()}, message.id().text()});
    }

    std::shared_ptr<UnclaimedStore> store;
    reliability::TopicFilter filter;
    std::string hash;
    std::uint64_t after = 0, since_us = 0;
    std::function<void(Found)> done;
    reliability::Position next{};
    std::size_t bytes = 0;
    std::unordered_set<std::string> consumed;
    Found found;
};

UnclaimedStore::UnclaimedStore(FabricBridge& bridge, const fabric::Clock& clock, KeyTopics topics,
                               const ClusterSettings& settings)
    : bridge_(bridge), clock_(clock), topics_(std::move(topics)), settings_(settings) {}

void UnclaimedStore::keep(const Rep& rep, const SharedBytes& body, Verdict verdict,
                          OnVerdict done) {
    const bool is_lost = verdict == Verdict::unknown_key || verdict == Verdict::no_listeners;
    const bool is_delivered = verdict == Verdict::delivered;
    const bool wanted = is_lost || (is_delivered && settings_.keep == ClusterSettings::Keep::all);
    const auto topic = topics_.topic_of(rep.key);
    if (!wanted || !topic || !settings_.keeps()) return done(verdict);
    PublishRequest request;
    request.topic = *topic;
    request.body = *body;
    request.content_type = "application/octet-stream";
    request.parent = fabric::MessageId{};
    request.headers = {{std::string{headers::kept}, is_delivered ? "1" : "0"},
                       {std::string{headers::token_hash}, token_hash(rep.key, rep.token)}};
    bridge_.publish(ourselves(), std::move(request),
                    [verdict, done = std::move(done)](const BridgeResult<Published>& result) {
                        done({verdict, result ? result->journal_id.value_or(0) : 0});
                    });
}

void UnclaimedStore::find(std::string_view key, std::string_view token, std::uint64_t after,
                          std::function<void(Found)> done) {
    const auto topic = topics_.topic_of(key);
    auto glob = topic ? signing::TopicGlob::parse(*topic)
                      : tl::make_unexpected(std::string{"the key is too long for a topic"});
    if (!glob) return done({});
    const auto search = std::make_shared<Search>();
    search->store = shared_from_this();
    search->filter = reliability::TopicFilter({std::move(*glob)});
    search->hash = token_hash(key, token);
    search->after = after;
    const std::uint64_t keep_us =
        static_cast<std::uint64_t>(std::chrono::microseconds(settings_.keep_unclaimed).count());
    const std::uint64_t now_us = clock_.utc_us();
    search->since_us = now_us > keep_us ? now_us - keep_us : 0;
    search->done = std::move(done);
    search->go();
}

void UnclaimedStore::consume(std::string_view key, const std::string& id) {
    const auto topic = topics_.topic_of(key);
    if (!topic) return;
    remember(id);
    PublishRequest request;
    request.topic = *topic;
    request.content_type = "application/octet-stream";
    request.parent = fabric::MessageId{};
    request.headers = {{std::string{headers::consumed}, id}};
    bridge_.publish(ourselves(), std::move(request), [](const BridgeResult<Published>&) {});
}

void UnclaimedStore::remember(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (!consumed_.insert(id).second) return;
    consumed_order_.push_back(id);
    if (consumed_order_.size() <= consumed_max) return;
    consumed_.erase(consumed_order_.front());
    consumed_order_.pop_front();
}

bool UnclaimedStore::was_consumed(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    return consumed_.contains(id);
}

}  // namespace weft::gateway::esub
