#include "gateway/webhooks/wanted.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::webhooks {
namespace {

using delivery::Interest;
using nlohmann::json;
using std::chrono::milliseconds;
using Problem = std::optional<std::string>;  ///< Nothing: it was taken.

std::string lower(std::string_view text) {
    std::string small{text};
    std::transform(small.begin(), small.end(), small.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    });
    return small;
}

std::optional<milliseconds> duration_of(const json& from, milliseconds most) {
    if (!from.is_string()) return std::nullopt;
    const auto parsed = config::parse_duration(from.get_ref<const std::string&>());
    if (!parsed || *parsed > most) return std::nullopt;
    return *parsed;
}

std::optional<std::size_t> count_of(const json& from, std::size_t most) {
    if (!from.is_number_integer()) return std::nullopt;
    const auto number = from.get<std::int64_t>();
    if (number < 1 || static_cast<std::uint64_t>(number) > most) return std::nullopt;
    return static_cast<std::size_t>(number);
}

// ---- The fields, one function each ----

Problem take_url(Wanted& wanted, const json& from) {
    if (!from.is_string()) return "url: a text such as https://example.com/hook";
    wanted.url = from.get<std::string>();
    if (wanted.url->size() > Wanted::url_bytes_max) return "url: at most 2048 bytes";
    return std::nullopt;
}

Problem take_topics(Wanted& wanted, const json& from, const fabric::TopicSpace& space) {
    const char* right = R"(topics: a list of 1 to 64 globs, such as ["git.*"])";
    if (!from.is_array() || from.empty() || from.size() > Wanted::topics_max) return right;
    wanted.topics.emplace();
    for (const json& one : from) {
        if (!one.is_string()) return right;
        auto glob = signing::TopicGlob::parse(space.complete_glob(one.get<std::string>()));
        if (!glob) return "topics: " + glob.error();
        const bool repeated =
            std::find(wanted.topics->begin(), wanted.topics->end(), *glob) != wanted.topics->end();
        if (!repeated) wanted.topics->push_back(std::move(*glob));
    }
    return std::nullopt;
}

Problem take_where(Wanted& wanted, const json& from) {
    auto where = Conditions::parse(from);
    if (!where) return where.error();
    wanted.where = std::move(*where);
    return std::nullopt;
}

Problem take_format(Wanted& wanted, const json& from) {
    if (from.is_string()) wanted.format = format_named(from.get_ref<const std::string&>());
    if (wanted.format) return std::nullopt;
    return "format: cloudevents-binary, cloudevents-structured, cloudevents-batch or weft";
}

Problem take_batch(Wanted& wanted, const json& from) {
    if (!from.is_object()) return R"(batch: an object such as {"max": 100, "timeout": "5s"})";
    for (const auto& [name, value] : from.items()) {
        if (name == "max") {
            wanted.batch = count_of(value, Wanted::batch_max);
            if (!wanted.batch) return "batch.max: a number from 1 to 1000";
        } else if (name == "timeout") {
            wanted.batch_timeout = duration_of(value, Wanted::batch_timeout_max);
            if (!wanted.batch_timeout) return "batch.timeout: a duration up to 10m, such as 5s";
        } else {
            return "batch: `max` and `timeout` are known, '" + signing::escape(name, 50) +
                   "' is not";
        }
    }
    return std::nullopt;
}

Problem take_ordered(Wanted& wanted, const json& from) {
    if (!from.is_boolean()) return "ordered: true or false";
    wanted.ordered = from.get<bool>();
    return std::nullopt;
}

Problem take_concurrency(Wanted& wanted, const json& from) {
    wanted.concurrency = count_of(from, Wanted::concurrency_max);
    if (!wanted.concurrency) return "concurrency: requests at a time, 1 to 32";
    return std::nullopt;
}

Problem take_rate(Wanted& wanted, const json& from) {
    const double rate = from.is_number() ? from.get<double>() : -1;
    if (!(rate == 0 || (rate >= 0.001 && rate <= 100'000))) {
        return "rate: requests per second, 0.001 to 100000; 0 is as many as the receiver takes";
    }
    wanted.per_second_max = rate;
    return std::nullopt;
}

/// Set by us for each request, or of the connection; "" if it is neither.
std::string_view taken_by(const std::string& small) {
    constexpr std::array<std::string_view, 13> whole{
        "host",    "connection",        "keep-alive", "te",     "trailer",
        "upgrade", "transfer-encoding", "expect",     "cookie", "user-agent",
        "accept",  "accept-encoding",   "date"};
    constexpr std::array<std::string_view, 5> begins{"webhook-", "ce-", "content-", "proxy-",
                                                     "weft-"};
    if (std::find(whole.begin(), whole.end(), small) != whole.end()) return "the request itself";
    for (const std::string_view begin : begins) {
        if (small.starts_with(begin)) return begin;
    }
    return {};
}

Problem take_headers(Wanted& wanted, const json& from) {
    const char* right =
        R"(headers: an object of at most 20 names and texts, such as {"X-Team": "infra"})";
    if (!from.is_object() || from.size() > Wanted::headers_max) return right;
    wanted.headers.emplace();
    for (const auto& [name, value] : from.items()) {
        constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
        const bool token = !name.empty() && name.size() <= 100 &&
                           std::all_of(name.begin(), name.end(), [&](char letter) {
                               return (letter >= '0' && letter <= '9') ||
                                      (letter >= 'a' && letter <= 'z') ||
                                      (letter >= 'A' && letter <= 'Z') ||
                                      marks.find(letter) != std::string_view::npos;
                           });
        if (!token) {
            return "headers: '" + signing::escape(name, 50) +
                   "' is no name of a header; letters, digits and - make one";
        }
        if (!taken_by(lower(name)).empty()) {
            return "headers: '" + name +
                   "' is set for each request, and cannot be yours; choose another name";
        }
        if (!value.is_string()) return right;
        const auto& text = value.get_ref<const std::string&>();
        const bool plain = text.size() <= Wanted::header_bytes_max &&
                           std::all_of(text.begin(), text.end(),
                                       [](char letter) { return letter >= 0x20 && letter < 0x7f; });
        if (!plain) {
            return "headers: the value of '" + name +
                   "' must be printable ASCII of at most 1024 bytes";
        }
        wanted.headers->emplace_back(name, text);
    }
    return std::nullopt;
}

Problem take_schedule(Wanted& wanted, const json& from) {
    const char* right =
        R"(schedule: a list of 1 to 50 pauses of at most 7d, such as ["0s", "5s", "1m"])";
    if (!from.is_array() || from.empty() || from.size() > Wanted::pauses_max) return right;
    wanted.schedule.emplace();
    for (const json& one : from) {
        const auto pause = duration_of(one, Wanted::pause_max);
        if (!pause) return right;
        wanted.schedule->push_back(*pause);
    }
    return std::nullopt;
}

Problem take_disable_after(Wanted& wanted, const json& from) {
    if (from.is_null()) {
        wanted.disable_after.emplace(std::nullopt);
        return std::nullopt;
    }
    const auto span = duration_of(from, config::duration_max);
    if (!span || *span < std::chrono::minutes{1}) {
        return "disable_after: a duration of at least 1m, such as 5d; null is never";
    }
    wanted.disable_after.emplace(span);
    return std::nullopt;
}

Problem take_description(Wanted& wanted, const json& from) {
    if (!from.is_string() || from.get_ref<const std::string&>().size() > Wanted::text_bytes_max) {
        return "description: a text of at most 1024 bytes";
    }
    wanted.description = from.get<std::string>();
    return std::nullopt;
}

Problem take_start(Wanted& wanted, const json& from) {
    const std::string text = from.is_number_unsigned()
                                 ? std::to_string(from.get<std::uint64_t>())
                                 : (from.is_string() ? from.get<std::string>() : std::string{});
    const auto start = reliability::Start::parse(text);
    if (!start) return "start: " + start.error();
    if (start->kind == reliability::Start::Kind::last_per_topic) {
        return "start: a webhook cannot begin at last-per-topic; say now, beginning, since:10m, "
               "last:100 or an id";
    }
    wanted.start = *start;
    return std::nullopt;
}

Problem take_secret(Wanted& wanted, const json& from) {
    auto keys = Keys::with_secret(from.is_string() ? from.get<std::string>() : std::string{});
    if (!keys) return "secret: " + keys.error();
    wanted.keys = std::move(*keys);
    return std::nullopt;
}

/// Where the shown form of a webhook comes back as a body: it is read, and says nothing.
bool is_shown_only(std::string_view name) {
    constexpr std::array<std::string_view, 5> shown{"id", "owner", "created", "public_keys",
                                                    "header_names"};
    return std::find(shown.begin(), shown.end(), name) != shown.end();
}

Problem take(Wanted& wanted, const std::string& name, const json& value,
             const fabric::TopicSpace& space) {
    struct Field {
        std::string_view name;
        Problem (*take)(Wanted&, const json&);
    };
    constexpr std::array<Field, 13> fields{{{"url", take_url},
                                            {"where", take_where},
                                            {"format", take_format},
                                            {"batch", take_batch},
                                            {"ordered", take_ordered},
                                            {"concurrency", take_concurrency},
                                            {"rate", take_rate},
                                            {"headers", take_headers},
                                            {"schedule", take_schedule},
                                            {"disable_after", take_disable_after},
                                            {"description", take_description},
                                            {"start", take_start},
                                            {"secret", take_secret}}};
    if (name == "topics") return take_topics(wanted, value, space);
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& field) { return field.name == name; });
    if (found != fields.end()) return found->take(wanted, value);
    if (is_shown_only(name)) return std::nullopt;
    std::string known = "topics";
    for (const Field& field : fields) known += ", " + std::string{field.name};
    return "'" + signing::escape(name, 50) + "' is not known here; these are: " + known;
}

// ---- The subscription ----

std::vector<milliseconds> pauses_of(std::vector<milliseconds> schedule) {
    // The pause before the first attempt: it never waits.
    if (!schedule.empty() && schedule.front().count() == 0) schedule.erase(schedule.begin());
    return schedule;
}

void change_interests(std::vector<Interest>& interests, const std::vector<signing::TopicGlob>& now,
                      bool is_new, reliability::JournalId head, reliability::JournalId position) {
    std::erase_if(interests, [&](const Interest& old) { return old.through <= position; });
    const auto is_open = [](const Interest& one) { return one.through == UINT64_MAX; };
    for (Interest& old : interests) {
        const bool kept = std::find(now.begin(), now.end(), old.glob) != now.end();
        if (is_open(old) && !kept) old.through = head;
    }
    for (const auto& glob : now) {
        const bool there = std::any_of(interests.begin(), interests.end(), [&](const auto& old) {
            return is_open(old) && old.glob == glob;
        });
        if (!there) interests.push_back({glob, is_new ? 0 : head});
    }
    std::erase_if(interests, [&](const Interest& old) { return old.through <= position; });
}

Problem check_together(const delivery::Subscription& made, const Details& details) {
    if (made.url.empty()) return "url: where it is to be delivered is needed";
    if (made.interests.empty()) return R"(topics: a list of globs is needed, such as ["git.*"])";
    if (made.interests.size() > 2 * Wanted::topics_max) {
        return "topics: they change too fast; wait until what was wanted before is delivered";
    }
    if (made.ordered && made.concurrency > 1) {
        return "concurrency: in order there is one request at a time; say \"ordered\": false "
               "beside it";
    }
    const bool one_only = details.format == Format::binary || details.format == Format::structured;
    if (one_only && made.batching.max > 1) {
        return "batch: a request of this format has one message; for several say \"format\": "
               "\"cloudevents-batch\" or \"weft\"";
    }
    return std::nullopt;
}

}  // namespace

tl::expected<Wanted, std::string> Wanted::parse(std::string_view body,
                                                const fabric::TopicSpace& space) {
    // Depth, UTF-8 and size of numbers are looked at before anything is built of it (D1).
    if (const auto checked = fabric::from_json(body); !checked) {
        return tl::make_unexpected("the body is not JSON: " + checked.error());
    }
    const json parsed = json::parse(body, nullptr, false);
    if (!parsed.is_object()) {
        return tl::make_unexpected(std::string{"the body must be a JSON object"});
    }
    Wanted wanted;
    for (const auto& [name, value] : parsed.items()) {
        if (auto problem = take(wanted, name, value, space)) {
            return tl::make_unexpected(std::move(*problem));
        }
    }
    return wanted;
}

delivery::Subscription fresh(std::string id, std::string owner, const Settings& now,
                             std::uint64_t now_us) {
    delivery::Subscription made;
    made.id = std::move(id);
    made.kind = kind;
    made.owner = std::move(owner);
    made.retry.pauses = pauses_of(now.schedule);
    made.retry.disable_after = now.disable_after;
    made.retry.gone_disables = true;
    made.created_us = now_us;
    return made;
}

tl::expected<delivery::Subscription, std::string> applied(const Wanted& wanted,
                                                          delivery::Subscription base, bool is_new,
                                                          reliability::JournalId head,
                                                          reliability::JournalId position) {
    Details details;
    if (auto kept = Details::parse(base.details)) details = std::move(*kept);
    if (wanted.keys && is_new) details.keys = {*wanted.keys};
    if (details.keys.empty()) details.keys.push_back(Keys::generate());
    if (wanted.where) details.where = *wanted.where;
    if (wanted.format) details.format = *wanted.format;
    if (wanted.headers) details.headers = *wanted.headers;
    if (wanted.description) details.description = *wanted.description;
    if (wanted.url) base.url = *wanted.url;
    if (wanted.topics) change_interests(base.interests, *wanted.topics, is_new, head, position);
    if (wanted.batch) {
        base.batching.max = *wanted.batch;
    } else if (details.format == Format::batch && wanted.format) {
        base.batching.max = std::max<std::size_t>(base.batching.max, 100);
    }
    if (wanted.batch_timeout) base.batching.timeout = *wanted.batch_timeout;
    if (wanted.ordered) base.ordered = *wanted.ordered;
    if (wanted.concurrency) base.concurrency = *wanted.concurrency;
    if (wanted.per_second_max) base.per_second_max = *wanted.per_second_max;
    if (wanted.schedule) base.retry.pauses = pauses_of(*wanted.schedule);
    if (wanted.disable_after) base.retry.disable_after = *wanted.disable_after;
    if (auto problem = check_together(base, details)) {
        return tl::make_unexpected(std::move(*problem));
    }
    base.details = details.json();
    return base;
}

std::vector<signing::TopicGlob> topics_of(const delivery::Subscription& from) {
    std::vector<signing::TopicGlob> globs;
    for (const Interest& interest : from.interests) {
        if (interest.through == UINT64_MAX) globs.push_back(interest.glob);
    }
    return globs;
}

}  // namespace weft::gateway::webhooks
