#pragma once
// Stored messages without a journal. Threads: one.

#include <memory>
#include <string>

#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::support {

/// Its body and its content are the id, as text.
inline gateway::StoredEvent stored_event(reliability::JournalId id, std::uint64_t stored_us,
                                         const std::string& topic = "org.weft.dev.a") {
    auto run = std::make_shared<fabric::RunBytes>(topic, std::to_string(id), "");
    fabric::DecodedContent content;
    content.header.id = fabric::MessageId::make(stored_us / 1000);
    content.header.content_type = "text/plain";
    content.body = run->contents;
    const std::string_view raw = run->contents;
    return {id, stored_us, fabric::Message(std::move(run), std::move(content), raw, {})};
}

}  // namespace weft::support
