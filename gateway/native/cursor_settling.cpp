#include "gateway/native/cursor_settling.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "gateway/native/cursor_access.hpp"
#include "gateway/native/cursor_json.hpp"
#include "signing/certificate.hpp"

namespace weft::gateway::native {

using fabric::Value;
using reliability::Cursor;
using reliability::JournalId;
using std::chrono::milliseconds;

namespace {

void advance(const SharedExchange& exchange, JournalThings& things, const Cursor& cursor,
             const std::vector<JournalId>& ids) {
    if (ids.empty()) return refuse(exchange, 400, "ids: at least one is needed");
    const auto moved = things.cursors.advance(
        cursor.name, {cursor.position.epoch, *std::max_element(ids.begin(), ids.end())});
    if (!moved) return refuse(exchange, moved.error());
    show(exchange, things, *moved);
}

}  // namespace

void ack(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
         const Query& query, const Principal& who) {
    const auto body = object_of(exchange);
    if (!body) return;
    const auto ids = ids_of((*body)["ids"]);
    if (!ids) return refuse(exchange, 400, "ids: " + ids.error());
    const std::string member = member_of(*body, query, who);
    if (const std::string wrong = signing::name_error(member); !wrong.empty()) {
        return refuse(exchange, 400, "member: " + wrong);
    }
    with_cursor(room, exchange, name, who,
                [exchange, ids = *ids, member](JournalThings& things, const Cursor& cursor) {
                    if (!cursor.group) return advance(exchange, things, cursor, ids);
                    const auto answers = things.groups.ack(cursor.name, member, ids);
                    if (!answers) return refuse(exchange, answers.error());
                    exchange->answer(Response::of(200, json_type, answers_json(*answers)));
                });
}

void nack(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
          const Query& query, const Principal& who) {
    const auto body = object_of(exchange);
    if (!body) return;
    const auto id = (*body)["id"].integer_or(0);
    if (id <= 0) return refuse(exchange, 400, "id: a number of the journal is needed");
    milliseconds delay{0};
    if (const std::string* text = (*body)["delay"].text()) {
        const auto parsed = config::parse_duration(*text);
        if (!parsed) return refuse(exchange, 400, "delay: " + parsed.error());
        delay = *parsed;
    }
    const std::string member = member_of(*body, query, who);
    if (const std::string wrong = signing::name_error(member); !wrong.empty()) {
        return refuse(exchange, 400, "member: " + wrong);
    }
    const bool* dead = (*body)["dead"].flag();
    with_cursor(room, exchange, name, who,
                [exchange, id = static_cast<JournalId>(id), delay, member,
                 reason = (*body)["reason"].text_or(""),
                 bury = dead != nullptr && *dead](JournalThings& things, const Cursor& cursor) {
                    const auto one =
                        bury ? things.groups.bury(cursor.name, member, id, reason)
                             : things.groups.nack(cursor.name, member, id, reason, delay);
                    if (!one) return refuse(exchange, one.error());
                    exchange->answer(Response::of(200, json_type, answers_json({*one})));
                });
}

void dead(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
          const Principal& who) {
    with_cursor(room, exchange, name, who, [exchange](JournalThings& things, const Cursor& cursor) {
        const auto letters = things.groups.dead(cursor.name);
        if (!letters) return refuse(exchange, letters.error());
        Value::List list;
        for (const auto& letter : *letters) {
            list.emplace_back(Value::Map{{"id", letter.id},
                                         {"attempts", letter.attempts},
                                         {"member", letter.member},
                                         {"reason", letter.reason},
                                         {"died", fabric::rfc3339(letter.died_us)}});
        }
        answer(exchange, Value::Map{{"dead", std::move(list)}});
    });
}

void settle_dead(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
                 const Principal& who) {
    const auto body = object_of(exchange);
    if (!body) return;
    const bool retry = !(*body)["retry"].is_nil();
    const auto ids = ids_of((*body)[retry ? "retry" : "drop"]);
    if (!ids) return refuse(exchange, 400, "retry or drop: " + ids.error());
    with_cursor(room, exchange, name, who,
                [exchange, retry, ids = *ids](JournalThings& things, const Cursor& cursor) {
                    for (const JournalId id : ids) {
                        const auto done = retry ? things.groups.retry(cursor.name, id)
                                                : things.groups.drop(cursor.name, id);
                        if (!done) return refuse(exchange, done.error());
                    }
                    answer(exchange, Value::Map{{"settled", ids.size()}});
                });
}

}  // namespace weft::gateway::native
