#include "gateway/native/cursor_json.hpp"

#include <array>
#include <utility>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "gateway/native/journal_answers.hpp"
#include "reliability/service/cursor_codec.hpp"

namespace weft::gateway::native {

using fabric::Value;
using reliability::Cursor;
using reliability::GroupSettings;
using reliability::JournalId;
using Answer = reliability::ConsumerGroup::Answer;

tl::expected<WantedCursor, std::string> wanted_cursor(const Value& body,
                                                      const fabric::TopicSpace& space) {
    WantedCursor wanted;
    if (const Value::List* topics = body["topics"].list()) {
        for (const Value& topic : *topics) {
            auto glob = signing::TopicGlob::parse(space.complete_glob(topic.text_or("")));
            if (!glob) return tl::make_unexpected("topics: " + glob.error());
            wanted.globs.push_back(std::move(*glob));
        }
    }
    auto start = reliability::Start::parse(body["start"].text_or("now"));
    if (!start) return tl::make_unexpected("start: " + start.error());
    wanted.start = *start;
    const std::string* mode = body["mode"].text();
    if (mode == nullptr) return wanted;
    GroupSettings group;
    const auto named = reliability::group_mode_named(*mode);
    if (!named) {
        return tl::make_unexpected(
            std::string{"mode: shared, keyed or exclusive; none is a "
                        "plain cursor"});
    }
    group.mode = *named;
    if (const std::string* lease = body["lease"].text()) {
        const auto duration = config::parse_duration(*lease);
        if (!duration || duration->count() <= 0 || *duration > GroupSettings::lease_max) {
            return tl::make_unexpected(std::string{"lease: a duration from 1ms to 24h"});
        }
        group.lease = *duration;
    }
    const auto attempts = body["max_attempts"].integer_or(group.max_attempts);
    if (attempts < 1 || attempts > GroupSettings::attempts_limit) {
        return tl::make_unexpected(std::string{"max_attempts: 1 to 100"});
    }
    group.max_attempts = static_cast<unsigned>(attempts);
    wanted.group = group;
    return wanted;
}

tl::expected<std::vector<JournalId>, std::string> ids_of(const Value& list) {
    std::vector<JournalId> ids;
    if (list.list() == nullptr) {
        return tl::make_unexpected(std::string{"a list of journal ids is needed"});
    }
    for (const Value& item : *list.list()) {
        const auto id = item.integer_or(0);
        if (id <= 0) return tl::make_unexpected(std::string{"an id of the journal is a number"});
        ids.push_back(static_cast<JournalId>(id));
    }
    if (ids.size() > reliability::answers_max) {
        return tl::make_unexpected("at most " + std::to_string(reliability::answers_max) + " ids");
    }
    return ids;
}

std::string member_of(const Value& body, const Query& query, const Principal& who) {
    const std::string* named = body["member"].text();
    const auto asked = query.find("member");
    return named != nullptr   ? *named
           : asked            ? std::string{*asked}
           : who.name.empty() ? "anonymous"
                              : who.name;
}

Value view_of(const Cursor& cursor, const reliability::CursorLag& lag,
              const reliability::ConsumerGroup::Stats* group) {
    Value::List topics;
    for (const auto& glob : cursor.globs) topics.emplace_back(glob.text());
    Value::Map map{{"name", cursor.name},
                   {"topics", std::move(topics)},
                   {"position", cursor.position.text()},
                   {"lag", lag.messages},
                   {"lost", cursor.lost},
                   {"moved", fabric::rfc3339(cursor.moved_us)}};
    if (lag.gap) map.emplace_back("gap", gap_value(*lag.gap));
    if (cursor.group) {
        map.emplace_back("mode", name_of(cursor.group->mode));
        map.emplace_back("lease_ms", cursor.group->lease.count());
        map.emplace_back("max_attempts", cursor.group->max_attempts);
    }
    if (group != nullptr) {
        map.insert(map.end(), {{"members", group->members},
                               {"leased", group->leased},
                               {"waiting", group->waiting},
                               {"dead", group->dead}});
    }
    return map;
}

std::string answers_json(const std::vector<Answer>& answers) {
    constexpr std::array<std::string_view, 5> names{"done", "late", "lost", "already", "unknown"};
    Value::List list;
    for (const Answer& one : answers) {
        Value::Map map{{"id", one.id}, {"is", names[static_cast<std::size_t>(one.is)]}};
        if (!one.sentence.empty()) map.emplace_back("detail", one.sentence);
        list.emplace_back(std::move(map));
    }
    return fabric::to_json(Value(Value::Map{{"answers", std::move(list)}}));
}

}  // namespace weft::gateway::native
