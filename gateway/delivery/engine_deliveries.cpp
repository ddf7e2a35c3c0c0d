#include <algorithm>
#include <array>
#include <cassert>

#include "fabric/message/utf8_text.hpp"
#include "gateway/delivery/engine_core.hpp"

namespace weft::gateway::delivery {

using fabric::Instant;

namespace {

constexpr std::size_t failing_each = 3;

bool is_secret(std::string_view name) {
    constexpr std::array<std::string_view, 6> words{"authorization", "token", "secret",
                                                    "signature",     "key",   "cookie"};
    std::string small(name);
    std::transform(small.begin(), small.end(), small.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return small.find(word) != std::string::npos;
    });
}

std::vector<std::string> secrets_of(const OutgoingRequest& request) {
    std::vector<std::string> secrets;
    for (const auto& [name, value] : request.headers) {
        if (!is_secret(name)) continue;
        // "Basic abc": what follows the scheme, too.
        for (std::size_t at = 0; at < value.size();) {
            const std::size_t end = std::min(value.find_first_of(" ,", at), value.size());
            if (end - at >= 6) secrets.push_back(value.substr(at, end - at));
            at = end + 1;
        }
    }
    return secrets;
}

/// 0 where the calendar was set back.
std::uint64_t ms_between(std::uint64_t from_us, std::uint64_t to_us) {
    return to_us > from_us ? (to_us - from_us) / 1000 : 0;
}

std::string as_utf8(std::string_view text) {
    std::string good;
    while (!text.empty()) {
        const std::size_t valid = fabric::utf8_prefix(text);
        good.append(text.substr(0, valid));
        text.remove_prefix(valid);
        if (text.empty()) break;
        good += '?';
        text.remove_prefix(1);
    }
    return good;
}

std::string shown_answer(std::string text, const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets) {
        for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) {
            text.replace(at, secret.size(), "***");
        }
        // One that the end of what is kept has cut in two.
        for (std::size_t cut = std::min(secret.size() - 1, text.size()); cut >= 4; --cut) {
            if (text.ends_with(std::string_view{secret}.substr(0, cut))) {
                text.replace(text.size() - cut, cut, "***");
                break;
            }
        }
    }
    return as_utf8(text);
}

std::string sentence_of(const SendResult& result) {
    if (result.status == 0) return result.error;
    return "the receiver answered " + std::to_string(result.status);
}

}  // namespace

bool interested(const std::vector<Interest>& interests, const StoredEvent& event) {
    return std::any_of(interests.begin(), interests.end(), [&](const Interest& one) {
        return event.id > one.after && event.id <= one.through &&
               one.glob.matches(event.message.topic());
    });
}

void LiveEngine::Core::pump(Entry& entry) {
    if (entry.removing || stopped) return;
    const Moment now = moment();
    Courier& courier = entry.courier;
    if (courier.has_unnoted() && !entry.to_be_noted) {
        entry.to_be_noted = true;
        to_note.push_back(entry.serial);
    }
    if (draining || entry.presenter == nullptr) return;
    while (auto fetch = courier.next_fetch(now)) start_fetch(entry, std::move(*fetch));
    if (const auto read = courier.next_read(now)) {
        if (read->wait) {
            start_wait(entry, *read);
        } else {
            start_read(entry, *read);
        }
    }
    if (!entry.ready && courier.wants_to_send(now)) {
        entry.ready = true;
        (courier.failing() ? ready_failing : ready).push_back(entry.serial);
    }
    const auto deadline = courier.deadline(now);
    if (deadline == entry.timer) return;
    if (entry.timer) timers.erase({*entry.timer, entry.serial});
    entry.timer = deadline;
    if (deadline) timers.emplace(*deadline, entry.serial);
}

void LiveEngine::Core::send_ready() {
    if (draining || stopped) return;
    // Those that fail have a quarter of all requests, so that hanging ones leave room; and of the
    // others, who may have more to send than there are requests, every fourth leaves room to them.
    const std::size_t failing_most = std::max<std::size_t>(parts.settings.concurrency / 4, 1);
    while (in_flight < parts.settings.concurrency) {
        const bool may_probe = !ready_failing.empty() && failing_in_flight < failing_most;
        const bool probe = may_probe && (ready.empty() || sent_before_failing >= failing_each);
        if (!probe && ready.empty()) return;
        sent_before_failing = probe || !may_probe ? 0 : sent_before_failing + 1;
        auto& queue = probe ? ready_failing : ready;
        Entry* entry = find(queue.front());
        queue.pop_front();
        if (entry == nullptr) continue;
        entry->ready = false;
        if (!probe && entry->courier.failing()) {
            pump(*entry);  // into the other queue
            continue;
        }
        if (entry->courier.wants_to_send(moment())) start_send(*entry);
        pump(*entry);
    }
}

void LiveEngine::Core::start_send(Entry& entry) {
    const Moment now = moment();
    const Courier::Send send = entry.courier.begin_send(now);
    const Subscription& subscription = entry.courier.subscription();
    const AttemptContext context{send.delivery, send.attempt, now.utc_us};
    OutgoingRequest outgoing = entry.presenter->request(subscription, send.events, context);
    Flight& flight = entry.flights[send.delivery];
    flight.secrets = secrets_of(outgoing);
    flight.counted_failing = entry.courier.failing();
    Attempt& attempt = flight.attempt;
    attempt.number = ++entry.attempt_numbers;
    attempt.delivery = send.delivery;
    attempt.first = send.events.front().id;
    attempt.last = send.events.back().id;
    attempt.messages = send.events.size();
    attempt.attempt = send.attempt;
    attempt.time_us = now.utc_us;
    flight.stored_us = send.events.front().stored_us;
    if (send.attempt == 1) {
        ++entry.times.batches;
        entry.times.until_first_ms += ms_between(flight.stored_us, now.utc_us);
    }
    ++in_flight;
    failing_in_flight += flight.counted_failing ? 1 : 0;
    const auto done = [weak = weak_from_this(), serial = entry.serial, delivery = send.delivery,
                       counted = flight.counted_failing](SendResult result) {
        const auto self = weak.lock();
        if (!self) return;
        auto shared = std::make_shared<SendResult>(std::move(result));
        self->post([core = self.get(), serial, delivery, counted, shared] {
            core->failing_in_flight -= counted ? 1 : 0;
            core->on_sent(serial, delivery, std::move(*shared));
        });
    };
    flight.ticket = parts.sender->send(
        {subscription.url, std::move(outgoing.headers), std::move(outgoing.body)}, done);
}

void LiveEngine::Core::finish_attempt(Entry& entry, Flight& flight, const SendResult& result) {
    Attempt& attempt = flight.attempt;
    attempt.took = result.took;
    attempt.status = result.status;
    attempt.error = result.error;
    attempt.answer_begin = shown_answer(result.answer_begin, flight.secrets);
    attempt.succeeded = result.status >= 200 && result.status < 300;
    ++(attempt.succeeded ? attempts_ok : attempts_failed);
    if (attempt.succeeded && !attempt.on_request) messages_sent += attempt.messages;
    if (!attempt.on_request) {
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(result.took);
        DeliveryTimes& times = entry.times;
        (attempt.succeeded ? times.succeeded : times.failed)
            .add(static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)));
        if (attempt.succeeded) times.until_last_ms += ms_between(flight.stored_us, attempt.time_us);
    }
    entry.attempts.push_back(attempt);
    if (entry.attempts.size() > Engine::attempts_kept) entry.attempts.pop_front();
    attempts_changed(entry);
}

void LiveEngine::Core::on_sent(std::uint64_t serial, const std::string& delivery,
                               SendResult result) {
    --in_flight;
    const auto at = entries.find(serial);
    if (at == entries.end()) return;
    Entry& entry = *at->second;
    const auto found = entry.flights.find(delivery);
    assert(found != entry.flights.end());
    Flight flight = std::move(found->second);
    entry.flights.erase(found);
    if (!result.cancelled) finish_attempt(entry, flight, result);
    Courier::Outcome outcome;
    outcome.succeeded = flight.attempt.succeeded;
    outcome.cancelled = result.cancelled;
    outcome.gone = result.status == 410;
    outcome.retry_after = result.retry_after;
    if (!outcome.succeeded) outcome.sentence = sentence_of(result);
    const std::uint64_t given_up_before = entry.courier.counts().given_up;
    entry.courier.on_sent(delivery, outcome, moment());
    given_up += entry.courier.counts().given_up - given_up_before;
    if (!result.cancelled) tell(entry, outcome);
    pump(entry);
}

void LiveEngine::Core::tell(Entry& entry, const Courier::Outcome& outcome) {
    const Courier& courier = entry.courier;
    if (outcome.succeeded) {
        if (std::exchange(entry.said_failing, false)) {
            say(entry, Notice::Kind::recovered, "its receiver takes messages again");
        }
        entry.said_soon = false;
        return;
    }
    const Subscription& subscription = courier.subscription();
    if (subscription.state == Subscription::State::disabled) {
        ++disabled;
        show(subscription);
        keep_subscription(entry);
        return say(entry, Notice::Kind::disabled, subscription.reason);
    }
    if (!entry.said_failing && courier.failures_in_a_row() >= Courier::failing_at) {
        entry.said_failing = true;
        say(entry, Notice::Kind::failing, outcome.sentence);
    }
    const auto since = courier.failing_since_us();
    const auto limit = subscription.retry.disable_after;
    const std::uint64_t now_us = parts.clock.utc_us();
    if (!since || !limit || entry.said_soon || now_us < *since) return;
    if (std::chrono::microseconds{now_us - *since} * 2 < *limit) return;
    entry.said_soon = true;
    say(entry, Notice::Kind::disabled_soon, outcome.sentence);
}

void LiveEngine::Core::say(const Entry& entry, Notice::Kind kind, std::string sentence) const {
    if (!parts.on_notice) return;
    parts.on_notice({entry.courier.subscription().id, kind, std::move(sentence)});
}

void LiveEngine::Core::cancel_flights(Entry& entry, const std::vector<std::string>& deliveries) {
    for (const std::string& delivery : deliveries) {
        const auto found = entry.flights.find(delivery);
        if (found != entry.flights.end()) parts.sender->cancel(found->second.ticket);
    }
}

void LiveEngine::Core::send_aside(Entry& entry, StoredEvent event, const OnAttempt& done) {
    using Kind = EngineError::Kind;
    if (entry.presenter == nullptr) {
        return done(tl::make_unexpected(EngineError{
            Kind::invalid,
            "nobody here makes requests of the kind '" + entry.courier.subscription().kind + "'"}));
    }
    if (side_sends >= parts.limits.side_sends) {
        return done(tl::make_unexpected(
            EngineError{Kind::full, "too many messages are being sent again; try again soon"}));
    }
    const Moment now = moment();
    auto flight = std::make_shared<Flight>();
    Attempt& attempt = flight->attempt;
    attempt.number = ++entry.attempt_numbers;
    attempt.delivery = "t" + std::to_string(now.utc_us) + "x" + std::to_string(seeds());
    attempt.first = attempt.last = event.id;
    attempt.messages = 1;
    attempt.time_us = now.utc_us;
    attempt.on_request = true;
    const std::vector<StoredEvent> events{std::move(event)};
    const Subscription& subscription = entry.courier.subscription();
    OutgoingRequest outgoing =
        entry.presenter->request(subscription, events, {attempt.delivery, 1, now.utc_us});
    flight->secrets = secrets_of(outgoing);
    ++side_sends;
    ++side_total;
    const std::uint64_t number = ++last_side;
    const Sender::Ticket ticket = parts.sender->send(
        {subscription.url, std::move(outgoing.headers), std::move(outgoing.body)},
        [weak = weak_from_this(), serial = entry.serial, flight, done, number](SendResult result) {
            const auto gone = [&] {
                done(tl::make_unexpected(EngineError{Kind::stopped, "the gateway stops"}));
            };
            const auto self = weak.lock();
            if (!self) return gone();
            const bool posted_it =
                self->post([core = self.get(), serial, flight, done, number, result] {
                    --core->side_sends;
                    core->side_tickets.erase(number);
                    Entry* found = core->find(serial);
                    if (result.cancelled || found == nullptr) {
                        return done(tl::make_unexpected(EngineError{
                            Kind::stopped, "the subscription or the gateway went away meanwhile"}));
                    }
                    core->finish_attempt(*found, *flight, result);
                    done(flight->attempt);
                });
            if (!posted_it) gone();
        });
    side_tickets[number] = ticket;
}

}  // namespace weft::gateway::delivery
