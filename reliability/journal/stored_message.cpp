#include "reliability/journal/stored_message.hpp"

namespace weft::reliability {

std::vector<StoredMessage> messages_of(const Page& page) {
    std::vector<StoredMessage> messages;
    for (const StoredRun& run : page.runs) {
        for_each_message(run, [&](JournalId id, std::string_view content) {
            StoredMessage message{run, content, page.bytes};
            message.run.from = message.run.to = id;
            messages.push_back(std::move(message));
        });
    }
    return messages;
}

JournalResult<std::optional<StoredMessage>> read_message(Journal& journal, JournalId id) {
    std::optional<StoredMessage> none;
    const JournalInfo info = journal.info();
    if (id < info.low || id > info.head || id == 0) return none;
    const auto page =
        journal.read({info.epoch, id - 1}, TopicFilter{}, {.messages = 1, .through = id});
    if (!page) return tl::make_unexpected(page.error());
    std::vector<StoredMessage> messages = messages_of(*page);
    if (messages.empty() || messages.front().id() != id) return none;
    return std::optional<StoredMessage>{std::move(messages.front())};
}

}  // namespace weft::reliability
