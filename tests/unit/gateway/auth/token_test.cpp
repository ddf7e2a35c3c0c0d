#include "gateway/auth/token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "gateway/auth/token_store.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
namespace fs = std::filesystem;

const fabric::TopicSpace space{"org.weft", "dev"};

TokenRecord record_for(NewToken& token, const std::string& name) {
    token.record.name = name;
    token.record.publish = {"build.*"};
    token.record.read = {"**"};
    token.record.created = "2026-11-21T00:00:00.000000Z";
    return token.record;
}

class Tokens : public ::testing::Test {
protected:
    void keep(const std::vector<TokenRecord>& records) {
        const auto written = write_token_file(file_, records);
        ASSERT_TRUE(written) << written.error();
    }
    std::unique_ptr<TokenStore> open() {
        auto store = TokenStore::open(file_, space,
                                      [this](const std::string& line) { warned_ += line + "\n"; });
        if (!store) throw std::runtime_error(store.error());
        return std::move(*store);
    }
    void write(const std::string& text) const { std::ofstream(file_) << text; }

    weft::testing::TempDir directory_;
    const fs::path file_ = directory_ / "tokens.yaml";
    std::string warned_;
};

TEST_F(Tokens, AreFoundByTheirTextAndGiveWhatTheyWereGiven) {
    NewToken token = make_token();
    keep({record_for(token, "ci")});
    const auto store = open();
    const auto found = store->find(token.text);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "ci");
    EXPECT_EQ(found->via(), "http:ci");
    EXPECT_TRUE(found->may_publish("org.weft.dev.build.done"));
    EXPECT_FALSE(found->may_publish("org.weft.dev.git.commit"));
    EXPECT_TRUE(found->may_read("org.weft.dev.git.commit"));
    EXPECT_FALSE(found->admin);
}

// H1
TEST_F(Tokens, DoNotStandInTheirFile) {  // R126
    NewToken token = make_token();
    keep({record_for(token, "ci")});
    std::ifstream file(file_);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_THAT(text, Not(HasSubstr(token.text)));
    EXPECT_THAT(text, Not(HasSubstr(std::string{token_parts(token.text)->secret})));
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Tokens, ThatAreAlmostRightAreNobody) {
    NewToken token = make_token();
    keep({record_for(token, "ci")});
    const auto store = open();
    std::string wrong = token.text;
    wrong.back() = wrong.back() == 'a' ? 'b' : 'a';
    for (const std::string& text :
         {std::string{}, wrong, token.text + "0", token.text.substr(1), make_token().text,
          std::string(1'000'000, 'a'), "wt_" + std::string(75, '\0'), token.record.hash}) {
        EXPECT_FALSE(store->find(text)) << text.substr(0, 100);
    }
}

TEST_F(Tokens, AreTakenUpAndGivenUpWhileTheGatewayRuns) {
    NewToken first = make_token(), second = make_token();
    keep({record_for(first, "one")});
    const auto store = open();
    keep({record_for(first, "one"), record_for(second, "two")});
    EXPECT_FALSE(store->find(second.text));
    EXPECT_TRUE(store->refresh());
    EXPECT_TRUE(store->find(second.text));
    EXPECT_TRUE(store->holder("one"));
    EXPECT_FALSE(store->refresh()) << "nothing has changed";
    keep({record_for(second, "two")});
    EXPECT_TRUE(store->refresh());
    EXPECT_FALSE(store->find(first.text));
    EXPECT_FALSE(store->holder("one"));
    EXPECT_EQ(store->holder("two")->name, "two");
    EXPECT_THAT(warned_, IsEmpty());
}

// T6: what an accident leaves takes nobody's token away, and gives none.
TEST_F(Tokens, StayInForceWhenTheirFileIsDamaged) {
    NewToken token = make_token();
    keep({record_for(token, "ci")});
    const auto store = open();
    write("");
    EXPECT_FALSE(store->refresh());
    EXPECT_TRUE(store->find(token.text));
    write("tokens: [ {id: 1} ]\n");
    EXPECT_FALSE(store->refresh());
    EXPECT_TRUE(store->find(token.text));
    fs::remove(file_);
    EXPECT_FALSE(store->refresh());
    EXPECT_TRUE(store->find(token.text));
    EXPECT_THAT(warned_, HasSubstr("stay in force"));
}

TEST_F(Tokens, OfAFileThatIsNotThereAreNone) {
    const auto store = open();
    EXPECT_EQ(store->tokens(), 0U);
    EXPECT_FALSE(store->find(make_token().text));
}

TEST(TokenFiles, SayWhatIsWrongAndWhere) {
    config::Problems problems;
    const auto records = read_tokens(
        "tokens:\n"
        "  - { id: 0123456789, name: 'Not A Name', hash: xyz, publish: ['a.**b'], admin: maybe, "
        "colour: red }\n"
        "  - nothing\n",
        "tokens.yaml", problems);
    const std::string text = config::text_of(problems);
    EXPECT_THAT(text, HasSubstr("tokens.yaml:2"));
    EXPECT_THAT(text, HasSubstr("tokens.yaml:3"));
    for (const char* part : {"hash has 64", "name: ", "a.**b", "admin: ", "colour"}) {
        EXPECT_THAT(text, HasSubstr(part));
    }
}

TEST(TokenFiles, ComeBackAsTheyWere) {
    NewToken one = make_token(), two = make_token();
    two.record.admin = true;
    const std::vector<TokenRecord> records{record_for(one, "one"), record_for(two, "two")};
    config::Problems problems;
    EXPECT_EQ(read_tokens(write_tokens(records), "t", problems), records);
    EXPECT_THAT(problems, IsEmpty());
    EXPECT_THAT(read_tokens(write_tokens({}), "t", problems), IsEmpty());
    EXPECT_THAT(problems, IsEmpty()) << config::text_of(problems);
}

TEST(TokenFiles, RefuseTwoOfOneName) {
    NewToken one = make_token(), two = make_token();
    config::Problems problems;
    static_cast<void>(
        read_tokens(write_tokens({record_for(one, "a"), record_for(two, "a")}), "t", problems));
    EXPECT_THAT(config::text_of(problems), HasSubstr("stands above"));
}

}  // namespace
}  // namespace weft::gateway
