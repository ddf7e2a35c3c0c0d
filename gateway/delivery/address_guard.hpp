#pragma once
// Where callbacks may lead (rule W2): https alone unless plain HTTP is allowed, and no inner
// address unless its network is. Pure; asked when a callback is kept and again for every address
// that is connected to.
// Threads: const use from any. Errors: sentences that say what would be right.

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/delivery/address.hpp"

namespace weft::gateway::delivery {

class AddressGuard {
public:
    /// The error names the network that is none.
    [[nodiscard]] static tl::expected<AddressGuard, std::string> make(
        bool allow_http, const std::vector<std::string>& allow_networks);

    /// "", or why the URL may not be kept, by its form alone.
    [[nodiscard]] std::string form_error(std::string_view url) const;
    /// "", or why this address may not be connected to.
    [[nodiscard]] std::string address_error(const Address& address) const;
    [[nodiscard]] bool allows_http() const noexcept { return allow_http_; }

private:
    bool allow_http_ = false;
    std::vector<Network> networks_;
};

}  // namespace weft::gateway::delivery
