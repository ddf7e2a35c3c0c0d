#pragma once
// Names to addresses, for checking a callback before it is kept. Connections are made by what the
// sender itself looks up, and each address is checked there again (rule W2).
//
// Threads:   every function from any thread; `done` in a thread of the resolver or the caller's.
// Limits:    SystemResolver: waiting_max questions, one at a time, each answered within `patience`.
// Errors:    sentences.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/delivery/address.hpp"

namespace weft::gateway::delivery {

class Resolver {
public:
    virtual ~Resolver() = default;
    using Answer = tl::expected<std::vector<Address>, std::string>;
    using OnResolved = std::function<void(Answer)>;
    /// All addresses of a name, or of an address that is written out.
    virtual void resolve(std::string host, OnResolved done) = 0;
};

/// By the system (getaddrinfo), which knows no time limit: a thread waits for it, and another sees
/// to it that nobody waits longer than `patience`.
class SystemResolver final : public Resolver {
public:
    static constexpr std::size_t waiting_max = 64;

    explicit SystemResolver(std::chrono::milliseconds patience = std::chrono::seconds{5});
    ~SystemResolver() override;  ///< Answers what waits.
    SystemResolver(const SystemResolver&) = delete;
    SystemResolver& operator=(const SystemResolver&) = delete;
    void resolve(std::string host, OnResolved done) override;

private:
    struct Desk;
    std::shared_ptr<Desk> desk_;
};

}  // namespace weft::gateway::delivery
