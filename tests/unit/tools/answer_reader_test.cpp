#include "tools/answer_reader.hpp"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using State = AnswerReader::State;
const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST(AnswerReader, FindsTheEndOfEachAnswerHoweverTheBytesCome) {
    const std::string both = answer + "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    for (std::size_t step = 1; step <= both.size(); ++step) {
        AnswerReader reader;
        std::string seen;
        for (std::size_t at = 0; at < both.size(); at += step) {
            std::string_view bytes = std::string_view{both}.substr(at, step);
            while (!bytes.empty()) {
                const State state = reader.read(bytes);
                ASSERT_NE(state, State::broken);
                if (state != State::complete) continue;
                seen += std::to_string(reader.status()) + reader.body() +
                        (reader.keeps_alive() ? " " : ".");
            }
        }
        EXPECT_EQ(seen, "200hello 204.") << step;
    }
}

TEST(AnswerReader, PassesOverWhatIsNotTheAnswerYet) {
    AnswerReader reader;
    const std::string both = "HTTP/1.1 100 Continue\r\n\r\n" + answer;
    std::string_view bytes = both;
    EXPECT_EQ(reader.read(bytes), State::complete);
    EXPECT_EQ(reader.status(), 200U);
    EXPECT_TRUE(bytes.empty());
}

TEST(AnswerReader, IsBrokenByWhatItCannotFindTheEndOf) {
    for (const std::string& text :
         {std::string{"HTTP/1.1 200 OK\r\n\r\n"}, std::string{"HTTP/1.1 2x0 OK\r\n\r\n"},
          std::string{"HTTP/1.1 \r\n\r\n"}, std::string{"hello\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
          std::string(2 * AnswerReader::head_max, 'a')}) {
        AnswerReader reader;
        State state = State::more;
        for (std::string_view bytes = text; !bytes.empty() && state == State::more;) {
            state = reader.read(bytes);
        }
        EXPECT_EQ(state, State::broken) << text.substr(0, 60);
    }
}

TEST(AnswerReader, KeepsTheBeginningOfALongBody) {
    AnswerReader reader;
    const std::string text =
        "HTTP/1.1 503 Away\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'b');
    std::string_view bytes = text;
    EXPECT_EQ(reader.read(bytes), State::complete);
    EXPECT_EQ(reader.body().size(), AnswerReader::body_max);
}

}  // namespace
}  // namespace weft::tools
