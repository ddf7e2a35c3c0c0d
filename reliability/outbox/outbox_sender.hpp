#pragma once
// Hands what an outbox keeps to a journal, until one has it: at its start what an earlier process
// left, and later what is released, because the wait of its publish has ended. What is being
// waited for by a publish is left alone.
//
// How:       to the first journal that answers, in the order of the options; then to that one until
//            it fails. In the order of the outbox, in bounded batches, signed now
//            (hand_in_queue.hpp, sign_again.hpp). A journal that has a message already answers with
//            the id that it has, so nothing is stored twice. Nothing is handed in before it is
//            `grace` old: what is on its way to a journal over the fabric gets there first.
// Refused:   what a journal refuses for good (invalid, not granted, revoked) stays in the outbox,
// is
//            named once, and skipped until our certificate changes or the process starts again.
// Threads:   one of its own. Every function from any thread. The hooks of the options are called in
//            its thread.
// Ownership: outbox, clock, and what the options refer to, must outlive it.
// Stop:      the destructor does not wait for an answer that is missing.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/outbox/outbox.hpp"
#include "reliability/retry_schedule.hpp"
#include "signing/identity.hpp"

namespace weft::reliability {

struct OutboxSenderOptions {
    using Opened = tl::expected<std::unique_ptr<Journal>, std::string>;
    struct Target {
        std::string name;
        std::function<Opened()> open;  ///< Called when it is needed, and after a new certificate.
    };
    std::vector<Target> journals;
    /// What to sign with; null: nothing can be handed in.
    std::function<std::shared_ptr<const signing::Identity>()> identity;
    /// Why our own certificate may not sign, or "".
    std::function<std::string()> own_refusal = [] { return std::string{}; };
    std::function<void(const std::string&)> warn = [](const std::string&) {};
    RetrySettings retries{
        .first = std::chrono::seconds{1}, .factor = 2.0, .longest = std::chrono::seconds{30}};
    std::chrono::milliseconds grace{2000};
};

class OutboxSender {
public:
    OutboxSender(Outbox& outbox, const fabric::Clock& clock, OutboxSenderOptions options);
    ~OutboxSender();
    OutboxSender(const OutboxSender&) = delete;
    OutboxSender& operator=(const OutboxSender&) = delete;

    /// Its publish has ended, and no journal is known to have it. Nothing happens if it is not in
    /// the outbox.
    void release(const fabric::MessageId& id);
    /// True as soon as everything that is left or released has been handed in, or refused for good;
    /// false after `timeout`.
    [[nodiscard]] bool wait_empty(std::chrono::milliseconds timeout) const;
    /// The destructor waits less after it.
    void request_stop();

    struct Stats {
        std::size_t kept = 0;         ///< In the outbox now.
        std::size_t waiting = 0;      ///< Of these, to be handed in.
        std::size_t refused = 0;      ///< Of these, skipped.
        std::uint64_t handed_in = 0;  ///< A journal answered for them.
        std::uint64_t settled = 0;    ///< Of these, that were in the outbox until then.
    };
    [[nodiscard]] Stats stats() const;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability
