#include "reliability/service/recorder.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>

#include "reliability/ack_voice.hpp"
#include "reliability/service/append_batch.hpp"
#include "reliability/service/stream_order.hpp"
#include "signing/digest.hpp"

namespace weft::reliability {
namespace {

using fabric::Message;
using std::chrono::milliseconds;

/// A message that is older may be in the journal although it is new here.
constexpr std::uint64_t handed_in_after_us = 1'000'000;
/// What publishers' clocks may be ahead of ours when we begin.
constexpr std::uint64_t clocks_differ_us = 1'000'000;

constexpr char leaves_out = '!';

TopicFilter left_out_by(const fabric::Fabric& fabric, const std::vector<std::string>& globs) {
    std::vector<signing::TopicGlob> parsed;
    for (const std::string& glob : globs) {
        if (!glob.starts_with(leaves_out)) continue;
        auto one = signing::TopicGlob::parse(fabric.settings().space.complete_glob(glob.substr(1)));
        if (!one) throw fabric::OpenFailed("what is not to be recorded: " + one.error());
        parsed.push_back(std::move(*one));
    }
    return TopicFilter(std::move(parsed));
}

}  // namespace

std::vector<std::string> recorded_globs(const fabric::TopicSpace& space,
                                        std::vector<std::string> globs) {
    std::erase_if(globs, [](const std::string& glob) { return glob.starts_with(leaves_out); });
    if (globs.empty()) globs.push_back(space.root() + ".**");
    return globs;
}

struct Recorder::Core {
    Core(fabric::Fabric& the_fabric, Journal& the_journal, const std::vector<std::string>& globs,
         RecorderOptions the_options)
        : fabric(the_fabric),
          journal(the_journal),
          options(std::move(the_options)),
          leaves_some_out(
              std::any_of(globs.begin(), globs.end(),
                          [](const auto& glob) { return glob.starts_with(leaves_out); })),
          left_out(left_out_by(fabric, globs)) {
        ResponderSettings settings;
        settings.name = fabric.settings().name;
        voice = std::make_shared<AckVoice>(fabric, std::move(settings));
        began_us = voice->now().utc_us + clocks_differ_us;
        const auto identity = voice->publisher().identity();
        if (identity && !identity->certificate->has(signing::Role::journal)) {
            throw fabric::OpenFailed(
                "the certificate of " + fabric.settings().name +
                " has not the role journal, so nobody would count its `stored`; issue one with: "
                "weft keys issue " +
                fabric.settings().name + " --role journal --role ack --role publish");
        }
        fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const Message& message) {
            const std::scoped_lock lock(gathering);
            on_message(message);
        };
        hooks.repeated = [this](const Message& message) {
            const std::scoped_lock lock(gathering);
            on_repeated(message);
        };
        hooks.pause = [this] {
            const std::scoped_lock lock(gathering);
            submit();
        };
        hooks.gap = options.gap;
        subscriber =
            fabric.subscribe(recorded_globs(fabric.settings().space, globs), std::move(hooks));
        ticker = std::jthread([this](const std::stop_token& stop) { tick(stop); });
    }

    /// Lets go what was held back long enough, also if nothing arrives.
    void tick(const std::stop_token& stop) {
        std::unique_lock lock(gathering);
        while (!stop.stop_requested()) {
            const auto due = order.next_due();
            if (!due) {
                holds.wait(lock, stop, [this] { return order.next_due().has_value(); });
                continue;
            }
            const auto left = *due - voice->clock().steady();
            holds.wait_for(lock, stop, std::max<fabric::Instant>(left, milliseconds{1}),
                           [] { return false; });
            StreamOrder::Items ready;
            order.tick(voice->clock().steady(), ready);
            store(ready);
            submit();
        }
    }

    // Under `gathering`.

    /// Unless somebody is to be told that it is stored.
    [[nodiscard]] bool is_left_out(const Message& message) const {
        return leaves_some_out && message.ack_request().empty() &&
               left_out.matches(message.topic()) && !(options.awaited && options.awaited(message));
    }

    void on_message(const Message& message) {
        if (is_left_out(message)) return;
        if (!message.ack_request().empty() && may_be_stored(message) &&
            is_stored(message).value_or(false)) {
            return on_repeated(message);
        }
        auto request = voice->request_of(message);
        if (request && is_answered_elsewhere(message, *request)) request.reset();
        if (request && request->level == AckLevel::processed) {
            reject_processed(message, *request);
            request.reset();
        }
        take(message, std::move(request));
    }

    [[nodiscard]] bool is_answered_elsewhere(const Message& message,
                                             const AckRequest& request) const {
        return request.level != AckLevel::stored && options.answered_elsewhere &&
               options.answered_elsewhere(message);
    }

    /// It is new here, and was published before we began, or was long on its way: its publisher may
    /// have handed it in meanwhile, out of its outbox.
    [[nodiscard]] bool may_be_stored(const Message& message) const {
        return message.time_us() < began_us ||
               message.time_us() + handed_in_after_us < voice->now().utc_us;
    }

    /// Stores it in its place among those of its stream.
    void take(const Message& message, std::optional<AckRequest> request) {
        if (request && !begin_wait(*request)) return;
        StreamOrder::Items ready;
        const bool held_before = order.holding() > 0;
        const bool awaited = options.awaited && options.awaited(message);
        order.on_message(
            {message, std::move(request), awaited}, voice->clock().steady(),
            [this](const Message& one) { return is_preceded(one); }, ready);
        store(ready);
        if (!held_before && order.holding() > 0) holds.notify_all();
    }

    void store(StreamOrder::Items& ready) {
        for (const StreamOrder::Item& item : ready) {
            gathered.add(item.message);
            if (item.awaited) gathered.is_awaited(item.message);
            if (item.request) gathered.is_asked_for(item.message, *item.request);
        }
    }

    bool begin_wait(const AckRequest& request) {
        const std::scoped_lock lock(mutex);
        return in_flight.insert(request.nonce).second;
    }

    bool is_preceded(const Message& message) {
        const std::uint64_t before = message.seq() - 1;
        const auto found = journal.read_stream({std::string{message.signer()}, message.epoch(),
                                                std::string{message.topic()}, before, before},
                                               {});
        return found && !found->runs.empty();
    }

    /// It is in front of us again because its publisher has not had our answer: it is on its way,
    /// or lost; or we were killed between its arrival and its commit.
    void on_repeated(const Message& message) {
        const auto request = voice->request_of(message);
        if (!request || is_answered_elsewhere(message, *request)) return;
        if (request->level == AckLevel::processed) return reject_processed(message, *request);
        {
            const std::scoped_lock lock(mutex);
            if (in_flight.contains(request->nonce)) return;
        }
        const auto stored = is_stored(message);
        if (!stored) return;
        if (!*stored) return take(message, *request);
        voice->send(ack_of(message, *request, AckLevel::stored));
        const std::scoped_lock lock(mutex);
        ++stats.found_again;
        ++stats.acknowledged;
    }

    /// Nothing: the journal cannot say. It is asked again.
    std::optional<bool> is_stored(const Message& message) {
        const auto found =
            journal.read_stream({std::string{message.signer()}, message.epoch(),
                                 std::string{message.topic()}, message.seq(), message.seq()},
                                {});
        if (!found) return std::nullopt;
        bool stored = false;
        for (const StoredRun& run : found->runs) {
            for_each_message(run, [&](JournalId, std::string_view content) {
                stored = stored || signing::message_digest(run.topic, content) == message.digest();
            });
        }
        return stored;
    }

    void reject_processed(const Message& message, const AckRequest& request) {
        voice->send(ack_of(message, request, AckLevel::rejected,
                           "a journal stores messages, it does not process them"));
        const std::scoped_lock lock(mutex);
        ++stats.rejected;
    }

    void submit() {
        AppendBatch batch = gathered.take();
        if (batch.runs.empty()) return;
        {
            std::unique_lock lock(mutex);
            if (!has_room()) ++stats.waited_for_room;
            room.wait(lock, [this] { return has_room(); });
            stats.waiting += batch.messages;
            waiting_bytes += batch.bytes;
        }
        auto runs = std::move(batch.runs);
        journal.append(std::move(runs),
                       [this, batch = std::make_shared<AppendBatch>(std::move(batch))](
                           const auto& done) { on_appended(*batch, done); });
    }

    /// Under the lock. One batch may go beyond the limits, so that the largest finds its turn.
    [[nodiscard]] bool has_room() const {
        return stats.waiting < options.in_flight_messages &&
               waiting_bytes < options.in_flight_bytes;
    }

    // The journal's writer.

    void on_appended(const AppendBatch& batch, const JournalResult<std::vector<IdRange>>& done) {
        // What is asked for while the journal is merely busy is asked for again.
        const bool answers = done || done.error().reason != JournalError::Reason::busy;
        std::uint64_t asked = 0;
        for (const AppendBatch::Asked& group : batch.asked) {
            asked += group.nonces.size();
            if (done) {
                voice->say(group.ack, group.also);
            } else if (answers) {
                Ack rejected = group.ack;
                rejected.level = AckLevel::rejected;
                rejected.reason = "not stored: " + done.error().sentence;
                voice->say(rejected, group.also);
            }
        }
        if (!done) say_failure(done.error());
        answer_awaited(batch, done);
        const std::scoped_lock lock(mutex);
        (done ? stats.recorded : stats.not_recorded) += batch.messages;
        if (answers) (done ? stats.acknowledged : stats.rejected) += asked;
        for (const AppendBatch::Asked& group : batch.asked) {
            for (const Nonce& nonce : group.nonces) in_flight.erase(nonce);
        }
        stats.waiting -= batch.messages;
        waiting_bytes -= batch.bytes;
        if (done) said.clear();
        room.notify_all();
    }

    void answer_awaited(const AppendBatch& batch, const JournalResult<std::vector<IdRange>>& done) {
        if (batch.awaited.empty() || !options.answered) return;
        std::vector<AwaitedMessage> messages;
        messages.reserve(batch.awaited.size());
        for (const AppendBatch::Awaited& one : batch.awaited) {
            messages.push_back({one.id, done ? (*done)[one.run].first + one.at : 0});
        }
        options.answered(messages, done ? nullptr : &done.error());
    }

    /// Once a reason.
    void say_failure(const JournalError& error) {
        {
            const std::scoped_lock lock(mutex);
            if (said == error.sentence) return;
            said = error.sentence;
        }
        fabric.warn("what arrives is not recorded: " + error.sentence);
    }

    void stop() {
        if (stopped) return;
        stopped = true;
        subscriber->stop();
        ticker.request_stop();
        ticker.join();
        {
            const std::scoped_lock gather_lock(gathering);
            StreamOrder::Items ready;
            order.finish(ready);
            store(ready);
            submit();
        }
        std::unique_lock lock(mutex);
        room.wait(lock, [this] { return stats.waiting == 0; });
        lock.unlock();
        voice->close();
    }

    fabric::Fabric& fabric;
    Journal& journal;
    const RecorderOptions options;
    const bool leaves_some_out;
    const TopicFilter left_out;
    std::shared_ptr<AckVoice> voice;
    std::uint64_t began_us = 0;

    std::mutex gathering;  // guards what follows: what is appended next
    std::condition_variable_any holds;
    StreamOrder order;
    AppendBatchBuilder gathered;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable room;
    std::size_t waiting_bytes = 0;
    std::unordered_set<Nonce, NonceHash> in_flight;
    RecorderStats stats;
    std::string said;

    bool stopped = false;  // of whoever owns the recorder
    std::unique_ptr<fabric::Subscriber> subscriber;
    std::jthread ticker;
};

Recorder::Recorder(fabric::Fabric& fabric, Journal& journal, const std::vector<std::string>& globs,
                   RecorderOptions options)
    : core_(std::make_unique<Core>(fabric, journal, globs, std::move(options))) {}

Recorder::~Recorder() {
    stop();
}

fabric::ReadyResult Recorder::wait_ready(milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    return core_->voice->wait_ready(core_->subscriber->wait_ready(timeout), deadline);
}

void Recorder::stop() {
    core_->stop();
}

RecorderStats Recorder::stats() const {
    RecorderStats stats;
    {
        const std::scoped_lock lock(core_->mutex);
        stats = core_->stats;
    }
    {
        const std::scoped_lock lock(core_->gathering);
        stats.order = core_->order.stats();
    }
    const AckVoice::Stats voice = core_->voice->stats();
    stats.acks_not_sent = voice.acks_not_sent;
    stats.requests_malformed = voice.requests_malformed;
    stats.subscriber = core_->subscriber->stats();
    return stats;
}

}  // namespace weft::reliability
