#pragma once
// What became of messages of a cursor: acknowledged, given back, dead.
//
//     POST /v1/cursors/{name}/ack    {ids, member?}
//     POST /v1/cursors/{name}/nack   {id, reason?, delay?, dead?, member?}
//     GET  /v1/cursors/{name}/dead   dead letters
//     POST /v1/cursors/{name}/dead   {retry: ids} or {drop: ids}
//
// Threads: any; the journal is asked by workers. Ownership: the room outlives the answer.

#include <string>

#include "gateway/http/uri.hpp"
#include "gateway/native/journal_answers.hpp"
#include "gateway/principal.hpp"

namespace weft::gateway::native {

void ack(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
         const Query& query, const Principal& who);
void nack(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
          const Query& query, const Principal& who);
void dead(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
          const Principal& who);
void settle_dead(JournalRoom& room, const SharedExchange& exchange, const std::string& name,
                 const Principal& who);

}  // namespace weft::gateway::native
