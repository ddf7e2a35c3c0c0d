// What the process of an isolated plugin may send to the hub, and the other way: a stream is cut
// into frames in any pieces alike, and what decodes means the same when it is encoded again.

#include <cassert>
#include <string>
#include <vector>

#include "reliability/hub/plugin_frames.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

namespace frames = reliability::hub::frames;

std::vector<std::string> cut(std::string_view stream, std::size_t piece) {
    frames::Reader reader;
    std::vector<std::string> payloads;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        reader.take(stream.substr(at, piece));
        for (;;) {
            auto payload = reader.next();
            if (!payload) return payloads;
            if (!payload->has_value()) break;
            payloads.push_back(**std::move(payload));
        }
    }
    return payloads;
}

template <class Decode>
void same_again(std::string_view payload, Decode decode) {
    const auto first = decode(payload);
    if (!first) return;
    const auto frame = frames::encode(*first);
    // Foreign bytes may use wider forms than ours, never shorter ones.
    assert(frame && frame->size() <= payload.size() + 4);
    const auto second = decode(std::string_view{*frame}.substr(4));
    assert(second && frames::encode(*second) == frame);
}

}  // namespace

void plugin_frames(std::string_view input) {
    const std::vector<std::string> payloads = cut(input, input.size() + 1);
    assert(cut(input, 3) == payloads);
    for (const std::string& payload : payloads) {
        same_again(payload, frames::decode_to_hub);
        same_again(payload, frames::decode_to_process);
    }
    same_again(input, frames::decode_to_hub);
    same_again(input, frames::decode_to_process);
}

}  // namespace weft::fuzz
