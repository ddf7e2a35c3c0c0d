#include "gateway/access_log/access_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace weft::gateway {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t some_time = 1'763'750'401'234'567;  // 2025-11-21T18:40:01.234567Z

AccessRecord record_of(std::string_view method, std::string_view target) {
    AccessRecord record;
    record.method = method;
    record.target = target;
    record.peer = "192.0.2.7:4711";
    record.token = "ci";
    record.request_id = "r1";
    record.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    record.listener = "127.0.0.1:8080";
    record.status = 200;
    record.bytes = 512;
    record.took = std::chrono::microseconds{1200};
    return record;
}
std::string text(const AccessRecord& record) {
    return access_line(record, AccessFormat::text, {}, some_time);
}
nlohmann::json json(const AccessRecord& record) {
    return nlohmann::json::parse(access_line(record, AccessFormat::json, {}, some_time));
}

TEST(AccessLine, IsCommonLogFormatWithMoreBehindIt) {
    EXPECT_EQ(text(record_of("GET", "/v1/events?limit=1")),
              "192.0.2.7 - ci [21/Nov/2025:18:40:01 +0000] \"GET /v1/events?limit=1 HTTP/1.1\" "
              "200 512 0.001200 r1 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 "
              "127.0.0.1:8080\n");
    AccessRecord anonymous = record_of("GET", "/");
    anonymous.token = "";
    anonymous.version = 10;
    EXPECT_THAT(text(anonymous), AllOf(HasSubstr("192.0.2.7 - - ["), HasSubstr("HTTP/1.0")));
}

TEST(AccessLine, IsOneJsonObjectALine) {
    const nlohmann::json line = json(record_of("POST", "/v1/topics/a"));
    EXPECT_EQ(line["time"], "2025-11-21T18:40:01.234Z");
    EXPECT_EQ(line["client"], "192.0.2.7");
    EXPECT_EQ(line["token"], "ci");
    EXPECT_EQ(line["method"], "POST");
    EXPECT_EQ(line["target"], "/v1/topics/a");
    EXPECT_EQ(line["protocol"], "HTTP/1.1");
    EXPECT_EQ(line["status"], 200);
    EXPECT_EQ(line["bytes"], 512);
    EXPECT_DOUBLE_EQ(line["seconds"], 0.0012);
    EXPECT_EQ(line["request_id"], "r1");
    EXPECT_EQ(line["listener"], "127.0.0.1:8080");
    AccessRecord anonymous = record_of("GET", "/");
    anonymous.token = "";
    EXPECT_TRUE(json(anonymous)["token"].is_null());
}

// L1
TEST(AccessLine, IsOneLineOfPrintableTextWhateverAClientSends) {
    std::string every;
    for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
    for (const std::string& hostile :
         {every, std::string{"/\" 200 1 0.1 forged\n192.0.2.1 - - \"GET /"},
          std::string{"/\r\n\x1b[2J"}, std::string{"/\xE2\x80\xAE"}, std::string{"/\\\"\\"},
          std::string{"/a?b=\xC0\xAF\xFF"}, std::string{}}) {
        AccessRecord record = record_of(hostile, hostile);
        record.token = record.request_id = record.peer = record.forwarded_for = hostile;
        record.traceparent = record.listener = hostile;
        for (const AccessFormat format : {AccessFormat::text, AccessFormat::json}) {
            const std::string line = access_line(record, format, {}, some_time);
            EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
            for (const char byte : line.substr(0, line.size() - 1)) {
                EXPECT_TRUE(byte >= 0x20 && byte < 0x7F) << line;
            }
        }
        EXPECT_EQ(std::ranges::count(text(record), '"'), 2) << text(record);
        EXPECT_TRUE(json(record)["target"].is_string());
    }
    EXPECT_EQ(json(record_of("GET", "/\"\\"))["target"], "/\\x22\\x5c");
}

TEST(AccessLine, CutsWhatIsLong) {
    const std::string line = text(record_of("GET", "/" + std::string(100'000, 'a')));
    EXPECT_LT(line.size(), target_shown_max + 500);
    EXPECT_THAT(line, HasSubstr("aaa... HTTP/1.1"));
}

// L1
TEST(AccessLine, HasNoSecretOfTheQueryInIt) {
    EXPECT_EQ(without_secrets("/a"), "/a");
    EXPECT_EQ(without_secrets("/a?"), "/a?");
    EXPECT_EQ(without_secrets("/a?b=1&&c"), "/a?b=1&&c");
    EXPECT_EQ(without_secrets("/token?token"), "/token?token");
    for (const std::string name :
         {"token", "access_token", "secret", "X-Auth-Token", "TOKEN", "to%6ben", "%74oken",
          "x-auth%2Dtoken", "+token", "tok%zzen", "%FF"}) {
        EXPECT_EQ(without_secrets("/a?b=1&" + name + "=Hidden;Hidden?Hidden=Hidden&c=2"),
                  "/a?b=1&" + name + "=REDACTED&c=2");
        EXPECT_THAT(text(record_of("GET", "/?" + name + "=Hidden")), Not(HasSubstr("Hidden")));
        EXPECT_THAT(json(record_of("GET", "/?" + name + "=Hidden")).dump(),
                    Not(HasSubstr("Hidden")));
    }
    // A secret that the cut would have met.
    const std::string filler(target_shown_max - 8, 'f');
    EXPECT_THAT(text(record_of("GET", "/" + filler + "?token=Hidden")), Not(HasSubstr("Hid")));
}

}  // namespace
}  // namespace weft::gateway
