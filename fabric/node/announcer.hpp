#pragma once
// Says through the relay where a publisher is that bound a free port: at once, then each second, so
// that who subscribes later learns it too. Subscribers forget what is not repeated.
// Threads: tick() from one thread. It never blocks.

#include <memory>
#include <optional>
#include <string>

#include "fabric/node/publisher.hpp"

namespace weft::fabric {

class Announcer {
public:
    /// `relay` is a publisher towards the relay that nothing else uses; `topic` is
    /// `<prefix>.<environment>.beacon.<name>`.
    Announcer(std::unique_ptr<Publisher> relay, std::string topic, std::string endpoint);

    void tick(Instant now);
    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }

private:
    std::unique_ptr<Publisher> relay_;
    std::string topic_, endpoint_;
    Body body_;
    std::optional<Instant> last_;
};

/// How others reach an endpoint that is bound: where its host is a wildcard, the address that this
/// machine has on the way to the relay; loopback if there is none.
[[nodiscard]] std::string announced_address(const std::string& bound, const std::string& relay);

}  // namespace weft::fabric
