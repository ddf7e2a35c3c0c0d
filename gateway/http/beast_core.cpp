#include "gateway/http/beast_core.hpp"

#include <array>
#include <cstdio>
#include <random>

namespace weft::gateway {

Core::Core(const ServerSettings& settings)
    : limits(settings.limits), on_access(settings.on_access), tls(settings.tls) {
    std::random_device random;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%08x", static_cast<unsigned>(random()));
    id_prefix_ = text.data();
}

std::string Core::next_request_id() {
    std::array<char, 20> text{};
    std::snprintf(text.data(), text.size(), "%llx", static_cast<unsigned long long>(++ids_));
    return id_prefix_ + "-" + text.data();
}

Turn::Turn(std::shared_ptr<Core> core_of, Request request_of, SteadyTime begin_at)
    : core(std::move(core_of)),
      request(std::move(request_of)),
      begin(begin_at),
      body_bytes(request.body.size()) {}

Turn::~Turn() {
    core->counters[Count::body_bytes] -= body_bytes;
}

}  // namespace weft::gateway
