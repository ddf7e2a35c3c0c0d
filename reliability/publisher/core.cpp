#include "reliability/publisher/core.hpp"

#include <algorithm>
#include <new>

#include "reliability/ack/statement.hpp"
#include "reliability/publisher/pending_acks.hpp"
#include "reliability/service/open_remote.hpp"
#include "signing/proof.hpp"
#include "signing/sodium.hpp"

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::milliseconds;

/// The timer looks at least so often, whatever its clock says.
constexpr milliseconds tick_max{250};

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    signing::random_bytes(reinterpret_cast<char*>(&seed), sizeof seed);
    return seed;
}

}  // namespace

ReliablePublisher::Core::Core(fabric::Fabric& the_fabric, Settings the_settings,
                              TrackerLimits limits, RetrySettings retries)
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

void ReliablePublisher::Core::open_outbox() {
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

void ReliablePublisher::Core::let_outbox_go_on(const fabric::MessageId& id, bool acknowledged) {
    if (acknowledged) {
        outbox->settle(id);
    } else {
        outbox_sender->release(id);
    }
}

void ReliablePublisher::Core::follow_identity() {
    const std::uint64_t generation = publisher.identity_generation();
    if (followed.load(std::memory_order_acquire) == generation) return;
    const auto now = publisher.identity();
    const std::scoped_lock lock(mutex);
    if (now && now != identity) tracker.add_publisher(now->certificate->fingerprint());
    identity = now;
    followed.store(generation, std::memory_order_release);
}

void ReliablePublisher::Core::on_ack(const fabric::Message& message) {
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

void ReliablePublisher::Core::on_refused(const fabric::RefusedMessage& refused) {
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

void ReliablePublisher::Core::run_timer(const std::stop_token& stop) {
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
                const Instant wake_at =
                    std::min<Instant>(tracker.next_due().value_or(now + tick_max), now + tick_max);
                timer_wakes_at = wake_at;
                wake.wait_for(lock, stop, wake_at - now, [&] { return timer_wakes_at < wake_at; });
                continue;
            }
        }
        for (const auto& message : again) {
            if (!publisher.send_again(message->topic, message->content, message->subject.digest)) {
                ++not_sent_again;
            }
        }
        complete(settled);
        again.clear();
        settled.clear();
    }
}

void ReliablePublisher::Core::rouse_timer() {
    const auto due = tracker.next_due();
    if (!due || *due >= timer_wakes_at) return;
    timer_wakes_at = *due;
    wake.notify_one();
}

void ReliablePublisher::Core::complete(std::vector<AckTracker::Settled>& settled) {
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

void ReliablePublisher::Core::tell(const OnSettled& call, const Outcome& outcome) {
    try {
        call(outcome);
    } catch (const std::exception& thrown) {
        fabric.warn("on_settled of " + outcome.about().id.text() +
                    " threw: " + signing::escape(thrown.what()));
    } catch (...) {
        fabric.warn("on_settled of " + outcome.about().id.text() + " threw");
    }
}

}  // namespace weft::reliability
