// What stands in the body of a webhook, in each of its forms.

#include "gateway/webhooks/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fabric/message/value.hpp"
#include "tests/support/stored_event.hpp"

namespace weft::gateway::webhooks {
namespace {

using nlohmann::json;
using support::EventParts;
using support::stored_event;
using ::testing::HasSubstr;

std::string header(const Payload& payload, const std::string& name) {
    for (const auto& [one, value] : payload.headers) {
        if (one == name) return value;
    }
    return "(none)";
}

Payload binary(const EventParts& parts) {
    const std::vector events{stored_event(parts)};
    return payload_of(Format::binary, false, events);
}

json structured(const EventParts& parts) {
    const std::vector events{stored_event(parts)};
    return json::parse(payload_of(Format::structured, false, events).body);
}

TEST(Payload, BinaryKeepsTheBodyByteForByteAndPutsTheRestIntoHeaders) {
    const auto parent = fabric::MessageId::make(1);
    const Payload made = binary({.body = "{\"n\": 1.0 }", .parent = parent});
    EXPECT_EQ(made.body, "{\"n\": 1.0 }");
    EXPECT_EQ(header(made, "Content-Type"), "application/json");
    EXPECT_EQ(header(made, "ce-specversion"), "1.0");
    EXPECT_EQ(header(made, "ce-id").size(), 36U);
    EXPECT_EQ(header(made, "ce-source"), "tests");
    EXPECT_EQ(header(made, "ce-type"), "org.weft.dev.git.commit");
    EXPECT_EQ(header(made, "ce-time"), "2027-01-15T08:00:00.000000Z");
    EXPECT_EQ(header(made, "ce-weftjournalid"), "7");
    EXPECT_EQ(header(made, "ce-weftseq"), "3");
    EXPECT_EQ(header(made, "ce-weftverified"), "false");
    EXPECT_EQ(header(made, "ce-weftparent"), parent.text());
}

TEST(Payload, StructuredHoldsJsonAsJsonTextAsTextAndOtherBytesAsBase64) {
    const json as_json = structured({.body = R"({"n": 12345678901234567890})"});
    EXPECT_EQ(as_json["data"]["n"], 12345678901234567890U);
    EXPECT_EQ(as_json["datacontenttype"], "application/json");
    EXPECT_EQ(as_json["type"], "org.weft.dev.git.commit");
    EXPECT_EQ(structured({.body = "a\nb", .content_type = "text/plain"})["data"], "a\nb");
    const json bytes = structured({.body = "\x01\xff", .content_type = "image/png"});
    EXPECT_EQ(bytes["data_base64"], "Af8=");
    EXPECT_FALSE(bytes.contains("data"));
    EXPECT_EQ(bytes["datacontenttype"], "image/png");
}

TEST(Payload, StructuredKeepsTheBytesOfWhatOnlyClaimsToBeJson) {
    const json claims = structured({.body = "{\"n\":"});
    EXPECT_EQ(claims["data_base64"], "eyJuIjo=");
    EXPECT_FALSE(claims.contains("data"));
    EXPECT_TRUE(structured({.body = "\xff", .content_type = "text/plain"}).contains("data_base64"));
}

TEST(Payload, MsgpackBecomesJsonInEveryForm) {
    const EventParts parts{.body = *fabric::to_msgpack(fabric::Value{{"n", 5}}),
                           .content_type = ""};
    EXPECT_EQ(binary(parts).body, R"({"n":5})");
    EXPECT_EQ(header(binary(parts), "Content-Type"), "application/json");
    EXPECT_EQ(structured(parts)["data"]["n"], 5);
    EXPECT_EQ(structured(parts)["datacontenttype"], "application/json");
}

TEST(Payload, ABatchIsAlwaysAListAndTheWeftFormIsOneWhereItMayHaveSeveral) {
    const std::vector one{stored_event()};
    const std::vector two{stored_event(), stored_event({.journal_id = 8})};
    const Payload batch = payload_of(Format::batch, false, one);
    EXPECT_EQ(header(batch, "Content-Type"), "application/cloudevents-batch+json; charset=utf-8");
    EXPECT_EQ(json::parse(batch.body).size(), 1U);
    EXPECT_EQ(json::parse(payload_of(Format::batch, true, two).body)[1]["weftjournalid"], "8");
    EXPECT_EQ(json::parse(payload_of(Format::weft, true, two).body)[1]["journal_id"], 8);
    EXPECT_TRUE(json::parse(payload_of(Format::weft, true, one).body).is_array());
    EXPECT_EQ(json::parse(payload_of(Format::weft, false, one).body)["topic"],
              "org.weft.dev.git.commit");
}

TEST(Payload, AttributesOfACloudEventGoOnButReplaceNoneOfOurs) {
    const json made = structured({.headers = {{"ce-subject", "a/b"},
                                              {"ce-id", "forged"},
                                              {"ce-source", "/forged"},
                                              {"ce-data", "forged"},
                                              {"ce-datacontenttype", "forged"},
                                              {"ce-weftsigner", "forged"},
                                              {"ce-Bad_Name", "x"},
                                              {"other", "x"},
                                              {"via", "http:ci"}}});
    EXPECT_EQ(made["subject"], "a/b");
    EXPECT_EQ(made["source"], "tests");
    EXPECT_EQ(made["weftvia"], "http:ci");
    EXPECT_THAT(made.dump(), ::testing::Not(HasSubstr("forged")));
    EXPECT_THAT(made.dump(), ::testing::Not(HasSubstr("Bad_Name")));
}

// Whatever a publisher says, it stays one value of one header.
TEST(Payload, ForeignTextCannotBreakOutOfAHeader) {
    const Payload made = binary({.topic = "org.weft.dev.\xC3\xA4 \"%",
                                 .content_type = "text/plain\r\nX-Evil: 1",
                                 .headers = {{"ce-subject", "a\r\nX-Evil: 1"}},
                                 .source = "a\r\nb"});
    EXPECT_EQ(header(made, "ce-type"), "org.weft.dev.%C3%A4%20%22%25");
    EXPECT_EQ(header(made, "Content-Type"), "application/octet-stream");
    EXPECT_EQ(header(made, "ce-subject"), "a%0D%0AX-Evil:%201");
    for (const auto& [name, value] : made.headers) {
        EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos) << name;
    }
}

}  // namespace
}  // namespace weft::gateway::webhooks
