#pragma once
// Receives messages, believes those that verify, and hands them over. One thread owns the socket.
//
// Threads:   deliver, refused, warn and gap are called by the subscriber's own thread, one at a
// time; while
//            they run nothing is received (libzmq queues up to the high-water mark). They must not
//            destroy the subscriber. What deliver throws is caught and counted. Everything else may
//            be called from any thread.
// Ownership: a Message keeps its bytes; views in a RefusedMessage end with the call.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/message.hpp"
#include "fabric/node/gap_log.hpp"
#include "fabric/node/replay_check.hpp"
#include "fabric/transport/clock.hpp"
#include "fabric/transport/curve.hpp"
#include "fabric/transport/name_resolver.hpp"
#include "fabric/transport/transport.hpp"
#include "signing/topic_glob.hpp"
#include "signing/trust_store.hpp"
#include "signing/verifier.hpp"

namespace weft::fabric {

struct SubscriberSettings {
    std::vector<signing::TopicGlob>
        globs;                           ///< Full globs; a message that matches one is delivered.
    std::string relay_outbound;          ///< "": no relay.
    std::vector<std::string> endpoints;  ///< Publishers that bind.
    std::vector<std::string> srv;        ///< Domains whose SRV records name publishers that bind.
    /// Looks up host names among `endpoints`, and `srv`, again and again. Null: names go to the
    /// transport as they are, and `srv` must be empty.
    std::shared_ptr<NameResolver> resolver;
    std::string beacon_root;  ///< "": announcements are not followed.
    std::string ack_root;     ///< Where ACKs are, and nothing else is (A7); "": anywhere.
    bool validate = true;     ///< False: Verifier::Mode::integrity (D2).
    signing::Limits limits;
    /// With CURVE: is told which key those have who announce themselves. Null: no CURVE.
    std::shared_ptr<Curve> curve{};
    /// With validate = false nobody vouches for a signer, so nothing is judged.
    ReplaySettings replay;
};

struct RefusedMessage {
    signing::Refused why;
    std::string_view topic;  ///< As it came: not escaped, maybe not a topic at all.
    std::string_view contents, proof;
    std::string peer;
};

struct SubscriberHooks {
    std::function<void(const Message&)> deliver;
    std::function<void(const RefusedMessage&)> refused;  ///< May be empty.
    std::function<void(const std::string&)> warn;  ///< Rate-limited lines for a log; may be empty.
    std::function<void(const Gap&)> gap{};         ///< Each hole in a stream; may be empty.
    /// A message of kind ACK, on a topic that matches; may be empty. Neither its order nor its
    /// freshness is judged: an ACK says itself what it counts for. What it throws is counted.
    std::function<void(const Message&)> acknowledgement{};
    /// A message that asks for ACKs and was here before, or cannot be told from one that was. It is
    /// not delivered; may be empty.
    std::function<void(const Message&)> repeated{};
    /// After some of the above were called: nothing more has come, or many have. Who hands messages
    /// on to another thread may wake it here instead of each time. May be empty.
    std::function<void()> pause{};
};

struct SubscriberStats {
    std::uint64_t delivered = 0;
    std::uint64_t runs = 0;         ///< ZeroMQ messages that were believed.
    std::uint64_t filtered = 0;     ///< Arrived by prefix, matched no glob.
    std::uint64_t other_kinds = 0;  ///< ACKs nobody asked for here, unknown beacons,
                                    ///< and what goes to one peer only.
    std::uint64_t acks = 0;         ///< Handed to `acknowledgement`.
    std::uint64_t repeated = 0;     ///< Handed to `repeated`; not among the refused.
    std::uint64_t tail_beacons = 0;
    std::uint64_t duplicates = 0;  ///< Of the refused: replayed within seconds, so not logged.
    std::uint64_t gaps = 0;        ///< Holes seen, filled since or not.
    std::uint64_t missing = 0;     ///< Messages that have not come; late ones are taken off.
    std::uint64_t streams = 0;     ///< (signer, epoch, topic) followed now.
    std::uint64_t streams_evicted = 0, signers_evicted = 0;  ///< Forgotten for want of room (P4).
    std::uint64_t barriers_ignored = 0;
    std::uint64_t hung_up = 0;               ///< Connections ended for too many failed proofs (C5).
    std::uint64_t consumer_failed = 0;       ///< deliver threw; the message counts as delivered.
    std::uint64_t trust_reloads_failed = 0;  ///< Attempts; the old trust stayed in force.
    std::array<std::uint64_t, signing::refusal_count> refused{};
    signing::VerifierStats verifier;
    [[nodiscard]] std::uint64_t refused_total() const noexcept;
};

struct ReadyResult {
    bool ready = false;
    std::size_t answered = 0, expected = 0;
    std::string sentence;  ///< Why not.
};

class Subscriber {
public:
    /// `trust` may be null only with validate = false. Endpoints that cannot be parsed are an error
    /// here; names that do not resolve, and endpoints where nobody listens, are tried again for
    /// ever, and the rest goes on meanwhile.
    [[nodiscard]] static tl::expected<std::unique_ptr<Subscriber>, std::string> open(
        Transport& transport, const Clock& clock, SubscriberSettings settings,
        std::shared_ptr<signing::TrustStore> trust, SubscriberHooks hooks);
    /// After it returns nothing is delivered any more.
    ~Subscriber();
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;

    /// Waits until the relay and every configured endpoint confirmed that the subscriptions are in
    /// force: what is published from then on arrives. After a receiver of this kind was killed that
    /// takes up to a quarter of a second longer (see ReplayGuard::promise_us).
    [[nodiscard]] ReadyResult wait_ready(std::chrono::milliseconds timeout);
    /// After it returns nothing is delivered any more, and stats() is final. The destructor does
    /// the same. Not from deliver or refused.
    void stop();
    [[nodiscard]] SubscriberStats stats() const;
    /// These messages of ours came another way: a live copy of one is refused as replayed soon, and
    /// also after a restart. Any thread, before stop(). At most 100,000 wait to be taken note of;
    /// of further ones a live copy may be shown.
    void had(const std::vector<Message>& messages);

private:
    struct Core;
    explicit Subscriber(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::fabric
