// What signers say of themselves: bodies of beacons, and what the directory of endpoints makes of
// them. It connects to an endpoint once, and disconnects it once.
//
//   input, again and again:  u8 who, and which form the body has | u8 seconds since the last one |
//                            u16 length, body

#include <algorithm>
#include <cassert>
#include <memory>
#include <set>
#include <string>

#include "fabric/message/codec.hpp"
#include "fabric/node/beacon.hpp"
#include "fabric/node/endpoint_directory.hpp"
#include "signing/wire.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

fabric::Message beacon_of(std::string_view content_type, std::string_view body) {
    auto run = std::make_shared<fabric::RunBytes>();
    run->topic = "org.weft.dev.beacon.alice";
    fabric::DecodedContent content;
    content.header.content_type = content_type;
    content.body = body;
    return {std::move(run), std::move(content), {}, {}};
}

/// What a subscriber is connected to because of announcements.
class Connections {
public:
    void follow(const fabric::EndpointDirectory::Changes& changes) {
        for (const std::string& endpoint : changes.disconnect) {
            const bool was_there = open_.erase(endpoint) == 1;
            assert(was_there);
        }
        for (const std::string& endpoint : changes.connect) {
            const bool is_new = open_.insert(endpoint).second;
            assert(is_new && fabric::is_reachable_endpoint(endpoint));
            assert(endpoint != "tcp://10.0.0.9:9940" && endpoint != "tcp://10.0.0.8:9941");
        }
    }
    [[nodiscard]] bool empty() const { return open_.empty(); }

private:
    std::set<std::string> open_;
};

}  // namespace

void beacon(std::string_view input) {
    fabric::EndpointDirectory directory({"tcp://10.0.0.9:9940", "tcp://127.0.0.1:0"},
                                        "tcp://10.0.0.8:9941");
    Connections connections;
    fabric::Instant now{};
    signing::WireReader reader(input);
    while (reader.remaining() > 0) {
        const std::uint8_t who = reader.u8();
        now += std::chrono::seconds{reader.u8() % 16};
        const std::size_t high = reader.u8();
        const std::size_t size = high << 8 | reader.u8();
        const std::string_view body = reader.bytes(std::min(size, reader.remaining()));
        const fabric::Message message = beacon_of(who % 2 == 0 ? "" : "application/json", body);
        const auto endpoints = fabric::announced_endpoints(message);
        assert(endpoints.size() <= 16);
        for (const std::string& endpoint : endpoints) {
            connections.follow(directory.on_announcement(std::to_string(who / 2), endpoint, now));
        }
        connections.follow(directory.expire(now));
    }
    connections.follow(
        directory.expire(now + fabric::EndpointDirectory::keep + std::chrono::seconds{1}));
    assert(connections.empty());
}

}  // namespace weft::fuzz
