// weft keys ca, issue: who may speak, and who says so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "signing/identity.hpp"
#include "tests/integration/command_fixture.hpp"

namespace weft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr signing::UtcSeconds day = 24 * 60 * 60;

class KeysCommand : public CommandTest {
protected:
    std::shared_ptr<const signing::Certificate> certificate(const std::string& name) const {
        auto read = signing::read_certificate_file(path("keys/" + name + ".cert"));
        if (!read) throw std::runtime_error(read.error());
        return *read;
    }
    static std::vector<std::string> globs_of(const signing::Certificate& certificate) {
        std::vector<std::string> texts;
        for (const signing::TopicGlob& glob : certificate.globs()) texts.push_back(glob.text());
        return texts;
    }
    std::string listing() const { return listing_of(dir_.path()); }
};

TEST_F(KeysCommand, CaMakesAKeyItsPublicHalfAndAnEmptyList) {
    const Finished done = weft({"keys", "ca", "--dir", "new/place"});

    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, AllOf(HasSubstr("root.ca "), HasSubstr("root.ca-key "),
                                HasSubstr("root.revoked ")));
    const auto authority = signing::Authority::load(path("new/place"));
    ASSERT_TRUE(authority) << authority.error();
    const auto list = authority->read_list(path("new/place"));
    ASSERT_TRUE(list) << list.error();
    EXPECT_EQ(list->number(), 1U);
    EXPECT_THAT(list->revocations(), IsEmpty());
    EXPECT_EQ(fs::status(path("new/place/root.ca-key")).permissions(),
              fs::perms::owner_read | fs::perms::owner_write);  // K1
}

TEST_F(KeysCommand, CaUsesTheDirectoryOfTheConfiguration) {
    write_text(path("weft.d/10.yaml"), "signing: {directory: secrets}\n");

    weft_done({"keys", "ca", "--name", "second"});

    EXPECT_TRUE(fs::exists(path("secrets/second.ca")));
}

TEST_F(KeysCommand, CaOverwritesNothing) {
    for (const char* file : {"root.ca", "root.ca-key", "root.revoked"}) {
        const TempDir keys;
        write_text(keys / file, "precious");
        const std::string before = listing_of(keys.path());

        const Finished done = weft({"keys", "ca", "--dir", keys.path().string()});

        EXPECT_EQ(done.exit_code, 1);
        EXPECT_THAT(done.err, HasSubstr(file));
        EXPECT_EQ(listing_of(keys.path()), before);
    }
}

TEST_F(KeysCommand, IssueMakesAPairThatLoads) {
    weft_done({"keys", "ca"});

    const Finished done = weft({"keys", "issue", "git.host1", "--publish", "git.**"});

    ASSERT_EQ(done.exit_code, 0) << done.err;
    const auto identity = signing::load_identity(path("keys"), "git.host1");
    ASSERT_TRUE(identity) << identity.error();
    EXPECT_EQ(signing::roles_text(identity->certificate->roles()), "publish,ack");
    EXPECT_EQ(identity->certificate->not_after() - identity->certificate->not_before(), 365 * day);
    EXPECT_EQ(fs::status(path("keys/git.host1.key")).permissions(),
              fs::perms::owner_read | fs::perms::owner_write);  // K1
    EXPECT_THAT(done.out, HasSubstr("may publish  org.weft.dev.git.**\n"));
    EXPECT_THAT(done.out, Not(HasSubstr("may publish nothing")));
}

TEST_F(KeysCommand, ShortGlobsAreCompletedAndLongOnesStay) {
    weft_done({"keys", "ca"});

    weft_done({"keys", "issue", "a", "--publish", "git.**", "--publish", "org.weft.stg.x",
               "--publish", "**.audit", "--set", "environment=prod"});

    EXPECT_EQ(globs_of(*certificate("a")),
              (std::vector<std::string>{"org.weft.prod.git.**", "org.weft.stg.x", "**.audit"}));
}

TEST_F(KeysCommand, ANameBehindAGlobIsANameAndNotAGlob) {
    weft_done({"keys", "ca"});

    weft_done({"keys", "issue", "--publish", "git.**", "--role", "publish", "a"});

    EXPECT_EQ(globs_of(*certificate("a")), std::vector<std::string>{"org.weft.dev.git.**"});
    EXPECT_EQ(signing::roles_text(certificate("a")->roles()), "publish");
}

TEST_F(KeysCommand, WithoutPublishACertificateMayPublishNothingAndIssueSaysSo) {  // T2
    weft_done({"keys", "ca"});

    const Finished done = weft_done({"keys", "issue", "a"});

    EXPECT_THAT(certificate("a")->globs(), IsEmpty());
    EXPECT_THAT(done.out, HasSubstr("may publish nothing"));
    EXPECT_THAT(done.out, HasSubstr("--publish 'a.**'"));
}

TEST_F(KeysCommand, RolesAndDaysAreWhatWasAskedFor) {
    weft_done({"keys", "ca"});

    weft_done({"keys", "issue", "j", "--role", "journal", "--role", "ack", "--days", "2"});

    EXPECT_EQ(signing::roles_text(certificate("j")->roles()), "ack,journal");
    EXPECT_EQ(certificate("j")->not_after() - certificate("j")->not_before(), 2 * day);
}

TEST_F(KeysCommand, AnotherCaCanIssue) {
    weft_done({"keys", "ca"});
    weft_done({"keys", "ca", "--name", "next"});

    weft_done({"keys", "issue", "a", "--ca", "next"});

    const auto next = signing::read_authority_file(path("keys/next.ca"));
    ASSERT_TRUE(next);
    EXPECT_EQ(certificate("a")->issuer(), next->id());
}

TEST_F(KeysCommand, IssueReplacesAKeyOnlyByForceAndTellsHowToRevokeTheOldOne) {
    weft_done({"keys", "ca"});
    weft_done({"keys", "issue", "a"});
    const std::uint64_t old_serial = certificate("a")->serial();
    const std::string before = listing();

    const Finished refused = weft({"keys", "issue", "a"});
    EXPECT_EQ(listing(), before);
    const Finished forced = weft({"keys", "issue", "a", "--force"});

    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("keys/a.key"), HasSubstr("--force")));
    EXPECT_EQ(forced.exit_code, 0) << forced.err;
    EXPECT_NE(certificate("a")->serial(), old_serial);
    const std::string advice = "  weft keys revoke ";
    ASSERT_THAT(forced.out, HasSubstr(advice));
    const std::string serial = forced.out.substr(forced.out.find(advice) + advice.size(), 16);
    EXPECT_EQ(std::stoull(serial, nullptr, 16), old_serial);
}

TEST_F(KeysCommand, ABadNameIsAUsageErrorWithThePlace) {
    weft_done({"keys", "ca"});
    const std::string before = listing();
    const std::vector<std::pair<std::string, std::string>> names = {
        {"Git", "character 1"},
        {"git host", "character 4"},
        {"git..host", "character 5"},
        {"git.", "character 4"},
        {"gi\xC3\xBCt", "character 3"},
        {"../escape", "character 1"},
        {std::string(201, 'a'), "at most 200 bytes"},
    };
    for (const auto& [name, place] : names) {
        const Finished done = weft({"keys", "issue", name});

        EXPECT_EQ(done.exit_code, 2) << name;
        EXPECT_THAT(done.err, AllOf(HasSubstr("NAME"), HasSubstr(place))) << name;
    }
    EXPECT_EQ(weft({"keys", "ca", "--name", "a/b"}).exit_code, 2);
    EXPECT_EQ(listing(), before);
}

TEST_F(KeysCommand, ABadGlobIsAUsageErrorWithThePlaceAsTyped) {
    weft_done({"keys", "ca"});
    const std::string before = listing();
    const std::vector<std::pair<std::string, std::string>> globs = {
        {"git.[a", "character 5"},
        {"git..x", "character 5"},
        {"", "--publish"},
        {std::string(250, 'a'), "255"},
    };
    for (const auto& [glob, place] : globs) {
        const Finished done = weft({"keys", "issue", "a", "--publish", glob});

        EXPECT_EQ(done.exit_code, 2) << glob;
        EXPECT_THAT(done.err, AllOf(HasSubstr("--publish"), HasSubstr(place))) << glob;
    }
    EXPECT_EQ(listing(), before);
}

TEST_F(KeysCommand, OtherBadArgumentsAreUsageErrorsThatNameThem) {
    weft_done({"keys", "ca"});
    const std::string before = listing();
    const std::vector<std::pair<std::vector<std::string>, std::string>> calls = {
        {{"keys", "issue"}, "NAME"},
        {{"keys", "issue", "a", "--role", "king"}, "--role"},
        {{"keys", "issue", "a", "--role", "ack", "--publish", "x"}, "--publish"},
        {{"keys", "issue", "a", "--days", "0"}, "--days"},
        {{"keys", "issue", "a", "--ca", "No"}, "--ca"},
        {{"keys", "show"}, "NAME-or-FILE"},
        {{"keys", "revoke"}, "NAME or SERIAL"},
        {{"keys", "revoke", "Bad Name"}, "NAME 'Bad Name'"},
        {{"keys", "revoke", "a", "--reason", "boredom"}, "--reason"},
        {{"keys", "revoke", "a", "--refresh"}, "--refresh"},
    };
    for (const auto& [arguments, named] : calls) {
        const Finished done = weft(arguments);

        EXPECT_EQ(done.exit_code, 2) << named;
        EXPECT_THAT(done.out, IsEmpty()) << named;
        EXPECT_THAT(done.err, HasSubstr(named));
    }
    EXPECT_EQ(listing(), before);
}

TEST_F(KeysCommand, ThirtyThreeGlobsAreTooMany) {
    weft_done({"keys", "ca"});
    std::vector<std::string> arguments = {"keys", "issue", "a"};
    for (int i = 0; i < 33; ++i) {
        arguments.insert(arguments.end(), {"--publish", "t" + std::to_string(i)});
    }

    const Finished done = weft(arguments);

    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.err, AllOf(HasSubstr("33"), HasSubstr("32")));
    arguments.resize(arguments.size() - 2);
    EXPECT_EQ(weft(arguments).exit_code, 0);
}

TEST_F(KeysCommand, WithoutADirectoryOrACaIssueFailsAndNamesWhatIsMissing) {
    const Finished no_directory = weft({"keys", "issue", "a", "--dir", "nowhere"});
    fs::create_directory(path("empty"));
    const Finished no_authority = weft({"keys", "issue", "a", "--dir", "empty"});

    EXPECT_EQ(no_directory.exit_code, 1);
    EXPECT_THAT(no_directory.err, HasSubstr("nowhere"));
    EXPECT_EQ(no_authority.exit_code, 1);
    EXPECT_THAT(no_authority.err, HasSubstr("empty/root.ca"));
    EXPECT_TRUE(fs::is_empty(path("empty")));
}

TEST_F(KeysCommand, ACaKeyThatOthersMayReadIsRefusedAndNamed) {  // K1
    weft_done({"keys", "ca"});
    fs::permissions(path("keys/root.ca-key"), fs::perms::group_read, fs::perm_options::add);

    const Finished done = run({weft_program(), "keys", "issue", "a"}, {.cwd = dir_.path()});
    fs::permissions(path("keys/root.ca-key"), fs::perms::group_read, fs::perm_options::remove);
    remember(done);

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, AllOf(HasSubstr("root.ca-key"), HasSubstr("chmod 600")));
    EXPECT_FALSE(fs::exists(path("keys/a.key")));
}

}  // namespace
}  // namespace weft::testing
