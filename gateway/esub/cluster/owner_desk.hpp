#pragma once
// Answers the fabric for the keys that are open here: what arrives on a key's topic is handed to
// its waiter, and acknowledged as `processed` once the waiter took the bytes, or rejected with the
// words that an HTTP client would read.
//
// Who:     a message that names recipients is for those alone: only the named gateway delivers it
//          and answers. One that names nobody, or only asks journals to store it, each gateway
//          offers to its own waiter.
// Token:   that of the message (fabric_headers.hpp) must be the waiter's, as in HTTP.
// Threads: those of AckConsumer; `house` is called from its thread, verdicts come from any.
// Needs:   a certificate with the role ack. Throws fabric::OpenFailed.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "fabric/fabric.hpp"
#include "gateway/esub/cluster/key_topic.hpp"
#include "gateway/esub/cluster/rid_memory.hpp"
#include "gateway/esub/elsewhere.hpp"
#include "reliability/ack_consumer.hpp"

namespace weft::gateway::esub {

/// The part of a gateway that the fabric reaches. Threads: any.
class Waiters {
public:
    virtual ~Waiters() = default;
    /// To a waiter of this gateway. `hash`: of the token, where that itself was not said.
    struct Reply {
        std::string key, token;
        std::optional<std::string> hash{};
        bool psub_only = false;
    };
    virtual void deliver(const Reply& reply, std::string body, OnVerdict done) = 0;
    /// Somebody at another gateway takes the key over.
    [[nodiscard]] virtual Verdict release(Kind kind, const Reply& reply) = 0;
};

struct OwnerDeskStats {
    std::uint64_t delivered = 0, refused = 0;  ///< Replies of the fabric.
    std::uint64_t claims = 0;
    std::uint64_t for_others = 0;  ///< Named somebody else.
};

class OwnerDesk {
public:
    OwnerDesk(fabric::Fabric& fabric, const KeyTopics& topics, Waiters& waiters);
    ~OwnerDesk();
    OwnerDesk(const OwnerDesk&) = delete;
    OwnerDesk& operator=(const OwnerDesk&) = delete;

    void stop();
    [[nodiscard]] OwnerDeskStats stats() const;

private:
    struct Core;
    std::shared_ptr<Core> core_;
    std::unique_ptr<reliability::AckConsumer> consumer_;
};

}  // namespace weft::gateway::esub
