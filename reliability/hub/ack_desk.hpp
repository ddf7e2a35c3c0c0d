#pragma once
// Acknowledges for a durable consumer. Its messages come out of the journal, but a publisher asks,
// and asks again, live: this hears what asks on the consumer's topics and says what became of the
// message once the consumer's side knows, whichever of the two is first.
//
// `received` is said when the consumer has leased the message from the journal; `processed` when
// its handler is done. What asks for more than the consumer says is rejected with a sentence.
// Threads: every function from any thread.
// Limits:  65,536 messages of each side are remembered, in at most 64 MiB; what is forgotten before
//          it could be answered is counted, and stays unanswered.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "reliability/ack_consumer.hpp"
#include "reliability/hub/remembered.hpp"

namespace weft::reliability::hub {

class AckDesk {
public:
    static constexpr std::size_t remembered_max = 65'536;
    static constexpr std::size_t remembered_bytes_max = std::size_t{64} << 20;

    /// Throws fabric::OpenFailed where an ACK of ours would count for nobody.
    AckDesk(fabric::Fabric& fabric, const std::string& consumer,
            const std::vector<std::string>& globs, AckLevel level,
            std::size_t bytes_max = remembered_bytes_max);

    // Only messages that ask for ACKs need to be told of.
    void leased(const fabric::Message& message);
    void processed(const fabric::Message& message);
    void rejected(const fabric::Message& message, const std::string& reason);

    void stop();
    [[nodiscard]] std::uint64_t acks() const;
    /// Messages whose publisher asked and was forgotten before there was an answer: too many.
    [[nodiscard]] std::uint64_t unanswered() const;

private:
    struct Known {
        enum class Is { leased, processed, rejected } is;
        std::string reason;
    };
    void on_delivery(const Delivery& delivery);
    void note(const fabric::MessageId& id, Known known);
    /// True if `known` is the last word for one who asked this.
    [[nodiscard]] static bool settles(const Delivery& delivery, const Known& known);
    /// Says it.
    static void answer(const Delivery& delivery, const Known& known);

    const std::string consumer_;
    const AckLevel level_;
    mutable std::mutex mutex_;
    Remembered<Delivery> asked_;                     // guarded by mutex_: and not answered yet
    Remembered<Known> known_;                        // guarded by mutex_
    std::uint64_t unanswered_ = 0;                   // guarded by mutex_
    std::unique_ptr<AckConsumer> consumer_of_acks_;  // last: its thread uses the others
};

}  // namespace weft::reliability::hub
