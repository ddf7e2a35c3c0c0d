#pragma once
// Runs that somebody hands in to be stored, such as an outbox. Who hands them in is not believed
// about them: each is verified as if it came over the fabric, but for its age. A message that is
// stored already, by its signer, epoch, topic, number and bytes, is not stored again: the answer is
// the id that it has, so whoever got no answer may hand it in again.
// Threads: submit() in workers; Submissions from any.

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "reliability/service/operations.hpp"

namespace weft::reliability {

/// Fields: an array of [topic, contents, proof]. Gives an array of arrays of ids: for each run that
/// of each message in it.
void submit(Asked asked, OperationContext& context, const Reply& reply);

/// Streams that are being stored to now: two who hand in the same message at once must not both
/// find that it is new.
class Submissions {
public:
    /// Held until it is gone. Null if somebody else has one of these streams.
    [[nodiscard]] static std::shared_ptr<void> begin(std::shared_ptr<Submissions> all,
                                                     std::set<std::string> streams);

private:
    std::mutex mutex_;
    std::set<std::string> streams_;
};

}  // namespace weft::reliability
