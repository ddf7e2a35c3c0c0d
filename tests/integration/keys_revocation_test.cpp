// weft keys revoke, list, show: who is no longer believed, and what to think of the others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "signing/identity.hpp"
#include "tests/integration/command_fixture.hpp"

namespace weft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

constexpr signing::UtcSeconds day = 24 * 60 * 60;

class KeysRevocation : public CommandTest {
protected:
    KeysRevocation() {
        weft_done({"keys", "ca"});
        weft_done({"keys", "issue", "git.host1", "--publish", "git.**"});
    }
    signing::Authority authority() const { return *signing::Authority::load(path("keys")); }
    signing::RevocationList list() const { return *authority().read_list(path("keys")); }

    std::string show(const std::string& name, const std::string& field) {
        return json(weft_done({"keys", "show", name, "--json"}).out)[field].text_or("missing");
    }
    std::string serial_of(const std::string& name) { return show(name, "serial"); }

    /// A certificate of our CA with these times, which no command would issue.
    void issue_at(const std::string& name, signing::UtcSeconds from, signing::UtcSeconds to) {
        signing::CertificateRequest request;
        request.name = name;
        request.roles = static_cast<std::uint8_t>(signing::Role::publish);
        request.not_before = from;
        request.not_after = to;
        ASSERT_TRUE(signing::issue_identity(path("keys"), authority(), request));
    }
};

TEST_F(KeysRevocation, RevokeByNamePutsTheSerialOnTheNextList) {
    const std::string serial = serial_of("git.host1");

    const Finished done = weft({"keys", "revoke", "git.host1", "--reason", "key_compromised"});

    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, AllOf(HasSubstr(serial), HasSubstr("list 2")));
    const signing::RevocationList next = list();
    EXPECT_EQ(next.number(), 2U);
    EXPECT_EQ(next.next_update() - next.this_update(), 30 * day);
    ASSERT_EQ(next.revocations().size(), 1U);
    EXPECT_EQ(next.revocations()[0].reason, signing::RevocationReason::key_compromised);
    EXPECT_EQ(next.revocations()[0].revoked_at, next.this_update());
    EXPECT_EQ(show("git.host1", "state"), "revoked");
}

TEST_F(KeysRevocation, RevokeBySerialWorksWithoutTheCertificate) {
    const std::string serial = serial_of("git.host1");
    fs::remove(path("keys/git.host1.cert"));

    const Finished done = weft({"keys", "revoke", serial});

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_NE(list().find(std::stoull(serial, nullptr, 16)), nullptr);
}

TEST_F(KeysRevocation, EarlierRevocationsStayOnTheList) {
    weft_done({"keys", "issue", "b"});

    weft_done({"keys", "revoke", "git.host1", "--reason", "retired"});
    weft_done({"keys", "revoke", "b", "--reason", "superseded"});

    EXPECT_EQ(list().number(), 3U);
    EXPECT_EQ(list().revocations().size(), 2U);
}

TEST_F(KeysRevocation, ASecondRevocationSaysSoAndChangesNothing) {
    weft_done({"keys", "revoke", "git.host1"});
    const std::string before = listing_of(path("keys"));

    const Finished done = weft({"keys", "revoke", "git.host1"});

    EXPECT_EQ(done.exit_code, 0);
    EXPECT_THAT(done.out, AllOf(HasSubstr("already"), HasSubstr("list 2")));
    EXPECT_EQ(listing_of(path("keys")), before);
}

TEST_F(KeysRevocation, AnUnknownNameFailsAndNamesTheDirectory) {
    const std::string before = listing_of(path("keys"));

    const Finished done = weft({"keys", "revoke", "nobody"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, AllOf(HasSubstr("nobody"), HasSubstr(path("keys").string())));
    EXPECT_EQ(listing_of(path("keys")), before);
}

TEST_F(KeysRevocation, RefreshSignsTheSameListAgainUnderTheNextNumber) {
    weft_done({"keys", "revoke", "git.host1", "--reason", "retired"});
    const signing::RevocationList before = list();

    const Finished done = weft({"keys", "revoke", "--refresh"});

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("list 3"));
    EXPECT_EQ(list().number(), 3U);
    EXPECT_EQ(list().revocations(), before.revocations());
    EXPECT_GE(list().next_update(), before.next_update());
}

TEST_F(KeysRevocation, RefreshHelpsAnOverdueList) {
    const signing::Authority root = authority();
    signing::RevocationListRequest stale;
    stale.number = 7;
    stale.this_update = now() - 40 * day;
    stale.next_update = now() - 10 * day;
    ASSERT_TRUE(root.write_list(path("keys"), root.sign_list(stale)));
    EXPECT_THAT(weft_done({"keys", "list"}).out, HasSubstr("(overdue)"));
    EXPECT_THAT(weft_done({"keys", "show", "git.host1"}).out, HasSubstr("past its next update"));

    weft_done({"keys", "revoke", "--refresh"});

    EXPECT_EQ(list().number(), 8U);
    EXPECT_THAT(weft_done({"keys", "list"}).out, ::testing::Not(HasSubstr("overdue")));
}

TEST_F(KeysRevocation, AListThatWentBackIsNotTakenForSuccess) {  // T3
    const std::string old_list = read_text(path("keys/root.revoked"));
    weft_done({"keys", "issue", "b"});
    weft_done({"keys", "revoke", "b"});
    weft_done({"keys", "revoke", "--refresh"});
    write_text(path("keys/root.revoked"), old_list);

    const Finished done = weft({"keys", "revoke", "git.host1"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("number 3 was seen before"));
}

TEST_F(KeysRevocation, WithoutItsListACaRevokesNothing) {  // T6
    fs::remove(path("keys/root.revoked"));

    const Finished done = weft({"keys", "revoke", "git.host1"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("root.revoked"));
    EXPECT_FALSE(fs::exists(path("keys/root.revoked")));
}

TEST_F(KeysRevocation, ACertificateOfAnotherCaIsNotPutOnTheWrongList) {
    weft_done({"keys", "ca", "--name", "next"});
    weft_done({"keys", "issue", "b", "--ca", "next"});

    const Finished wrong = weft({"keys", "revoke", "b"});
    const Finished right = weft({"keys", "revoke", "b", "--ca", "next"});

    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_THAT(wrong.err, HasSubstr("--ca"));
    EXPECT_EQ(list().number(), 1U);
    EXPECT_EQ(right.exit_code, 0) << right.err;
    EXPECT_EQ(show("b", "state"), "revoked");
}

TEST_F(KeysRevocation, RevocationsAtTheSameTimeAllStand) {
    constexpr int count = 6;
    std::vector<Process> running;
    for (int i = 0; i < count; ++i) weft_done({"keys", "issue", "n" + std::to_string(i)});
    for (int i = 0; i < count; ++i) {
        running.push_back(Process::start(
            {weft_program(), "keys", "revoke", "n" + std::to_string(i)}, {.cwd = dir_.path()}));
    }

    for (Process& process : running) EXPECT_EQ(process.wait(), 0) << process.output();

    EXPECT_EQ(list().number(), 1U + count);
    EXPECT_EQ(list().revocations().size(), static_cast<std::size_t>(count));
}

TEST_F(KeysRevocation, ListShowsEveryCertificateWithItsState) {
    weft_done({"keys", "issue", "revoked.one"});
    weft_done({"keys", "revoke", "revoked.one"});
    issue_at("old.one", now() - 3 * day, now() - day);
    issue_at("future.one", now() + day, now() + 2 * day);

    const std::string table = weft_done({"keys", "list"}).out;

    EXPECT_THAT(table, ContainsRegex("git.host1 +[0-9a-f]{16} +publish,ack +20..-..-..T..:..:..Z "
                                     "+valid +org.weft.dev.git"));
    EXPECT_THAT(table, ContainsRegex("revoked.one +[0-9a-f]{16} .* revoked +nothing"));
    EXPECT_THAT(table, ContainsRegex("old.one +[0-9a-f]{16} .* expired "));
    EXPECT_THAT(table, ContainsRegex("future.one +[0-9a-f]{16} .* not_yet_valid "));
    EXPECT_THAT(table, ContainsRegex("root +2 +1 +20..-..-..T..:..:..Z +here"));
}

TEST_F(KeysRevocation, ListAsJsonHasTheSameAndMore) {
    const std::string serial = serial_of("git.host1");
    weft_done({"keys", "revoke", "git.host1", "--reason", "retired"});

    const fabric::Value value = json(weft_done({"keys", "list", "--json"}).out);

    ASSERT_EQ(value["authorities"].list()->size(), 1U);
    const fabric::Value& ca = value["authorities"].list()->front();
    EXPECT_EQ(ca["name"].text_or(""), "root");
    EXPECT_EQ(ca["list"]["number"].integer_or(0), 2);
    const fabric::Value& revocation = ca["list"]["revocations"].list()->front();
    EXPECT_EQ(revocation["serial"].text_or(""), serial);
    EXPECT_EQ(revocation["reason"].text_or(""), "retired");
    const fabric::Value& certificate = value["certificates"].list()->front();
    EXPECT_EQ(certificate["name"].text_or(""), "git.host1");
    EXPECT_EQ(certificate["state"].text_or(""), "revoked");
    EXPECT_EQ(certificate["publish"].list()->front().text_or(""), "org.weft.dev.git.**");
    EXPECT_THAT(*value["problems"].list(), IsEmpty());
}

TEST_F(KeysRevocation, ListNamesABrokenFileShowsTheRestAndFails) {
    write_text(path("keys/broken.cert"), "not a certificate\n");

    const Finished done = weft({"keys", "list"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.out, HasSubstr("git.host1"));
    EXPECT_THAT(done.err, HasSubstr("broken.cert"));
}

TEST_F(KeysRevocation, ListAndShowWriteNothing) {
    const std::string before = listing_of(dir_.path());

    weft_done({"keys", "list"});
    weft_done({"keys", "show", "git.host1"});

    EXPECT_EQ(listing_of(dir_.path()), before);
}

TEST_F(KeysRevocation, ShowPrintsEveryFieldAndTheVerdict) {
    const std::string text = weft_done({"keys", "show", "git.host1"}).out;

    for (const char* field : {"name         git.host1\n", "roles        publish,ack\n",
                              "may publish  org.weft.dev.git.**\n", "issuer       root (id ",
                              "verdict      valid for 365 days more\n"}) {
        EXPECT_THAT(text, HasSubstr(field));
    }
    EXPECT_THAT(text, ContainsRegex("serial       [0-9a-f]{16}\n"));
    EXPECT_THAT(text, ContainsRegex("key          [0-9a-f]{64}\n"));
    EXPECT_THAT(text, ContainsRegex("curve key    [0-9a-f]{64}\n"));
    EXPECT_THAT(text, ContainsRegex("fingerprint  [0-9a-f]{64}\n"));
    EXPECT_THAT(serial_of("git.host1"), MatchesRegex("[0-9a-f]{16}"));
}

TEST_F(KeysRevocation, ShowTakesAFileFromAnywhere) {
    fs::create_directory(path("received"));
    fs::rename(path("keys/git.host1.cert"), path("received/any name.cert"));

    EXPECT_EQ(show("received/any name.cert", "state"), "valid");
}

TEST_F(KeysRevocation, ShowDoesNotBelieveAStrangerOrAnAlteredCertificate) {  // T1
    weft_done({"keys", "ca", "--dir", "strangers"});
    weft_done({"keys", "issue", "git.host1", "--dir", "strangers"});
    std::string armored = read_text(path("keys/git.host1.cert"));
    const std::size_t tail = armored.rfind("-----END") - 20;
    armored[tail] = armored[tail] == 'A' ? 'B' : 'A';  // within the signature
    write_text(path("altered.cert"), armored);

    EXPECT_EQ(show("strangers/git.host1.cert", "state"), "not_believed");
    EXPECT_EQ(show("altered.cert", "state"), "not_believed");
    EXPECT_THAT(show("altered.cert", "verdict"), HasSubstr("signature"));
}

TEST_F(KeysRevocation, ShowOfNobodyFailsAndNamesTheDirectory) {
    const Finished done = weft({"keys", "show", "nobody"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, AllOf(HasSubstr("nobody"), HasSubstr(path("keys").string())));
}

TEST_F(KeysRevocation, ShowRefusesAPrivateKeyAndPrintsNothingOfIt) {  // K3
    const Finished done = weft({"--log-level", "trace", "keys", "show", "keys/git.host1.key"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("git.host1.key"));
    EXPECT_TRUE(canary_.knows_any());
    EXPECT_GT(canary_.count_in(read_text(path("keys/git.host1.key"))), 0U);
}

}  // namespace
}  // namespace weft::testing
