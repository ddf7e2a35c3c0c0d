// weft init: a working setup, all or nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "signing/identity.hpp"
#include "signing/trust_store.hpp"
#include "tests/integration/command_fixture.hpp"

namespace weft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr signing::UtcSeconds day = 24 * 60 * 60;

class InitCommand : public CommandTest {
protected:
    static unsigned mode_of(const fs::path& file) {
        return static_cast<unsigned>(fs::symlink_status(file).permissions());
    }
    static std::shared_ptr<const signing::Certificate> certificate(const fs::path& file) {
        auto read = signing::read_certificate_file(file);
        if (!read) throw std::runtime_error(read.error());
        return *read;
    }
    std::string listing() const { return listing_of(dir_.path()); }
};

TEST_F(InitCommand, MakesExactlyTheFilesThatItPrints) {
    const Finished done = weft({"init", "--dir", "demo", "--name", "git.host1"});

    ASSERT_EQ(done.exit_code, 0) << done.err;
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(path("demo"))) {
        if (entry.is_directory()) continue;
        ++files;
        EXPECT_THAT(done.out,
                    HasSubstr("  " + fs::relative(entry.path(), path("demo")).string() + " "));
    }
    EXPECT_EQ(files, 10U);
    for (const char* file :
         {"root.ca", "root.ca-key", "root.revoked", "git.host1.cert", "git.host1.key"}) {
        EXPECT_TRUE(fs::is_regular_file(path("demo/keys") / file)) << file;
    }
    EXPECT_THAT(done.out, EndsWith("next:\n  cd demo && weft relay\n"));
    EXPECT_THAT(done.err, IsEmpty());
}

TEST_F(InitCommand, PrivateKeysAreForTheirOwnerAlone) {  // K1
    weft_done({"init", "--dir", "demo", "--name", "git.host1"});

    EXPECT_EQ(mode_of(path("demo/keys/root.ca-key")), 0600U);
    EXPECT_EQ(mode_of(path("demo/keys/git.host1.key")), 0600U);
}

TEST_F(InitCommand, TheCertificateMayPublishUnderPrefixAndEnvironmentForAYear) {
    weft_done({"init", "--dir", "demo", "--name", "git.host1"});

    const auto made = certificate(path("demo/keys/git.host1.cert"));

    EXPECT_EQ(made->name(), "git.host1");
    EXPECT_EQ(signing::roles_text(made->roles()), "publish,ack,journal,relay");
    EXPECT_TRUE(made->grants("org.weft.dev.git.commit"));
    EXPECT_FALSE(made->grants("org.weft.prod.git.commit"));
    EXPECT_EQ(made->not_after() - made->not_before(), 365 * day);
}

TEST_F(InitCommand, ItsDirectoryIsBelievedAndItsIdentityLoads) {
    weft_done({"init", "--dir", "demo", "--name", "git.host1"});
    const fs::path keys = path("demo/keys");
    signing::TrustSettings settings;
    settings.directory = keys;

    const auto trust = signing::TrustStore::open(settings);

    ASSERT_TRUE(trust) << trust.error().front();
    const signing::RevocationList& list = (*trust)->current()->lists().begin()->second;
    EXPECT_EQ(list.number(), 1U);
    EXPECT_THAT(list.revocations(), IsEmpty());
    EXPECT_EQ(list.next_update() - list.this_update(), 30 * day);
    const auto identity = signing::load_identity(keys, "git.host1", *(*trust)->current(), now());
    EXPECT_TRUE(identity) << identity.error();
}

TEST_F(InitCommand, WhatItWritesIsTheConfigurationThere) {
    weft_done({"init", "--dir", "demo", "--name", "git.host1"});

    const std::string origins = weft_done({"config", "--origin"}, {.cwd = path("demo")}).out;

    EXPECT_THAT(origins, HasSubstr("topic_prefix: \"org.weft\"   # weft.d/10-weft.yaml:"));
    EXPECT_THAT(origins, HasSubstr("environment: \"dev\"   # weft.d/10-weft.yaml:"));
    EXPECT_THAT(origins, HasSubstr("name: \"git.host1\"   # weft.d/10-weft.yaml:"));
    EXPECT_THAT(origins, HasSubstr("fabric.relay.inbound: \"tcp://127.0.0.1:9940\"   # "
                                   "weft.d/20-fabric.yaml:"));
    EXPECT_THAT(origins, HasSubstr("signing.directory: keys   # weft.d/30-signing.yaml:"));
}

TEST_F(InitCommand, TakesPrefixEnvironmentAndRelayFromTheConfigurationInForce) {
    weft_done({"--set", "topic_prefix=com.example", "--set", "environment=stg", "--set",
               "fabric.relay.inbound=tcp://127.0.0.1:4711", "init", "--dir", "demo", "--name",
               "a"});

    EXPECT_TRUE(certificate(path("demo/keys/a.cert"))->grants("com.example.stg.x"));
    const ProcessOptions there{.cwd = path("demo")};
    EXPECT_EQ(weft_done({"config", "--query", "topic_prefix"}, there).out, "com.example\n");
    EXPECT_EQ(weft_done({"config", "--query", "environment"}, there).out, "stg\n");
    EXPECT_EQ(weft_done({"config", "--query", "fabric.relay.inbound"}, there).out,
              "tcp://127.0.0.1:4711\n");
}

TEST_F(InitCommand, DaysSetHowLongTheCertificateIsValid) {
    weft_done({"init", "--dir", "demo", "--name", "a", "--days", "7"});

    const auto made = certificate(path("demo/keys/a.cert"));

    EXPECT_EQ(made->not_after() - made->not_before(), 7 * day);
}

TEST_F(InitCommand, WithoutDirAndNameUsesThisDirectoryAndUserDotHost) {
    const Finished done = weft({"init"});

    ASSERT_EQ(done.exit_code, 0) << done.err;
    const std::string name = weft_done({"config", "--query", "name"}).out;
    EXPECT_THAT(name, MatchesRegex("[a-z0-9_-][a-z0-9._-]*\\.[a-z0-9_-]+\n"));
    EXPECT_TRUE(fs::exists(path("keys/" + name.substr(0, name.size() - 1) + ".cert")));
    EXPECT_THAT(done.out, EndsWith("next:\n  weft relay\n"));
}

TEST_F(InitCommand, TheNextCommandCanBeTypedAsPrinted) {
    for (const std::string& name :
         {std::string("two words"), std::string("it's"), std::string("deep/er/"),
          std::string("-dash"), path("absolute").string()}) {
        const Finished done = weft({"init", "--dir=" + name, "--name", "a"});
        ASSERT_EQ(done.exit_code, 0) << name << ": " << done.err;
        std::string command = done.out.substr(done.out.find("next:\n") + 6);
        ASSERT_THAT(command, HasSubstr(" && weft relay\n"));
        command.erase(command.find(" && "));

        const Finished there =
            run({"/bin/sh", "-c", command + " && ls keys/a.cert"}, {.cwd = dir_.path()});

        EXPECT_EQ(there.exit_code, 0) << command << there.err;
    }
}

TEST_F(InitCommand, ASecondTimeChangesNothingAndNamesTheFile) {
    weft_done({"init", "--dir", "demo", "--name", "git.host1"});
    const std::string before = listing();

    for (const char* name : {"git.host1", "git.host2"}) {
        const Finished done = weft({"init", "--dir", "demo", "--name", name});

        EXPECT_EQ(done.exit_code, 1);
        EXPECT_THAT(done.out, IsEmpty());
        EXPECT_THAT(done.err, HasSubstr("demo/keys/root.ca"));
        EXPECT_EQ(listing(), before);
    }
}

TEST_F(InitCommand, AnyOneOfItsFilesIsReasonToChangeNothing) {
    for (const std::string file :
         {"keys/root.ca", "keys/root.ca-key", "keys/root.revoked", "keys/a.cert", "keys/a.key",
          "weft.d/10-weft.yaml", "weft.d/20-fabric.yaml", "weft.d/30-signing.yaml",
          "weft.d/40-reliability.yaml", "weft.d/60-gateway.yaml"}) {
        const TempDir place;
        write_text(place / file, "# precious\n");
        const std::string before = listing_of(place.path());

        // From elsewhere, so that the file is not part of the configuration.
        const Finished done = weft({"init", "--dir", place.path().string(), "--name", "a"});

        EXPECT_EQ(done.exit_code, 1) << file;
        EXPECT_THAT(done.err, HasSubstr(file));
        EXPECT_EQ(listing_of(place.path()), before);
    }
}

TEST_F(InitCommand, ALinkThatPointsNowhereIsNotWrittenThrough) {
    fs::create_directories(path("demo/keys"));
    fs::create_symlink(path("elsewhere"), path("demo/keys/root.revoked"));
    const std::string before = listing();

    const Finished done = weft({"init", "--dir", "demo", "--name", "a"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("root.revoked"));
    EXPECT_EQ(listing(), before);
}

TEST_F(InitCommand, LeavesNothingBehindWhenADirectoryCannotBeMade) {
    write_text(path("demo/weft.d"), "a file where a directory is needed\n");
    const std::string before = listing();

    const Finished done = weft({"init", "--dir", "demo", "--name", "a"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("demo/weft.d"));
    EXPECT_EQ(listing(), before);
}

TEST_F(InitCommand, LeavesNothingBehindWhenTheDiskIsFull) {
    // Files end at 512 bytes: enough for every key, too little for the first YAML file.
    const Finished done =
        run({"/bin/sh", "-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" init --dir demo --name a",
             weft_program()},
            {.cwd = dir_.path()});
    remember(done);

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("weft.d/10-weft.yaml"));
    EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(InitCommand, ANameThatIsNoneIsAUsageErrorWithThePlace) {
    const Finished done = weft({"init", "--dir", "demo", "--name", "git.Host1"});

    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.err, AllOf(HasSubstr("--name"), HasSubstr("character 5")));
    EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(InitCommand, DaysOutOfRangeAreAUsageErrorThatNamesTheFlag) {
    for (const char* days : {"0", "-3", "36501", "soon"}) {
        const Finished done = weft({"init", "--dir", "demo", "--days", days});

        EXPECT_EQ(done.exit_code, 2) << days;
        EXPECT_THAT(done.err, HasSubstr("--days")) << days;
    }
    EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(InitCommand, NoKeyIsPrintedEvenAtTraceLevel) {  // K3; TearDown searches all output
    const Finished done =
        weft({"--log-level", "trace", "init", "--dir", "demo", "--name", "git.host1"});

    ASSERT_EQ(done.exit_code, 0) << done.err;
    ASSERT_TRUE(canary_.knows_any());
    EXPECT_GT(canary_.count_in(read_text(path("demo/keys/git.host1.key"))), 0U)
        << "the search itself must be able to find a key";
    EXPECT_GT(canary_.count_in(read_text(path("demo/keys/root.ca-key"))), 0U);
}

TEST_F(InitCommand, TwoAtOnceMakeOneWholeSetup) {
    Process a = Process::start({weft_program(), "init", "--dir", "demo", "--name", "a"},
                               {.cwd = dir_.path()});
    Process b = Process::start({weft_program(), "init", "--dir", "demo", "--name", "b"},
                               {.cwd = dir_.path()});

    EXPECT_EQ(a.wait() + b.wait(), 1) << a.output() << b.output();
    const Finished list = weft({"keys", "list", "--dir", "demo/keys", "--json"});
    EXPECT_EQ(list.exit_code, 0) << list.err;
    const fabric::Value value = json(list.out);
    ASSERT_EQ(value["certificates"].list()->size(), 1U);
    EXPECT_EQ(value["certificates"].list()->front()["state"].text_or(""), "valid");
    EXPECT_TRUE(fs::exists(path("demo/weft.d/30-signing.yaml")));
}

}  // namespace
}  // namespace weft::testing
