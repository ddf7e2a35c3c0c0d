#include "gateway/bridge/durable_publishes.hpp"

#include <algorithm>
#include <utility>

#include "gateway/bridge/bridge_errors.hpp"

namespace weft::gateway {
namespace {

using std::chrono::milliseconds;

/// The clock is looked at so often, whatever it says.
constexpr milliseconds tick_max{250};

BridgeError with(BridgeError error, const fabric::MessageId& id) {
    error.id = id;
    return error;
}

}  // namespace

/// Opens the wait before the message leaves.
class DurablePublishes::Sealing final : public fabric::SealedMessageHook {
public:
    struct TooMany {};
    struct Stopped {};

    Sealing(DurablePublishes& all, std::string topic, OnPublished& done)
        : all_(all), done_(done), sealed_(std::make_shared<SealedBytes>()) {
        sealed_->topic = std::move(topic);
    }

    void prepare(std::size_t content_bytes) override {
        sealed_->content.resize(content_bytes);
        const std::scoped_lock lock(all_.mutex_);
        if (all_.stopping_) throw Stopped{};
        if (!all_.pending_.hold(content_bytes)) throw TooMany{};
        holds_ = true;
    }
    void on_sealed(const Sealed& sealed) noexcept override {
        sealed.content.copy(sealed_->content.data(), sealed.content.size());
        sealed_->digest = sealed.digest;
        const std::scoped_lock lock(all_.mutex_);
        if (all_.stopping_) return;
        holds_ = false;
        const fabric::Instant now = all_.clock_.steady();
        all_.pending_.open(sealed.id, std::move(sealed_), std::move(done_), now);
        const auto due = all_.pending_.next_due();
        if (due && *due < all_.wakes_at_) all_.changed_.notify_one();
    }
    /// True if it has not been opened: whoever asked must be answered here.
    [[nodiscard]] bool give_back() {
        if (!holds_) return false;
        const std::scoped_lock lock(all_.mutex_);
        all_.pending_.release(sealed_->content.size());
        holds_ = false;
        return true;
    }

private:
    DurablePublishes& all_;
    OnPublished& done_;
    std::shared_ptr<SealedBytes> sealed_;
    bool holds_ = false;
};

DurablePublishes::DurablePublishes(fabric::Publisher& publisher, const fabric::Clock& clock,
                                   const PendingLimits& limits)
    : publisher_(publisher),
      clock_(clock),
      limits_(limits),
      pending_(limits),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

DurablePublishes::~DurablePublishes() {
    stop(milliseconds{0});
}

bool DurablePublishes::publish(const std::string& topic, fabric::BodyView body,
                               fabric::PublishOptions options, OnPublished& done) {
    Sealing sealing(*this, topic, done);
    options.hook = &sealing;
    const auto no = [&](BridgeError error) { done(tl::make_unexpected(std::move(error))); };
    try {
        const auto published = publisher_.try_publish(topic, body, options);
        const bool not_opened = sealing.give_back();
        if (!published) {
            if (published.error().reason == fabric::PublishError::Reason::queue_full) return false;
            no(error_of(published.error()));
        } else if (not_opened) {
            no(with(stopped_error(), *published));
        }
    } catch (const Sealing::TooMany&) {
        no({BridgeError::Kind::busy,
            "too much waits to be stored by the gateway's journal: try again later"});
    } catch (const Sealing::Stopped&) {
        no(stopped_error());
    }
    return true;
}

bool DurablePublishes::awaited(const fabric::Message& message) const {
    const std::scoped_lock lock(mutex_);
    return pending_.contains(message.id());
}

void DurablePublishes::answered(const std::vector<reliability::AwaitedMessage>& messages,
                                const reliability::JournalError* error) {
    std::vector<std::pair<reliability::AwaitedMessage, OnPublished>> told;
    told.reserve(messages.size());
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& message : messages) {
            if (auto done = pending_.take(message.id)) told.emplace_back(message, std::move(*done));
        }
        if (stopping_ && pending_.size() == 0) changed_.notify_all();
    }
    for (auto& [message, done] : told) {
        if (error == nullptr) {
            done(Published{message.id, message.stored});
        } else {
            done(tl::make_unexpected(with(error_of(*error), message.id)));
        }
    }
}

void DurablePublishes::run(const std::stop_token& stop) {
    std::vector<std::shared_ptr<const SealedBytes>> again;
    std::vector<Pending::Ended> expired;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const fabric::Instant now = clock_.steady();
        pending_.tick(now, again, expired);
        if (again.empty() && expired.empty()) {
            const auto due = std::min<fabric::Instant>(pending_.next_due().value_or(now + tick_max),
                                                       now + tick_max);
            wakes_at_ = due;
            changed_.wait_for(lock, stop, due - now, [&] {
                const auto next = pending_.next_due();
                return next && *next < due;
            });
            continue;
        }
        lock.unlock();
        std::uint64_t sent = 0;
        for (const auto& message : again) {
            sent +=
                publisher_.send_again(message->topic, message->content, message->digest) ? 1 : 0;
        }
        tell_expired(expired);
        again.clear();
        expired.clear();
        lock.lock();
        sent_again_ += sent;
    }
}

void DurablePublishes::tell_expired(std::vector<Pending::Ended>& expired) const {
    for (auto& [id, done] : expired) {
        done(tl::make_unexpected(BridgeError{
            BridgeError::Kind::journal_away,
            "the message was published, and did not come back to the gateway's journal within " +
                std::to_string(limits_.timeout.count()) +
                " ms: it may still be stored, so ask for its id before it is published again; is "
                "`weft relay` running?",
            {},
            id}));
    }
}

void DurablePublishes::stop(milliseconds patience) {
    std::vector<Pending::Ended> left;
    {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        changed_.wait_for(lock, patience, [this] { return pending_.size() == 0; });
        left = pending_.take_all();
    }
    for (auto& [id, done] : left) done(tl::make_unexpected(with(stopped_error(), id)));
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

std::size_t DurablePublishes::waiting() const {
    const std::scoped_lock lock(mutex_);
    return pending_.size();
}

std::uint64_t DurablePublishes::sent_again() const {
    const std::scoped_lock lock(mutex_);
    return sent_again_;
}

}  // namespace weft::gateway
