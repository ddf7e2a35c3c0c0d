// Publishing, and the topics that there are.

#include <atomic>
#include <optional>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/routemaster/answers.hpp"
#include "gateway/routemaster/event.hpp"
#include "gateway/routemaster/names.hpp"
#include "gateway/routemaster/visit.hpp"

namespace weft::gateway::routemaster {
namespace {

using fabric::Value;

constexpr const char* bad_name = "the name of a topic is 1 to 64 of a-z and '_'";
constexpr const char* foreign = "this topic has another publisher";

/// An answer that may come while the request is still being handed over.
struct OnItsWay {
    std::atomic<bool> second{false};
    std::optional<BridgeResult<Published>> result;
};

void publish_claimed(const Visit& visit, const std::string& topic, const Event& event) {
    Service& service = visit.service;
    PublishRequest request;
    request.topic = topic_of(service.parts.settings.topic_root, topic);
    request.body = event.body();
    request.mode = PublishRequest::Mode::durable;
    const auto sent = std::make_shared<OnItsWay>();
    const auto finish = [visit, topic, sent] {
        const BridgeResult<Published>& result = *sent->result;
        visit.service.topics.published(topic, visit.client, visit.service.head(),
                                       result.has_value());
        visit.answer(result ? empty() : failed(result.error()));
    };
    {
        const std::scoped_lock in_order(service.order_of(topic));
        const auto now_ms = static_cast<std::int64_t>(service.parts.clock.utc_us() / 1000);
        request.headers.emplace_back(std::string{time_header},
                                     std::to_string(service.topics.next_time(topic, now_ms)));
        service.parts.bridge.publish(visit.client.principal, std::move(request),
                                     [sent, finish](BridgeResult<Published> result) {
                                         sent->result = std::move(result);
                                         if (sent->second.exchange(true)) finish();
                                     });
    }
    if (sent->second.exchange(true)) finish();
}

/// What a client may see of a token: all of its own, the name of others' (M92).
Value publisher_of(const TopicView& topic, const Visit& visit) {
    if (topic.owner.empty()) return nullptr;
    if (topic.owner == visit.client.id || visit.client.is_root()) {
        if (auto token = visit.service.clients.token_of(topic.owner)) return *std::move(token);
    }
    return topic.publisher;
}

bool may_see(const Visit& visit, const TopicView& topic) {
    if (visit.client.is_root() || topic.owner == visit.client.id) return true;
    const std::string full = topic_of(visit.service.parts.settings.topic_root, topic.name);
    return visit.client.principal.may_read(full) || visit.client.principal.may_publish(full);
}

}  // namespace

void publish(const Visit& visit, const std::string& topic) {
    Service& service = visit.service;
    if (!is_topic_name(topic)) return visit.answer(error(400, bad_name));
    const std::string full = topic_of(service.parts.settings.topic_root, topic);
    if (!visit.client.principal.may_publish(full)) {
        return visit.answer(error(403, "this token may not publish to this topic"));
    }
    if (service.topics.is_foreign(topic, visit.client.id)) {
        return visit.answer(error(403, foreign));
    }
    auto event = Event::parse(visit.body(), service.parts.settings.event_data_max);
    if (!event) return visit.answer(error(400, event.error()));
    service.topics.claim(
        topic, visit.client, service.head(),
        [visit, topic, event = *std::move(event)](TopicTable::Claim claim) {
            switch (claim) {
                case TopicTable::Claim::granted:
                    return publish_claimed(visit, topic, event);
                case TopicTable::Claim::foreign:
                    return visit.answer(error(403, foreign));
                case TopicTable::Claim::full:
                    return visit.answer(error(403, "there are too many topics: delete some first"));
                case TopicTable::Claim::away:
                    return visit.answer(away("the event store does not answer; try again later"));
            }
        });
}

void list_topics(const Visit& visit) {
    visit.service.tally.catch_up([visit] {
        Value::List list;
        for (const TopicView& topic : visit.service.topics.all()) {
            if (!may_see(visit, topic)) continue;
            list.emplace_back(Value::Map{{"name", topic.name},
                                         {"publisher", publisher_of(topic, visit)},
                                         {"events", topic.events}});
        }
        visit.answer(json_answer(200, fabric::to_json(Value(std::move(list)))));
    });
}

void delete_topic(const Visit& visit, const std::string& topic) {
    const bool taken = visit.service.turns.take([visit, topic](const Turns::End& end) {
        Service& service = visit.service;
        const auto answer = [visit, end](Response response) {
            end();
            visit.answer(std::move(response));
        };
        const auto found = service.topics.find(topic);
        if (!found || !may_see(visit, *found)) return answer(error(404, "there is no such topic"));
        if (!visit.client.is_root() && found->owner != visit.client.id) {
            return answer(error(403, "only its publisher deletes a topic"));
        }
        service.subscriptions.drop_topic_everywhere(topic, [visit, topic, answer](const auto& put) {
            if (!put) return answer(failed(put.error()));
            visit.service.topics.remove(topic, visit.service.head(), [answer](const auto& removed) {
                answer(removed ? empty() : away("the event store does not answer; try again"));
            });
        });
    });
    if (!taken) visit.answer(away("too much is under way; try again later"));
}

}  // namespace weft::gateway::routemaster
