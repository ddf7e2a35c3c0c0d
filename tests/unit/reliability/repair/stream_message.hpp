#pragma once
// Messages of a stream as a receiver has them, without keys: what the state machine of repair is
// tried with.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fabric/message/message.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"

namespace weft::reliability {

inline constexpr std::uint64_t sample_epoch = 7;

inline fabric::Message message_of(std::string_view topic, std::uint64_t seq,
                                  std::uint64_t epoch = sample_epoch,
                                  std::shared_ptr<const signing::Certificate> signer = nullptr) {
    auto run = std::make_shared<fabric::RunBytes>(topic, "content", "");
    run->signer = std::move(signer);
    fabric::DecodedContent content;
    content.header.epoch = epoch;
    content.header.seq = seq;
    const std::string_view raw = run->contents;
    return {std::move(run), std::move(content), raw, {}};
}

}  // namespace weft::reliability
