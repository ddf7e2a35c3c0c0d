#pragma once
// What a gateway says about its open keys on `<prefix>.<environment>.gateway.esub.NAME`, signed by
// NAME: a msgpack map.
//
//   type    "beat" each second; "delta": what changed; "full": everything, in parts; "ask":
//   somebody
//           is to send everything
//   epoch   of this life of the gateway; a greater one is a later life
//   seq     how many deltas it has sent in this life, this one included
//   addr    "host:port" for its clients, and "/prefix" where esub is mounted below one; "": unknown
//   keys    how many are open
//   open    list of [kind, key, token hash, shared, sid, stamp]; kind 0 sub, 1 psub; key bytes
//   done    list of sids
//   part, parts   of a full, from 0
//   to      of an ask: the gateway that is asked
//
// Threads: pure functions. Foreign bytes: every limit is checked; the error is a sentence.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/value.hpp"
#include "gateway/esub/cluster/local_keys.hpp"

namespace weft::gateway::esub {

struct Announcement {
    enum class Type : std::uint8_t { beat, delta, full, ask };
    Type type = Type::beat;
    std::uint64_t epoch = 0, seq = 0;
    std::string address;
    std::uint64_t keys = 0;
    std::vector<OpenKey> open;
    std::vector<std::uint64_t> done;
    std::uint32_t part = 0, parts = 1;
    std::string to;
};

/// Entries of one announcement; more take several.
inline constexpr std::size_t announced_max = 2000;

/// As it may stand in a Location: host, port, and a path or none.
[[nodiscard]] bool is_address(std::string_view text) noexcept;
/// Of an address, without the path.
[[nodiscard]] std::string_view host_port_of(std::string_view address) noexcept;

[[nodiscard]] fabric::Value encode(const Announcement& announcement);
[[nodiscard]] tl::expected<Announcement, std::string> decode_announcement(
    const fabric::Value& value);

}  // namespace weft::gateway::esub
