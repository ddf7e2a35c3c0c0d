#include "reliability/journal/run_shape.hpp"

#include "signing/proof.hpp"

namespace weft::reliability {
namespace {

using Reason = JournalError::Reason;

constexpr std::size_t proof_bytes_max = std::size_t{64} << 10;

tl::unexpected<JournalError> invalid(std::string sentence) {
    return journal_error(Reason::invalid, std::move(sentence));
}

JournalResult<void> check(const RunToStore& run) {
    if (const std::string wrong = signing::topic_error(run.topic); !wrong.empty()) {
        return invalid("a run's topic is none: " + wrong);
    }
    if (run.contents.size() > signing::Limits{}.contents_frame_bytes_max) {
        return invalid("a run's contents frame has at most 8 MiB");
    }
    if (run.proof.size() > proof_bytes_max) return invalid("a proof frame has at most 64 KiB");
    std::size_t items = 0, present = 0;
    for (signing::ItemReader reader(run.contents); !reader.at_end(); ++items) {
        const auto item = reader.next();
        if (!item) return invalid("a contents frame ends in the middle of an item");
        if (item->present) ++present;
    }
    if (items > signing::run_messages_max) return invalid("a run has at most 256 messages");
    if (present == 0) return invalid("a run to be stored has at least one message in it");
    if (present != run.messages.size()) {
        return invalid("a run names each message that is present in its contents: there are " +
                       std::to_string(present) + ", and " + std::to_string(run.messages.size()) +
                       " are named");
    }
    return {};
}

}  // namespace

JournalResult<AppendSize> size_of(const std::vector<RunToStore>& runs) {
    AppendSize size;
    for (const RunToStore& run : runs) {
        if (auto good = check(run); !good) return tl::make_unexpected(std::move(good.error()));
        size.messages += run.messages.size();
        size.bytes += run.topic.size() + run.contents.size() + run.proof.size() +
                      run.signer.size() + run.messages.size() * sizeof(StoredMessageKey);
    }
    return size;
}

JournalResult<std::size_t> size_of(const std::vector<StateChange>& changes) {
    std::size_t bytes = 0;
    for (const StateChange& change : changes) {
        if (change.key.empty() || change.key.size() > StateStore::key_bytes_max) {
            return invalid("a key of the state store has 1 to 512 bytes, not " +
                           std::to_string(change.key.size()));
        }
        const std::size_t value = change.value ? change.value->size() : 0;
        if (value > StateStore::value_bytes_max) {
            return invalid("a value of the state store has at most 1 MiB: " + change.key);
        }
        bytes += change.key.size() + value;
    }
    if (bytes > StateStore::apply_bytes_max) {
        return invalid("one change of the state store has at most 8 MiB, not " +
                       std::to_string(bytes) + " bytes");
    }
    return bytes;
}

}  // namespace weft::reliability
