#include "gateway/rse/batch.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "gateway/rse/event.hpp"
#include "gateway/rse/json_check.hpp"

namespace weft::gateway::rse {
namespace {

/// What a batch gathers while its events are published.
struct Gathered {
    std::shared_ptr<RseHandler::Core> core;
    std::shared_ptr<Exchange> exchange;
    std::mutex mutex;
    std::vector<std::optional<Response>> failures;
    std::vector<reliability::JournalId> ids;  ///< 0: it failed.
    std::size_t left = 0;
};

Response answer_of(const Gathered& gathered) {
    reliability::JournalId newest = 0;
    const Response* first_failure = nullptr;
    std::string list;
    for (std::size_t i = 0; i < gathered.ids.size(); ++i) {
        if (!list.empty()) list += ',';
        if (const auto& failure = gathered.failures[i]) {
            if (first_failure == nullptr) first_failure = &*failure;
            // An error's body is an object, of which this is one more member.
            list +=
                R"({"status":)" + std::to_string(failure->status) + ',' + failure->body.substr(1);
        } else {
            list += R"({"id":)" + std::to_string(gathered.ids[i]) + '}';
            newest = std::max(newest, gathered.ids[i]);
        }
    }
    if (newest == 0 && first_failure != nullptr) return *first_failure;
    Response response = Response::of(first_failure == nullptr ? 201 : 207, json_type,
                                     R"({"events":[)" + list + "]}");
    response.headers.set("X-RSE-Event-Id", std::to_string(newest));
    if (first_failure == nullptr) return response;
    if (const auto retry = first_failure->headers.find("Retry-After")) {
        response.headers.set("Retry-After", std::string{*retry});
    }
    return response;
}

void on_one(Gathered& gathered, std::size_t index,
            const tl::expected<reliability::JournalId, Response>& result) {
    {
        const std::scoped_lock lock(gathered.mutex);
        if (result) {
            gathered.ids[index] = *result;
        } else {
            gathered.failures[index] = result.error();
        }
        if (--gathered.left != 0) return;
    }
    gathered.core->answer(*gathered.exchange, answer_of(gathered));
}

/// True: this event was decided by its key.
bool is_decided_by_key(Gathered& gathered, std::size_t index, const std::string& key,
                       const PublishRequest& event) {
    if (key.empty()) return false;
    const std::size_t fingerprint = std::hash<std::string>{}(event.topic + '\n' + event.body);
    const auto begin = gathered.core->posted.begin(key, fingerprint, gathered.core->clock.steady());
    switch (begin.begun) {
        case PostedKeys::Begun::first:
            return false;
        case PostedKeys::Begun::repeated:
            on_one(gathered, index, begin.id);
            return true;
        case PostedKeys::Begun::under_way: {
            Response response = error(409, "The post with this Idempotency-Key is under way");
            response.headers.set("Retry-After", "1");
            on_one(gathered, index, tl::make_unexpected(std::move(response)));
            return true;
        }
        case PostedKeys::Begun::other:
            on_one(gathered, index,
                   tl::make_unexpected(error(
                       422, "This Idempotency-Key was used for another post: take a new one")));
            return true;
    }
    return false;
}

}  // namespace

bool is_media_type(std::string_view value, std::string_view type) noexcept {
    value = value.substr(0, value.find(';'));
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value.remove_suffix(value.size() - (value.find_last_not_of(" \t") + 1));
    return same_name(value, type);
}

tl::expected<std::vector<std::string>, std::string> batch_of(std::string_view body,
                                                             std::size_t depth_max) {
    // The list itself is no part of an event.
    const auto root = check_json(body, depth_max + 1);
    if (!root) return tl::make_unexpected("Invalid JSON: " + root.error());
    if (*root != JsonRoot::array) {
        return tl::make_unexpected(std::string{"Invalid batch: it is a list of events"});
    }
    const auto items = list_items(body);
    if (items.empty() || items.size() > batch_max) {
        return tl::make_unexpected("Invalid batch: it has " + std::to_string(items.size()) +
                                   " events; 1 to " + std::to_string(batch_max) + " are allowed");
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].front() == '{' || items[i].front() == '[') continue;
        return tl::make_unexpected("Invalid batch: event " + std::to_string(i + 1) +
                                   "; an event is an object or an array");
    }
    return std::vector<std::string>(items.begin(), items.end());
}

void post_batch(const BatchPost& post) {
    const auto& core = post.core;
    const Request& request = post.exchange->request();
    const auto refuse = [&](unsigned status, std::string_view message) {
        core->answer(*post.exchange, error(status, message));
    };
    if (request.body.size() > core->settings.body_bytes_max) {
        return refuse(413, "The batch has " + std::to_string(request.body.size()) +
                               " bytes; at most " + std::to_string(core->settings.body_bytes_max) +
                               " are allowed");
    }
    auto events = batch_of(request.body, core->settings.json_depth_max);
    if (!events) return refuse(400, events.error());
    if (!post.who.may_publish(core->topics.topic_of(post.channel))) {
        return refuse(403, "This token may not post to this channel");
    }
    const auto gathered = std::make_shared<Gathered>();
    gathered->core = core;
    gathered->exchange = post.exchange;
    gathered->failures.resize(events->size());
    gathered->ids.resize(events->size());
    gathered->left = events->size();
    for (std::size_t i = 0; i < events->size(); ++i) {
        PublishRequest event =
            event_of(post.channel, core->topics, post.client, std::move((*events)[i]));
        if (!request.traceparent.empty()) {
            event.headers.emplace_back("traceparent", request.traceparent);
        }
        const std::string key =
            post.key.empty() ? std::string{} : post.key + '\n' + std::to_string(i);
        if (is_decided_by_key(*gathered, i, key, event)) continue;
        core->bridge.publish(post.who, std::move(event), [gathered, i, key](const auto& result) {
            std::optional<reliability::JournalId> id;
            if (result && result->journal_id) {
                id = gathered->core->ids->id_of(*result->journal_id);
            }
            if (!key.empty()) gathered->core->posted.end(key, id);
            if (id) return on_one(*gathered, i, *id);
            on_one(*gathered, i,
                   tl::make_unexpected(
                       result ? away("The event store does not answer; try again later")
                              : failed(result.error())));
        });
    }
}

}  // namespace weft::gateway::rse
