#pragma once
// Whose a cursor is: a token has those whose topics it may read, all of them. Threads: any; the
// work is done by workers of the room.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/value.hpp"
#include "gateway/native/journal_answers.hpp"
#include "gateway/principal.hpp"
#include "reliability/cursor/cursor.hpp"
#include "signing/topic_glob.hpp"

namespace weft::gateway::native {

/// No globs: everything.
[[nodiscard]] bool may_use(const Principal& who, const std::vector<signing::TopicGlob>& globs);
/// 403.
void not_yours(const SharedExchange& exchange);

/// The body as a JSON object; nothing: the request was answered 400.
[[nodiscard]] std::optional<fabric::Value> object_of(const SharedExchange& exchange);

/// Asks `then` with the cursor, in a worker, if there is one that `who` may use.
template <class Then>
void with_cursor(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
                 const Principal& who, Then then) {
    work(room, exchange, [exchange, name, who, then = std::move(then)](JournalThings& things) {
        const auto cursor = things.cursors.show(name);
        if (!cursor) return refuse(exchange, cursor.error());
        if (!may_use(who, cursor->globs)) return not_yours(exchange);
        then(things, *cursor);
    });
}

/// Answers with the cursor as it is now.
void show(const SharedExchange& exchange, JournalThings& things, const reliability::Cursor& cursor,
          unsigned status = 200);

}  // namespace weft::gateway::native
