#pragma once
// One request of the curl sender: its handle, what it sends, what came. Confined to the sender's
// thread. Handles are used again.

#include <cstdint>
#include <memory>
#include <string>

#include "gateway/delivery/address_guard.hpp"
#include "gateway/delivery/sender.hpp"
#include "gateway/delivery/settings.hpp"

namespace weft::gateway::delivery {

class CurlTransfer {
public:
    /// Both outlive it.
    CurlTransfer(const Settings& settings, const AddressGuard& guard);
    ~CurlTransfer();
    CurlTransfer(const CurlTransfer&) = delete;
    CurlTransfer& operator=(const CurlTransfer&) = delete;

    /// Sets everything; "" or why it cannot be sent.
    [[nodiscard]] std::string prepare(Sender::Ticket ticket, SendRequest request,
                                      Sender::OnSent done);
    /// What came of it; `code` is a CURLcode.
    [[nodiscard]] SendResult result(int code) const;
    [[nodiscard]] Sender::OnSent take_done();
    [[nodiscard]] Sender::Ticket ticket() const noexcept;
    [[nodiscard]] void* handle() const noexcept;  ///< A CURL*.

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace weft::gateway::delivery
