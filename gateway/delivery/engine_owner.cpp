#include <algorithm>
#include <cassert>

#include "gateway/delivery/callback_url.hpp"
#include "gateway/delivery/engine_core.hpp"
#include "gateway/delivery/record.hpp"

namespace weft::gateway::delivery {

using Kind = EngineError::Kind;
using reliability::JournalId;
using reliability::JournalResult;
using reliability::StateChange;

namespace {

constexpr std::uint64_t count_page = 1000, count_most = 10'000;

tl::unexpected<EngineError> wrong(Kind kind, std::string sentence) {
    return tl::make_unexpected(EngineError{kind, std::move(sentence)});
}

tl::unexpected<EngineError> none() {
    return wrong(Kind::not_found, "there is no such subscription");
}

tl::unexpected<EngineError> stopping() {
    return wrong(Kind::stopped, "the gateway stops; ask again elsewhere");
}

tl::unexpected<EngineError> away(const reliability::JournalError& error) {
    const bool over = error.reason == reliability::JournalError::Reason::closed;
    return wrong(over ? Kind::stopped : Kind::journal_away, error.sentence);
}

std::vector<StateChange> changes_of(const Subscription& subscription, const Progress* progress,
                                    std::uint64_t now_us) {
    std::vector<StateChange> changes;
    changes.push_back(
        {std::string{subscription_prefix} + subscription.id, encode_subscription(subscription)});
    if (progress != nullptr) {
        const auto cursor = cursor_of(subscription, progress->position, progress->dropped, now_us);
        changes.push_back({reliability::cursor_key(cursor.name), encode_cursor(cursor)});
        changes.push_back(
            {std::string{progress_prefix} + subscription.id, encode_progress(*progress)});
    }
    return changes;
}

}  // namespace

void LiveEngine::Core::put(Subscription subscription, std::optional<JournalId> start, OnDone done) {
    if (stopped) return done(stopping());
    if (const std::string bad = subscription_error(subscription, parts.limits.record_bytes);
        !bad.empty()) {
        return done(wrong(Kind::invalid, bad));
    }
    const std::string bad_url =
        subscription.url.empty() ? std::string{} : guard.form_error(subscription.url);
    if (!bad_url.empty()) return done(wrong(Kind::refused_url, bad_url));
    struct Made {
        Subscription subscription;
        Progress progress;
        bool fresh = false, full = false;
    };
    auto made = std::make_shared<Made>();
    made->subscription = std::move(subscription);
    // What was asked for before comes first: what is there is looked at in its turn.
    keep(
        [this, made, start](JournalThings& things) -> JournalResult<void> {
            Subscription& wanted = made->subscription;
            const std::uint64_t now_us = parts.clock.utc_us();
            std::size_t there = 0;
            {
                const std::scoped_lock lock(shown_mutex);
                const auto known = shown.find(wanted.id);
                made->fresh = known == shown.end();
                if (!made->fresh) {
                    if (wanted.created_us == 0) wanted.created_us = known->second.created_us;
                    wanted.state = known->second.state;
                    wanted.reason = known->second.reason;
                }
                there = shown.size();
            }
            made->full = made->fresh && there >= parts.limits.subscriptions;
            if (made->full) return {};
            if (wanted.created_us == 0) wanted.created_us = now_us;
            const auto info = things.journal.info();
            made->progress.position = {info.epoch, std::min(start.value_or(info.head), info.head)};
            return things.journal.state().apply(
                changes_of(wanted, made->fresh ? &made->progress : nullptr, now_us));
        },
        [this, made, done = std::move(done)](const JournalResult<void>& result) {
            if (made->full) {
                return done(
                    wrong(Kind::full, "the gateway has as many subscriptions as it takes (" +
                                          std::to_string(parts.limits.subscriptions) +
                                          "); remove those that nobody needs"));
            }
            if (!result) return done(away(result.error()));
            Entry* entry = find(made->subscription.id);
            if (entry == nullptr) {
                entry = &adopt(std::move(made->subscription), std::move(made->progress));
            } else {
                // It may have been disabled while this was written.
                const Subscription& now = entry->courier.subscription();
                const bool other_state = made->subscription.state != now.state;
                made->subscription.state = now.state;
                made->subscription.reason = now.reason;
                show(made->subscription);
                if (other_state) keep_subscription(*entry);
                const auto presenter = presenters.find(made->subscription.kind);
                entry->presenter = presenter == presenters.end() ? nullptr : presenter->second;
                entry->courier.replace(std::move(made->subscription), moment());
                interests_changed(*entry);
            }
            done({});
            pump(*entry);
        });
}

void LiveEngine::Core::remove(const std::string& id, const OnDone& done) {
    if (stopped) return done(stopping());
    keep([](JournalThings&) { return JournalResult<void>{}; },
         [this, id, done](const JournalResult<void>& turn) {
             if (!turn) return done(away(turn.error()));
             Entry* entry = find(id);
             if (entry == nullptr) return done(none());
             const std::uint64_t serial = entry->serial;
             entry->removing = true;
             for (const auto& [delivery, flight] : entry->flights) {
                 parts.sender->cancel(flight.ticket);
             }
             if (entry->waiter != 0) parts.bridge.forget(std::exchange(entry->waiter, 0));
             auto work = [id](JournalThings& things) {
                 return things.journal.state().apply(
                     {{std::string{subscription_prefix} + id, std::nullopt},
                      {std::string{progress_prefix} + id, std::nullopt},
                      {std::string{attempts_prefix} + id, std::nullopt},
                      {reliability::cursor_key(cursor_name(id)), std::nullopt}});
             };
             auto then = [this, serial, done](const JournalResult<void>& result) {
                 const auto found = entries.find(serial);
                 assert(found != entries.end());
                 found->second->removing = false;
                 if (result) {
                     forget(*found->second);
                     return done({});
                 }
                 pump(*found->second);
                 done(away(result.error()));
             };
             to_keep.emplace_front(std::move(work), std::move(then));
         });
}

SubscriptionStatus LiveEngine::Core::status_of(const Entry& entry) const {
    const Courier& courier = entry.courier;
    const Progress& counts = courier.counts();
    SubscriptionStatus status;
    status.subscription = courier.subscription();
    status.position = courier.position().id;
    status.sent = counts.sent;
    status.in_flight = courier.in_flight();
    status.parked = courier.parked();
    status.given_up = counts.given_up;
    status.dropped = counts.dropped;
    status.attempts = counts.attempts;
    status.failures = counts.failures;
    status.failures_in_a_row = courier.failures_in_a_row();
    status.failing_since_us = courier.failing_since_us();
    if (const auto next = courier.next_attempt()) {
        const auto left = std::max(*next - parts.clock.steady(), fabric::Instant{0});
        status.next_attempt_us =
            parts.clock.utc_us() +
            static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(left).count());
    }
    status.last_error = courier.last_error();
    status.times = entry.times;
    if (entry.presenter == nullptr) {
        status.last_error = "nobody here makes requests of the kind '" + status.subscription.kind +
                            "'; is its protocol served?";
    }
    return status;
}

/// Reads on, page after page, until everything or enough is counted.
void LiveEngine::Core::count_queued(const Entry& entry, SubscriptionStatus status,
                                    std::function<void(SubscriptionStatus)> done) {
    struct Count {
        SubscriptionStatus status;
        std::function<void(SubscriptionStatus)> done;
        std::uint64_t serial;
        reliability::TopicFilter filter;
        std::shared_ptr<const std::vector<Interest>> interests;
        reliability::Position at;
        std::function<void(std::shared_ptr<Count>)> next;
    };
    auto count = std::make_shared<Count>();
    count->status = std::move(status);
    count->status.queued = entry.courier.parked_messages();
    count->status.oldest_us = entry.courier.oldest_us();
    count->done = std::move(done);
    count->serial = entry.serial;
    count->filter = entry.filter;
    count->interests = entry.interests;
    count->at = entry.courier.position();
    count->next = [weak = weak_from_this()](std::shared_ptr<Count> one) {
        const auto self = weak.lock();
        if (!self) return;
        const auto finish = [one] { std::exchange(one->done, {})(std::move(one->status)); };
        if (self->parts.bridge.nothing_after(one->at.id, one->filter)) return finish();
        ReadRequest request;
        request.after = one->at;
        request.filter = one->filter;
        request.messages = count_page;
        request.keep = [wanted = one->interests](const StoredEvent& event) {
            return interested(*wanted, event);
        };
        self->parts.bridge.read(std::move(request), [weak, one](BridgeResult<EventPage> page) {
            const auto core = weak.lock();
            if (!core) return;
            auto shared = std::make_shared<BridgeResult<EventPage>>(std::move(page));
            const bool posted_it = core->post([core = core.get(), one, shared] {
                SubscriptionStatus& found = one->status;
                Entry* entry_now = core->find(one->serial);
                const bool useless = !*shared || entry_now == nullptr;
                if (!useless) {
                    for (const StoredEvent& event : (*shared)->events) {
                        if (entry_now->presenter != nullptr &&
                            !entry_now->presenter->wants(found.subscription, event)) {
                            continue;
                        }
                        ++found.queued;
                        found.oldest_us =
                            std::min(found.oldest_us.value_or(event.stored_us), event.stored_us);
                    }
                    one->at = (*shared)->next;
                }
                if (useless || found.queued >= count_most) found.queued_is_least = true;
                if (found.queued_is_least || (*shared)->at_head) {
                    return std::exchange(one->done, {})(std::move(found));
                }
                one->next(one);
            });
            if (!posted_it) std::exchange(one->done, {})(std::move(one->status));
        });
    };
    count->next(count);
}

void LiveEngine::Core::all(const std::string& kind, const OnAll& done) {
    struct All {
        std::vector<std::string> ids;
        std::vector<SubscriptionStatus> statuses;
        OnAll done;
        std::function<void(const std::shared_ptr<All>&)> next;
    };
    auto all = std::make_shared<All>();
    for (const auto& [id, serial] : serials) {
        const Entry* entry = find(serial);
        if (entry != nullptr && entry->courier.subscription().kind == kind) all->ids.push_back(id);
    }
    std::reverse(all->ids.begin(), all->ids.end());
    all->done = done;
    // One after the other: a thousand counts at once would fill the queue of reads.
    all->next = [this](const std::shared_ptr<All>& state) {
        while (!state->ids.empty()) {
            const Entry* entry = find(state->ids.back());
            state->ids.pop_back();
            if (entry == nullptr) continue;
            return count_queued(*entry, status_of(*entry),
                                [this, state](SubscriptionStatus status) {
                                    state->statuses.push_back(std::move(status));
                                    // Not deeper with each: in a turn of its own.
                                    if (!post([state] { state->next(state); })) {
                                        state->done(std::move(state->statuses));
                                    }
                                });
        }
        std::exchange(state->done, {})(std::move(state->statuses));
        state->next = {};
    };
    const auto first = all->next;
    first(all);
}

void LiveEngine::Core::resend(const std::string& id, JournalId message, const OnAttempt& done) {
    const Entry* entry = find(id);
    if (stopped) return done(stopping());
    if (entry == nullptr) return done(none());
    ReadRequest request;
    request.after.id = message == 0 ? 0 : message - 1;
    request.through = message;
    request.messages = 1;
    parts.bridge.read(std::move(request), [weak = weak_from_this(), serial = entry->serial, message,
                                           done](BridgeResult<EventPage> page) {
        const auto self = weak.lock();
        if (!self) return done(stopping());
        auto shared = std::make_shared<BridgeResult<EventPage>>(std::move(page));
        const bool posted_it = self->post([core = self.get(), serial, message, done, shared] {
            Entry* found = core->find(serial);
            if (core->stopped) return done(stopping());
            if (found == nullptr) return done(none());
            if (!*shared) return done(wrong(Kind::journal_away, shared->error().sentence));
            if ((*shared)->events.empty() || (*shared)->events.front().id != message) {
                return done(
                    wrong(Kind::not_found, "the journal has no message " + std::to_string(message) +
                                               "; it may have been forgotten by its retention"));
            }
            core->send_aside(*found, std::move((*shared)->events.front()), done);
        });
        if (!posted_it) done(stopping());
    });
}

void LiveEngine::Core::recover(const std::string& id, std::uint64_t since_us, const OnDone& done) {
    if (stopped) return done(stopping());
    if (find(id) == nullptr) return done(none());
    auto to = std::make_shared<reliability::Position>();
    keep(
        [to, since_us](JournalThings& things) -> JournalResult<void> {
            const auto first = things.journal.id_at(since_us);
            if (!first) return tl::make_unexpected(first.error());
            *to = {things.journal.info().epoch, *first - 1};
            return {};
        },
        [this, to, id, done](const JournalResult<void>& result) {
            if (!result) return done(away(result.error()));
            Entry* entry = find(id);
            if (entry == nullptr) return done(none());
            cancel_flights(*entry, entry->courier.go_to(*to, moment()));
            interests_changed(*entry);
            done({});
            pump(*entry);
        });
}

void LiveEngine::Core::confirm(const std::string& id, const Fetched& fetched,
                               const OnStatus& done) {
    if (stopped) return done(stopping());
    Entry* entry = find(id);
    if (entry == nullptr || entry->removing) return done(none());
    if (!entry->courier.subscription().url.empty()) {
        return done(wrong(Kind::invalid, "what it wants is sent to its url"));
    }
    cancel_flights(*entry, entry->courier.confirm(fetched, moment()));
    done(status_of(*entry));
    pump(*entry);
}

void LiveEngine::Core::set_state(const std::string& id, Subscription::State state,
                                 std::string reason, const OnDone& done) {
    if (stopped) return done(stopping());
    keep(
        [this, id, state, reason](JournalThings& things) -> JournalResult<void> {
            std::optional<Subscription> changed;
            {
                const std::scoped_lock lock(shown_mutex);
                const auto found = shown.find(id);
                if (found != shown.end()) changed = found->second;
            }
            if (!changed) return {};
            changed->state = state;
            changed->reason = reason;
            return things.journal.state().apply(changes_of(*changed, nullptr, 0));
        },
        [this, id, state, reason, done](const JournalResult<void>& result) {
            if (!result) return done(away(result.error()));
            Entry* entry = find(id);
            if (entry == nullptr) return done(none());
            entry->courier.set_state(state, reason, moment());
            show(entry->courier.subscription());
            done({});
            pump(*entry);
        });
}

void LiveEngine::Core::check_url(const std::string& url, const OnDone& done) {
    if (std::string bad = guard.form_error(url); !bad.empty()) {
        return done(wrong(Kind::refused_url, std::move(bad)));
    }
    const std::string host = CallbackUrl::parse(url)->host;
    if (Address::parse(host)) return done({});  // looked at with the form
    // A copy of the guard: the resolver's thread must not be the last that holds the engine.
    parts.resolver->resolve(host, [rules = guard, done](const Resolver::Answer& answer) {
        if (!answer) return done(wrong(Kind::refused_url, answer.error()));
        for (const Address& address : *answer) {
            if (std::string bad = rules.address_error(address); !bad.empty()) {
                return done(wrong(Kind::refused_url, std::move(bad)));
            }
        }
        done({});
    });
}

}  // namespace weft::gateway::delivery
