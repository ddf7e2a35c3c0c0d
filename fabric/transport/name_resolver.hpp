#pragma once
// Turns names into endpoints that a socket can connect to: hosts (A, AAAA, /etc/hosts) and domains
// whose SRV records (RFC 2782) list publishers. libzmq would look names up itself, but in the
// thread that moves everybody's messages, and one dead name server would stop them all.
//
// Threads:   resolve() in one thread at a time.
// Limits:    endpoints_per_name_max of one name; each query ends within about four seconds.
// Errors:    an answer without endpoints has a sentence that names what was asked.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace weft::fabric {

struct NameQuery {
    enum class Kind { host, srv };
    Kind kind = Kind::host;
    std::string name;        ///< A host, or a domain: `_weft._tcp.` goes before it unless it begins
                             ///< with an underscore.
    std::uint16_t port = 0;  ///< host: goes into the endpoints.

    [[nodiscard]] std::string text() const;  ///< For people, and as a key: each query has its own.
    bool operator==(const NameQuery&) const = default;
};

struct NameAnswer {
    std::vector<std::string> endpoints{};  ///< "tcp://192.0.2.7:9940", sorted, each once.
    /// srv: the target that an endpoint is an address of, in lower case, without a last dot.
    std::map<std::string, std::string> targets{};
    std::chrono::seconds ttl{0};  ///< How long it may be believed.
    std::string problem{};        ///< Why there are none, or why some are missing.
};

class NameResolver {
public:
    static constexpr std::size_t endpoints_per_name_max = 256;

    virtual ~NameResolver() = default;
    /// All at once; answers stand in the order of the queries. A stop ends it soon, and then what
    /// is not known yet has a problem.
    [[nodiscard]] virtual std::vector<NameAnswer> resolve(const std::vector<NameQuery>& queries,
                                                          const std::stop_token& stop) = 0;
};

/// By c-ares. `servers`: "192.0.2.1" or "127.0.0.1:5353"; empty: those of /etc/resolv.conf.
[[nodiscard]] tl::expected<std::unique_ptr<NameResolver>, std::string> make_dns_resolver(
    const std::vector<std::string>& servers);

}  // namespace weft::fabric
