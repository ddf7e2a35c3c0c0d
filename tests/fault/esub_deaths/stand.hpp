#pragma once
// A relay and a gateway that serves esub: here, or on a host of its own whose packets to the subs'
// host can be made to vanish. Threads: one.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/fault/esub_deaths/client.hpp"
#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/network_namespaces.hpp"

namespace weft::testing {

/// Sockets that are made while it lives are of that network namespace. Of this thread.
class InNamespace {
public:
    /// "": nothing happens.
    explicit InNamespace(const std::string& name);
    ~InNamespace();
    InNamespace(const InNamespace&) = delete;
    InNamespace& operator=(const InNamespace&) = delete;

private:
    Descriptor home_;
};

class Stand {
public:
    /// `distant`: subs are on another host. `more`: configuration below `gateway.esub`.
    Stand(bool distant, const std::string& more);

    [[nodiscard]] const Address& address() const noexcept { return address_; }
    /// A connection from where subs are, or from beside the gateway.
    [[nodiscard]] Client connect_far(int receive_buffer = 0) const;
    [[nodiscard]] Client connect_near() const;
    /// Until so many keys with that prefix are waited for.
    void await_keys(const std::string& prefix, std::size_t count) const;

    void cut();
    void heal();

private:
    [[nodiscard]] Process start(std::vector<std::string> arguments);

    std::optional<NetworkNamespaces> network_;
    std::string near_, far_;
    Fabric fabric_;
    Address address_;
    std::optional<Process> relay_, gateway_;
};

}  // namespace weft::testing
