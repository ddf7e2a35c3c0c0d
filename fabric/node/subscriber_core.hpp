#pragma once
// The inside of a Subscriber, declared once for the files that it is made of:
//   subscriber.cpp            its life: connecting, the loop, ticks, what callers ask
//   subscriber_names.cpp      host names and service records, as their answers come
//   subscriber_arrivals.cpp   what becomes of a message that arrived
//   subscriber_control.cpp    barriers, probes and beacons
// Threads: the subscriber's own, unless a function says something else; `mutex` guards what others
// look at.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fabric/node/control.hpp"
#include "fabric/node/endpoint_directory.hpp"
#include "fabric/node/gap_log.hpp"
#include "fabric/node/hang_up_log.hpp"
#include "fabric/node/name_watcher.hpp"
#include "fabric/node/refusal_log.hpp"
#include "fabric/node/replay_check.hpp"
#include "fabric/node/subscriber.hpp"

namespace weft::fabric {

struct Subscriber::Core {
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };

    Core(const Clock& the_clock, SubscriberSettings the_settings,
         std::shared_ptr<signing::TrustStore> the_trust, SubscriberHooks the_hooks,
         std::unique_ptr<SubscribePort> the_port)
        : clock(the_clock),
          settings(std::move(the_settings)),
          trust(std::move(the_trust)),
          hooks(std::move(the_hooks)),
          port(std::move(the_port)),
          directory(settings.endpoints, settings.relay_outbound),
          verifier(trust,
                   settings.validate ? signing::Verifier::Mode::validate
                                     : signing::Verifier::Mode::integrity,
                   settings.limits),
          probe(std::string{probe_prefix} + make_nonce()),
          trust_generation(trust ? trust->generation() : 0) {
        if (settings.validate && settings.replay.on) watch_replays();
    }

    // Its life.

    void watch_replays();
    tl::expected<void, std::string> connect();
    void start();
    void apply(const EndpointDirectory::Changes& changes);
    /// Under the lock.
    void copy_counters();
    /// A reload that fails is tried again, and fails again, at each tick: said when it changes.
    void say_once(const std::vector<std::string>& problems);
    void say_replay_problem();
    void on_tick();
    /// What had() was told.
    void take_had();
    void run_turn();
    void run(const std::stop_token& stop);

    // Names.

    /// The watcher's thread. The newest answer of each name waits for the subscriber's.
    void on_answer(const NameQuery& query, const NameAnswer& answer);
    /// What stays wrong is said once, not at each attempt.
    void say_about(const std::string& name, const std::string& problem);
    /// Whose certificate those have who are found by name: that of the name in the configuration,
    /// and for service records that of their target.
    void expect_keys(const std::string& name, const NameAnswer& answer);
    void take_answers();

    // Arrivals.

    void refuse(const signing::Refused& why, const Arrival& arrival, bool log = true);
    bool wanted(std::string_view topic);
    enum class Novelty { fresh, asks_again, refused };
    /// Decoded and not yet handed over: was it here before, and what is missing before it? Who
    /// asks for acknowledgements may ask again, if somebody here answers that.
    Novelty novelty(const ContentHeader& header, const Arrival& arrival, bool deliver);
    /// Before anybody is told or given anything. Only this thread writes the counters.
    void count_missing();
    void on_gap(std::uint64_t epoch, std::uint64_t to, std::uint64_t count, std::string_view topic);
    /// A consumer that throws harms nobody but itself: counted, named, and the next message comes.
    void hand_over(const Message& message, const std::function<void(const Message&)>& consumer);
    /// Failed proofs a second that the connection of the last arrival, named `from`, may cost us.
    std::uint32_t failures_allowed(const std::string& from);
    /// On the connection of the last arrival, unless it may be the relay's.
    void hang_up(const std::string& from);
    void on_run(const Arrival& arrival, bool deliver);
    void on_arrival(const Arrival& arrival);

    // Control.

    void on_control(const Arrival& arrival);
    /// On the topic that it is about. Others than tail beacons are for later versions.
    void on_tail_beacon(const Message& beacon, const Arrival& arrival);
    void on_beacon(const Message& beacon, const Arrival& arrival);

    const Clock& clock;
    const SubscriberSettings settings;
    const std::shared_ptr<signing::TrustStore> trust;
    const SubscriberHooks hooks;
    const std::unique_ptr<SubscribePort> port;
    EndpointDirectory directory;
    signing::Verifier verifier;
    signing::VerifiedRun verified_run;
    RefusalLog refusal_log;
    std::unordered_map<std::string, bool, Hash, std::equal_to<>> decisions;
    std::unordered_map<std::string, bool> is_relay;  // by connection; asked anew each tick
    HangUpLog hang_up_log;
    const std::string probe;
    std::uint64_t trust_generation;
    std::vector<std::string> trust_problems;  // said already
    std::unique_ptr<ReplayCheck> replays;     // null: nothing is judged
    GapLog gap_log;
    std::uint64_t now_us = 0;  // of the arrival in hand
    Instant sure_from{};       // what is published from then on is certainly new
    std::vector<NameQuery> queries;
    std::map<std::string, std::string> said_about;
    std::map<std::string, std::string> named_endpoints;  // by query: as the configuration has it
    int barriers_this_tick = 0;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::size_t expected = 0, answered = 0;
    std::map<std::string, NameAnswer> answers;      // not taken yet
    std::map<std::string, std::string> unresolved;  // names that never had an endpoint, and why
    std::vector<Message> had_elsewhere;             // not taken note of yet
    SubscriberStats stats;
    std::jthread thread;  // starts after, and joins before, what it uses
    // Last: it wakes the port. Of whoever owns the subscriber; its thread asks `queries` instead.
    std::unique_ptr<NameWatcher> watcher;
};

}  // namespace weft::fabric
