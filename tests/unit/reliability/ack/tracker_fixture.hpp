#pragma once
// A tracker with publishes that are told apart by a number.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "reliability/ack/tracker.hpp"

namespace weft::reliability {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = Outcome::Verdict;

inline Nonce nonce_of(std::uint64_t number) {
    Nonce nonce{};
    const std::uint64_t stirred = number * 0x9E3779B97F4A7C15 + 1;
    std::memcpy(nonce.data(), &stirred, sizeof stirred);
    std::memcpy(nonce.data() + sizeof stirred, &number, sizeof number);
    return nonce;
}

inline signing::Digest digest_of(std::uint64_t number) {
    signing::Digest digest{};
    std::memcpy(digest.data(), &number, sizeof number);
    return digest;
}

inline fabric::MessageId id_of(std::uint64_t number) {
    std::string bytes(16, '\7');
    std::memcpy(bytes.data(), &number, sizeof number);
    return *fabric::MessageId::from_bytes(bytes);
}

class NumberedWaiter final : public Waiter {
public:
    explicit NumberedWaiter(std::uint64_t number_) : number(number_) {}
    std::uint64_t number;
};

class AckTrackerTest : public ::testing::Test {
protected:
    static constexpr std::uint64_t epoch = 41;
    static constexpr std::uint64_t our_fingerprint = 1'000'001;

    AckTrackerTest() { tracker_.add_publisher(digest_of(our_fingerprint)); }

    static std::shared_ptr<const Recipients> recipients(const std::string& text) {
        auto parsed = Recipients::parse(text);
        EXPECT_TRUE(parsed) << parsed.error();
        return std::make_shared<const Recipients>(std::move(*parsed));
    }

    static AckSubject subject(std::uint64_t number) {
        return {.id = id_of(number),
                .digest = digest_of(number),
                .publisher = digest_of(our_fingerprint),
                .nonce = nonce_of(number),
                .epoch = epoch};
    }

    bool open(std::uint64_t number, const std::string& names, AckLevel level = AckLevel::received,
              microseconds timeout = milliseconds{300}, fabric::Instant start = {},
              std::size_t bytes = 100) {
        return tracker_.open(nonce_of(number),
                             {.recipients = recipients(names),
                              .level = level,
                              .start = start,
                              .timeout = timeout,
                              .waiter = std::make_shared<NumberedWaiter>(number)},
                             bytes);
    }
    void bind(std::uint64_t number) {
        SentMessage message{"org.weft.dev.deploy", "content", subject(number)};
        tracker_.bind(nonce_of(number), std::make_shared<const SentMessage>(message));
    }
    /// open() and bind().
    void publish(std::uint64_t number, const std::string& names,
                 AckLevel level = AckLevel::received, microseconds timeout = milliseconds{300},
                 fabric::Instant start = {}) {
        EXPECT_TRUE(open(number, names, level, timeout, start));
        bind(number);
    }

    /// Of a recipient that has the roles ack and journal.
    void ack(const AckSubject& about, const std::string& name, AckLevel level,
             const std::string& reason = "") {
        ack_signed(about, name, level, {name, true, true}, reason);
    }
    void ack(std::uint64_t number, const std::string& name, AckLevel level = AckLevel::received,
             const std::string& reason = "") {
        ack(subject(number), name, level, reason);
    }
    void ack_signed(const AckSubject& about, const std::string& name, AckLevel level,
                    const AckSigner& signer, const std::string& reason = "") {
        tracker_.on_ack({name, level, reason, about}, signer, now_, settled_);
    }
    void tick(fabric::Instant now) {
        now_ = now;
        tracker_.tick(now, sent_again_, settled_);
    }

    /// "1 acknowledged", in the order in which they were settled since the last call.
    std::vector<std::string> verdicts() {
        std::vector<std::string> said;
        for (const auto& settled : settled_) {
            const auto* waiter = dynamic_cast<const NumberedWaiter*>(settled.waiter.get());
            said.push_back(std::to_string(waiter == nullptr ? 0 : waiter->number) + " " +
                           std::string(name_of(settled.outcome.verdict())));
        }
        settled_.clear();
        return said;
    }
    /// The only one that was settled.
    Outcome outcome() {
        EXPECT_EQ(settled_.size(), 1U);
        Outcome last = settled_.back().outcome;
        settled_.clear();
        return last;
    }
    void expect_nothing_kept() const {
        EXPECT_EQ(tracker_.waits(), 0U);
        EXPECT_EQ(tracker_.bytes(), 0U);
        EXPECT_EQ(tracker_.names(), 0U);
        EXPECT_EQ(tracker_.notes_bytes(), 0U);
        EXPECT_EQ(tracker_.next_due(), std::nullopt);
    }

    static RetrySettings without_jitter() {
        RetrySettings settings;
        settings.jitter = 0.0;
        return settings;
    }

    AckTracker tracker_{TrackerLimits{.waits_max = 2000, .bytes_max = 1'000'000}, without_jitter()};
    fabric::Instant now_{};
    std::vector<AckTracker::Settled> settled_;
    std::vector<std::shared_ptr<const SentMessage>> sent_again_;
};

}  // namespace weft::reliability
