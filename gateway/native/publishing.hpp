#pragma once
// Requests that publish, from HTTP to what the bridge takes, and its answer back. Threads: pure
// functions. Errors: sentences.

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/topic.hpp"
#include "fabric/message/value.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/message.hpp"
#include "gateway/http/uri.hpp"

namespace weft::gateway::native {

/// How, by the parameters of the query: durable, recipients, level, ack_timeout, parent.
struct HowToPublish {
    PublishRequest::Mode mode = PublishRequest::Mode::fire_and_forget;
    reliability::Recipients recipients{};
    reliability::AckLevel level = reliability::AckLevel::received;
    std::optional<std::chrono::milliseconds> ack_timeout{};
    std::optional<fabric::MessageId> parent{};
};
[[nodiscard]] tl::expected<HowToPublish, std::string> how_to_publish(
    const Query& query, const reliability::Recipients::Groups& groups);

/// The body of the request as one message on `topic`. Headers `Weft-Header-NAME: VALUE` become
/// headers of the message. JSON is checked; CloudEvents in binary mode (ce-id, ...) keep their
/// attributes as headers.
[[nodiscard]] tl::expected<PublishRequest, std::string> message_of(const Request& request,
                                                                   const std::string& topic,
                                                                   const fabric::TopicSpace& space,
                                                                   const HowToPublish& how);

/// A JSON list of {topic, body, content_type?, headers?, parent?}, or CloudEvents, structured (one)
/// or as a batch: their topic is `type`. An entry that is wrong has its own sentence.
[[nodiscard]] tl::expected<std::vector<tl::expected<PublishRequest, std::string>>, std::string>
messages_of(const Request& request, const fabric::TopicSpace& space, const HowToPublish& how);
inline constexpr std::size_t batch_max = 1000;
/// One such entry, which is an object.
[[nodiscard]] tl::expected<PublishRequest, std::string> message_of(const fabric::Value& entry,
                                                                   const fabric::TopicSpace& space,
                                                                   const HowToPublish& how);

/// 202 {id}, 201 {id, journal_id}, 200 {id, acks}.
[[nodiscard]] Response answer_of(const Published& published, PublishRequest::Mode mode);
/// {id, acks: [...]} or {id, acks, missing} as JSON.
[[nodiscard]] std::string verdict_json(const BridgeResult<Published>& result,
                                       const Request& request);
/// What became of one: with 504 and the recipients that stayed silent, too.
[[nodiscard]] Response answer_of(const BridgeResult<Published>& result, PublishRequest::Mode mode,
                                 const Request& request);

}  // namespace weft::gateway::native
