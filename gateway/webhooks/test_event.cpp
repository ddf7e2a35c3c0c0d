#include "gateway/webhooks/test_event.hpp"

#include <cassert>
#include <memory>
#include <utility>

#include "fabric/message/codec.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/message.hpp"

namespace weft::gateway::webhooks {

StoredEvent test_event(const std::string& topic, const std::string& webhook, std::uint64_t now_us) {
    const std::string body = "{\"test\":true,\"webhook\":" + fabric::json_string(webhook) + "}";
    fabric::ContentHeader header;
    header.id = fabric::MessageId::make(now_us / 1000);
    header.time_us = now_us;
    header.source = "weft-webhooks";
    header.content_type = "application/json";
    std::string content(fabric::encoded_size(header, body), '\0');
    fabric::encode_content(header, body, content.data());
    auto run = std::make_shared<const fabric::RunBytes>(topic, content, std::string_view{});
    fabric::DecodedContent decoded;
    const auto read = fabric::decode_content(run->contents, decoded);
    assert(read);
    const std::string_view raw = run->contents;
    return {0, now_us, fabric::Message(std::move(run), std::move(decoded), raw, {}), false};
}

}  // namespace weft::gateway::webhooks
