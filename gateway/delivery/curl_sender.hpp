#pragma once
// The sender that goes by libcurl: HTTP/1.1, connections kept and used again, in a thread of its
// own. Each address is checked by the guard when it is connected to,
// whatever its name was checked as before (rule W2); a connection that is used again was checked by
// the same guard.
//
// Threads, limits, errors: sender.hpp. Host names are looked up by libcurl's.
// Ownership: the clock outlives it.

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "gateway/delivery/address_guard.hpp"
#include "gateway/delivery/sender.hpp"
#include "gateway/delivery/settings.hpp"

namespace weft::gateway::delivery {

class CurlSender final : public Sender {
public:
    /// The error: libcurl could not be had, or the CA file cannot be read.
    [[nodiscard]] static tl::expected<std::unique_ptr<CurlSender>, std::string> open(
        const Settings& settings, AddressGuard guard);
    ~CurlSender() override;
    CurlSender(const CurlSender&) = delete;
    CurlSender& operator=(const CurlSender&) = delete;

    Ticket send(SendRequest request, OnSent done) override;
    void cancel(Ticket ticket) override;
    void stop() override;

private:
    struct Core;
    explicit CurlSender(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::gateway::delivery
