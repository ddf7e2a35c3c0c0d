#pragma once
// Many events of one channel in one post (R168). A list is an event of its own, so that a batch
// needs a media type of its own: each item of the list is an event, byte for byte.
// Threads: post_batch() as a handler; batch_of() is pure. Limits: batch_max events, and one body's
// bytes.

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/rse/client.hpp"
#include "gateway/rse/core.hpp"

namespace weft::gateway::rse {

inline constexpr std::string_view batch_type = "application/rse-batch+json";
inline constexpr std::size_t batch_max = 500;

/// Whether a value of Content-Type or Accept is that type, whatever its parameters.
[[nodiscard]] bool is_media_type(std::string_view value, std::string_view type) noexcept;

/// The events, in their order. The error is a sentence.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> batch_of(std::string_view body,
                                                                           std::size_t depth_max);

struct BatchPost {
    std::shared_ptr<RseHandler::Core> core;
    std::shared_ptr<Exchange> exchange;  ///< Its request's body is the batch.
    Principal who;
    Channel channel;
    Client client;
    std::string key;  ///< Of PostedKeys; "": none. Each event has one of its own below it.
};
/// 201 with the ids, once all are on the disk; 207 where only some are, with what became of each;
/// an error, if none is.
void post_batch(const BatchPost& post);

}  // namespace weft::gateway::rse
