#include "reliability/service/journal_service.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "reliability/service/answer_sender.hpp"
#include "reliability/service/field_codec.hpp"
#include "reliability/service/request_codec.hpp"
#include "reliability/service/request_guard.hpp"
#include "reliability/service/service_workers.hpp"
#include "signing/sodium.hpp"

namespace weft::reliability {

using signing::Refusal;
using signing::Refused;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds tick_every{250};
constexpr int arrivals_per_turn = 256;
constexpr std::uint32_t failures_per_second = 200;
constexpr signing::Limits asking_limits{asking_bytes_max - 4, asking_bytes_max};

std::uint64_t new_life() {
    std::array<char, 8> bytes{};
    std::uint64_t life = 0;
    while (life == 0) {
        signing::random_bytes(bytes.data(), bytes.size());
        for (const char byte : bytes) life = life << 8 | static_cast<unsigned char>(byte);
    }
    return life;
}

/// The only item of a contents frame.
tl::expected<std::string_view, Refused> only_item(std::string_view contents) {
    signing::ItemReader items(contents);
    const auto item = items.next();
    if (!item || !items.at_end()) {
        return tl::make_unexpected(Refused{Refusal::contents_malformed, "a request is one item"});
    }
    if (!item->present) return tl::make_unexpected(Refused{Refusal::nothing_present, ""});
    return item->bytes;
}

std::uint64_t microseconds(milliseconds time) {
    return static_cast<std::uint64_t>(std::chrono::microseconds{time}.count());
}

}  // namespace

std::uint64_t JournalServiceStats::refused_total() const noexcept {
    return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
}

tl::expected<JournalServiceSettings, std::string> service_settings(const fabric::Settings& fabric,
                                                                   const std::string& listen) {
    const auto endpoint = config::Endpoint::parse(listen);
    if (!endpoint) return tl::make_unexpected("journal.listen: " + endpoint.error());
    if (std::string refusal = bind_refusal(*endpoint, fabric); !refusal.empty()) {
        return tl::make_unexpected("journal.listen: " + refusal);
    }
    JournalServiceSettings settings;
    settings.space = fabric.space;
    settings.endpoints = {listen};
    settings.replay_past = fabric.replay_past;
    settings.replay_future = fabric.replay_future;
    return settings;
}

struct JournalService::Core {
    Core(const fabric::Clock& the_clock, JournalServiceSettings the_settings, Journal& the_journal,
         std::shared_ptr<const signing::Identity> who, std::shared_ptr<signing::TrustStore> store,
         std::function<void(const std::string&)> warn_with,
         std::unique_ptr<fabric::AnswerPort> answer_port)
        : clock(the_clock),
          settings(std::move(the_settings)),
          journal(the_journal),
          trust(std::move(store)),
          warn(std::move(warn_with)),
          name(who->certificate->name()),
          topic(journal_topic(settings.space.root(), name)),
          port(std::move(answer_port)),
          bound(port->bound()),
          verifier(trust,
                   trust ? signing::Verifier::Mode::validate : signing::Verifier::Mode::integrity,
                   asking_limits),
          guard(life, microseconds(settings.replay_past), microseconds(settings.replay_future)),
          turns(settings.turns),
          room(settings.waits),
          answers(topic, life, *who),
          workers(settings.workers, journal, clock, settings.space.ack_root(), trust,
                  [this] { port->wake(); }) {
        for (auto& entry : all_operations()) operations.emplace(entry.number, std::move(entry));
        for (const auto& entry : settings.operations) operations.emplace(entry.number, entry);
        watching = journal.watch([this](JournalId moved) {
            head.store(moved, std::memory_order_release);
            port->wake();
        });
        const JournalId now = journal.info().head;
        JournalId before = 0;
        while (before < now && !head.compare_exchange_weak(before, now)) {
        }
        thread = std::thread([this] { run(); });
    }

    ~Core() {
        stopping.store(true, std::memory_order_release);
        port->wake();
        thread.join();
        watching.reset();
    }

    // ---- What comes in ----

    void drop(Refusal reason) {
        const std::scoped_lock lock(mutex);
        ++stats.refused[static_cast<std::size_t>(reason)];
    }
    void count(std::uint64_t JournalServiceStats::*what) {
        const std::scoped_lock lock(mutex);
        ++(stats.*what);
    }

    /// The request's content, and its signer if there is one; nothing: dropped and counted.
    std::optional<std::string_view> believed_content(const fabric::Arrival& arrival) {
        verified = {};
        if (arrival.proof.empty()) {
            const auto item = only_item(arrival.contents);
            if (!item) drop(item.error().reason);
            return item ? std::optional(*item) : std::nullopt;
        }
        const auto now = static_cast<signing::UtcSeconds>(clock.utc_us() / 1'000'000);
        const auto steady_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<milliseconds>(clock.steady()).count());
        const std::string from = port->peer();
        const auto believed =
            verifier.verify({arrival.topic, arrival.contents, arrival.proof},
                            {from, failures_per_second}, now, steady_ms, verified);
        if (!believed) {
            drop(believed.error().reason);
            return std::nullopt;
        }
        if (verified.kind != signing::Kind::request) {
            count(&JournalServiceStats::other_kinds);
            return std::nullopt;
        }
        if (verified.items.size() != 1) {
            drop(Refusal::run_length_invalid);
            return std::nullopt;
        }
        return verified.items.front().content;
    }

    void on_arrival(std::string_view who, const fabric::Arrival& arrival) {
        if (arrival.frames != 3) return drop(Refusal::not_three_frames);
        if (arrival.contents.size() > asking_bytes_max) return drop(Refusal::frame_too_large);
        if (arrival.topic != topic) return count(&JournalServiceStats::other_topic);
        const auto content = believed_content(arrival);
        if (!content) return;
        JournalRequest request;
        if (!decode_journal_request(*content, request)) {
            return drop(Refusal::content_undecodable);
        }
        count(&JournalServiceStats::requests);
        on_request(who, request);
    }

    void on_request(std::string_view who, const JournalRequest& request) {
        if (request.operation == static_cast<std::uint64_t>(Operation::wait)) {
            return on_wait(who, request);
        }
        const auto found = operations.find(request.operation);
        if (found == operations.end()) {
            return fail(
                who, request.nonce, AnswerStatus::unknown_operation,
                "operation " + std::to_string(request.operation) + " is not known to this journal");
        }
        const OperationEntry& operation = found->second;
        if (operation.right != Right::anybody && !may_change(who, request, operation)) return;

        auto kept = std::make_shared<const std::string>(request.fields);
        ServiceJob job{std::string{who},
                       request.nonce,
                       &operation,
                       kept,
                       {request.count,
                        fabric::MsgpackReader{*kept},
                        verified.verified ? verified.signer : nullptr,
                        {}}};
        if (!turns.push(who, std::move(job), kept->size())) busy(who, request.nonce);
    }

    bool may_change(std::string_view who, const JournalRequest& request,
                    const OperationEntry& operation) {
        const auto* const by = verified.verified ? verified.signer.get() : nullptr;
        if (const std::string no = right_refusal(operation.right, by, name); !no.empty()) {
            count(&JournalServiceStats::not_allowed);
            fail(who, request.nonce, AnswerStatus::refused, no);
            return false;
        }
        using Verdict = RequestGuard::Verdict;
        const auto verdict =
            guard.judge(request.life, request.nonce, request.time_us, clock.utc_us());
        if (verdict == Verdict::pass) return true;
        count(verdict == Verdict::other_life ? &JournalServiceStats::other_life
              : verdict == Verdict::replayed ? &JournalServiceStats::replayed
                                             : &JournalServiceStats::not_fresh);
        fail(who, request.nonce,
             verdict == Verdict::other_life ? AnswerStatus::other_life : AnswerStatus::refused,
             sentence_for(verdict));
        return false;
    }

    void on_wait(std::string_view who, const JournalRequest& request) {
        fabric::MsgpackReader fields{request.fields};
        std::uint64_t after = 0, timeout_ms = 0;
        if (!fields.uint(after) || !fields.uint(timeout_ms)) {
            return fail(who, request.nonce, AnswerStatus::invalid,
                        malformed("wait: after, timeout in milliseconds").sentence);
        }
        const milliseconds timeout{
            std::min<std::uint64_t>(timeout_ms, static_cast<std::uint64_t>(wait_max.count()))};
        if (!room.park({std::string{who}, request.nonce}, after, clock.steady() + timeout)) {
            busy(who, request.nonce);
        }
    }

    // ---- What goes out ----

    void fail(std::string_view who, const Nonce& nonce, AnswerStatus status,
              std::string_view sentence) {
        answers.fail(who, nonce, status, sentence);
    }
    void busy(std::string_view who, const Nonce& nonce) {
        count(&JournalServiceStats::busy);
        fail(who, nonce, AnswerStatus::busy, "too many requests wait here; try again later");
    }

    void take_results() {
        for (ServiceResult& result : workers.take()) {
            if (result.ends_turn) turns.finish(result.peer);
            if (!result.result) continue;
            if (*result.result) {
                answers.succeed(result.peer, result.nonce, **result.result);
            } else {
                const JournalError& error = result.result->error();
                fail(result.peer, result.nonce, status_of(error.reason), error.sentence);
            }
        }
    }

    void answer_waits(const std::vector<WaitingRoom::Waiting>& leaving) {
        if (leaving.empty()) return;
        const Fields now{1, Packer{}.uint(head.load(std::memory_order_acquire)).take()};
        for (const auto& who : leaving) answers.succeed(who.peer, who.nonce, now);
    }

    void send_answers() {
        take_renewed_identity();
        const AnswerSender::Sent sent = answers.send(*port);
        const std::scoped_lock lock(mutex);
        stats.answers += sent.answers;
        stats.undeliverable += sent.undeliverable;
        stats.failed += sent.failed;
    }

    void take_renewed_identity() {
        std::shared_ptr<const signing::Identity> taken;
        {
            const std::scoped_lock lock(mutex);
            taken = std::exchange(renewed, nullptr);
        }
        if (taken) answers.use(*taken);
    }

    // ---- The thread ----

    void run() {
        while (!stopping.load(std::memory_order_acquire)) {
            turn();
            port->wait(patience());
        }
        // What is at work ends; what waits is told.
        workers.stop();
        take_results();
        while (auto job = turns.pop()) {
            fail(job->peer, job->nonce, AnswerStatus::closed, "the journal's service stops");
        }
        for (const auto& who : room.all_leave()) {
            fail(who.peer, who.nonce, AnswerStatus::closed, "the journal's service stops");
        }
        send_answers();
    }

    void turn() {
        std::string_view who;
        fabric::Arrival arrival;
        more = false;
        for (int i = 0; i < arrivals_per_turn && answers.bytes() < page_bytes_max; ++i) {
            if (!port->receive(who, arrival)) break;
            on_arrival(who, arrival);
            more = i + 1 == arrivals_per_turn;
        }
        take_results();
        answer_waits(room.leave(head.load(std::memory_order_acquire), clock.steady()));
        while (workers.has_room()) {
            auto job = turns.pop();
            if (!job) break;
            workers.give(std::move(*job));
        }
        {
            const std::scoped_lock lock(mutex);
            stats.parked = room.parked();
        }
        send_answers();
        if (clock.steady() >= next_tick) on_tick();
    }

    void on_tick() {
        next_tick = clock.steady() + tick_every;
        if (!trust) return;
        const auto reloaded = trust->reload_if_changed();
        const std::vector<std::string> problems =
            reloaded ? std::vector<std::string>{} : reloaded.error();
        if (!reloaded) count(&JournalServiceStats::trust_reloads_failed);
        if (problems == trust_problems) return;
        trust_problems = problems;
        for (const std::string& problem : problems) {
            if (warn) warn("trust not reloaded, the old one stays in force: " + problem);
        }
    }

    milliseconds patience() const {
        if (more) return milliseconds{0};
        milliseconds wait = tick_every;
        if (const auto due = room.next_deadline()) {
            wait = std::min(wait, std::chrono::ceil<milliseconds>(*due - clock.steady()));
        }
        return std::max(wait, milliseconds{0});
    }

    const fabric::Clock& clock;
    const JournalServiceSettings settings;
    Journal& journal;
    const std::shared_ptr<signing::TrustStore> trust;
    const std::function<void(const std::string&)> warn;
    const std::string name, topic;
    const std::unique_ptr<fabric::AnswerPort> port;
    const std::string bound;
    const std::uint64_t life = new_life();

    // Of the service's thread.
    signing::Verifier verifier;
    signing::VerifiedRun verified;
    RequestGuard guard;
    Turns<ServiceJob> turns;
    WaitingRoom room;
    AnswerSender answers;
    std::map<std::uint64_t, OperationEntry> operations;
    std::vector<std::string> trust_problems;
    fabric::Instant next_tick{};
    bool more = false;

    std::atomic<JournalId> head{0};
    std::atomic<bool> stopping{false};
    mutable std::mutex mutex;  // guards what follows
    JournalServiceStats stats;
    std::shared_ptr<const signing::Identity> renewed;

    ServiceWorkers workers;
    std::shared_ptr<void> watching;
    std::thread thread;
};

JournalService::JournalService(std::unique_ptr<Core> core) : core_(std::move(core)) {}
JournalService::~JournalService() = default;

tl::expected<std::unique_ptr<JournalService>, std::string> JournalService::open(
    fabric::Transport& transport, const fabric::Clock& clock, JournalServiceSettings settings,
    Journal& journal, std::shared_ptr<const signing::Identity> identity,
    std::shared_ptr<signing::TrustStore> trust, std::function<void(const std::string&)> warn) {
    assert(settings.workers > 0);
    if (!identity) {
        return tl::make_unexpected(
            std::string{"a journal signs its answers: set signing.sign and give it a key and a "
                        "certificate with the role journal"});
    }
    const signing::Certificate& own = *identity->certificate;
    if (!own.has(signing::Role::journal)) {
        return tl::make_unexpected("the certificate of '" + own.name() +
                                   "' has not the role journal, so nobody would believe its "
                                   "answers; issue it again with `weft keys issue " +
                                   own.name() + " --role journal`");
    }
    auto port = transport.bind_answers(settings.endpoints);
    if (!port) return tl::make_unexpected(port.error());
    return std::unique_ptr<JournalService>(new JournalService(
        std::make_unique<Core>(clock, std::move(settings), journal, std::move(identity),
                               std::move(trust), std::move(warn), std::move(*port))));
}

std::string JournalService::bound() const {
    return core_->bound;
}

void JournalService::use(std::shared_ptr<const signing::Identity> identity) {
    assert(identity && identity->certificate->name() == core_->name);
    const std::scoped_lock lock(core_->mutex);
    core_->renewed = std::move(identity);
}

JournalServiceStats JournalService::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->stats;
}

}  // namespace weft::reliability
