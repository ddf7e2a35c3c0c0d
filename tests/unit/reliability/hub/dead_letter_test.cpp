#include "reliability/hub/dead_letter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fabric/message/json_form.hpp"
#include "tests/support/signing_fixture.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Binary;
using fabric::Body;
using fabric::Message;
using fabric::Value;
using support::SigningFixture;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint64_t now_us = static_cast<std::uint64_t>(SigningFixture::now) * 1'000'000;
constexpr const char* topic = "org.weft.dev.git.commit";

class DeadLetters : public ::testing::Test {
protected:
    static std::string content(std::uint64_t seq, std::string_view body,
                               std::string_view content_type = "application/json") {
        fabric::ContentHeader header = fabric::sample_header();
        header.id = fabric::MessageId::make(1'800'000'000'000);
        header.seq = seq;
        header.content_type = content_type;
        header.headers = {{"ticket", "4711"}};
        return fabric::encoded(header, body);
    }
    /// As a hub has it: number `at` of the run, verified.
    Message verified(const support::Frames& frames, std::size_t at) {
        auto run = std::make_shared<fabric::RunBytes>(frames.topic, frames.contents, frames.proof);
        const std::uint64_t present = present_items(run->contents);
        std::optional<Message> message;
        verifier_.verify(
            {1, present, at + 1, at + 1, now_us, run->topic, run->contents, run->proof}, run,
            [&](const VerifiedMessage& one) { message = one.message; },
            [](const StoredRefusal& no) { FAIL() << no.why.detail; });
        return message.value();
    }
    Message verified_of(const std::vector<std::string>& contents, std::size_t at = 0) {
        return verified(support::sign(git_, topic, contents), at);
    }
    static Message letter(const Body& body) {
        EXPECT_EQ(body.content_type(), "");
        return fabric::received("", body.bytes());
    }
    static Message letter(const Value& value) { return fabric::received(value); }
    static Value value_of(const Body& body) { return fabric::from_msgpack(body.bytes()).value(); }
    /// The value with another one at this key.
    static Value with(Value value, const std::string& key, Value other) {
        Value::Map map = *value.map();
        for (auto& [name, entry] : map) {
            if (name == key) entry = std::move(other);
        }
        return map;
    }
    static std::string error_of(const Value& value) {
        const auto read = decode_dead_letter(letter(value));
        EXPECT_FALSE(read) << fabric::to_json(value);
        return read ? "" : read.error();
    }

    SigningFixture world_;
    support::Identity git_ = world_.identity("git.host1");
    StoredVerifier verifier_{world_.trust()};
    const Death death_{"mailer", "hub.host1", "no such address", 5, fabric::rfc3339(now_us), 4711};
};

TEST_F(DeadLetters, AMessageComesBackByteForByteAndItsSignatureStillHolds) {
    const Message message = verified_of({content(1, R"({"hash":"2f1c"})")});
    const Message dead = letter(encode_dead_letter(death_, message));

    const auto back = decode_dead_letter(dead, &verifier_, now_us);

    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->death, death_);
    EXPECT_FALSE(back->proof_left_out);
    EXPECT_EQ(back->message.content(), message.content());
    EXPECT_EQ(back->message.topic(), topic);
    EXPECT_EQ(back->message.digest(), message.digest());
    EXPECT_EQ(back->message.run()->contents, message.run()->contents);
    EXPECT_EQ(back->message.run()->proof, message.run()->proof);
    EXPECT_TRUE(back->message.verified());
    EXPECT_EQ(back->message.signer(), "git.host1");
    EXPECT_EQ(back->message.header("ticket"), "4711");
    EXPECT_EQ(back->message.journal_id(), 4711u);
    EXPECT_TRUE(back->message.replayed());
}

TEST_F(DeadLetters, WithoutAVerifierTheSameBytesComeBackAndNobodyIsBelieved) {
    const Message message = verified_of({content(1, "{}")});
    const auto back = decode_dead_letter(letter(encode_dead_letter(death_, message)));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->message.content(), message.content());
    EXPECT_FALSE(back->message.verified());
    EXPECT_EQ(back->message.signer(), "");
}

TEST_F(DeadLetters, OfARunWithManyMessagesTheRightOneComesBackAndTheOthersAreNotTold) {
    const std::vector<std::string> contents{content(1, "\"one\""), content(2, "\"two\""),
                                            content(3, "\"three\"")};
    for (std::size_t at = 0; at < 3; ++at) {
        const Message message = verified_of(contents, at);
        const Body body = encode_dead_letter(death_, message);
        const auto back = decode_dead_letter(letter(body), &verifier_, now_us);
        ASSERT_TRUE(back) << back.error();
        EXPECT_EQ(back->message.content(), contents[at]);
        EXPECT_TRUE(back->message.verified());
        for (std::size_t other = 0; other < 3; ++other) {
            const bool has = body.bytes().find(contents[other]) != std::string::npos;
            EXPECT_EQ(has, other == at);
        }
    }
}

TEST_F(DeadLetters, AMessageThatAJournalKeptAloneComesBack) {
    const auto frames = support::sign(git_, topic, {content(1, "\"one\""), content(2, "\"two\"")});
    const Message message = verified(support::alone(frames, 1), 0);
    const auto back =
        decode_dead_letter(letter(encode_dead_letter(death_, message)), &verifier_, now_us);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->message.body(), "\"two\"");
    EXPECT_TRUE(back->message.verified());
}

TEST_F(DeadLetters, AWholeRunIsReadToo) {
    const Message message = verified_of({content(1, "\"one\""), content(2, "\"two\"")}, 1);
    Value value = value_of(encode_dead_letter(death_, message));
    const Value run = with(value["run"], "contents", Binary{std::string{message.run()->contents}});
    const auto back = decode_dead_letter(letter(with(value, "run", run)), &verifier_, now_us);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->message.body(), "\"two\"");
}

TEST_F(DeadLetters, PeopleReadWhatItWasAndWhyItDied) {
    const Message message = verified_of({content(1, R"({"hash":"2f1c","files":3})")});
    const Value value = value_of(encode_dead_letter(death_, message));
    EXPECT_EQ(value.map()->front().first, "weft_dead_letter");
    EXPECT_EQ(value["consumer"].text_or(""), "mailer");
    EXPECT_EQ(value["hub"].text_or(""), "hub.host1");
    EXPECT_EQ(value["reason"].text_or(""), "no such address");
    EXPECT_EQ(value["attempts"].integer_or(0), 5);
    EXPECT_EQ(value["died"].text_or(""), death_.died);
    EXPECT_EQ(value["journal_id"].integer_or(0), 4711);
    const Value& shown = value["message"];
    EXPECT_EQ(shown["id"].text_or(""), message.id().text());
    EXPECT_EQ(shown["topic"].text_or(""), topic);
    EXPECT_EQ(shown["signer"].text_or(""), "git.host1");
    EXPECT_EQ(shown["time"].text_or(""), fabric::rfc3339(message.time_us()));
    EXPECT_EQ(shown["content_type"].text_or(""), "application/json");
    EXPECT_EQ(shown["body"]["files"].integer_or(0), 3);
}

TEST_F(DeadLetters, AMessageThatCameLiveHasNoNumber) {
    Death death = death_;
    death.journal_id.reset();
    const Body body = encode_dead_letter(death, verified_of({content(1, "{}")}));
    EXPECT_TRUE(value_of(body)["journal_id"].is_nil());
    const auto back = decode_dead_letter(letter(body));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->death, death);
    EXPECT_EQ(back->message.journal_id(), std::nullopt);
}

TEST_F(DeadLetters, AReasonThatIsNoTextIsMadeOne) {
    Death death = death_;
    death.reason = std::string(100'000, 'x') + "\xFF";
    const auto back =
        decode_dead_letter(letter(encode_dead_letter(death, verified_of({content(1, "{}")}))));
    ASSERT_TRUE(back) << back.error();
    EXPECT_LT(back->death.reason.size(), 10'000u);
    EXPECT_TRUE(back->death.reason.starts_with("xxx"));
}

TEST_F(DeadLetters, ALargeBodyStandsInTheRunOnly) {
    const std::string large(body_shown_max + 1, 'x');
    const Message message = verified_of({content(1, large, "text/plain")});
    const Body body = encode_dead_letter(death_, message);
    EXPECT_EQ(value_of(body)["message"]["body_left_out"].integer_or(0),
              static_cast<std::int64_t>(large.size()));
    EXPECT_LT(body.bytes().size(), 2 * large.size());
    const auto back = decode_dead_letter(letter(body), &verifier_, now_us);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->message.body(), large);
}

TEST_F(DeadLetters, ABodyThatIsAsDeepAsABodyMayBeStandsInTheRunOnly) {
    const std::string deep = std::string(31, '[') + std::string(31, ']');
    const Message message = verified_of({content(1, deep)});
    const Body body = encode_dead_letter(death_, message);
    EXPECT_EQ(value_of(body)["message"]["body_left_out"].integer_or(0), 62);
    const auto back = decode_dead_letter(letter(body), &verifier_, now_us);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->message.body(), deep);
}

TEST_F(DeadLetters, WhereTheProofDoesNotFitTheContentIsKeptAndNobodyIsBelieved) {
    std::vector<std::string> contents(200, content(1, "\"other\""));
    contents.push_back(content(2, std::string(2000, 'x'), "text/plain"));
    const Message message = verified_of(contents, 200);
    const Body body = encode_dead_letter(death_, message, letter_header_bytes + 5000);
    EXPECT_LE(body.bytes().size(), 5000u);
    EXPECT_THAT(value_of(body)["run"]["proof_left_out"].text_or(""), HasSubstr("too large"));

    const auto back = decode_dead_letter(letter(body));
    ASSERT_TRUE(back) << back.error();
    EXPECT_TRUE(back->proof_left_out);
    EXPECT_EQ(back->message.content(), message.content());
    EXPECT_FALSE(back->message.verified());
    const auto judged = decode_dead_letter(letter(body), &verifier_, now_us);
    ASSERT_FALSE(judged);
    EXPECT_THAT(judged.error(), HasSubstr("nobody can say who published it"));
}

TEST_F(DeadLetters, WhereNotEvenTheContentFitsTheJournalIsNamed) {
    const Message message = verified_of({content(1, std::string(9000, 'x'), "text/plain")});
    const Body body = encode_dead_letter(death_, message, letter_header_bytes + 5000);
    EXPECT_LE(body.bytes().size(), 5000u);
    const auto back = decode_dead_letter(letter(body));
    ASSERT_FALSE(back);
    EXPECT_THAT(back.error(), HasSubstr("find it in the journal by its id"));
    EXPECT_EQ(value_of(body)["journal_id"].integer_or(0), 4711);
}

// P1, T8
TEST_F(DeadLetters, AChangedMessageAndASignerWhoWasRevokedBeforeAreNotBelieved) {
    const Message message = verified_of({content(1, R"({"amount":10})")});
    const Body body = encode_dead_letter(death_, message);
    const Value value = value_of(body);
    std::string contents = value["run"]["contents"].binary()->bytes;
    contents.replace(contents.find("10}"), 2, "99");
    const auto digest = signing::message_digest(topic, std::string_view{contents}.substr(4));
    Value run = with(value["run"], "contents", Binary{contents});
    run = with(run, "digest", Binary{std::string{signing::bytes_of(digest)}});
    const auto forged = decode_dead_letter(letter(with(value, "run", run)), &verifier_, now_us);
    ASSERT_FALSE(forged);
    EXPECT_THAT(forged.error(), HasSubstr("is not believed"));

    const auto elsewhere = decode_dead_letter(
        letter(with(value, "run", with(value["run"], "topic", "org.weft.dev.other"))), &verifier_,
        now_us);
    ASSERT_FALSE(elsewhere);

    world_.revoke(git_);
    StoredVerifier later(world_.trust());
    const auto revoked = decode_dead_letter(letter(body), &later, now_us + 10'000'000);
    ASSERT_FALSE(revoked);
    EXPECT_THAT(revoked.error(), HasSubstr("is not believed"));
}

TEST_F(DeadLetters, WhatIsNoDeadLetterIsSaid) {
    EXPECT_FALSE(is_dead_letter(verified_of({content(1, "{}")})));
    EXPECT_FALSE(is_dead_letter(letter(Value{7})));
    EXPECT_FALSE(is_dead_letter(letter(Value{Value::Map{}})));
    EXPECT_FALSE(is_dead_letter(letter(Value{Value::Map{{"hash", 1}}})));
    EXPECT_FALSE(is_dead_letter(fabric::received("application/json", R"({"weft_dead_letter":1})")));
    EXPECT_TRUE(is_dead_letter(letter(Value{Value::Map{{"weft_dead_letter", 1}}})));
    EXPECT_THAT(error_of(Value{7}), HasSubstr("is no dead letter"));
}

TEST_F(DeadLetters, HostileBodiesGiveASentence) {
    const Value good = value_of(encode_dead_letter(death_, verified_of({content(1, "{}")})));
    for (const auto& [key, entry] : *good.map()) {
        if (key == "message") continue;  // for people alone
        for (const Value& bad : {Value{Value::List{}}, Value{-1}, Value{1.5}, Value{Binary{"x"}}}) {
            EXPECT_THAT(error_of(with(good, key, bad)),
                        AllOf(HasSubstr("cannot be read"), ::testing::Not(HasSubstr("\n"))))
                << key;
        }
    }
    for (const auto& [key, entry] : *good["run"].map()) {
        for (const Value& bad : {Value{}, Value{7}, Value{Value::Map{}}}) {
            EXPECT_NE(error_of(with(good, "run", with(good["run"], key, bad))), "") << key;
        }
    }
    const auto run_with = [&](const std::string& key, Value other) {
        return with(good, "run", with(good["run"], key, std::move(other)));
    };
    EXPECT_THAT(error_of(with(good, "weft_dead_letter", 2)), HasSubstr("not of version 1"));
    EXPECT_THAT(error_of(with(good, "attempts", 1LL << 40)), HasSubstr("attempts is a number"));
    EXPECT_THAT(error_of(with(good, "journal_id", 0)), HasSubstr("journal_id"));
    EXPECT_THAT(error_of(run_with("digest", Binary{std::string(32, 'x')})),
                HasSubstr("no message of its run"));
    EXPECT_THAT(error_of(run_with("contents", Binary{""})), HasSubstr("no message of its run"));
    EXPECT_THAT(error_of(run_with("contents", Binary{"cut"})), HasSubstr("whole messages"));
    const std::string lie("\xFF\xFF\xFF\xFE", 4);
    EXPECT_THAT(error_of(run_with("contents", Binary{lie})), HasSubstr("whole messages"));
    const std::string many = support::contents_of(std::vector<std::string>(257, "a"));
    EXPECT_THAT(error_of(run_with("contents", Binary{many})), HasSubstr("whole messages"));
    const auto digest = signing::message_digest(topic, "no msgpack");
    Value run = with(good["run"], "contents", Binary{support::contents_of({"no msgpack"})});
    run = with(run, "digest", Binary{std::string{signing::bytes_of(digest)}});
    EXPECT_THAT(error_of(with(good, "run", run)), HasSubstr("the message in it"));
}

TEST_F(DeadLetters, ABodyThatIsCutOffAnywhereGivesASentence) {
    const Body body = encode_dead_letter(death_, verified_of({content(1, "{}")}));
    for (std::size_t bytes = 0; bytes < body.bytes().size(); ++bytes) {
        // A receiver refuses such a content; whoever hands it in all the same gets a sentence.
        auto run = std::make_shared<fabric::RunBytes>("org.weft.dev.dead", body.bytes(), "");
        fabric::DecodedContent cut;
        cut.header = fabric::sample_header();
        cut.body = run->contents.substr(0, bytes);
        const Message message(run, cut, run->contents, {});
        const auto read = decode_dead_letter(message);
        ASSERT_FALSE(read) << bytes;
        EXPECT_NE(read.error(), "");
    }
}

}  // namespace
}  // namespace weft::reliability::hub
