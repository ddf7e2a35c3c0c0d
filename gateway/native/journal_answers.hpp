#pragma once
// What routes that ask the journal itself share: its errors as answers, its messages as JSON.
// Threads: pure functions, but for the exchange that they answer.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/value.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/http/exchange.hpp"

namespace weft::gateway::native {

inline constexpr const char* json_type = "application/json";
using SharedExchange = std::shared_ptr<Exchange>;

/// A problem; what may be tried again says when.
void refuse(const SharedExchange& exchange, unsigned status, std::string_view detail);
void refuse(const SharedExchange& exchange, const reliability::JournalError& error);
void answer(const SharedExchange& exchange, const fabric::Value& value, unsigned status = 200);

/// Does it in a worker, or answers that too much waits.
void work(JournalRoom& room, const SharedExchange& exchange, JournalRoom::Work todo);

[[nodiscard]] fabric::Value gap_value(const reliability::JournalGap& gap);
/// `{"what":[...]` of JSON texts that are there already: the caller adds more, and the brace.
[[nodiscard]] std::string list_json(const char* what, const std::vector<std::string>& items);

/// Calls `each` for those messages of a run that were asked for and are believed.
void for_each_believed(
    const reliability::StoredRun& run, const std::shared_ptr<const void>& bytes,
    reliability::StoredVerifier& verifier,
    const std::function<void(const fabric::Message&, reliability::JournalId)>& each);

}  // namespace weft::gateway::native
