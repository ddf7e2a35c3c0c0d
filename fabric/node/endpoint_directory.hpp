#pragma once
// Where the publishers of the mesh are: those of the configuration, those that its names and SRV
// records stand for, and those that announce themselves because they bound a free port. Pure; time
// comes in.
// Threads: not synchronised.
// Limits:  announcers_max names, endpoints_per_name_max each; what exceeds them is not followed and
//          counted.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/transport/clock.hpp"

namespace weft::fabric {

class EndpointDirectory {
public:
    static constexpr std::size_t announcers_max = 4096;
    static constexpr std::size_t endpoints_per_name_max = 256;
    /// An announcement that is not repeated is forgotten after this; announcers repeat each second.
    static constexpr std::chrono::seconds keep{10};

    struct Changes {
        std::vector<std::string> connect, disconnect;
    };

    /// `fixed` never expire; endpoints with port 0 are left out: those announce themselves. The
    /// relay is connected by the caller; here it stands so that nobody who announces its endpoint
    /// and falls silent gets it disconnected. "": none.
    explicit EndpointDirectory(const std::vector<std::string>& fixed, std::string relay = "");

    [[nodiscard]] const std::vector<std::string>& fixed() const noexcept { return fixed_; }
    /// `name` (verified by the caller) says that it publishes at `endpoint`.
    [[nodiscard]] Changes on_announcement(const std::string& name, const std::string& endpoint,
                                          Instant now);
    /// What a name stands for now. Who does not change stays connected; a name that ceases to
    /// resolve is not told here, and keeps what it had.
    [[nodiscard]] Changes on_resolved(const std::string& name,
                                      const std::vector<std::string>& endpoints);
    [[nodiscard]] Changes expire(Instant now);
    [[nodiscard]] std::uint64_t not_followed() const noexcept { return not_followed_; }

private:
    bool known_otherwise(const std::string& endpoint) const;

    std::vector<std::string> fixed_;
    std::string relay_;
    std::map<std::string, std::map<std::string, Instant>> announced_;  // name, endpoint, last heard
    std::map<std::string, std::vector<std::string>> resolved_;
    std::uint64_t not_followed_ = 0;
};

/// True for "tcp://host:port" with a real host and port: what others may announce.
[[nodiscard]] bool is_reachable_endpoint(std::string_view endpoint);

}  // namespace weft::fabric
