#pragma once
// What Routemaster can be told. docs/routemaster.md explains each. Threads: a value; read() is
// pure.

#include <cstdint>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"
#include "gateway/access_log/client_address.hpp"

namespace weft::gateway::routemaster {

struct Settings {
    std::string topic_root;               ///< Full, such as "org.weft.dev.routemaster".
    std::string root_key{};               ///< "": nobody is root.
    std::vector<std::string> clients{};   ///< Their tokens, besides those that root makes.
    std::uint64_t event_data_max = 64;    ///< Bytes, as msgpack.
    bool allow_http = false;              ///< Callbacks without TLS: for development.
    std::uint64_t journal_bytes_max = 0;  ///< 0: nothing is dropped on our account.
    std::uint64_t journal_bytes_free = 0;
    bool require_https = false;              ///< Plain requests get 308 (M25).
    std::vector<Network> trusted_proxies{};  ///< Whose X-Forwarded-Proto is believed.
    std::string path_prefix{};               ///< "" or "/bus": in front of every path.

    static constexpr std::size_t body_bytes_max = std::size_t{64} << 10;
    static constexpr std::size_t topics_max = 50'000;  ///< That exist.
    static constexpr std::size_t topics_of_subscription_max = 1000;
    static constexpr std::size_t tokens_max = 10'000;

    /// Of topic_prefix, environment, gateway.routemaster and webhooks. Adds what is wrong to
    /// `problems`.
    [[nodiscard]] static Settings read(const config::Configuration& configuration,
                                       config::Problems& problems);
};

}  // namespace weft::gateway::routemaster
