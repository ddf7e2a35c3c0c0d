#include "reliability/outbox/outbox_sender.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#include "reliability/outbox/hand_in_queue.hpp"
#include "reliability/outbox/sign_again.hpp"
#include "signing/refusal.hpp"
#include "signing/sodium.hpp"

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::milliseconds;
using Reason = JournalError::Reason;
using Ranges = JournalResult<std::vector<IdRange>>;

/// The clock is looked at so often, whatever it says.
constexpr milliseconds tick_max{250};
/// Messages that are refused are named one by one; beyond these they are only counted.
constexpr std::size_t named_max = 100;

/// Another journal, or the same one later, may say yes.
bool may_be_taken_later(Reason reason) {
    return reason != Reason::refused && reason != Reason::invalid;
}

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    signing::random_bytes(reinterpret_cast<char*>(&seed), sizeof seed);
    return seed;
}

std::string count_of(std::size_t messages) {
    return std::to_string(messages) + (messages == 1 ? " message" : " messages");
}

}  // namespace

struct OutboxSender::Core {
    Core(Outbox& the_outbox, const fabric::Clock& the_clock, OutboxSenderOptions the_options)
        : outbox(the_outbox),
          clock(the_clock),
          options(std::move(the_options)),
          journals(options.journals.size()),
          queue(options.retries, random_seed()) {
        for (const Outbox::Kept& left : outbox.kept()) queue.add(left, not_before(left.id));
        thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    /// By the calendar, but never later than the grace from now: it may have been set back.
    Instant not_before(const fabric::MessageId& id) const {
        const auto now_ms = static_cast<std::int64_t>(clock.utc_us() / 1000);
        const auto age = milliseconds{now_ms - static_cast<std::int64_t>(id.unix_ms())};
        return clock.steady() + std::clamp(options.grace - age, milliseconds{0}, options.grace);
    }

    void run(const std::stop_token& stop) {
        const std::stop_callback interrupt(stop, [this] {
            const std::scoped_lock lock(mutex);
            if (asked != nullptr) asked->close();
        });
        while (!stop.stop_requested()) {
            look_at_identity();
            HandInQueue::Batch batch;
            {
                std::unique_lock lock(mutex);
                const Instant now = clock.steady();
                batch = queue.next(now);
                if (batch.empty()) {
                    const Instant tick = now + tick_max;
                    const Instant until = std::min(queue.next_due().value_or(tick), tick);
                    released = false;
                    wake.wait_for(lock, stop, until - now, [this] { return released; });
                    continue;
                }
            }
            hand_in(batch, stop);
            const std::scoped_lock lock(mutex);
            if (queue.waiting() == 0) drained.notify_all();
        }
    }

    /// What was refused with the certificate before may be taken with this one.
    void look_at_identity() {
        auto now = options.identity();
        if (now == identity) return;
        const bool renewed = identity != nullptr;
        identity = std::move(now);
        if (!renewed) return;
        for (auto& journal : journals) journal.reset();
        const std::scoped_lock lock(mutex);
        queue.try_skipped_again();
    }

    void hand_in(const HandInQueue::Batch& batch, const std::stop_token& stop) {
        HandInQueue::Batch there;
        std::vector<OutboxMessage> messages;
        for (const auto& item : batch) {
            if (auto message = outbox.read(item)) {
                messages.push_back(std::move(*message));
                there.push_back(item);
                continue;
            }
            const std::scoped_lock lock(mutex);
            queue.gone(item);
        }
        if (messages.empty()) return;
        if (const std::string why = cannot_sign(); !why.empty()) return no_journal(why);
        const std::vector<RunToStore> runs = sign_again(messages, *identity);
        // The one that answered last, then in the order of the configuration.
        std::vector<std::size_t> order;
        if (current < journals.size()) order.push_back(current);
        for (std::size_t i = 0; i < journals.size(); ++i) {
            if (i != current) order.push_back(i);
        }
        current = 0;
        std::string tried;
        for (const std::size_t at : order) {
            const Ranges answer = ask(at, runs, stop);
            if (stop.stop_requested() && !answer) return;
            if (!answer && may_be_taken_later(answer.error().reason)) {
                tried += (tried.empty() ? "" : "; ") + answer.error().sentence;
                continue;
            }
            current = at;
            return answer ? taken(there, at) : refused(there, messages.front(), answer.error());
        }
        no_journal(tried.empty() ? "reliability.journals names none" : tried);
    }

    [[nodiscard]] std::string cannot_sign() const {
        if (!identity) return "signing.sign is off, and a journal takes signed messages only";
        return options.own_refusal();
    }

    Ranges ask(std::size_t at, const std::vector<RunToStore>& runs, const std::stop_token& stop) {
        auto& journal = journals[at];
        if (!journal) {
            auto opened = options.journals[at].open();
            if (!opened) {
                return tl::make_unexpected(JournalError{Reason::away, std::move(opened.error())});
            }
            journal = std::move(*opened);
        }
        {
            // From here on who stops us closes it, and it answers.
            const std::scoped_lock lock(mutex);
            if (stop.stop_requested()) {
                return tl::make_unexpected(JournalError{Reason::closed, "stopping"});
            }
            asked = journal.get();
        }
        Ranges answer = journal->append(runs);
        const std::scoped_lock lock(mutex);
        asked = nullptr;
        return answer;
    }

    // What came of it.

    void taken(const HandInQueue::Batch& batch, std::size_t at) {
        std::uint64_t settled = 0;
        for (const auto& item : batch) settled += outbox.settle(item.id) ? 1U : 0U;
        std::string say;
        {
            const std::scoped_lock lock(mutex);
            queue.stored(batch);
            handed_in += batch.size();
            settled_by_us += settled;
            if (std::exchange(said_away, false)) {
                say = "the journal " + options.journals[at].name +
                      " answers: what is kept in the " + outbox.named() + " is handed in";
            }
        }
        if (!say.empty()) options.warn(say);
    }

    void refused(const HandInQueue::Batch& batch, const OutboxMessage& first,
                 const JournalError& error) {
        bool name_it = false;
        {
            const std::scoped_lock lock(mutex);
            if (!queue.refused(batch, clock.steady())) return;
            // Once each, also if it has its turn again.
            name_it = named.size() < named_max && named.insert(first.id).second;
        }
        if (!name_it) return;
        options.warn(first.id.text() + " (" + signing::escape(first.topic, 80) +
                     ") is refused by the journal, and stays in the " + outbox.named() + ": " +
                     error.sentence +
                     "; it is tried again with a new certificate, or after a restart");
    }

    /// Said once until one answers.
    void no_journal(const std::string& why) {
        std::size_t waiting = 0;
        {
            const std::scoped_lock lock(mutex);
            queue.away(clock.steady());
            if (std::exchange(said_away, true)) return;
            waiting = queue.waiting();
        }
        options.warn(count_of(waiting) + " cannot be handed to a journal now, and kept in the " +
                     outbox.named() + ": " + why);
    }

    Outbox& outbox;
    const fabric::Clock& clock;
    const OutboxSenderOptions options;

    // Of the thread alone.
    std::shared_ptr<const signing::Identity> identity;
    std::vector<std::unique_ptr<Journal>> journals;  // null: not opened yet
    std::size_t current = 0;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable_any wake;
    mutable std::condition_variable drained;
    HandInQueue queue;
    bool released = false;
    Journal* asked = nullptr;
    std::uint64_t handed_in = 0, settled_by_us = 0;
    std::set<fabric::MessageId> named;
    bool said_away = false;

    std::jthread thread;  // last: it uses everything above
};

OutboxSender::OutboxSender(Outbox& outbox, const fabric::Clock& clock, OutboxSenderOptions options)
    : core_(std::make_unique<Core>(outbox, clock, std::move(options))) {}

OutboxSender::~OutboxSender() = default;

void OutboxSender::release(const fabric::MessageId& id) {
    const auto kept = core_->outbox.find(id);
    if (!kept) return;
    const Instant not_before = core_->not_before(id);
    const std::scoped_lock lock(core_->mutex);
    core_->queue.add(*kept, not_before);
    core_->released = true;
    core_->wake.notify_one();
}

bool OutboxSender::wait_empty(milliseconds timeout) const {
    std::unique_lock lock(core_->mutex);
    return core_->drained.wait_for(lock, timeout, [this] { return core_->queue.waiting() == 0; });
}

void OutboxSender::request_stop() {
    core_->thread.request_stop();
}

OutboxSender::Stats OutboxSender::stats() const {
    Stats stats;
    stats.kept = core_->outbox.stats().messages;
    const std::scoped_lock lock(core_->mutex);
    stats.waiting = core_->queue.waiting();
    stats.refused = core_->queue.skipped();
    stats.handed_in = core_->handed_in;
    stats.settled = core_->settled_by_us;
    return stats;
}

}  // namespace weft::reliability
