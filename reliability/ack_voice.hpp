#pragma once
// What speaks for a recipient: its responder under a lock, and the way to a publisher's ACK topic.
// Threads: any. After close() nothing is said any more, and the fabric may go.

#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "fabric/fabric.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/ack/responder.hpp"

namespace weft::reliability {

class AckVoice {
public:
    /// Throws fabric::OpenFailed where an ACK of ours would count for nobody (D2): signing or
    /// validation is off, or our certificate may not sign ACKs.
    AckVoice(fabric::Fabric& fabric, ResponderSettings settings);

    [[nodiscard]] Now now() const { return {clock_.steady(), clock_.utc_us()}; }
    /// What a message asks of us, or nothing. What cannot be read is counted.
    [[nodiscard]] std::optional<AckRequest> request_of(const fabric::Message& message);
    [[nodiscard]] static AckCall call_of(const fabric::Message& message, const AckRequest& request,
                                         bool repeated);

    /// Asks the responder under the lock, publishes what it gives outside of it.
    template <class Ask>
    void say(const Ask& ask) {
        // The fabric may go away as soon as close() returned.
        const std::shared_lock open(closing_);
        if (closed_) return;
        std::optional<Ack> ack;
        {
            const std::scoped_lock lock(mutex_);
            ack = ask(responder_);
        }
        send(ack);
    }
    /// The responder under the lock; nothing is said. Not within say().
    template <class Ask>
    auto with(const Ask& ask) {
        const std::scoped_lock lock(mutex_);
        return ask(responder_);
    }
    /// Only from where the fabric is certain to live, such as the subscriber's thread.
    void send(const std::optional<Ack>& ack);
    /// The same said of `ack` and of the further messages in `also` (statement.hpp). Any thread.
    void say(const Ack& ack, std::string_view also);
    void close();

    struct Stats {
        AckResponder::Stats responder;
        std::uint64_t acks_not_sent = 0, requests_malformed = 0;
    };
    [[nodiscard]] Stats stats() const;
    [[nodiscard]] fabric::Publisher& publisher() noexcept { return publisher_; }
    [[nodiscard]] const fabric::Clock& clock() const noexcept { return clock_; }
    /// Waits until `deadline` at most; `result` is what the subscriber said, and is given back
    /// unless ACKs cannot leave.
    [[nodiscard]] fabric::ReadyResult wait_ready(fabric::ReadyResult result,
                                                 std::chrono::steady_clock::time_point deadline);

private:
    void send(const Ack& ack, std::string_view also);

    fabric::Fabric& fabric_;
    fabric::Publisher& publisher_;
    const fabric::Clock& clock_;
    const std::string ack_root_, name_;
    mutable std::mutex mutex_;  // guards what follows
    AckResponder responder_;    // statement_of() needs no lock: our name never changes
    std::uint64_t acks_not_sent_ = 0, requests_malformed_ = 0;
    std::string said_not_sent_;

    std::shared_mutex closing_;  // held by whoever speaks
    bool closed_ = false;
};

}  // namespace weft::reliability
