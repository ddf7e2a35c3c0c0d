#include "gateway/http/server_counters.hpp"

namespace weft::gateway {

std::map<std::string, std::uint64_t> ServerCounters::by_name() const {
    static constexpr std::array<const char*, count_count> names = {
        "connections",        "connections_open",
        "requests",           "requests_open",
        "websockets",         "body_bytes",
        "slow_reader",        "stalled_writer",
        "idle_closed",        "gone",
        "answered_late",      "answered_twice",
        "handler_exceptions", "tls_failed",
        "accept_failed"};
    std::map<std::string, std::uint64_t> all;
    for (std::size_t i = 0; i < count_count; ++i) all[names[i]] = counts_[i];
    for (std::size_t i = 0; i < refused_count; ++i) {
        all["refused." + std::string{name_of(static_cast<Refused>(i))}] = refused_[i];
    }
    return all;
}

}  // namespace weft::gateway
