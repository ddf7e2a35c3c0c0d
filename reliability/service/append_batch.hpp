#pragma once
// What a recorder appends to its journal at once: runs, made of messages as they come (of a run
// only those that came, in its own order), with who asked to be told that they are stored. Inside
// of this library. Threads: one at a time; pure.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "fabric/message/message.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/ack/responder.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::reliability {

[[nodiscard]] Ack ack_of(const fabric::Message& message, const AckRequest& request, AckLevel level,
                         std::string reason = {});

struct AppendBatch {
    /// Messages of one publisher that asked for the same and wait for one append.
    struct Asked {
        Ack ack;           ///< Of the first.
        std::string also;  ///< Of the others; see statement.hpp.
        std::vector<Nonce> nonces;
    };
    /// The `at`-th message of runs[run].
    struct Awaited {
        fabric::MessageId id;
        std::size_t run = 0, at = 0;
    };

    std::vector<RunToStore> runs;
    std::vector<Asked> asked;
    std::vector<Awaited> awaited;
    std::size_t messages = 0, bytes = 0;
};

class AppendBatchBuilder {
public:
    void add(const fabric::Message& message);
    /// Of the message that was added last: somebody here waits for it.
    void is_awaited(const fabric::Message& message);
    /// Of the message that was added last: its publisher asked to be told that it is stored.
    void is_asked_for(const fabric::Message& message, const AckRequest& request);
    /// All of it; the next one begins.
    [[nodiscard]] AppendBatch take();

private:
    void close_run();

    std::shared_ptr<const fabric::RunBytes> run_;  ///< Not closed yet, with these of its messages:
    std::vector<const char*> kept_;
    std::vector<StoredMessageKey> keys_;
    AppendBatch batch_;
};

}  // namespace weft::reliability
