#include "gateway/http/request_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = RequestReader::State;

constexpr const char* cl3 = "Content-Length: 3\r\n";

std::string with(const std::string& headers, const std::string& body = {}) {
    return "POST /p HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body;
}

std::string chunked(const std::string& body) {
    return with("Transfer-Encoding: chunked\r\n", body);
}

struct Abuse {
    const char* name;
    std::string bytes;
    Refused reason;
    unsigned status = 400;
};

void PrintTo(const Abuse& abuse, std::ostream* out) {
    *out << abuse.name;
}

/// Rule H4: what may be read in two ways, and what is too much.
std::vector<Abuse> abuses() {
    return {
        {"TwoLengths", with("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
         Refused::bad_framing},
        {"TwoLengthsInOne", with("Content-Length: 3, 3\r\n", "abc"), Refused::bad_framing},
        {"TwoLengthsOfOtherCase", with("content-length: 3\r\nCONTENT-LENGTH: 4\r\n"),
         Refused::bad_framing},
        {"LengthWithPlus", with("Content-Length: +3\r\n"), Refused::bad_framing},
        {"LengthBelowZero", with("Content-Length: -1\r\n"), Refused::bad_framing},
        {"LengthInHex", with("Content-Length: 0x3\r\n"), Refused::bad_framing},
        {"LengthWithZeroInFront", with("Content-Length: 010\r\n"), Refused::bad_framing},
        {"LengthOfNothing", with("Content-Length: \r\n"), Refused::bad_framing},
        {"LengthWithFraction", with("Content-Length: 3.0\r\n"), Refused::bad_framing},
        {"LengthBeyondNumbers", with("Content-Length: 99999999999999999999999\r\n"),
         Refused::body_too_large, 413},
        {"LengthAndEncoding", with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
         Refused::bad_framing},
        {"EncodingAndLength", with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
         Refused::bad_framing},
        {"EncodingUnknown", with("Transfer-Encoding: xchunked\r\n"), Refused::bad_framing},
        {"EncodingGzipChunked", with("Transfer-Encoding: gzip, chunked\r\n"), Refused::bad_framing},
        {"EncodingChunkedTwice",
         with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         Refused::bad_framing},
        {"EncodingIdentity", with("Transfer-Encoding: identity\r\n"), Refused::bad_framing},
        {"EncodingInCapitals", with("Transfer-Encoding: Chunked\r\n"), Refused::bad_framing},
        {"EncodingEmpty", with("Transfer-Encoding:\r\n"), Refused::bad_framing},
        {"EncodingOfVerticalTab", with("Transfer-Encoding: \vchunked\r\n"), Refused::bad_header},
        {"EncodingOverHttp10", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
         Refused::bad_framing},
        {"NoHost", "GET / HTTP/1.1\r\n\r\n", Refused::bad_host},
        {"TwoHosts", with("Host: h\r\n"), Refused::bad_host},
        {"TwoHostsOverHttp10", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", Refused::bad_host},
        {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Refused::bad_host},
        {"HostWithUser", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", Refused::bad_host},
        {"HostOfNothing", "GET / HTTP/1.1\r\nHost:\r\n\r\n", Refused::bad_host},
        {"HostWithBadPort", "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", Refused::bad_host},
        {"HostOtherThanTarget", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", Refused::bad_host},
        {"FoldedLine", with("X: a\r\n b\r\n"), Refused::bad_header},
        {"FoldedLineByTab", with("X: a\r\n\tContent-Length: 3\r\n"), Refused::bad_header},
        {"FirstHeaderFolded", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", Refused::bad_header},
        {"BlankBeforeColon", with("Content-Length : 3\r\n"), Refused::bad_header},
        {"TabBeforeColon", with("Transfer-Encoding\t: chunked\r\n"), Refused::bad_header},
        {"NoColon", with("Content-Length 3\r\n"), Refused::bad_header},
        {"NoName", with(": x\r\n"), Refused::bad_header},
        {"NameWithBlank", with("A b: x\r\n"), Refused::bad_header},
        {"NameNotAscii", with("N\xC3\xA4me: x\r\n"), Refused::bad_header},
        {"ZeroByteInValue", with(std::string("X: a\0b\r\n", 8)), Refused::bad_header},
        {"ZeroByteInName", with(std::string("X\0: a\r\n", 7)), Refused::bad_header},
        {"CarriageReturnInValue", with("X: a\rContent-Length: 3\r\n"), Refused::bad_header},
        {"EscapeInValue", with("X: \x1B[31m\r\n"), Refused::bad_header},
        {"DeleteInValue", with("X: \x7F\r\n"), Refused::bad_header},
        {"BareLfInHeaders", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", Refused::bad_header},
        {"BareLfAtTheEnd", "GET / HTTP/1.1\r\nHost: h\r\n\n", Refused::bad_header},
        {"BareLfInRequestLine", "GET / HTTP/1.1\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"AuthorizationTwice", with("Authorization: a\r\nAuthorization: b\r\n"),
         Refused::bad_header},
        {"ContentTypeTwice", with("Content-Type: a/b\r\nContent-type: c/d\r\n"),
         Refused::bad_header},
        {"NoMethod", " / HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"MethodWithBraces", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"MethodWithZeroByte", std::string("G\0T / HTTP/1.1\r\n\r\n", 18),
         Refused::bad_request_line},
        {"MethodWithoutEnd", std::string(25, 'A') + " / HTTP/1.1\r\n\r\n",
         Refused::bad_request_line},
        {"Connect", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", Refused::method_not_served, 501},
        {"Trace", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", Refused::method_not_served, 501},
        {"TwoBlanks", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"BlankAtTheEnd", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"BlankInTarget", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"TabInTarget", "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"FragmentInTarget", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"TargetNotAscii", "GET /\xC3\xA4 HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"TargetWithoutSlash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"TargetStar", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"TargetOfOtherScheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
         Refused::bad_request_line},
        {"TargetWithUser", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
         Refused::bad_request_line},
        {"Http09", "GET /\r\n", Refused::bad_request_line},
        {"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refused::version_not_spoken, 505},
        {"Http12", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", Refused::version_not_spoken, 505},
        {"VersionInSmallLetters", "GET / http/1.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"VersionWithZeros", "GET / HTTP/01.1\r\nHost: h\r\n\r\n", Refused::bad_request_line},
        {"TlsOnThePlainPort", std::string("\x16\x03\x01\x02\x00\x01\n", 7),
         Refused::bad_request_line},
        {"TwoEmptyLinesFirst", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
         Refused::bad_request_line},
        {"ExpectationUnknown", with("Expect: more\r\n"), Refused::expectation_failed, 417},
        {"ChunkWithoutSize", chunked("\r\n"), Refused::bad_chunk},
        {"ChunkSizeNotHex", chunked("g\r\n"), Refused::bad_chunk},
        {"ChunkSizeWithPrefix", chunked("0x3\r\nabc\r\n"), Refused::bad_chunk},
        {"ChunkSizeBelowZero", chunked("-1\r\n"), Refused::bad_chunk},
        {"ChunkSizeWithBlank", chunked("3 \r\nabc\r\n"), Refused::bad_chunk},
        {"ChunkSizeBeyondNumbers", chunked("FFFFFFFFFFFFFFFFF\r\n"), Refused::bad_chunk},
        {"ChunkSizeBeyondTheLimit", chunked("FFFFFFFF\r\n"), Refused::body_too_large, 413},
        {"ChunkSizeWithBareLf", chunked("3\nabc\r\n"), Refused::bad_chunk},
        {"ChunkLongerThanItsSize", chunked("3\r\nabcd\r\n0\r\n\r\n"), Refused::bad_chunk},
        {"ChunkShorterThanItsSize", chunked("5\r\nabc\r\n0\r\n\r\n"), Refused::bad_chunk},
        {"ChunkWithLongExtension", chunked("3;" + std::string(400, 'x') + "\r\nabc\r\n"),
         Refused::bad_chunk},
        {"ChunkExtensionWithZeroByte", chunked(std::string("3;\0\r\nabc\r\n", 10)),
         Refused::bad_chunk},
        {"TrailerThatIsNone", chunked("0\r\nno trailer\r\n\r\n"), Refused::bad_chunk},
        {"TrailerFolded", chunked("0\r\nX: a\r\n b\r\n\r\n"), Refused::bad_chunk},
        {"TrailerWithoutEnd", chunked("0\r\nX: " + std::string(20'000, 'x')),
         Refused::header_too_large, 431},
        {"RequestLineTooLong", "GET /" + std::string(17'000, 'a'), Refused::line_too_long, 414},
        {"HeaderTooLong", with("X: " + std::string(17'000, 'a') + "\r\n"),
         Refused::header_too_large, 431},
        {"HeadersTooLarge",
         with("A: " + std::string(6'000, 'a') + "\r\nB: " + std::string(6'000, 'a') +
              "\r\nC: " + std::string(6'000, 'a') + "\r\n"),
         Refused::header_too_large, 431},
        {"TooManyHeaders", with([] {
             std::string many;
             for (int i = 0; i < 101; ++i) many += "X: y\r\n";
             return many;
         }()),
         Refused::header_too_large, 431},
        {"BodyTooLarge", with("Content-Length: 4194305\r\n"), Refused::body_too_large, 413},
    };
}

class AbusiveRequest : public ::testing::TestWithParam<Abuse> {};

TEST_P(AbusiveRequest, IsRefusedHoweverItsBytesAreCut) {
    const Abuse& abuse = GetParam();
    const Limits limits;
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, abuse.bytes.size()}) {
        RequestReader reader(limits);
        for (std::string_view rest = abuse.bytes; !rest.empty() &&
                                                  reader.state() != State::refused &&
                                                  reader.state() != State::complete;) {
            const std::size_t taken = reader.read(rest.substr(0, step));
            ASSERT_GT(taken, 0U);
            rest.remove_prefix(taken);
        }

        ASSERT_EQ(reader.state(), State::refused) << "in steps of " << step;
        EXPECT_EQ(name_of(reader.refusal().reason), name_of(abuse.reason));
        EXPECT_EQ(reader.refusal().status, abuse.status);
        EXPECT_GT(reader.refusal().sentence.size(), 20U);
    }
}

TEST_P(AbusiveRequest, KeepsTheReaderRefused) {
    const Limits limits;
    RequestReader reader(limits);
    reader.read(GetParam().bytes);

    EXPECT_EQ(reader.read("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0U);
    EXPECT_EQ(reader.state(), State::refused);
}

INSTANTIATE_TEST_SUITE_P(H4, AbusiveRequest, ::testing::ValuesIn(abuses()),
                         [](const auto& test) { return test.param.name; });

class RequestReaderTest : public ::testing::Test {
protected:
    Limits limits_;
    RequestReader reader_{limits_};
    Request complete(const std::string& bytes) {
        EXPECT_EQ(reader_.read(bytes), bytes.size());
        if (reader_.state() != State::complete) {
            ADD_FAILURE() << reader_.refusal().sentence;
            return {};
        }
        return reader_.take_request();
    }
};

TEST_F(RequestReaderTest, ReadsRequestLineHeadersAndBody) {
    const Request request = complete(
        "PUT /a%20b?c=d HTTP/1.1\r\nHost: h:80\r\nX-A:  b c \r\nx-a:\r\n"
        "Content-Length: 3\r\n\r\nabc");

    EXPECT_EQ(request.method, "PUT");
    EXPECT_EQ(request.target, "/a%20b?c=d");
    EXPECT_EQ(request.version, 11U);
    EXPECT_THAT(request.headers.all("X-A"), ::testing::ElementsAre("b c", ""));
    EXPECT_EQ(request.body, "abc");
    EXPECT_EQ(reader_.state(), State::idle);
}

TEST_F(RequestReaderTest, ReadsTheSameByteByByte) {
    const std::string bytes = chunked("3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n");
    for (const char byte : bytes) {
        ASSERT_NE(reader_.state(), State::complete);
        EXPECT_EQ(reader_.read({&byte, 1}), 1U);
    }
    ASSERT_EQ(reader_.state(), State::complete);
    EXPECT_EQ(reader_.take_request().body, "abc0123456789");
}

TEST_F(RequestReaderTest, LeavesTheBytesOfTheNextRequest) {
    const std::string first = with(cl3, "abc"), second = "GET /2 HTTP/1.1\r\n";

    EXPECT_EQ(reader_.read(first + second), first.size());
    EXPECT_EQ(reader_.take_request().body, "abc");
    EXPECT_EQ(reader_.read(second), second.size());
    EXPECT_EQ(reader_.state(), State::head);
}

TEST_F(RequestReaderTest, LeavesTrailersOut) {
    const Request request = complete(chunked("0\r\nAuthorization: Bearer x\r\n\r\n"));
    EXPECT_EQ(request.headers.find("Authorization"), std::nullopt);
    EXPECT_THAT(request.body, IsEmpty());
}

TEST_F(RequestReaderTest, IsNotCompleteBeforeTheLastByteOfTheBody) {
    reader_.read(with(cl3, "ab"));
    EXPECT_EQ(reader_.state(), State::body);
    reader_.read("c");
    EXPECT_EQ(reader_.state(), State::complete);
}

TEST_F(RequestReaderTest, IsNotCompleteBeforeTheLastChunk) {
    reader_.read(chunked("3\r\nabc\r\n"));
    EXPECT_EQ(reader_.state(), State::body);
    reader_.read("0\r\n");
    EXPECT_EQ(reader_.state(), State::body);
    reader_.read("\r\n");
    EXPECT_EQ(reader_.state(), State::complete);
}

TEST_F(RequestReaderTest, TakesABodyOfExactlyTheLimit) {
    limits_.body = 3;
    EXPECT_EQ(complete(with(cl3, "abc")).body, "abc");
    EXPECT_EQ(complete(chunked("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")).body, "abc");
    reader_.read(chunked("2\r\nab\r\n2\r\n"));
    EXPECT_EQ(reader_.refusal().reason, Refused::body_too_large);
}

TEST_F(RequestReaderTest, TakesTheTargetOutOfAnAbsoluteOne) {
    EXPECT_EQ(complete("GET http://h:1/a?b HTTP/1.1\r\nHost: H:1\r\n\r\n").target, "/a?b");
    EXPECT_EQ(complete("GET HTTP://h HTTP/1.1\r\nHost: h\r\n\r\n").target, "/");
    EXPECT_EQ(complete("GET http://h?x HTTP/1.1\r\nHost: h\r\n\r\n").target, "/?x");
}

TEST_F(RequestReaderTest, SkipsOneEmptyLineBeforeARequest) {
    EXPECT_EQ(complete("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").method, "GET");
}

TEST_F(RequestReaderTest, KnowsWhetherTheConnectionGoesOn) {
    const auto keeps_alive = [&](const std::string& version, const std::string& headers) {
        reader_.read("GET / HTTP/" + version + "\r\nHost: h\r\n" + headers + "\r\n");
        const bool keeps = reader_.keeps_alive();
        (void)reader_.take_request();
        return keeps;
    };
    EXPECT_TRUE(keeps_alive("1.1", ""));
    EXPECT_FALSE(keeps_alive("1.1", "Connection: foo, Close\r\n"));
    EXPECT_FALSE(keeps_alive("1.0", ""));
    EXPECT_TRUE(keeps_alive("1.0", "Connection: Keep-Alive\r\n"));
    EXPECT_FALSE(keeps_alive("1.0", "Connection: keep-alive\r\nConnection: close\r\n"));
}

TEST_F(RequestReaderTest, KnowsWhoWaitsToBeToldToGoOn) {
    reader_.read(with("Expect: 100-Continue\r\nContent-Length: 3\r\n"));
    EXPECT_TRUE(reader_.expects_continue());
    reader_.read("abc");
    (void)reader_.take_request();

    reader_.read(with("Expect: 100-continue\r\n"));
    EXPECT_FALSE(reader_.expects_continue()) << "there is no body to wait for";
}

TEST_F(RequestReaderTest, QuotesForeignBytesFitForATerminal) {
    reader_.read("GET /\x1B[31m HTTP/1.1\r\n");
    EXPECT_THAT(reader_.refusal().sentence, ::testing::Not(HasSubstr("\x1B")));
}

}  // namespace
}  // namespace weft::gateway
