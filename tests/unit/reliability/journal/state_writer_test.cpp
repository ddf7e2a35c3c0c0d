#include "reliability/journal/state_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <utility>

#include "fabric/message/codec.hpp"
#include "reliability/journal/memory_journal.hpp"
#include "signing/proof.hpp"

namespace weft::reliability {
namespace {

using Applied = std::optional<JournalResult<void>>;

RunToStore a_message() {
    fabric::ContentHeader header;
    header.id = fabric::MessageId::make(1);
    header.epoch = 1;
    header.seq = 1;
    header.content_type = "text/plain";
    const std::string body = "x";
    std::string content(fabric::encoded_size(header, body), '\0');
    fabric::encode_content(header, body, content.data());
    RunToStore run;
    run.topic = "org.weft.dev.t";
    signing::append_item(content, run.contents);
    run.messages.push_back({header.id, {}, header.epoch, header.seq});
    return run;
}

class StateOfAJournal : public ::testing::Test {
protected:
    std::string value(const std::string& key) {
        const auto found = journal_.state().get(key);
        return found && *found ? **found : "";
    }

    MemoryJournal journal_;
    StateWriter& writer_ = dynamic_cast<StateWriter&>(journal_.state());
};

TEST_F(StateOfAJournal, IsWrittenByTheCallerWhereTheWriterHasNothingToDo) {
    const Applied applied = writer_.apply_if_idle({{"a", "1"}, {"b", "2"}});
    ASSERT_TRUE(applied);
    EXPECT_TRUE(*applied);
    EXPECT_EQ(value("a") + value("b"), "12");
    ASSERT_TRUE(journal_.state().apply({{"a", std::nullopt}}));
    EXPECT_EQ(value("a"), "");
}

TEST_F(StateOfAJournal, IsLeftToTheWriterWhileThatIsAtWork) {
    std::promise<Applied> meanwhile;
    std::vector<RunToStore> runs;
    runs.push_back(a_message());
    // Its answer is given by the writer, within its work.
    journal_.append(std::move(runs), [&](const auto&) {
        meanwhile.set_value(writer_.apply_if_idle({{"a", "1"}}));
    });
    EXPECT_FALSE(meanwhile.get_future().get());
    EXPECT_EQ(value("a"), "") << "nothing was done";
}

TEST_F(StateOfAJournal, KeepsItsOrderBetweenCallersAndTheWriter) {
    for (int i = 0; i < 1000; ++i) {
        const std::string now = std::to_string(i);
        if (!writer_.apply_if_idle({{"a", now}})) {
            ASSERT_TRUE(journal_.state().apply({{"a", now}}));
        }
        ASSERT_EQ(value("a"), now);
        std::promise<void> soon;
        writer_.apply_soon({{"a", now + "b"}}, StateStore::Durability::lazy,
                           [&](const auto&) { soon.set_value(); });
        soon.get_future().wait();
        ASSERT_EQ(value("a"), now + "b");
    }
}

TEST_F(StateOfAJournal, IsNotWrittenAnyMoreOnceTheJournalIsClosed) {
    journal_.close();
    const Applied applied = writer_.apply_if_idle({{"a", "1"}});
    ASSERT_TRUE(applied);
    ASSERT_FALSE(*applied);
    EXPECT_EQ(applied->error().reason, JournalError::Reason::closed);
}

}  // namespace
}  // namespace weft::reliability
