#include "tests/contract/journal_contract.hpp"

#include "signing/wire.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::contract {

fabric::MessageId id_of(std::uint64_t number) {
    return *fabric::MessageId::from_bytes(
        signing::WireWriter().u64(number).u64(number * 0x9E3779B97F4A7C15).take());
}

TopicFilter filter_of(const std::vector<std::string>& globs) {
    return TopicFilter(support::globs_of(globs));
}

RunToStore run_of(const std::string& topic, const std::vector<std::string>& texts,
                  std::uint64_t seq) {
    static std::atomic<std::uint64_t> messages{0};
    RunToStore run;
    run.topic = topic;
    run.signer = "alice";
    run.proof = "proof of " + topic;
    for (const std::string& text : texts) {
        signing::append_item(text, run.contents);
        run.messages.push_back({.id = id_of(++messages), .parent = {}, .epoch = 1, .seq = seq++});
    }
    return run;
}

std::vector<std::string> texts_of(const Page& page) {
    std::vector<std::string> texts;
    for (const StoredRun& run : page.runs) {
        for_each_message(run, [&](JournalId id, std::string_view content) {
            texts.push_back(std::to_string(id) + " " + std::string(run.topic) + " " +
                            std::string(content));
        });
    }
    return texts;
}

std::vector<JournalId> ids_of(const Page& page) {
    std::vector<JournalId> ids;
    for (const StoredRun& run : page.runs) {
        for_each_message(run, [&](JournalId id, std::string_view) { ids.push_back(id); });
    }
    return ids;
}

std::vector<std::string> JournalContract::read_all(const TopicFilter& filter,
                                                   const ReadLimits& limits) {
    std::vector<std::string> all;
    Position after;
    for (;;) {
        const Page page = ok(journal->read(after, filter, limits));
        for (std::string& text : texts_of(page)) all.push_back(std::move(text));
        if (page.at_head) return all;
        if (page.next.id <= after.id) throw std::runtime_error("a page that does not move");
        after = page.next;
    }
}

}  // namespace weft::contract
