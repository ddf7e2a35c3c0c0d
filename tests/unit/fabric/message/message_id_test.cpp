#include "fabric/message/message_id.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>
#include <unordered_set>
#include <vector>

namespace weft::fabric {
namespace {

constexpr std::uint64_t some_ms = 0x0193'4A5B'6C7D;

std::uint8_t byte_of(const MessageId& id, std::size_t index) {
    return static_cast<std::uint8_t>(id.bytes()[index]);
}

TEST(MessageId, IsAUuidOfVersion7AndVariant10) {
    for (int i = 0; i < 2000; ++i) {
        const MessageId id = MessageId::make(some_ms);

        EXPECT_EQ(byte_of(id, 6) >> 4, 7);
        EXPECT_EQ(byte_of(id, 8) >> 6, 2);
        EXPECT_EQ(id.text()[14], '7');
    }
}

TEST(MessageId, StartsWithTheMillisecondsThatWereGiven) {
    EXPECT_EQ(MessageId::make(some_ms).unix_ms(), some_ms);
    EXPECT_EQ(MessageId::make(0).unix_ms(), 0U);
    EXPECT_EQ(MessageId::make(0xFFFF'FFFF'FFFF).unix_ms(), 0xFFFF'FFFF'FFFFU);
}

TEST(MessageId, SortsByTime) {
    std::uint64_t ms = some_ms;
    MessageId before = MessageId::make(ms);
    for (int i = 0; i < 300; ++i) {
        const MessageId after = MessageId::make(++ms);
        EXPECT_LT(before, after);
        EXPECT_LT(before.text(), after.text());
        before = after;
    }
}

TEST(MessageId, EachRandomBitIsSometimesSetAndSometimesNot) {
    std::array<std::uint8_t, 16> ever_set{}, always_set{};
    always_set.fill(0xFF);
    for (int i = 0; i < 1000; ++i) {
        const MessageId id = MessageId::make(some_ms);
        for (std::size_t at = 0; at < 16; ++at) {
            ever_set[at] = static_cast<std::uint8_t>(ever_set[at] | byte_of(id, at));
            always_set[at] = static_cast<std::uint8_t>(always_set[at] & byte_of(id, at));
        }
    }

    EXPECT_EQ(ever_set[6], 0x7F);
    EXPECT_EQ(always_set[6], 0x70);
    EXPECT_EQ(ever_set[8], 0xBF);
    EXPECT_EQ(always_set[8], 0x80);
    for (const std::size_t at : {7, 9, 10, 11, 12, 13, 14, 15}) {
        EXPECT_EQ(ever_set[at], 0xFF) << "byte " << at;
        EXPECT_EQ(always_set[at], 0x00) << "byte " << at;
    }
}

TEST(MessageId, NeverRepeatsAcrossThreadsInOneMillisecond) {
    constexpr std::size_t threads = 4, each = 25'000;
    std::array<std::vector<MessageId>, threads> made;
    {
        std::vector<std::jthread> makers;
        for (auto& ids : made) {
            makers.emplace_back([&ids] {
                ids.reserve(each);
                for (std::size_t i = 0; i < each; ++i) ids.push_back(MessageId::make(some_ms));
            });
        }
    }

    std::unordered_set<MessageId> all;
    for (const auto& ids : made) all.insert(ids.begin(), ids.end());
    EXPECT_EQ(all.size(), threads * each);
}

TEST(MessageId, ParentAndChildDifferAfterAFork) {
    // A pool of random bytes stands half used when the fork copies it.
    static_cast<void>(MessageId::make(some_ms));
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(pipe(pipe_ends.data()), 0);

    const pid_t child = fork();
    ASSERT_NE(child, -1);
    if (child == 0) {
        const MessageId id = MessageId::make(some_ms);
        const auto written = write(pipe_ends[1], id.bytes().data(), id.bytes().size());
        _exit(written == 16 ? 0 : 1);
    }
    const MessageId of_parent = MessageId::make(some_ms);
    std::array<char, 16> of_child{};
    ASSERT_EQ(read(pipe_ends[0], of_child.data(), of_child.size()), 16);
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    close(pipe_ends[0]);
    close(pipe_ends[1]);

    EXPECT_EQ(status, 0);
    EXPECT_NE(of_parent.bytes(), std::string_view(of_child.data(), of_child.size()));
}

TEST(MessageId, ReadsBackWhatItPrints) {
    for (int i = 0; i < 1000; ++i) {
        const MessageId id = MessageId::make(some_ms);
        const auto read = MessageId::parse(id.text());

        ASSERT_TRUE(read);
        EXPECT_EQ(*read, id);
    }
}

TEST(MessageId, PrintsLowerCaseWithDashesAndReadsEitherCase) {
    const auto id = MessageId::parse("01934A5B-6c7d-7ABC-8def-0123456789aB");

    ASSERT_TRUE(id);
    EXPECT_EQ(id->text(), "01934a5b-6c7d-7abc-8def-0123456789ab");
    EXPECT_EQ(id->unix_ms(), some_ms);
}

TEST(MessageId, ReadsUuidsOfOtherVersions) {
    EXPECT_TRUE(MessageId::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
}

TEST(MessageId, RefusesWhatIsNoUuid) {
    for (const char* text :
         {"", "01934a5b", "01934a5b-6c7d-7abc-8def-0123456789a",
          "01934a5b-6c7d-7abc-8def-0123456789abc", "01934a5b06c7d07abc08def00123456789ab",
          "01934a5b-6c7d-7abc-8def-0123456789ag", "01934a5b6-c7d-7abc-8def-0123456789ab",
          "{1934a5b-6c7d-7abc-8def-0123456789a}"}) {
        EXPECT_FALSE(MessageId::parse(text)) << text;
    }
}

TEST(MessageId, ComesFromExactly16Bytes) {
    const MessageId id = MessageId::make(some_ms);

    EXPECT_EQ(MessageId::from_bytes(id.bytes()), id);
    EXPECT_FALSE(MessageId::from_bytes(id.bytes().substr(1)));
    EXPECT_FALSE(MessageId::from_bytes(std::string(17, 'x')));
}

TEST(MessageId, OfZeroBytesIsNone) {
    EXPECT_TRUE(MessageId{}.is_none());
    EXPECT_FALSE(MessageId::make(0).is_none());
    EXPECT_EQ(MessageId{}.text(), "00000000-0000-0000-0000-000000000000");
}

}  // namespace
}  // namespace weft::fabric
