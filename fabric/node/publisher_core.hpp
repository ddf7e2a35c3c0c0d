#pragma once
// What a publisher does behind its interface: takes batches from the queue, signs and sends them,
// follows who wants what, its trust and its own certificate, holds back while a relay is away.
// Inside of this library.
// Threads: any number put into `queue`; the rest is done by the sender, the thread of run(). What
// others look at is guarded by `mutex`, which says so where it stands.

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "fabric/node/flush_tracker.hpp"
#include "fabric/node/publisher.hpp"
#include "fabric/node/run_sender.hpp"

namespace weft::fabric {

struct Publisher::Core {
    static constexpr std::array all_kinds{signing::Kind::message, signing::Kind::ack,
                                          signing::Kind::beacon};

    /// Why our own certificate may not speak now. Roles differ by kind: who may only acknowledge is
    /// refused for messages, not for ACKs.
    struct SignerRefusal {
        std::atomic<bool> is_refused{false};
        std::string sentence;
    };

    Core(const Clock& the_clock, PublisherSettings the_settings,
         std::shared_ptr<const signing::Identity> the_identity,
         std::shared_ptr<signing::TrustStore> the_trust, std::unique_ptr<PublishPort> the_port);
    static std::unique_ptr<signing::BatchSigner> signer_of(
        const std::shared_ptr<const signing::Identity>& who);
    std::shared_ptr<const signing::Identity> identity() const;
    bool is_ack_topic(std::string_view topic) const;
    std::string judge_topic(std::string_view topic) const;
    /// Expired or revoked meanwhile? Then say so to whoever publishes, not only to receivers.
    void judge_signer();
    /// What has been signed stays as it is; the next batch is signed with the new key.
    void renew_identity();
    void look_at_trust();
    void on_peers_changed(bool joined);
    void drain_subscriptions();
    /// True while nothing may go out: the relay is away, or its subscribers may not be back yet.
    bool holds_back(Instant now);
    void send_barriers();
    /// One batch; false if there is none or nobody to take it.
    bool send_batch();
    /// Topics that went quiet: receivers are told how far they got. Not while the relay is away,
    /// and not on behalf of a certificate that receivers would refuse.
    void send_tails(Instant now);
    void run(const std::stop_token& stop);

    const Clock& clock;
    const PublisherSettings settings;
    const bool signs;
    mutable std::mutex identity_mutex;  // held for the copy of a pointer only, also below the
                                        // queue's
    std::shared_ptr<const signing::Identity> current_identity;
    std::atomic<std::uint64_t> identity_generation{1};
    const std::shared_ptr<signing::TrustStore> trust;
    const std::unique_ptr<PublishPort> port;
    const std::string bound;
    OutgoingQueue queue;
    RunSender sender;

    mutable std::mutex
        mutex;  // guards what follows; never held while the queue's is taken by claim
    std::condition_variable changed;
    FlushTracker flushes;
    bool had_link = false;
    std::optional<Instant> hold_until;  // of the sender's thread alone
    std::uint64_t handled = 0, dropped_at_close = 0;
    RunSender::Counters counters;
    std::array<SignerRefusal, all_kinds.size()> signer_refusals;
    std::uint64_t judged_generation = 0;
    bool closed = false;
    std::jthread thread;  // last: starts after, and joins before, everything that it uses
};

}  // namespace weft::fabric
