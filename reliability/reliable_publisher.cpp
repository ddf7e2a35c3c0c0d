#include "reliability/reliable_publisher.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <new>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "reliability/ack/request.hpp"
#include "reliability/ack/statement.hpp"
#include "reliability/outbox/outbox.hpp"
#include "reliability/service/open_remote.hpp"
#include "signing/overdue.hpp"
#include "signing/proof.hpp"
#include "signing/sodium.hpp"

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using Reason = PublishFailure::Reason;

/// The timer looks at least so often, whatever its clock says.
constexpr milliseconds tick_max{250};
constexpr std::size_t parsed_recipients_max = 1024;
/// Who closes us while a first publish waits to be ready does not wait longer than this.
constexpr milliseconds ready_slice{100};

tl::unexpected<PublishFailure> failed(Reason reason, std::string sentence) {
    return tl::make_unexpected(PublishFailure{reason, std::move(sentence), {}, {}, false});
}

Settings settings_of(const fabric::Fabric& fabric) {
    config::Problems problems;
    Settings settings = read_settings(fabric.configuration(), problems);
    if (!problems.empty()) throw fabric::OpenFailed(config::text_of(problems));
    return settings;
}

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    signing::random_bytes(reinterpret_cast<char*>(&seed), sizeof seed);
    return seed;
}

}  // namespace

/// One publish, as its handles and the tracker know it.
struct PendingAcks::Shared final : Waiter {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Outcome> outcome;  // never changes once it is there
    bool ended = false;              // there is an outcome; the outbox may not know yet
    bool settled = false;            // whoever waits may know
    fabric::MessageId kept;          // in the outbox; none: it is not
    ReliablePublisher::OnSettled on_settled;
};

// Whoever is told shares all of it: so that telling needs no memory and cannot fail.
std::shared_ptr<const Outcome> PendingAcks::outcome_of(const std::shared_ptr<Shared>& shared) {
    if (!shared->outcome) return nullptr;
    return {shared, &*shared->outcome};
}

bool PendingAcks::done() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->settled;
}

std::shared_ptr<const Outcome> PendingAcks::wait() const {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [this] { return shared_->settled; });
    return outcome_of(shared_);
}

std::shared_ptr<const Outcome> PendingAcks::wait_for(milliseconds timeout) const {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, timeout, [this] { return shared_->settled; });
    return outcome_of(shared_);
}

bool PendingAcks::kept() const {
    const std::scoped_lock lock(shared_->mutex);
    return !shared_->kept.is_none();
}

struct ReliablePublisher::Core {
    /// Opens the wait before the message is encoded, and tells the tracker the bytes before they
    /// leave.
    class Sealing;

    Core(fabric::Fabric& the_fabric, Settings the_settings, TrackerLimits limits,
         RetrySettings retries)
        : fabric(the_fabric),
          clock(fabric.clock()),
          settings(std::move(the_settings)),
          publisher(fabric.publisher()),
          tracker(limits, retries, random_seed()) {
        follow_identity();
        if (!settings.outbox.empty() && !settings.journals.empty()) open_outbox();
        fabric::SubscriberHooks hooks;
        hooks.deliver = [](const fabric::Message&) {};  // A7: nothing but ACKs comes here.
        hooks.acknowledgement = [this](const fabric::Message& ack) { on_ack(ack); };
        hooks.refused = [this](const fabric::RefusedMessage& refused) { on_refused(refused); };
        fabric::SubscribeOptions options;
        options.remember = false;
        subscriber = fabric.subscribe({fabric.settings().space.ack_root() + fabric.settings().name},
                                      std::move(hooks), options);
        timer = std::jthread([this](const std::stop_token& stop) { run_timer(stop); });
    }

    void open_outbox() {
        auto opened = Outbox::open(settings.outbox, settings.outbox_max);
        if (!opened) throw OutboxUnusable(opened.error());
        outbox = std::move(*opened);
        for (const std::string& problem : outbox->problems()) fabric.warn(problem);
        OutboxSenderOptions options;
        for (const std::string& name : settings.journals) {
            options.journals.push_back({name, [this, name]() -> OutboxSenderOptions::Opened {
                                            return open_remote_journal(fabric, settings, name,
                                                                       RemoteAccess::change);
                                        }});
        }
        options.identity = [this] { return publisher.identity(); };
        options.own_refusal = [this] { return publisher.signer_refusal(signing::Kind::message); };
        options.warn = [this](const std::string& line) { fabric.warn(line); };
        outbox_sender = std::make_unique<OutboxSender>(*outbox, clock, std::move(options));
    }

    /// Its publish has ended, and it is in the outbox: whichever came last.
    void let_outbox_go_on(const fabric::MessageId& id, bool acknowledged) {
        if (acknowledged) {
            outbox->settle(id);
        } else {
            outbox_sender->release(id);
        }
    }

    /// Recipients name us by the certificate that they saw: the one before may still be on its way.
    void follow_identity() {
        const std::uint64_t generation = publisher.identity_generation();
        if (followed.load(std::memory_order_acquire) == generation) return;
        const auto now = publisher.identity();
        const std::scoped_lock lock(mutex);
        if (now && now != identity) tracker.add_publisher(now->certificate->fingerprint());
        identity = now;
        followed.store(generation, std::memory_order_release);
    }

    // What comes from the ACK subscription, in its thread.

    void on_ack(const fabric::Message& message) {
        AckStatement statement;
        if (!message.body_is_msgpack() || !message.certificate() ||
            !decode_statement(message.body(), statement)) {
            ++acks_malformed;
            return;
        }
        const signing::Certificate& certificate = *message.certificate();
        const AckSigner signer{certificate.name(), certificate.has(signing::Role::ack),
                               certificate.has(signing::Role::journal)};
        follow_identity();
        std::vector<AckTracker::Settled> settled;
        {
            const std::scoped_lock lock(mutex);
            const Instant now = clock.steady();
            tracker.on_ack(statement, signer, now, settled);
            AckStatement also = statement;
            for (std::size_t i = 0; i < statement.also_count(); ++i) {
                also.subject = also_subject(statement, i);
                tracker.on_ack(also, signer, now, settled);
            }
        }
        complete(settled);
    }

    /// Only its certificate says who it might be from, and nothing has been proved about it.
    void on_refused(const fabric::RefusedMessage& refused) {
        if (refused.why.reason == signing::Refusal::peer_over_budget) return;
        const auto proof = signing::read_proof(refused.proof);
        if (!proof) return;
        const auto certificate = signing::Certificate::read_unverified(proof->certificate);
        if (!certificate) return;
        const std::string why = std::string{signing::name_of(refused.why.reason)} +
                                (refused.why.detail.empty() ? "" : ": " + refused.why.detail);
        const std::scoped_lock lock(mutex);
        tracker.on_refused_ack((*certificate)->name(), why);
    }

    /// It has been handed over; now it must be safe in the outbox.
    tl::expected<PendingAcks, PublishFailure> keep(PendingAcks pending, Sealing& sealing);

    // What is due.

    void run_timer(const std::stop_token& stop) {
        std::vector<std::shared_ptr<const SentMessage>> again;
        std::vector<AckTracker::Settled> settled;
        while (!stop.stop_requested()) {
            {
                std::unique_lock lock(mutex);
                const Instant now = clock.steady();
                try {
                    tracker.tick(now, again, settled);
                } catch (const std::bad_alloc&) {
                    // What was decided stays decided, and the next tick says it.
                    wake.wait_for(lock, stop, tick_max, [] { return false; });
                }
                if (again.empty() && settled.empty()) {
                    const Instant wake_at = std::min<Instant>(
                        tracker.next_due().value_or(now + tick_max), now + tick_max);
                    timer_wakes_at = wake_at;
                    wake.wait_for(lock, stop, wake_at - now,
                                  [&] { return timer_wakes_at < wake_at; });
                    continue;
                }
            }
            for (const auto& message : again) {
                if (!publisher.send_again(message->topic, message->content,
                                          message->subject.digest)) {
                    ++not_sent_again;
                }
            }
            complete(settled);
            again.clear();
            settled.clear();
        }
    }

    /// Under the lock: something new may be due before the timer would look.
    void rouse_timer() {
        const auto due = tracker.next_due();
        if (!due || *due >= timer_wakes_at) return;
        timer_wakes_at = *due;
        wake.notify_one();
    }

    void complete(std::vector<AckTracker::Settled>& settled) {
        for (AckTracker::Settled& one : settled) {
            auto& shared = static_cast<PendingAcks::Shared&>(*one.waiter);
            ReliablePublisher::OnSettled call;
            fabric::MessageId kept;
            {
                const std::scoped_lock lock(shared.mutex);
                shared.outcome.emplace(std::move(one.outcome));
                shared.ended = true;
                kept = shared.kept;
            }
            // First, so that whoever has seen the outcome can wait until it is handed in.
            if (!kept.is_none()) let_outbox_go_on(kept, shared.outcome->ok());
            {
                const std::scoped_lock lock(shared.mutex);
                shared.settled = true;
                call = std::move(shared.on_settled);
            }
            shared.changed.notify_all();
            if (call) tell(call, *shared.outcome);
        }
    }

    void tell(const OnSettled& call, const Outcome& outcome) {
        try {
            call(outcome);
        } catch (const std::exception& thrown) {
            fabric.warn("on_settled of " + outcome.about().id.text() +
                        " threw: " + signing::escape(thrown.what()));
        } catch (...) {
            fabric.warn("on_settled of " + outcome.about().id.text() + " threw");
        }
    }

    // What a publish needs before it begins.

    tl::expected<std::shared_ptr<const Recipients>, PublishFailure> parse(const std::string& text) {
        const std::scoped_lock lock(parse_mutex);
        if (const auto found = parsed.find(text); found != parsed.end()) return found->second;
        auto recipients = Recipients::parse(text, settings.groups);
        if (!recipients) return failed(Reason::invalid_request, recipients.error());
        auto shared = std::make_shared<const Recipients>(std::move(*recipients));
        if (parsed.size() >= parsed_recipients_max) parsed.clear();
        parsed.emplace(text, shared);
        return shared;
    }

    struct Wanted {
        std::shared_ptr<const Recipients> recipients;
        AckLevel level = AckLevel::received;
    };
    tl::expected<Wanted, PublishFailure> wanted(const ReliableOptions& options) {
        std::string text = options.recipients.text();
        AckLevel level = options.level;
        if (options.durable) {
            if (!text.empty()) {
                return failed(Reason::invalid_request,
                              "durable and recipients at once: a journal stores and the others do "
                              "not, so publish either durable, or to recipients; or name the "
                              "journals as recipients with the level `stored`");
            }
            if (settings.journals.empty()) {
                return failed(Reason::invalid_request,
                              "durable needs a journal: set `reliability.journals` to the names on "
                              "the certificates of the fabric's journals, such as [journal.host1]");
            }
            text = "any(" + Who::joined(settings.journals) + ")";
            level = AckLevel::stored;
        }
        auto recipients = parse(text);
        if (!recipients) return tl::make_unexpected(std::move(recipients.error()));
        return Wanted{std::move(*recipients), level};
    }

    /// "" or why no publish of ours can be acknowledged, whatever anybody does (D2, T4).
    std::string impossible() const {
        if (!publisher.identity()) {
            return "signing.sign is off: recipients acknowledge signed messages only";
        }
        if (!fabric.trust()) {
            return "signing.validate is off: an acknowledgement that nobody verifies proves "
                   "nothing";
        }
        const auto now = static_cast<signing::UtcSeconds>(clock.utc_us() / 1'000'000);
        return signing::overdue_list(*fabric.trust()->current(), now).value_or("");
    }

    static tl::unexpected<PublishFailure> is_closed() {
        return failed(Reason::not_published,
                      "the publisher has been closed: nothing was published");
    }

    std::string unreachable(milliseconds waited) const {
        const bool relay = fabric.settings().mode == fabric::Settings::Mode::relay;
        const std::string who = relay ? "the relay at " + fabric.settings().relay_outbound.text()
                                      : "no peer of fabric.endpoints, and no relay,";
        return "no acknowledgement could reach us: " + who +
               (relay ? " did not answer within " : " answered within ") +
               std::to_string(waited.count()) + " ms" +
               (relay ? " (is `weft relay` running?)" : "");
    }

    /// Until ACKs can reach us. Asked again only while nobody at all has answered: one endpoint of
    /// many that is down must not hold up every publish.
    tl::expected<void, PublishFailure> await_ready(Instant start, Instant deadline) {
        if (ready.load(std::memory_order_acquire)) return {};
        while (true) {
            const auto left = duration_cast<milliseconds>(deadline - clock.steady());
            const auto result =
                subscriber->wait_ready(std::clamp(left, milliseconds{0}, ready_slice));
            if (result.ready || result.answered > 0) {
                ready.store(true, std::memory_order_release);
                return {};
            }
            if (closed) return is_closed();
            if (left <= ready_slice) {
                return failed(Reason::not_ready,
                              unreachable(duration_cast<milliseconds>(deadline - start)) +
                                  ". Nothing was published");
            }
        }
    }

    tl::expected<microseconds, PublishFailure> timeout_of(const ReliableOptions& options) const {
        const milliseconds timeout = options.ack_timeout.value_or(settings.ack_timeout);
        // In milliseconds: the longest of those would not fit into microseconds.
        if (timeout > milliseconds{0} && timeout <= duration_cast<milliseconds>(ack_timeout_max)) {
            return microseconds{timeout};
        }
        return failed(Reason::invalid_request,
                      "an ack_timeout of " + std::to_string(timeout.count()) +
                          " ms is not possible: it must be more than 0 and at most 24h");
    }

    fabric::Fabric& fabric;
    const fabric::Clock& clock;
    const Settings settings;
    fabric::Publisher& publisher;
    std::unique_ptr<Outbox> outbox;               // null: none is configured
    std::unique_ptr<OutboxSender> outbox_sender;  // its thread uses what is above

    std::mutex parse_mutex;
    std::unordered_map<std::string, std::shared_ptr<const Recipients>> parsed;

    mutable std::mutex mutex;  // guards what follows
    AckTracker tracker;
    std::shared_ptr<const signing::Identity> identity;
    std::condition_variable_any wake;
    Instant timer_wakes_at{};

    std::atomic<std::uint64_t> followed{0};  // generation of `identity`
    std::atomic<bool> ready{false};
    std::atomic<bool> closed{false};  // set under the lock
    std::atomic<bool> said_unreachable{false};
    std::atomic<std::uint64_t> acks_malformed{0}, not_sent_again{0};
    std::unique_ptr<fabric::Subscriber> subscriber;
    std::jthread timer;  // last: it and the subscriber's thread use everything above
};

class ReliablePublisher::Core::Sealing final : public fabric::SealedMessageHook {
public:
    /// Some of what prepare() may find.
    struct TooMany {};
    struct Closed {};
    struct NoRoom {
        Outbox::Error error;
    };

    /// `outbox` null: it is not kept.
    Sealing(Core& core, const Nonce& nonce, AckTracker::Wait wait, std::string topic,
            Outbox* outbox)
        : core_(core), nonce_(nonce), wait_(std::move(wait)), outbox_(outbox) {
        message_ = std::make_shared<SentMessage>();
        message_->topic = std::move(topic);
        message_->subject.nonce = nonce;
    }
    /// The fabric did not take it after all.
    void cancel() {
        if (!opened_) return;
        const std::scoped_lock lock(core_.mutex);
        core_.tracker.cancel(nonce_);
    }

    void prepare(std::size_t content_bytes) override {
        message_->content.resize(content_bytes);
        if (outbox_ != nullptr) {
            auto room = outbox_->hold_room(message_->topic.size(), content_bytes);
            if (!room) throw NoRoom{std::move(room.error())};
            room_ = std::move(*room);
        }
        const std::scoped_lock lock(core_.mutex);
        if (core_.closed) throw Closed{};
        if (!core_.tracker.open(nonce_, std::move(wait_), content_bytes)) throw TooMany{};
        opened_ = true;
        core_.rouse_timer();
    }
    void on_sealed(const Sealed& sealed) noexcept override {
        assert(sealed.content.size() == message_->content.size());
        sealed.content.copy(message_->content.data(), sealed.content.size());
        message_->subject.id = sealed.id;
        message_->subject.epoch = sealed.epoch;
        message_->subject.digest = sealed.digest;
        if (outbox_ != nullptr) put_into_outbox(sealed);
        const std::scoped_lock lock(core_.mutex);
        core_.tracker.bind(nonce_, std::move(message_));
    }

    /// After it was handed over: nothing, or why it is not safe in the outbox.
    tl::expected<void, Outbox::Error> wait_for_outbox() {
        if (!ticket_) return tl::make_unexpected(std::move(ticket_.error()));
        return outbox_->wait(*ticket_);
    }

private:
    void put_into_outbox(const Sealed& sealed) noexcept {
        // It can no longer be taken back here: what goes wrong is said after it has left.
        try {
            const OutboxMessage message{sealed.id,     sealed.epoch,    sealed.seq,
                                        sealed.digest, message_->topic, message_->content};
            ticket_ = outbox_->append(message, std::move(room_));
        } catch (const std::bad_alloc&) {
            ticket_ = tl::make_unexpected(Outbox::Error{Outbox::Error::Reason::disk, {}});
        }
    }

    Core& core_;
    const Nonce nonce_;
    AckTracker::Wait wait_;
    std::shared_ptr<SentMessage> message_;
    bool opened_ = false;
    Outbox* const outbox_;
    Outbox::Room room_;
    tl::expected<Outbox::Ticket, Outbox::Error> ticket_ = 0;
};

tl::expected<PendingAcks, PublishFailure> ReliablePublisher::Core::keep(PendingAcks pending,
                                                                        Sealing& sealing) {
    const auto safe = sealing.wait_for_outbox();
    PendingAcks::Shared& shared = *pending.shared_;
    std::unique_lock lock(shared.mutex);
    if (safe) {
        shared.kept = pending.id();
        if (!shared.ended) return pending;
        const bool acknowledged = shared.outcome->ok();
        lock.unlock();
        let_outbox_go_on(pending.id(), acknowledged);
        return pending;
    }
    // That verdict stands: a journal has it, or whoever waits was told that none said so.
    if (shared.ended) return pending;
    shared.on_settled = nullptr;
    lock.unlock();
    sealing.cancel();
    return failed(Reason::not_kept,
                  (safe.error().sentence.empty() ? outbox->named() + ": no memory is left"
                                                 : safe.error().sentence) +
                      ". The message has been sent: a journal may have it or not");
}

ReliablePublisher::ReliablePublisher(fabric::Fabric& fabric)
    : ReliablePublisher(fabric, settings_of(fabric)) {}

ReliablePublisher::ReliablePublisher(fabric::Fabric& fabric, Settings settings,
                                     TrackerLimits limits, RetrySettings retries)
    : core_(std::make_unique<Core>(fabric, std::move(settings), limits, retries)) {}

ReliablePublisher::~ReliablePublisher() {
    close();
    core_->timer.request_stop();
    if (core_->outbox_sender) core_->outbox_sender->request_stop();
    core_->subscriber->stop();
}

void ReliablePublisher::close() {
    std::vector<AckTracker::Settled> settled;
    {
        const std::scoped_lock lock(core_->mutex);
        core_->closed = true;
        core_->tracker.abort_all(core_->clock.steady(), settled);
    }
    core_->complete(settled);
}

tl::expected<PendingAcks, PublishFailure> ReliablePublisher::publish_async(
    std::string_view topic, fabric::BodyView body, const ReliableOptions& options,
    OnSettled on_settled) {
    Core& core = *core_;
    if (core.closed) return Core::is_closed();
    const Instant start = core.clock.steady();
    const auto wanted = core.wanted(options);
    if (!wanted) return tl::make_unexpected(wanted.error());
    const auto& [recipients, level] = *wanted;

    fabric::PublishOptions plain;
    plain.parent = options.parent;
    plain.headers = options.headers;
    auto shared = std::make_shared<PendingAcks::Shared>();
    const auto publish = [&](const std::string& full) -> tl::expected<PendingAcks, PublishFailure> {
        const auto published = core.publisher.try_publish(full, body, plain);
        if (published) return PendingAcks(*published, shared);
        return tl::make_unexpected(PublishFailure{
            Reason::not_published, published.error().sentence, {}, published.error(), false});
    };
    std::string full = core.fabric.settings().space.complete(topic);
    if (recipients->empty()) {
        core.fabric.warn("no recipients were named for " + signing::escape(full, 80) +
                         ": it is published like any other message, and nobody's silence is seen");
        shared->settled = true;
        return publish(full);
    }

    const auto timeout = core.timeout_of(options);
    if (!timeout) return tl::make_unexpected(timeout.error());
    if (level == AckLevel::rejected) {
        return failed(Reason::invalid_request,
                      "the level `rejected` cannot be asked for: ask for received, stored or "
                      "processed");
    }
    if (std::string why = core.impossible(); !why.empty()) return failed(Reason::not_possible, why);
    Outbox* const outbox = options.durable ? core.outbox.get() : nullptr;
    if (auto ready = core.await_ready(start, start + *timeout); !ready) {
        // With an outbox it is kept, and its wait ends at once.
        if (outbox == nullptr || ready.error().reason != Reason::not_ready) {
            return tl::make_unexpected(std::move(ready.error()));
        }
        if (!core.said_unreachable.exchange(true)) {
            core.fabric.warn(core.unreachable(duration_cast<milliseconds>(*timeout)) +
                             ". What is published is kept");
        }
    }
    core.follow_identity();

    AckRequest request;
    signing::random_bytes(request.nonce.data(), request.nonce.size());
    request.level = level;
    request.timeout = *timeout;
    const auto& names = recipients->names();
    request.recipients.assign(names.begin(), names.end());
    const std::string encoded = encode_request(request);
    shared->on_settled = std::move(on_settled);
    Core::Sealing sealing(core, request.nonce, {recipients, level, start, *timeout, shared}, full,
                          outbox);
    plain.ack = encoded;
    plain.hook = &sealing;
    try {
        plain.room_timeout = std::max(
            duration_cast<milliseconds>(start + *timeout - core.clock.steady()), milliseconds{0});
        auto pending = publish(full);
        if (pending && outbox != nullptr) return core.keep(std::move(*pending), sealing);
        if (pending) return pending;
        sealing.cancel();
        // It waited for room until its deadline, and the timer was faster: that verdict stands.
        const std::scoped_lock lock(shared->mutex);
        if (shared->ended) return PendingAcks({}, shared);
        return pending;
    } catch (const Core::Sealing::TooMany&) {
        return failed(Reason::too_many_waiting,
                      "no room to wait for one more acknowledgement: " + std::to_string(waiting()) +
                          " publishes wait already, and they or their bytes are the limit; wait "
                          "for some of them. Nothing was published");
    } catch (const Core::Sealing::NoRoom& none) {
        const bool full_up = none.error.reason != Outbox::Error::Reason::broken;
        return failed(full_up ? Reason::outbox_full : Reason::not_kept,
                      none.error.sentence + ". Nothing was published");
    } catch (const Core::Sealing::Closed&) {
        return Core::is_closed();
    } catch (...) {
        sealing.cancel();
        throw;
    }
}

tl::expected<Receipt, PublishFailure> ReliablePublisher::try_publish(
    std::string_view topic, fabric::BodyView body, const ReliableOptions& options) {
    const auto pending = publish_async(topic, body, options);
    if (!pending) return tl::make_unexpected(pending.error());
    auto outcome = pending->wait();
    if (!outcome || outcome->ok()) return Receipt{pending->id(), std::move(outcome)};
    const bool kept = pending->kept();
    std::string sentence = outcome->sentence();
    if (kept) {
        sentence += "; it is kept in the " + core_->outbox->named() +
                    ", and handed to a journal as soon as one takes it";
    }
    return tl::make_unexpected(
        PublishFailure{Reason::not_acknowledged, std::move(sentence), outcome, {}, kept});
}

Receipt ReliablePublisher::publish(std::string_view topic, const fabric::Body& body,
                                   const ReliableOptions& options) {
    auto receipt = try_publish(topic, body.view(), options);
    if (!receipt) throw ReliablePublishFailed(std::move(receipt.error()));
    return std::move(*receipt);
}

fabric::ReadyResult ReliablePublisher::wait_ready(milliseconds timeout) {
    const auto result = core_->subscriber->wait_ready(timeout);
    if (result.ready) core_->ready.store(true, std::memory_order_release);
    return result;
}

bool ReliablePublisher::wait_handed_in(milliseconds timeout) const {
    return !core_->outbox_sender || core_->outbox_sender->wait_empty(timeout);
}

std::optional<OutboxSender::Stats> ReliablePublisher::outbox_stats() const {
    if (!core_->outbox_sender) return std::nullopt;
    return core_->outbox_sender->stats();
}

AckTracker::Stats ReliablePublisher::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->tracker.stats();
}

fabric::SubscriberStats ReliablePublisher::ack_stats() const {
    return core_->subscriber->stats();
}

std::uint64_t ReliablePublisher::acks_malformed() const noexcept {
    return core_->acks_malformed;
}

std::uint64_t ReliablePublisher::not_sent_again() const noexcept {
    return core_->not_sent_again;
}

std::size_t ReliablePublisher::waiting() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->tracker.waits();
}

const Settings& ReliablePublisher::settings() const noexcept {
    return core_->settings;
}

}  // namespace weft::reliability
