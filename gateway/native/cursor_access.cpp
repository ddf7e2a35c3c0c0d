#include "gateway/native/cursor_access.hpp"

#include <algorithm>

#include "fabric/message/json_form.hpp"
#include "gateway/grants.hpp"
#include "gateway/native/cursor_json.hpp"

namespace weft::gateway::native {

using fabric::Value;
using reliability::Cursor;

bool may_use(const Principal& who, const std::vector<signing::TopicGlob>& globs) {
    if (who.everything || who.admin) return true;
    return !globs.empty() && std::all_of(globs.begin(), globs.end(),
                                         [&](const auto& glob) { return covers(who.read, glob); });
}
void not_yours(const SharedExchange& exchange) {
    refuse(exchange, 403,
           "this token may not read everything that the cursor is about; its "
           "grants are those of `weft token list`");
}

std::optional<Value> object_of(const SharedExchange& exchange) {
    auto body = fabric::from_json(exchange->request().body);
    if (body && body->map() != nullptr) return std::move(*body);
    refuse(exchange, 400,
           body ? "the body must be a JSON object" : "the body is not JSON: " + body.error());
    return std::nullopt;
}

void show(const SharedExchange& exchange, JournalThings& things, const Cursor& cursor,
          unsigned status) {
    const auto lag = things.cursors.lag(cursor);
    if (!lag) return refuse(exchange, lag.error());
    if (!cursor.group) return answer(exchange, view_of(cursor, *lag, nullptr), status);
    const auto group = things.groups.show(cursor.name);
    if (!group) return refuse(exchange, group.error());
    answer(exchange, view_of(cursor, *lag, &group->stats), status);
}

}  // namespace weft::gateway::native
