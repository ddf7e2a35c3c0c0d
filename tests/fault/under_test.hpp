#pragma once
// What the simulator drives: the product's own state machines, or ones with a fault planted on
// purpose. A call goes straight through unless a fault stands in its way.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reliability/ack/responder.hpp"
#include "reliability/ack/tracker.hpp"

namespace weft::fault {

class TrackerUnderTest {
public:
    using Settled = std::vector<reliability::AckTracker::Settled>;
    using Messages = std::vector<std::shared_ptr<const reliability::SentMessage>>;

    TrackerUnderTest(reliability::TrackerLimits limits, reliability::RetrySettings retries,
                     std::uint64_t seed)
        : tracker_(limits, retries, seed) {}
    virtual ~TrackerUnderTest() = default;

    virtual bool open(const reliability::Nonce& nonce, reliability::AckTracker::Wait wait,
                      std::size_t bytes) {
        return tracker_.open(nonce, std::move(wait), bytes);
    }
    virtual void bind(const reliability::Nonce& nonce,
                      std::shared_ptr<const reliability::SentMessage> message) {
        tracker_.bind(nonce, std::move(message));
    }
    virtual void cancel(const reliability::Nonce& nonce) { tracker_.cancel(nonce); }
    virtual void on_ack(reliability::AckStatement ack, reliability::AckSigner signer,
                        fabric::Instant now, Settled& settled) {
        tracker_.on_ack(ack, signer, now, settled);
    }
    virtual void tick(fabric::Instant now, Messages& send_again, Settled& settled) {
        tracker_.tick(now, send_again, settled);
    }
    virtual void abort(const reliability::Nonce& nonce, fabric::Instant now, Settled& settled) {
        tracker_.abort(nonce, now, settled);
    }
    virtual void abort_all(fabric::Instant now, Settled& settled) {
        tracker_.abort_all(now, settled);
    }

    void add_publisher(const signing::Digest& fingerprint) { tracker_.add_publisher(fingerprint); }
    void on_refused_ack(std::string_view name, std::string_view why) {
        tracker_.on_refused_ack(name, why);
    }
    [[nodiscard]] const reliability::AckTracker& real() const { return tracker_; }

protected:
    reliability::AckTracker tracker_;
};

using MakeTracker = std::function<std::unique_ptr<TrackerUnderTest>(
    reliability::TrackerLimits, reliability::RetrySettings, std::uint64_t)>;

class ResponderUnderTest {
public:
    using Ack = std::optional<reliability::Ack>;

    explicit ResponderUnderTest(reliability::ResponderSettings settings)
        : responder_(std::move(settings)) {}
    virtual ~ResponderUnderTest() = default;

    virtual reliability::AckResponder::Arrived on_arrival(const reliability::AckCall& call,
                                                          reliability::Now now) {
        return responder_.on_arrival(call, now);
    }
    virtual Ack on_queued(const reliability::Nonce& nonce, reliability::Now now) {
        return responder_.on_queued(nonce, now);
    }
    virtual reliability::AckResponder::Start may_start(const reliability::Nonce& nonce,
                                                       reliability::Now now) {
        return responder_.may_start(nonce, now);
    }
    virtual Ack on_rejected(const reliability::Nonce& nonce, std::string_view reason,
                            reliability::Now now) {
        return responder_.on_rejected(nonce, reason, now);
    }

    void on_not_queued(const reliability::Nonce& nonce) { responder_.on_not_queued(nonce); }
    Ack on_processed(const reliability::Nonce& nonce, reliability::Now now) {
        return responder_.on_processed(nonce, now);
    }
    Ack on_stored(const reliability::Nonce& nonce, reliability::Now now) {
        return responder_.on_stored(nonce, now);
    }
    void expire(fabric::Instant now) { responder_.expire(now); }
    [[nodiscard]] const reliability::AckResponder& real() const { return responder_; }

protected:
    reliability::AckResponder responder_;
};

using MakeResponder =
    std::function<std::unique_ptr<ResponderUnderTest>(reliability::ResponderSettings)>;

}  // namespace weft::fault
