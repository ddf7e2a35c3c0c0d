#include "gateway/bridge/live_bridge.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "fabric/message/topic.hpp"
#include "fabric/node/refusal_log.hpp"
#include "gateway/bridge/bridge_errors.hpp"
#include "gateway/bridge/bridge_health.hpp"
#include "gateway/bridge/durable_publishes.hpp"
#include "gateway/bridge/journal_desk.hpp"
#include "gateway/bridge/journal_host.hpp"
#include "gateway/bridge/publishes_for_room.hpp"
#include "gateway/bridge/workers.hpp"
#include "reliability/reliable_publisher.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway {
namespace {

using Kind = BridgeError::Kind;
using Mode = PublishRequest::Mode;
using reliability::JournalId;
using std::chrono::milliseconds;

constexpr std::string_view via_header = "via";
constexpr const char* broken_sentence =
    "the gateway's journal has failed and stores nothing more: restart the gateway once its disk "
    "is well.";

bool is_via(std::string_view name) {
    return name.size() == via_header.size() &&
           std::equal(name.begin(), name.end(), via_header.begin(), [](char one, char of_via) {
               return one == of_via || one == of_via - ('a' - 'A');
           });
}

/// What our recorder records.
tl::expected<reliability::TopicFilter, std::string> recorded_topics(
    const fabric::TopicSpace& space, const std::vector<std::string>& globs) {
    std::vector<signing::TopicGlob> whole;
    // What is left out is recorded where it is to be durable.
    for (const std::string& glob : reliability::recorded_globs(space, globs)) {
        auto parsed = signing::TopicGlob::parse(space.complete_glob(glob));
        if (!parsed) return tl::make_unexpected("reliability.journal.topics: " + parsed.error());
        whole.push_back(std::move(*parsed));
    }
    return reliability::TopicFilter(std::move(whole));
}

}  // namespace

struct LiveBridge::Core {
    Core(fabric::Fabric& the_fabric, reliability::Settings the_settings,
         reliability::TopicFilter the_recorded, const BridgeLimits& the_limits)
        : fabric(the_fabric),
          settings(std::move(the_settings)),
          recorded(std::move(the_recorded)),
          limits(the_limits),
          durable(fabric.publisher(), fabric.clock(), limits.durable),
          for_room(fabric.clock(),
                   {limits.durable.publishes, limits.durable.bytes, limits.durable.timeout}),
          acknowledged(1, limits.acknowledged_waiting),
          room(limits.read_threads, limits.room_waiting) {
        for (std::size_t i = 0; i < limits.read_threads; ++i) {
            verifiers.push_back(std::make_unique<reliability::StoredVerifier>(fabric.trust()));
        }
    }

    tl::expected<void, std::string> begin(std::unique_ptr<reliability::Journal> journal) {
        reliability::RecorderOptions options;
        options.awaited = [this](const fabric::Message& message) {
            traffic.publishers.passed({message.signer(), 1, 0, fabric.clock().utc_us()});
            return message.signer() == fabric.settings().name && durable.awaited(message);
        };
        options.answered_elsewhere = limits.answered_elsewhere;
        options.answered = [this](const auto& messages, const auto* error) {
            if (error != nullptr) note_failure(*error);
            durable.answered(messages, error);
        };
        auto opened = JournalHost::open(fabric, settings, std::move(journal), std::move(options));
        if (!opened) return tl::make_unexpected(std::move(opened.error()));
        host = std::move(*opened);
        reliable = std::make_unique<reliability::ReliablePublisher>(fabric, settings);
        JournalDeskSettings of_desk;
        of_desk.workers = static_cast<unsigned>(limits.read_threads);
        of_desk.waiting_reads_max = limits.reads_waiting;
        of_desk.waiters_max = limits.waiters;
        of_desk.on_refused = [this](const auto& refusal) { say_refused(refusal); };
        of_desk.on_stored = [this](const reliability::StoredRun& run) {
            traffic.topics.passed({run.topic, run.to - run.from + 1, run.to, run.stored_us});
        };
        traffic.counted_since_us = fabric.clock().utc_us();
        desk = std::make_unique<JournalDesk>(host->journal(), fabric.trust(), fabric.clock(),
                                             std::move(of_desk));
        traffic.counted_after = desk->begun_at();
        remember_topics(std::make_shared<TopicsBefore>(desk->begun_at()));
        health = std::make_unique<BridgeHealth>(fabric, *host, *reliable);
        return {};
    }

    /// Between what others ask of the journal, a page at a time.
    void remember_topics(const std::shared_ptr<TopicsBefore>& before) {
        static_cast<void>(room.post([this, before](Workers::Turn turn) { step(before, turn); }));
    }
    void step(const std::shared_ptr<TopicsBefore>& before, Workers::Turn turn) {
        if (turn.stopped || !before->step(host->journal(), traffic)) return;
        room.post_again([this, before](Workers::Turn next) { step(before, next); });
    }

    // Publishing.

    /// "" or why this cannot be published by anybody.
    [[nodiscard]] std::string wrong_with(const PublishRequest& request) const {
        if (auto topic = fabric::Topic::parse(request.topic); !topic) return topic.error();
        const fabric::TopicSpace& space = fabric.settings().space;
        if (!request.topic.starts_with(space.prefix + ".")) {
            return "topic '" + signing::escape(request.topic, 80) + "' does not begin with '" +
                   space.prefix + ".': name the full topic";
        }
        for (const auto& header : request.headers) {
            if (is_via(header.first)) {
                return "the header 'via' is the gateway's: it says whom a message is from; leave "
                       "it out";
            }
        }
        if (request.mode == Mode::acknowledged && request.recipients.empty()) {
            return "nobody is named who is to acknowledge: name recipients, or publish without "
                   "waiting for them";
        }
        if (request.mode == Mode::durable && !recorded.matches(request.topic)) {
            return "topic '" + signing::escape(request.topic, 80) +
                   "' is not among those that the gateway's journal records "
                   "(reliability.journal.topics), so it cannot be published durably";
        }
        return "";
    }

    void publish(const Principal& who, PublishRequest request, OnPublished done) {
        done = counted(std::move(done));
        const auto no = [&](Kind kind, std::string sentence) {
            done(tl::make_unexpected(BridgeError{kind, std::move(sentence)}));
        };
        if (stopping) return done(tl::make_unexpected(stopped_error()));
        if (auto wrong = wrong_with(request); !wrong.empty()) {
            return no(Kind::invalid, std::move(wrong));
        }
        if (!who.may_publish(request.topic)) {
            return no(Kind::not_granted, signing::escape(who.via(), 200) + " may not publish on '" +
                                             signing::escape(request.topic, 80) + "'");
        }
        if (request.mode != Mode::fire_and_forget && !health->linked()) {
            return no(Kind::journal_away, health->link_sentence() + " Nothing was published");
        }
        if (request.mode == Mode::durable && broken) {
            return no(Kind::journal_away, std::string{broken_sentence} + " Nothing was published");
        }
        request.headers.emplace_back(via_header, who.via());
        if (request.mode == Mode::acknowledged) {
            return queue_acknowledged(std::move(request), std::move(done));
        }
        // Whoever waits for room came first.
        if (!for_room.any() && publish_now(request, done, milliseconds{0})) return;
        wait_for_room(std::move(request), std::move(done));
    }

    /// False: the sending queue had no room, and nobody has been answered.
    bool publish_now(const PublishRequest& request, OnPublished& done, milliseconds patience) {
        fabric::PublishOptions options = options_of(request);
        options.room_timeout = patience;
        const fabric::BodyView body{request.body, request.content_type};
        if (request.mode == Mode::durable) {
            return durable.publish(request.topic, body, options, done);
        }
        const auto sent = fabric.publisher().try_publish(request.topic, body, options);
        if (!sent && sent.error().reason == fabric::PublishError::Reason::queue_full) return false;
        if (!sent) {
            done(tl::make_unexpected(error_of(sent.error())));
        } else {
            done(Published{*sent});
        }
        return true;
    }

    void wait_for_room(PublishRequest request, OnPublished done) {
        struct Job {
            PublishRequest request;
            OnPublished done;
        };
        const auto no_room = [this](const Job& job, const std::string& more) {
            job.done(tl::make_unexpected(BridgeError{
                Kind::busy, "the sending queue is full" + more +
                                (health->linked() ? ": messages are published faster than they can "
                                                    "be sent; try again later"
                                                  : ": " + health->link_sentence())}));
        };
        const auto job = std::make_shared<Job>(Job{std::move(request), std::move(done)});
        // Nobody takes from it.
        if (!health->linked()) return no_room(*job, "");
        const bool waits = for_room.wait(
            job->request.body.size(),
            [this, job](milliseconds patience) {
                return publish_now(job->request, job->done, patience);
            },
            [this, job, no_room](bool stops) {
                if (stops) return job->done(tl::make_unexpected(stopped_error()));
                no_room(*job, ", and had no room for " +
                                  std::to_string(limits.durable.timeout.count()) + " ms");
            });
        if (waits) {
            ++waited_for_room;
        } else if (stopping) {
            job->done(tl::make_unexpected(stopped_error()));
        } else {
            no_room(*job, ", and too many wait for room");
        }
    }

    /// After anything but a full disk the journal stores nothing until it is opened anew, which the
    /// gateway does when it starts.
    void note_failure(const reliability::JournalError& error) {
        using Reason = reliability::JournalError::Reason;
        if (error.reason != Reason::io && error.reason != Reason::corrupt) return;
        if (broken.exchange(true)) return;
        fabric.warn("the gateway's journal failed: " + error.sentence + ". " + broken_sentence);
    }

    OnPublished counted(OnPublished done) {
        return [this, done = std::move(done)](BridgeResult<Published> result) {
            ++(result ? published : failed);
            done(std::move(result));
        };
    }

    static fabric::PublishOptions options_of(const PublishRequest& request) {
        fabric::PublishOptions options;
        options.parent = request.parent;
        options.headers.assign(request.headers.begin(), request.headers.end());
        return options;
    }

    void queue_acknowledged(PublishRequest request, OnPublished done) {
        if (!health->hears_acks()) {
            return done(tl::make_unexpected(BridgeError{
                Kind::journal_away,
                "no acknowledgement could reach the gateway yet: try again. Nothing was "
                "published"}));
        }
        struct Job {
            PublishRequest request;
            OnPublished done;
        };
        auto job = std::make_shared<Job>(Job{std::move(request), std::move(done)});
        const bool posted = acknowledged.post([this, job](Workers::Turn turn) {
            if (turn.stopped) return job->done(tl::make_unexpected(stopped_error()));
            publish_acknowledged(job->request, job->done);
        });
        if (!posted) {
            job->done(tl::make_unexpected(
                stopping ? stopped_error()
                         : BridgeError{Kind::busy,
                                       "too many publishes wait to be sent: try again "
                                       "later"}));
        }
    }

    void publish_acknowledged(const PublishRequest& request, const OnPublished& done) {
        reliability::ReliableOptions options;
        options.recipients = request.recipients.text();
        options.level = request.level;
        options.ack_timeout = request.ack_timeout;
        options.parent = request.parent;
        options.headers.assign(request.headers.begin(), request.headers.end());
        const auto settled = [done](const reliability::Outcome& outcome) {
            const auto kept = std::make_shared<const reliability::Outcome>(outcome);
            if (!kept->ok()) return done(tl::make_unexpected(error_of(kept)));
            done(Published{kept->about().id, std::nullopt, kept});
        };
        const auto sent = reliable->publish_async(
            request.topic, {request.body, request.content_type}, options, settled);
        if (!sent) done(tl::make_unexpected(error_of(sent.error())));
    }

    // Reading.

    void read(ReadRequest request, OnPage done) {
        ++reads_begun;
        desk->read(std::move(request),
                   [this, done = std::move(done)](BridgeResult<EventPage> page) {
                       if (!page && page.error().kind == Kind::busy) ++reads_busy;
                       done(std::move(page));
                   });
    }

    bool work(JournalRoom::Work todo) {
        return !stopping && room.post([this, todo = std::move(todo)](Workers::Turn turn) {
            JournalThings things{host->journal(), host->cursors(), host->groups(),
                                 *verifiers[turn.worker]};
            todo(things);
        });
    }

    void say_refused(const reliability::StoredRefusal& refusal) {
        refused += refusal.last - refusal.first + 1;
        std::optional<std::string> line;
        {
            const std::scoped_lock lock(refusal_mutex);
            line = refusals.line(refusal.why, "the journal", "id " + std::to_string(refusal.first),
                                 fabric.clock().steady());
        }
        if (line) fabric.warn("stored, and left out: " + *line);
    }

    void stop() {
        const std::scoped_lock lock(stop_mutex);
        if (std::exchange(stopped, true)) return;
        stopping = true;
        desk->stop();
        for_room.stop();
        durable.stop(limits.stop_patience);
        // First, so that a publish that waits for ACKs to reach us does not wait for its deadline.
        reliable->close();
        acknowledged.stop();
        host->groups().stop();
        room.stop();
        health->stop();
        host->stop_recording();
        // Those elsewhere who wait for `stored` should still hear it.
        static_cast<void>(fabric.flush(std::min(limits.stop_patience, milliseconds{1000})));
        host->stop();
    }

    fabric::Fabric& fabric;
    const reliability::Settings settings;
    const reliability::TopicFilter recorded;
    const BridgeLimits limits;
    std::atomic<bool> stopping{false};
    std::atomic<bool> broken{false};  ///< The journal has failed for good.
    std::atomic<std::uint64_t> published{0}, failed{0}, waited_for_room{0}, reads_begun{0},
        reads_busy{0}, refused{0};
    std::mutex refusal_mutex;  // guards refusals
    fabric::RefusalLog refusals;
    std::vector<std::unique_ptr<reliability::StoredVerifier>> verifiers;  // one a reading thread
    Traffic traffic;

    DurablePublishes durable;
    PublishesForRoom for_room;
    Workers acknowledged, room;
    std::unique_ptr<JournalHost> host;
    std::unique_ptr<reliability::ReliablePublisher> reliable;
    std::unique_ptr<JournalDesk> desk;
    std::unique_ptr<BridgeHealth> health;

    std::mutex stop_mutex;  // guards stopped
    bool stopped = false;
};

LiveBridge::Opened LiveBridge::open(fabric::Fabric& fabric, const reliability::Settings& settings,
                                    const BridgeLimits& limits) {
    auto journal = JournalHost::open_journal(fabric, settings);
    if (!journal) return tl::make_unexpected(std::move(journal.error()));
    return over(fabric, settings, std::move(*journal), limits);
}

LiveBridge::Opened LiveBridge::over(fabric::Fabric& fabric, const reliability::Settings& settings,
                                    std::unique_ptr<reliability::Journal> journal,
                                    const BridgeLimits& limits) {
    auto recorded = recorded_topics(fabric.settings().space, settings.journal.topics);
    if (!recorded) return tl::make_unexpected(std::move(recorded.error()));
    reliability::Settings own = settings;
    own.outbox.clear();  // What is durable is in our own journal.
    // What subscriptions have not been delivered yet outlives max_age, up to max_bytes.
    own.journal.protect.emplace_back("delivery.*");
    try {
        auto core = std::make_unique<Core>(fabric, std::move(own), std::move(*recorded), limits);
        if (auto begun = core->begin(std::move(journal)); !begun) {
            return tl::make_unexpected(std::move(begun.error()));
        }
        return std::unique_ptr<LiveBridge>(new LiveBridge(std::move(core)));
    } catch (const fabric::OpenFailed& failed) {
        return tl::make_unexpected(std::string{failed.what()});
    }
}

LiveBridge::LiveBridge(std::unique_ptr<Core> core) : core_(std::move(core)) {}

LiveBridge::~LiveBridge() {
    stop();
}

void LiveBridge::stop() {
    core_->stop();
}

void LiveBridge::publish(const Principal& who, PublishRequest request, OnPublished done) {
    core_->publish(who, std::move(request), std::move(done));
}

void LiveBridge::read(ReadRequest request, OnPage done) {
    core_->read(std::move(request), std::move(done));
}

FabricBridge::Ticket LiveBridge::wait(JournalId after, const reliability::TopicFilter& filter,
                                      milliseconds timeout, OnWoken done) {
    return core_->desk->wait(after, filter, timeout, std::move(done));
}

void LiveBridge::forget(Ticket ticket) {
    core_->desk->forget(ticket);
}

std::optional<JournalId> LiveBridge::nothing_after(JournalId after,
                                                   const reliability::TopicFilter& filter) {
    if (core_->stopping) return std::nullopt;
    return core_->desk->nothing_after(after, filter);
}

bool LiveBridge::work(Work todo) {
    return core_->work(std::move(todo));
}

reliability::JournalInfo LiveBridge::journal() {
    reliability::JournalInfo info = core_->health->journal();
    // Whoever was told an id finds it here.
    info.head = std::max(info.head, core_->host->journal().wait(UINT64_MAX, milliseconds{0}));
    return info;
}

std::string LiveBridge::not_ready() {
    if (core_->stopping) return stopped_error().sentence;
    std::string why = core_->health->sentence();
    if (core_->broken) why += (why.empty() ? "" : "; ") + std::string{broken_sentence};
    return why;
}

bool LiveBridge::wait_ready(milliseconds timeout) const {
    return core_->health->wait_ready(timeout);
}

std::string LiveBridge::bound() const {
    return core_->host->bound();
}

reliability::CursorStore& LiveBridge::cursors() {
    return core_->host->cursors();
}

reliability::GroupService& LiveBridge::groups() {
    return core_->host->groups();
}

BridgeStats LiveBridge::stats() const {
    const Core& core = *core_;
    BridgeStats stats;
    stats.published = core.published;
    stats.failed = core.failed;
    stats.sent_again = core.durable.sent_again();
    stats.durable_now = core.durable.waiting();
    stats.waited_for_room = core.waited_for_room;
    stats.reads = core.reads_begun;
    stats.reads_busy = core.reads_busy;
    stats.refused = core.refused;
    stats.waiting_now = core.desk->waiters();
    stats.recorder = core.host->recorder_stats();
    stats.service = core.host->service_stats();
    return stats;
}

const Traffic& LiveBridge::traffic() const noexcept {
    return core_->traffic;
}

Peers LiveBridge::peers() const {
    const Core& core = *core_;
    const fabric::Settings& settings = core.fabric.settings();
    Peers peers;
    peers.name = settings.name;
    if (settings.mode == fabric::Settings::Mode::relay) {
        peers.relay_inbound = settings.relay_inbound.text();
        peers.relay_outbound = settings.relay_outbound.text();
    }
    peers.linked = core.health->linked();
    if (!peers.linked) peers.why_not_linked = core.health->link_sentence();
    peers.publisher = core.fabric.publisher().stats();
    peers.recorder = core.host->recorder_stats();
    peers.service = core.host->service_stats();
    peers.publishers = core.traffic.publishers.snapshot(core.fabric.clock().utc_us());
    for (const std::string& name : core.settings.journals) {
        const auto at = core.settings.journal_endpoints.find(name);
        peers.journals.push_back({name,
                                  at == core.settings.journal_endpoints.end() ? "" : at->second,
                                  name == settings.name});
    }
    return peers;
}

}  // namespace weft::gateway
