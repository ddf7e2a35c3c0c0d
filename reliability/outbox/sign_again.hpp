#pragma once
// Messages as they were published, signed now: the proof that they went out with is not kept.
// Threads: pure functions.

#include <memory>
#include <vector>

#include "reliability/journal/journal.hpp"
#include "reliability/outbox/outbox_record.hpp"
#include "signing/identity.hpp"

namespace weft::reliability {

/// Runs of neighbours of one stream (topic and epoch) under one signature; in the order given.
/// 1 to signing::batch_runs_max messages (asserted).
[[nodiscard]] std::vector<RunToStore> sign_again(const std::vector<OutboxMessage>& messages,
                                                 const signing::Identity& identity);

}  // namespace weft::reliability
