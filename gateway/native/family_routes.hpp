#pragma once
// One message by the id that its publisher gave it, and who caused what:
//
//     GET /v1/events/{UUID}
//     GET /v1/events/{id}/children, /ancestors     {id}: a UUID, or a number of the journal
//
// What may not be read and what is not there look alike.
// Threads: any; the journal is asked by workers. Ownership: the room outlives the answer.

#include <string>

#include "fabric/message/message_id.hpp"
#include "gateway/native/journal_answers.hpp"
#include "gateway/principal.hpp"

namespace weft::gateway::native {

void answer_message(JournalRoom& room, const SharedExchange& exchange, const fabric::MessageId& id,
                    const Principal& who);

enum class Family { children, ancestors };
void answer_family(JournalRoom& room, const SharedExchange& exchange, const std::string& id,
                   Family family, const Principal& who);

}  // namespace weft::gateway::native
