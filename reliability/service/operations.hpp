#pragma once
// The work behind each operation. A family of operations is one file that gives a list of these;
// whoever adds one adds its file, its numbers to operation.hpp, and its list to all_operations()
// or to JournalServiceSettings::operations.
// Threads: handlers run in a worker of the service, several at a time; each worker has a context of
//          its own. A handler may take disk time; whoever answers later keeps what it needs.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/msgpack_read.hpp"
#include "fabric/transport/clock.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/service/operation.hpp"
#include "reliability/service/packer.hpp"
#include "signing/certificate.hpp"
#include "signing/verifier.hpp"

namespace weft::reliability {

class Submissions;

struct OperationContext {
    Journal& journal;
    const fabric::Clock& clock;
    std::string_view ack_root;
    signing::Verifier& records;                ///< For what is submitted; of this worker alone.
    std::shared_ptr<Submissions> submissions;  ///< Of all workers.
};

struct Asked {
    std::uint64_t count = 0;  ///< Of the fields.
    fabric::MsgpackReader fields{std::string_view{}};
    std::shared_ptr<const signing::Certificate> signer;  ///< Null: nobody signed.
    /// The request waits for something that may take long, and is not counted any more among those
    /// of its peer that are worked on. At most once, and before the reply.
    std::function<void()> set_aside;
};

using OperationResult = JournalResult<Fields>;
/// Takes the result, exactly once, from any thread.
using Reply = std::function<void(OperationResult)>;

struct OperationEntry {
    std::uint64_t number = 0;
    Right right = Right::keeper;
    std::function<void(Asked asked, OperationContext& context, Reply reply)> handle;
};

/// What an operation says whose fields cannot be read.
[[nodiscard]] JournalError malformed(std::string_view what);

[[nodiscard]] std::vector<OperationEntry> reading_operations();
[[nodiscard]] std::vector<OperationEntry> writing_operations();
[[nodiscard]] std::vector<OperationEntry> state_operations();
[[nodiscard]] std::vector<OperationEntry> lineage_operations();
[[nodiscard]] std::vector<OperationEntry> all_operations();

}  // namespace weft::reliability
