#include "gateway/delivery/record.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "signing/certificate.hpp"

namespace weft::gateway::delivery {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

const char* name_of(Subscription::State state) {
    switch (state) {
        case Subscription::State::active:
            return "active";
        case Subscription::State::paused:
            return "paused";
        case Subscription::State::disabled:
            break;
    }
    return "disabled";
}

/// Foreign text is not always UTF-8.
std::string text_of(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json parsed(std::string_view text) {
    return json::parse(text.begin(), text.end(), nullptr, false);
}

json retry_json(const RetryPolicy& retry) {
    json value{{"gone_disables", retry.gone_disables},
               {"honours_retry_after", retry.honours_retry_after},
               {"pauses_ms", json::array()}};
    for (const milliseconds pause : retry.pauses) value["pauses_ms"].push_back(pause.count());
    if (retry.disable_after) value["disable_after_ms"] = retry.disable_after->count();
    return value;
}

RetryPolicy retry_of(const json& value) {
    RetryPolicy retry;
    retry.gone_disables = value.value("gone_disables", false);
    retry.honours_retry_after = value.value("honours_retry_after", true);
    for (const json& pause : value.value("pauses_ms", json::array())) {
        retry.pauses.emplace_back(pause.get<std::int64_t>());
    }
    if (value.contains("disable_after_ms")) {
        retry.disable_after = milliseconds{value.at("disable_after_ms").get<std::int64_t>()};
    }
    return retry;
}

Subscription subscription_of(const json& value) {
    Subscription made;
    made.id = value.at("id").get<std::string>();
    made.kind = value.at("kind").get<std::string>();
    made.owner = value.value("owner", std::string{});
    made.url = value.at("url").get<std::string>();
    for (const json& one : value.at("interests")) {
        auto glob = signing::TopicGlob::parse(one.at("glob").get<std::string>());
        if (!glob) throw std::invalid_argument(glob.error());
        made.interests.push_back({std::move(*glob), one.value("after", std::uint64_t{0}),
                                  one.value("through", std::uint64_t{UINT64_MAX})});
    }
    const json& batching = value.at("batching");
    made.batching.max = batching.at("max").get<std::size_t>();
    made.batching.timeout = milliseconds{batching.at("timeout_ms").get<std::int64_t>()};
    made.batching.bytes = batching.at("bytes").get<std::size_t>();
    made.retry = retry_of(value.at("retry"));
    made.ordered = value.value("ordered", true);
    made.concurrency = value.value("concurrency", std::size_t{1});
    made.per_second_max = value.value("per_second_max", 0.0);
    const std::string state = value.value("state", std::string{"active"});
    made.state = state == "active"   ? Subscription::State::active
                 : state == "paused" ? Subscription::State::paused
                                     : Subscription::State::disabled;
    made.reason = value.value("reason", std::string{});
    made.created_us = value.value("created_us", std::uint64_t{0});
    made.details = value.value("details", json::object());
    return made;
}

Progress progress_of(const json& value) {
    Progress made;
    made.sent = value.value("sent", std::uint64_t{0});
    made.given_up = value.value("given_up", std::uint64_t{0});
    made.dropped = value.value("dropped", std::uint64_t{0});
    made.attempts = value.value("attempts", std::uint64_t{0});
    made.failures = value.value("failures", std::uint64_t{0});
    for (const json& one : value.value("failed", json::array())) {
        FailedBatch batch;
        batch.delivery = one.at("delivery").get<std::string>();
        batch.ids = one.at("ids").get<std::vector<reliability::JournalId>>();
        batch.attempts = one.value("attempts", std::uint64_t{0});
        batch.due_us = one.value("due_us", std::uint64_t{0});
        if (batch.ids.empty() || batch.delivery.empty() ||
            !std::is_sorted(batch.ids.begin(), batch.ids.end())) {
            throw std::invalid_argument("a failed batch without a name or with odd ids");
        }
        made.failed.push_back(std::move(batch));
    }
    return made;
}

std::deque<Attempt> attempts_of(const json& value) {
    std::deque<Attempt> made;
    for (const json& one : value.at("attempts")) {
        Attempt attempt;
        attempt.number = one.at("number").get<std::uint64_t>();
        attempt.delivery = one.at("delivery").get<std::string>();
        attempt.first = one.at("first").get<reliability::JournalId>();
        attempt.last = one.at("last").get<reliability::JournalId>();
        attempt.messages = one.value("messages", std::size_t{1});
        attempt.attempt = one.value("attempt", std::uint64_t{1});
        attempt.time_us = one.value("time_us", std::uint64_t{0});
        attempt.took = std::chrono::microseconds{one.value("took_us", std::int64_t{0})};
        attempt.status = one.value("status", 0);
        attempt.error = one.value("error", std::string{});
        attempt.answer_begin = one.value("answer", std::string{});
        attempt.succeeded = one.value("succeeded", false);
        attempt.on_request = one.value("on_request", false);
        if (!made.empty() && attempt.number <= made.back().number) {
            throw std::invalid_argument("attempts whose numbers do not rise");
        }
        made.push_back(std::move(attempt));
        if (made.size() > Engine::attempts_kept) made.pop_front();
    }
    return made;
}

/// What nlohmann and we throw becomes a sentence here.
template <class Make>
auto read_json(std::string_view text, Make make)
    -> tl::expected<decltype(make(json{})), std::string> {
    try {
        const json value = parsed(text);
        if (!value.is_object()) return tl::make_unexpected(std::string{"it is no JSON object"});
        return make(value);
    } catch (const std::exception& wrong) {
        return tl::make_unexpected(std::string{wrong.what()});
    }
}

}  // namespace

std::string cursor_name(std::string_view id) {
    std::string name = "delivery.";
    for (const char c : id) {
        if (c >= 'A' && c <= 'Z') {
            name.append("u.").push_back(static_cast<char>(c - 'A' + 'a'));
        } else {
            name.push_back(c);
        }
    }
    return name;
}

std::string subscription_error(const Subscription& subscription, std::size_t record_bytes) {
    const auto allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    };
    const std::string& id = subscription.id;
    if (id.empty() || id.size() > 100 || !std::all_of(id.begin(), id.end(), allowed) ||
        !signing::name_error(cursor_name(id)).empty()) {
        return "a subscription's id has 1 to 100 letters, digits, '-' and '_', at most 45 of them "
               "capital letters";
    }
    if (subscription.kind.empty()) return "a subscription needs a kind: who makes its requests";
    const Batching& batching = subscription.batching;
    if (batching.max < 1 || batching.max > Batching::max_most) {
        return "a batch has 1 to 10000 messages";
    }
    if (batching.timeout.count() < 0 || batching.timeout > std::chrono::hours{24}) {
        return "a batch waits for 0 to 24 hours";
    }
    if (subscription.concurrency < 1 || subscription.concurrency > 64) {
        return "a subscription has 1 to 64 requests at a time";
    }
    if (!(subscription.per_second_max >= 0 && subscription.per_second_max <= 1e6)) {
        return "requests a second: 0 (as many as it takes) to 1000000";
    }
    const auto negative = [](milliseconds pause) { return pause.count() < 0; };
    if (subscription.retry.pauses.size() > 100 ||
        std::any_of(subscription.retry.pauses.begin(), subscription.retry.pauses.end(), negative)) {
        return "a schedule of retries has at most 100 pauses, none of them negative";
    }
    if (text_of(subscription.details).size() > std::size_t{64} << 10) {
        return "what a kind keeps with a subscription has at most 64 KiB";
    }
    if (encode_subscription(subscription).size() > record_bytes) {
        return "a subscription has at most " + std::to_string(record_bytes >> 10) +
               " KiB as it is kept; fewer topics or a shorter reason are needed";
    }
    return {};
}

std::string encode_subscription(const Subscription& subscription) {
    json interests = json::array();
    for (const Interest& interest : subscription.interests) {
        json one{{"glob", interest.glob.text()}};
        if (interest.after != 0) one["after"] = interest.after;
        if (interest.through != UINT64_MAX) one["through"] = interest.through;
        interests.push_back(std::move(one));
    }
    return text_of({{"version", 1},
                    {"id", subscription.id},
                    {"kind", subscription.kind},
                    {"owner", subscription.owner},
                    {"url", subscription.url},
                    {"interests", std::move(interests)},
                    {"batching",
                     {{"max", subscription.batching.max},
                      {"timeout_ms", subscription.batching.timeout.count()},
                      {"bytes", subscription.batching.bytes}}},
                    {"retry", retry_json(subscription.retry)},
                    {"ordered", subscription.ordered},
                    {"concurrency", subscription.concurrency},
                    {"per_second_max", subscription.per_second_max},
                    {"state", name_of(subscription.state)},
                    {"reason", subscription.reason},
                    {"created_us", subscription.created_us},
                    {"details", subscription.details}});
}

tl::expected<Subscription, std::string> decode_subscription(std::string_view text) {
    return read_json(text, subscription_of);
}

std::string encode_progress(const Progress& progress) {
    // Written once for each batch, nearly always without failures.
    if (progress.failed.empty()) {
        std::string text = "{\"attempts\":" + std::to_string(progress.attempts);
        text += ",\"dropped\":" + std::to_string(progress.dropped);
        text += ",\"failed\":[],\"failures\":" + std::to_string(progress.failures);
        text += ",\"given_up\":" + std::to_string(progress.given_up);
        text += ",\"sent\":" + std::to_string(progress.sent);
        return text + ",\"version\":1}";
    }
    json failed = json::array();
    for (const FailedBatch& batch : progress.failed) {
        failed.push_back({{"delivery", batch.delivery},
                          {"ids", batch.ids},
                          {"attempts", batch.attempts},
                          {"due_us", batch.due_us}});
    }
    return text_of({{"version", 1},
                    {"sent", progress.sent},
                    {"given_up", progress.given_up},
                    {"dropped", progress.dropped},
                    {"attempts", progress.attempts},
                    {"failures", progress.failures},
                    {"failed", std::move(failed)}});
}

tl::expected<Progress, std::string> decode_progress(std::string_view text) {
    return read_json(text, progress_of);
}

std::string encode_attempts(const std::deque<Attempt>& attempts) {
    json list = json::array();
    for (const Attempt& attempt : attempts) {
        list.push_back({{"number", attempt.number},
                        {"delivery", attempt.delivery},
                        {"first", attempt.first},
                        {"last", attempt.last},
                        {"messages", attempt.messages},
                        {"attempt", attempt.attempt},
                        {"time_us", attempt.time_us},
                        {"took_us", attempt.took.count()},
                        {"status", attempt.status},
                        {"error", attempt.error},
                        {"answer", attempt.answer_begin},
                        {"succeeded", attempt.succeeded},
                        {"on_request", attempt.on_request}});
    }
    return text_of({{"version", 1}, {"attempts", std::move(list)}});
}

tl::expected<std::deque<Attempt>, std::string> decode_attempts(std::string_view text) {
    return read_json(text, attempts_of);
}

reliability::Cursor cursor_of(const Subscription& subscription, reliability::Position position,
                              std::uint64_t lost, std::uint64_t now_us) {
    reliability::Cursor cursor;
    cursor.name = cursor_name(subscription.id);
    // More than a cursor names: it is shown as one that reads everything.
    if (subscription.interests.size() <= reliability::Cursor::globs_max) {
        for (const Interest& interest : subscription.interests) {
            cursor.globs.push_back(interest.glob);
        }
    }
    cursor.position = position;
    cursor.created_us = subscription.created_us;
    cursor.moved_us = now_us;
    cursor.lost = lost;
    return cursor;
}

}  // namespace weft::gateway::delivery
