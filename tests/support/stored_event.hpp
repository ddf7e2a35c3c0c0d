#pragma once
// Events as a journal gives them, for tests of what is made of them. Threads: pure functions.

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/codec.hpp"
#include "fabric/message/message.hpp"
#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::support {

struct EventParts {
    std::string topic = "org.weft.dev.git.commit";
    std::string body = R"({"branch":"main"})";
    std::string content_type = "application/json";  ///< "": `body` is msgpack.
    std::vector<std::pair<std::string, std::string>> headers{};
    std::optional<fabric::MessageId> parent{};
    std::string source = "tests";
    reliability::JournalId journal_id = 7;
    std::uint64_t time_us = 1'800'000'000'000'000;
};

[[nodiscard]] inline gateway::StoredEvent stored_event(const EventParts& parts = {}) {
    fabric::ContentHeader header;
    header.id = fabric::MessageId::make(parts.time_us / 1000);
    header.epoch = 1;
    header.seq = 3;
    header.time_us = parts.time_us;
    header.source = parts.source;
    header.content_type = parts.content_type;
    header.parent = parts.parent;
    for (const auto& [name, value] : parts.headers) header.headers.emplace_back(name, value);
    std::string content(fabric::encoded_size(header, parts.body), '\0');
    fabric::encode_content(header, parts.body, content.data());
    auto run = std::make_shared<const fabric::RunBytes>(parts.topic, content, "");
    fabric::DecodedContent decoded;
    if (!fabric::decode_content(run->contents, decoded)) throw std::logic_error("bad content");
    return {parts.journal_id, parts.time_us,
            fabric::Message(run, std::move(decoded), run->contents, {}), false};
}

}  // namespace weft::support
