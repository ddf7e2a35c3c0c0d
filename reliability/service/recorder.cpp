#include "reliability/service/recorder.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "reliability/ack_voice.hpp"
#include "signing/digest.hpp"
#include "signing/proof.hpp"

namespace weft::reliability {
namespace {

using fabric::Message;
using std::chrono::milliseconds;

/// One that asked for an ACK and waits for its append.
struct Asked {
    Ack ack;
    bool known = true;  ///< The responder remembers it; else its answer is sent as it is.
};

/// What is appended at once, and who waits for it.
struct Batch {
    std::vector<RunToStore> runs;
    std::vector<Asked> asked;
    std::size_t messages = 0, bytes = 0;
};

StoredMessageKey key_of(const Message& message) {
    return {message.id(), message.parent().value_or(fabric::MessageId{}), message.epoch(),
            message.seq()};
}

/// The frames of a run with the messages from `kept` alone; the others leave their digest.
std::string contents_of(const fabric::RunBytes& run, const std::vector<const char*>& kept) {
    std::string contents;
    std::size_t next = 0;
    for (signing::ItemReader items(run.contents); !items.at_end();) {
        const auto item = items.next();
        if (!item) break;
        if (item->present && next < kept.size() && item->bytes.data() == kept[next]) {
            signing::append_item(item->bytes, contents);
            ++next;
        } else if (item->present) {
            signing::append_left_out(signing::message_digest(run.topic, item->bytes), contents);
        } else {
            signing::Digest digest;
            std::copy(item->bytes.begin(), item->bytes.end(), digest.begin());
            signing::append_left_out(digest, contents);
        }
    }
    return contents;
}

std::size_t present_items(std::string_view contents) {
    std::size_t count = 0;
    for (signing::ItemReader items(contents); !items.at_end();) {
        const auto item = items.next();
        if (!item) break;
        if (item->present) ++count;
    }
    return count;
}

std::vector<std::string> globs_or_all(const fabric::Fabric& fabric,
                                      const std::vector<std::string>& globs) {
    if (!globs.empty()) return globs;
    return {fabric.settings().space.root() + ".**"};
}

}  // namespace

struct Recorder::Core {
    Core(fabric::Fabric& the_fabric, Journal& the_journal, const std::vector<std::string>& globs,
         RecorderOptions the_options)
        : fabric(the_fabric), journal(the_journal), options(std::move(the_options)) {
        ResponderSettings settings;
        settings.name = fabric.settings().name;
        settings.clock_skew = options.clock_skew;
        settings.stores = true;
        voice = std::make_shared<AckVoice>(fabric, std::move(settings));
        const auto identity = voice->publisher().identity();
        if (identity && !identity->certificate->has(signing::Role::journal)) {
            throw fabric::OpenFailed(
                "the certificate of " + fabric.settings().name +
                " has not the role journal, so nobody would count its `stored`; issue one with: "
                "weft keys issue " +
                fabric.settings().name + " --role journal --role ack --role publish");
        }
        fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const Message& message) { on_message(message); };
        hooks.repeated = [this](const Message& message) { on_repeated(message); };
        hooks.pause = [this] { submit(); };
        hooks.gap = options.gap;
        subscriber = fabric.subscribe(globs_or_all(fabric, globs), std::move(hooks));
    }

    // The subscriber's thread.

    void on_message(const Message& message) {
        const auto request = voice->request_of(message);
        if (!request) return gather(message);
        const AckCall call = AckVoice::call_of(message, *request, false);
        auto arrived = voice->with(
            [&](AckResponder& responder) { return responder.on_arrival(call, voice->now()); });
        voice->send(arrived.ack);
        gather(message);
        if (arrived.deliver) wait_for_append(call, true);
    }

    void on_repeated(const Message& message) {
        const auto request = voice->request_of(message);
        if (!request) return;
        const AckCall call = AckVoice::call_of(message, *request, true);
        auto arrived = voice->with(
            [&](AckResponder& responder) { return responder.on_arrival(call, voice->now()); });
        voice->send(arrived.ack);
        if (arrived.deliver) {
            // It could not be stored before.
            gather(message);
            wait_for_append(call, true);
        } else if (arrived.unknown) {
            on_unknown(message, call);
        }
    }

    /// Of a former life: stored then, or lost between arrival and commit.
    void on_unknown(const Message& message, const AckCall& call) {
        if (call.level == AckLevel::processed) return;
        const auto found =
            journal.read_stream({std::string{message.signer()}, message.epoch(),
                                 std::string{message.topic()}, message.seq(), message.seq()},
                                {});
        if (!found) return;
        bool stored = false;
        for (const StoredRun& run : found->runs) {
            for_each_message(run, [&](JournalId, std::string_view content) {
                stored = stored || signing::message_digest(run.topic, content) == message.digest();
            });
        }
        if (!stored) {
            gather(message);
            return wait_for_append(call, false);
        }
        voice->send(ack_of(call));
        const std::scoped_lock lock(mutex);
        ++stats.found_again;
    }

    static Ack ack_of(const AckCall& call) {
        return {std::string{call.publisher}, AckLevel::stored, {}, call.subject};
    }

    void wait_for_append(const AckCall& call, bool known) {
        if (call.level == AckLevel::processed) {
            return voice->say([&](AckResponder& responder) {
                return responder.on_rejected(call.subject.nonce,
                                             "a journal stores messages, it does not process them",
                                             voice->now());
            });
        }
        gathered.asked.push_back({ack_of(call), known});
    }

    void gather(const Message& message) {
        if (message.run() != last_run) close_run();
        last_run = message.run();
        kept.push_back(message.content().data());
        keys.push_back(key_of(message));
    }

    void close_run() {
        if (!last_run) return;
        const fabric::RunBytes& run = *last_run;
        RunToStore stored;
        stored.topic = run.topic;
        stored.contents = kept.size() == present_items(run.contents) ? std::string{run.contents}
                                                                     : contents_of(run, kept);
        stored.proof = run.proof;
        if (run.signer) stored.signer = run.signer->name();
        stored.messages = std::move(keys);
        gathered.messages += stored.messages.size();
        gathered.bytes += stored.topic.size() + stored.contents.size() + stored.proof.size();
        gathered.runs.push_back(std::move(stored));
        keys.clear();
        kept.clear();
        last_run.reset();
    }

    void submit() {
        close_run();
        if (gathered.runs.empty()) return;
        Batch batch = std::exchange(gathered, {});
        {
            std::unique_lock lock(mutex);
            if (!has_room()) ++stats.waited_for_room;
            room.wait(lock, [this] { return has_room(); });
            stats.waiting += batch.messages;
            waiting_bytes += batch.bytes;
        }
        auto runs = std::move(batch.runs);
        journal.append(std::move(runs), [this, batch = std::make_shared<Batch>(std::move(batch))](
                                            const auto& done) { on_appended(*batch, done); });
    }

    /// Under the lock. One batch may go beyond the limits, so that the largest finds its turn.
    [[nodiscard]] bool has_room() const {
        return stats.waiting < options.in_flight_messages &&
               waiting_bytes < options.in_flight_bytes;
    }

    // The journal's writer.

    void on_appended(const Batch& batch, const JournalResult<std::vector<IdRange>>& done) {
        voice->say_all([&](AckResponder& responder, std::vector<Ack>& acks) {
            for (const Asked& asked : batch.asked) {
                if (auto ack = answer(responder, asked, done)) acks.push_back(std::move(*ack));
            }
        });
        if (!done) say_failure(done.error());
        const std::scoped_lock lock(mutex);
        (done ? stats.recorded : stats.not_recorded) += batch.messages;
        stats.waiting -= batch.messages;
        waiting_bytes -= batch.bytes;
        if (done) said.clear();
        room.notify_all();
    }

    [[nodiscard]] std::optional<Ack> answer(AckResponder& responder, const Asked& asked,
                                            const JournalResult<std::vector<IdRange>>& done) const {
        const Nonce& nonce = asked.ack.subject.nonce;
        if (!asked.known) return done ? std::optional{asked.ack} : std::nullopt;
        if (!done && done.error().reason == JournalError::Reason::busy) {
            responder.on_not_queued(nonce);
            return std::nullopt;
        }
        if (!done) {
            return responder.on_rejected(nonce, "not stored: " + done.error().sentence,
                                         voice->now());
        }
        if (auto ack = responder.on_queued(nonce, voice->now())) return ack;
        return responder.on_stored(nonce, voice->now());
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
        submit();  // this thread is now the only one that gathers
        std::unique_lock lock(mutex);
        room.wait(lock, [this] { return stats.waiting == 0; });
        lock.unlock();
        voice->close();
    }

    fabric::Fabric& fabric;
    Journal& journal;
    const RecorderOptions options;
    std::shared_ptr<AckVoice> voice;

    // Of the subscriber's thread: the run in hand, and what is appended at the next pause.
    std::shared_ptr<const fabric::RunBytes> last_run;
    std::vector<const char*> kept;
    std::vector<StoredMessageKey> keys;
    Batch gathered;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable room;
    std::size_t waiting_bytes = 0;
    RecorderStats stats;
    std::string said;

    bool stopped = false;  // of whoever owns the recorder
    std::unique_ptr<fabric::Subscriber> subscriber;
};

Recorder::Recorder(fabric::Fabric& fabric, Journal& journal, const std::vector<std::string>& globs,
                   RecorderOptions options)
    : core_(std::make_unique<Core>(fabric, journal, globs, std::move(options))) {}

Recorder::~Recorder() {
    stop();
}

fabric::ReadyResult Recorder::wait_ready(milliseconds timeout) {
    return core_->voice->wait_ready(*core_->subscriber, timeout);
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
    const AckVoice::Stats voice = core_->voice->stats();
    stats.responder = voice.responder;
    stats.acks_not_sent = voice.acks_not_sent;
    stats.requests_malformed = voice.requests_malformed;
    stats.subscriber = core_->subscriber->stats();
    return stats;
}

}  // namespace weft::reliability
