#include "gateway/bridge/live_bridge.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "fabric/node/refusal_log.hpp"
#include "gateway/bridge/bridge_errors.hpp"
#include "gateway/bridge/bridge_health.hpp"
#include "gateway/bridge/bridge_publishing.hpp"
#include "gateway/bridge/journal_desk.hpp"
#include "gateway/bridge/journal_host.hpp"
#include "gateway/bridge/workers.hpp"
#include "reliability/reliable_publisher.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway {
namespace {

using Kind = BridgeError::Kind;
using reliability::JournalId;
using std::chrono::milliseconds;

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
          limits(the_limits),
          publishing(fabric, std::move(the_recorded), limits),
          room(limits.read_threads, limits.room_waiting) {
        for (std::size_t i = 0; i < limits.read_threads; ++i) {
            verifiers.push_back(std::make_unique<reliability::StoredVerifier>(fabric.trust()));
        }
    }

    tl::expected<void, std::string> begin(std::unique_ptr<reliability::Journal> journal) {
        reliability::RecorderOptions options;
        options.awaited = [this](const fabric::Message& message) {
            traffic.publishers.passed({message.signer(), 1, 0, fabric.clock().utc_us()});
            return publishing.awaited(message);
        };
        options.answered_elsewhere = limits.answered_elsewhere;
        options.answered = [this](const auto& messages, const auto* error) {
            publishing.answered(messages, error);
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
        publishing.use(*reliable, *health);
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
        publishing.stop_taking();
        desk->stop();
        publishing.stop();
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
    const BridgeLimits limits;
    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> reads_begun{0}, reads_busy{0}, refused{0};
    std::mutex refusal_mutex;  // guards refusals
    fabric::RefusalLog refusals;
    std::vector<std::unique_ptr<reliability::StoredVerifier>> verifiers;  // one a reading thread
    Traffic traffic;

    BridgePublishing publishing;
    Workers room;
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
    core_->publishing.publish(who, std::move(request), std::move(done));
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
    if (const std::string broken = core_->publishing.broken(); !broken.empty()) {
        why += (why.empty() ? "" : "; ") + broken;
    }
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
    const BridgePublishing::Counts of_publishing = core.publishing.counts();
    stats.published = of_publishing.published;
    stats.failed = of_publishing.failed;
    stats.sent_again = of_publishing.sent_again;
    stats.durable_now = of_publishing.durable_now;
    stats.waited_for_room = of_publishing.waited_for_room;
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
