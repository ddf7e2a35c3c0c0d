#include "gateway/webhooks/views.hpp"

#include <chrono>
#include <optional>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "gateway/webhooks/wanted.hpp"

namespace weft::gateway::webhooks {
namespace {

View time_of(const std::optional<std::uint64_t>& us) {
    return us && *us != 0 ? View(fabric::rfc3339(*us)) : View();
}

void add_delivery(View& view, const delivery::Subscription& from, const Details& details) {
    view["format"] = name_of(details.format);
    view["batch"] = {{"max", from.batching.max},
                     {"timeout", config::duration_text(from.batching.timeout)}};
    view["ordered"] = from.ordered;
    view["concurrency"] = from.concurrency;
    view["rate"] = from.per_second_max;
    View names = View::array();
    for (const auto& [name, value] : details.headers) names.push_back(name);
    view["header_names"] = std::move(names);
    View schedule = View::array({"0s"});
    for (const auto pause : from.retry.pauses) schedule.push_back(config::duration_text(pause));
    view["schedule"] = std::move(schedule);
    const auto& after = from.retry.disable_after;
    view["disable_after"] = after ? View(config::duration_text(*after)) : View();
}

void add_state(View& view, const delivery::SubscriptionStatus& status) {
    View at = View::object();
    at["position"] = status.position;
    at["queued"] = status.queued;
    if (status.queued_is_least) at["queued_is_least"] = true;
    at["oldest"] = time_of(status.oldest_us);
    at["in_flight"] = status.in_flight;
    at["sent"] = status.sent;
    at["parked"] = status.parked;
    at["given_up"] = status.given_up;
    at["dropped"] = status.dropped;
    at["attempts"] = status.attempts;
    at["failures"] = status.failures;
    at["failures_in_a_row"] = status.failures_in_a_row;
    at["failing_since"] = time_of(status.failing_since_us);
    at["next_attempt"] = time_of(status.next_attempt_us);
    at["last_error"] = status.last_error;
    view["delivery"] = std::move(at);
}

}  // namespace

std::string_view name_of(delivery::Subscription::State state) noexcept {
    switch (state) {
        case delivery::Subscription::State::active:
            return "active";
        case delivery::Subscription::State::paused:
            return "paused";
        case delivery::Subscription::State::disabled:
            return "disabled";
    }
    return "disabled";
}

View view_of(const delivery::SubscriptionStatus& status, std::uint64_t now_us) {
    const delivery::Subscription& from = status.subscription;
    View view = View::object();
    view["id"] = from.id;
    view["url"] = from.url;
    View topics = View::array();
    for (const auto& glob : topics_of(from)) topics.push_back(glob.text());
    view["topics"] = std::move(topics);
    if (const auto details = Details::parse(from.details)) {
        view["where"] = details->where.json();
        add_delivery(view, from, *details);
        view["description"] = details->description;
        View keys = View::array();
        for (const Keys* one : details->signing_at(now_us)) keys.push_back(one->public_key());
        view["public_keys"] = std::move(keys);
    }
    view["owner"] = from.owner;
    view["created"] = time_of(from.created_us);
    view["state"] = name_of(from.state);
    view["reason"] = from.reason;
    add_state(view, status);
    return view;
}

View view_of(const delivery::Attempt& attempt) {
    View view = View::object();
    view["number"] = attempt.number;
    view["delivery"] = attempt.delivery;
    view["first"] = attempt.first;
    view["last"] = attempt.last;
    view["messages"] = attempt.messages;
    view["attempt"] = attempt.attempt;
    view["time"] = fabric::rfc3339(attempt.time_us);
    view["took_ms"] = static_cast<double>(attempt.took.count()) / 1000;
    view["status"] = attempt.status;
    view["succeeded"] = attempt.succeeded;
    view["on_request"] = attempt.on_request;
    view["error"] = attempt.error;
    view["answer"] = attempt.answer_begin;
    return view;
}

View secrets_of(const Details& details, std::uint64_t now_us) {
    const auto signing = details.signing_at(now_us);
    View view = View::object();
    View previous = View::array();
    for (const Keys* keys : signing) {
        View one = View::object();
        one["secret"] = keys->secret;
        one["public_key"] = keys->public_key();
        if (keys == signing.front()) {
            view = std::move(one);
            continue;
        }
        one["until"] = fabric::rfc3339(keys->until_us);
        previous.push_back(std::move(one));
    }
    view["previous"] = std::move(previous);
    return view;
}

std::string text_of(const View& view) {
    return view.dump(-1, ' ', false, View::error_handler_t::replace);
}

}  // namespace weft::gateway::webhooks
