#include "reliability/repair/stored_range.hpp"

#include <algorithm>
#include <iterator>

namespace weft::reliability {
namespace {

using fabric::Message;

/// A verified message is one of the run's, byte for byte: by that it gets its number in the
/// journal.
void mark(const StoredRun& run, std::vector<Message>& messages) {
    for (Message& message : messages) message.mark_replayed(std::nullopt);
    auto next = messages.begin();
    for_each_message(run, [&](JournalId id, std::string_view content) {
        if (next == messages.end() || next->content() != content) return;
        next->mark_replayed(id);
        ++next;
    });
}

bool is_of(const Message& message, const StreamRange& range) {
    return message.signer() == range.signer && message.epoch() == range.epoch &&
           message.topic() == range.topic && range.from <= message.seq() &&
           message.seq() <= range.to;
}

}  // namespace

RangeAnswer read_range(Journal& journal, StreamRange range, const VerifyStored& verify,
                       const std::function<void(std::vector<Message>)>& take,
                       const std::function<bool()>& stopped) {
    RangeAnswer answer;
    while (!stopped()) {
        const auto page = journal.read_stream(range, {});
        if (!page) {
            answer.problem = page.error().sentence;
            return answer;
        }
        std::vector<Message> found;
        for (const StoredRun& run : page->runs) {
            auto verified = verify(run);
            if (!verified) {
                ++answer.refused;
                answer.problem =
                    "run " + std::to_string(run.first) + " is refused: " + verified.error();
                continue;
            }
            mark(run, *verified);
            // What was not asked for is not wanted, whoever sends it.
            std::copy_if(std::move_iterator(verified->begin()), std::move_iterator(verified->end()),
                         std::back_inserter(found),
                         [&](const Message& message) { return is_of(message, range); });
        }
        if (page->runs.empty()) {
            answer.complete = true;
            return answer;
        }
        // Nothing to read on from: what follows what is refused here stays unknown.
        if (found.empty()) {
            if (answer.problem.empty()) answer.problem = "it sends what was not asked for";
            return answer;
        }
        std::uint64_t last = 0;
        for (const Message& message : found) last = std::max(last, message.seq());
        take(std::move(found));
        if (last == range.to) {
            answer.complete = true;
            return answer;
        }
        range.from = last + 1;
    }
    return answer;
}

}  // namespace weft::reliability
