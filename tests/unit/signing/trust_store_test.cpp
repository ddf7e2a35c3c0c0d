#include "signing/trust_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "tests/unit/signing/key_directory.hpp"

namespace weft::signing {
namespace {

using testing::authority_in;
using testing::certificate_of;
using testing::content_of;
using ::testing::ElementsAre;
using testing::glob;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::list_number;
using testing::must;
using testing::new_authority;
using testing::noon;
using testing::overwrite;
using testing::request_for;
using ::testing::SizeIs;
using testing::TemporaryDirectory;
using testing::write_list;

using Sentences = std::vector<std::string>;

template <class Result>
Sentences errors_of(const Result& result) {
    return result ? Sentences{} : result.error();
}

class TrustStoreTest : public ::testing::Test {
protected:
    [[nodiscard]] std::unique_ptr<TrustStore> open() const {
        return must(TrustStore::open(settings_));
    }
    [[nodiscard]] Sentences errors() const { return errors_of(TrustStore::open(settings_)); }
    [[nodiscard]] std::filesystem::path file(std::string_view name) const {
        return directory_.path() / name;
    }
    void put_list(std::uint64_t number, std::vector<Revocation> revocations = {}) const {
        write_list(authority_, directory_.path(), list_number(number, std::move(revocations)));
    }
    void revoke(std::uint64_t list) const { put_list(list, {{signer_->serial(), noon, {}}}); }
    [[nodiscard]] bool believes(const TrustStore& store) const {
        return !store.current()->judge(*signer_, Kind::message, "a", noon);
    }

    TemporaryDirectory directory_;
    const Authority authority_ = authority_in(directory_.path());
    TrustSettings settings_{directory_.path(), {}, false, WhenListExpired::warn};
    const std::shared_ptr<const Certificate> signer_ =
        certificate_of(authority_, request_for("git"));
};

TEST_F(TrustStoreTest, HoldsEveryCaOfItsDirectory) {
    authority_in(directory_.path(), "rotated");
    const auto store = open();
    EXPECT_THAT(store->current()->authorities(), SizeIs(2));
    EXPECT_THAT(store->current()->lists(), SizeIs(2));
    EXPECT_TRUE(believes(*store));
}

TEST_F(TrustStoreTest, IgnoresFilesThatAreNoneOfItsBusiness) {
    overwrite(file("notes.txt"), "x");
    overwrite(file("git.key"), "");
    overwrite(file(".root.ca.tmp-0123456789abcdef"), "half");
    overwrite(file(".ca"), "half");
    EXPECT_THAT(errors(), IsEmpty());
}

// T6: what is missing, empty, cut or unreadable is an error and never "allow all".
TEST_F(TrustStoreTest, RefusesADirectoryWithoutAnyCa) {
    TemporaryDirectory empty;
    settings_.directory = empty.path();
    EXPECT_THAT(errors(), ElementsAre(HasSubstr("holds no CA")));
}

TEST_F(TrustStoreTest, RefusesADirectoryThatIsNotThere) {
    settings_.directory = file("missing");
    EXPECT_THAT(errors(), ElementsAre(HasSubstr("cannot be read as the directory of keys")));
}

TEST_F(TrustStoreTest, RefusesAMissingRevocationList) {
    std::filesystem::remove(file("root.revoked"));
    EXPECT_THAT(errors(), ElementsAre(HasSubstr(file("root.revoked").string())));
}

/// Every way in which a file may be bad, for the CA and for its list.
class BadTrustFile : public TrustStoreTest, public ::testing::WithParamInterface<std::string_view> {
protected:
    [[nodiscard]] std::filesystem::path bad() const { return file(GetParam()); }
    /// Neither a fresh start nor a running store may take it.
    void expect_refused_naming_it() {
        EXPECT_THAT(errors(), ElementsAre(HasSubstr(bad().string())));
        const std::uint64_t generation = store_->generation();
        EXPECT_THAT(errors_of(store_->reload()), ElementsAre(HasSubstr(bad().string())));
        EXPECT_THAT(errors_of(store_->reload_if_changed()), ElementsAre(HasSubstr(bad().string())));
        EXPECT_TRUE(believes(*store_));  // the old state stays whole
        EXPECT_EQ(store_->generation(), generation);
    }

    const std::unique_ptr<TrustStore> store_ = open();
};

INSTANTIATE_TEST_SUITE_P(CaAndList, BadTrustFile, ::testing::Values("root.ca", "root.revoked"),
                         [](const auto& tested) {
                             return tested.param == "root.ca" ? "Ca" : "RevocationList";
                         });

TEST_P(BadTrustFile, IsRefusedWhenEmpty) {
    overwrite(bad(), "");
    expect_refused_naming_it();
}

TEST_P(BadTrustFile, IsRefusedWhenCut) {
    const std::string whole = content_of(bad());
    for (const std::size_t length : {std::size_t{1}, whole.size() / 2, whole.size() - 2}) {
        overwrite(bad(), whole.substr(0, length));
        expect_refused_naming_it();
    }
}

TEST_P(BadTrustFile, IsRefusedWhenItHoldsSomethingElse) {
    overwrite(bad(), "allow all\n");
    expect_refused_naming_it();
}

TEST_P(BadTrustFile, IsRefusedWhenItIsADirectory) {
    std::filesystem::remove(bad());
    std::filesystem::create_directory(bad());
    expect_refused_naming_it();
}

TEST_P(BadTrustFile, IsRefusedWhenItIsADanglingLink) {
    std::filesystem::remove(bad());
    std::filesystem::create_symlink("nowhere", bad());
    expect_refused_naming_it();
}

TEST_F(TrustStoreTest, RefusesAListOfAnotherCa) {
    const Authority other = new_authority();
    must(other.write_list(directory_.path(), other.sign_list(list_number(5))));
    EXPECT_THAT(errors(), ElementsAre(HasSubstr("genuine signature")));
}

TEST_F(TrustStoreTest, RefusesACaUnderAnotherFileName) {
    std::filesystem::rename(file("root.ca"), file("other.ca"));
    std::filesystem::rename(file("root.revoked"), file("other.revoked"));
    EXPECT_THAT(errors(), ElementsAre(HasSubstr("must be named root.ca")));
}

TEST_F(TrustStoreTest, NamesEveryFileThatIsBadAtOnce) {
    overwrite(file("root.ca"), "");
    overwrite(file("second.ca"), "x");
    EXPECT_THAT(errors(), ElementsAre(HasSubstr("root.ca"), HasSubstr("second.ca")));
}

TEST_F(TrustStoreTest, KeepsTheOldStateWhenTheLastCaIsRemoved) {
    const auto store = open();
    std::filesystem::remove(file("root.ca"));
    EXPECT_THAT(errors_of(store->reload_if_changed()), ElementsAre(HasSubstr("holds no CA")));
    EXPECT_TRUE(believes(*store));
}

// T6: out of file descriptors, in the middle of a reload. All of them are taken, so that nothing
// can be opened, whatever number would be next.
TEST_F(TrustStoreTest, KeepsTheOldStateWhenNoFileCanBeOpened) {
    const auto store = open();
    revoke(2);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int lowest_free = ::dup(0);
    ASSERT_GE(lowest_free, 0);
    ::close(lowest_free);
    const rlimit none{static_cast<rlim_t>(lowest_free), before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto while_exhausted = store->reload_if_changed();
    const auto opened_while_exhausted = TrustStore::open(settings_);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

    EXPECT_THAT(errors_of(while_exhausted), ElementsAre(HasSubstr("Too many open files")));
    EXPECT_FALSE(opened_while_exhausted);
    EXPECT_TRUE(believes(*store));
    // and as soon as there are some again, the change is seen
    EXPECT_TRUE(must(store->reload_if_changed()));
    EXPECT_FALSE(believes(*store));
}

// T3: an old list put back is refused by the running process ...
TEST_F(TrustStoreTest, RefusesAnOldListPutBackWhileItRuns) {
    const std::string old_list = content_of(file("root.revoked"));
    const auto store = open();
    revoke(2);
    must(store->reload());
    overwrite(file("root.revoked"), old_list);
    EXPECT_THAT(errors_of(store->reload()),
                ElementsAre(HasSubstr("has number 1, but number 2 was seen before")));
    EXPECT_FALSE(believes(*store));
}

// T3: ... and after a restart, which is what the number on disk is for.
TEST_F(TrustStoreTest, RefusesAnOldListPutBackBeforeARestart) {
    const std::string old_list = content_of(file("root.revoked"));
    revoke(2);
    EXPECT_FALSE(believes(*open()));
    overwrite(file("root.revoked"), old_list);
    EXPECT_THAT(errors(), ElementsAre(HasSubstr("has number 1, but number 2 was seen before")));
}

TEST_F(TrustStoreTest, TakesTheSameListAgainAndAgain) {
    const auto store = open();
    must(store->reload());
    static_cast<void>(open());
    EXPECT_TRUE(believes(*store));
}

TEST_F(TrustStoreTest, WritesTheHighestNumberBesideTheList) {
    put_list(7);
    static_cast<void>(open());
    EXPECT_THAT(content_of(file("root.revoked-number")), HasSubstr(" 7\n"));
}

TEST_F(TrustStoreTest, RefusesANumberFileThatIsBad) {
    static_cast<void>(open());
    const std::string good = content_of(file("root.revoked-number"));
    for (const std::string& bad :
         {std::string(""), std::string("7"), std::string("x 7\n"), good.substr(0, good.size() - 1),
          good + "8\n", good.substr(0, 33) + "-1\n", good.substr(0, 33) + "\n",
          good.substr(0, 33) + "99999999999999999999999\n"}) {
        overwrite(file("root.revoked-number"), bad);
        EXPECT_THAT(errors(), ElementsAre(HasSubstr("root.revoked-number"))) << bad;
    }
}

TEST_F(TrustStoreTest, StartsTheNumbersAnewForANewKeyUnderAnOldName) {
    put_list(9);
    static_cast<void>(open());
    const Authority renewed = new_authority();
    must(renewed.save(directory_.path(), WhenFileExists::replace));
    write_list(renewed, directory_.path(), list_number(1));
    EXPECT_THAT(errors(), IsEmpty());
}

// T3: where the number cannot be written it is kept in memory, and the operator is told. Root may
// write everywhere, so the test becomes another user for the reload.
TEST_F(TrustStoreTest, RemembersTheNumberInMemoryWhereItCannotBeWritten) {
    const auto user = ::geteuid();
    if (user != 0) GTEST_SKIP() << "needs root to become a user without rights there";
    const auto store = open();
    const std::string old_list = content_of(file("root.revoked"));
    std::filesystem::remove(file("root.revoked-number"));
    put_list(5);
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    ASSERT_EQ(::seteuid(65534), 0);
    const auto reloaded = store->reload();
    ASSERT_EQ(::seteuid(user), 0);

    ASSERT_TRUE(reloaded) << reloaded.error().front();
    EXPECT_THAT(store->current()->warnings(noon),
                ElementsAre(HasSubstr("remembered in memory only")));
    EXPECT_FALSE(std::filesystem::exists(file("root.revoked-number")));
    overwrite(file("root.revoked"), old_list);
    EXPECT_THAT(errors_of(store->reload()), ElementsAre(HasSubstr("number 5 was seen before")));
}

// T5: a new list is in force as soon as somebody looks.
TEST_F(TrustStoreTest, TakesANewListWhenItLooks) {
    const auto store = open();
    EXPECT_FALSE(must(store->reload_if_changed()));
    EXPECT_TRUE(believes(*store));

    revoke(2);
    EXPECT_TRUE(believes(*store));
    EXPECT_TRUE(must(store->reload_if_changed()));
    EXPECT_FALSE(believes(*store));
    EXPECT_FALSE(must(store->reload_if_changed()));
}

// T5
TEST_F(TrustStoreTest, TakesANewCaWhenItLooks) {
    const auto store = open();
    authority_in(directory_.path(), "second");
    EXPECT_TRUE(must(store->reload_if_changed()));
    EXPECT_THAT(store->current()->authorities(), SizeIs(2));
}

TEST_F(TrustStoreTest, NoticesAChangeWithinTheSameFile) {
    const auto store = open();
    put_list(2);
    const std::string next = content_of(file("root.revoked"));
    must(store->reload());
    revoke(3);
    const std::string revoking = content_of(file("root.revoked"));
    overwrite(file("root.revoked"), next);
    static_cast<void>(store->reload_if_changed());  // refused: its number went back
    overwrite(file("root.revoked"), revoking);      // the same inode, written in place
    EXPECT_TRUE(must(store->reload_if_changed()));
    EXPECT_FALSE(believes(*store));
}

TEST_F(TrustStoreTest, ReportsABadFileAsLongAsItIsBad) {
    const auto store = open();
    const std::string good = content_of(file("root.revoked"));
    overwrite(file("root.revoked"), "");
    EXPECT_FALSE(store->reload_if_changed());
    EXPECT_FALSE(store->reload_if_changed());
    overwrite(file("root.revoked"), good);
    EXPECT_TRUE(store->reload_if_changed());
}

// C4: each change raises the generation, a failed or needless reload does not.
TEST_F(TrustStoreTest, RaisesItsGenerationWithEachChange) {
    const auto store = open();
    const std::uint64_t first = store->generation();
    EXPECT_EQ(store->current()->generation(), first);
    must(store->reload_if_changed());
    EXPECT_EQ(store->generation(), first);
    must(store->reload());
    EXPECT_EQ(store->generation(), first + 1);
    EXPECT_EQ(store->current()->generation(), first + 1);
    overwrite(file("root.ca"), "");
    EXPECT_FALSE(store->reload());
    EXPECT_EQ(store->generation(), first + 1);
}

TEST_F(TrustStoreTest, TakesAnotherPolicyOnReload) {
    const auto store = open();
    settings_.policy = {{glob("**"), {"other"}}};
    must(store->reload(settings_));
    EXPECT_FALSE(believes(*store));
    revoke(2);  // and keeps it when the files change
    settings_.policy.clear();
    must(store->reload_if_changed());
    EXPECT_FALSE(believes(*store));
}

TEST_F(TrustStoreTest, KeepsTheOldPolicyWhenAReloadFails) {
    const auto store = open();
    overwrite(file("root.ca"), "");
    settings_.policy = {{glob("**"), {"other"}}};
    EXPECT_FALSE(store->reload(settings_));
    EXPECT_TRUE(believes(*store));
}

TEST_F(TrustStoreTest, LeavesSnapshotsInHandAsTheyWere) {
    const auto store = open();
    const auto before = store->current();
    revoke(2);
    must(store->reload());
    EXPECT_FALSE(before->judge(*signer_, Kind::message, "a", noon));
    EXPECT_TRUE(store->current()->judge(*signer_, Kind::message, "a", noon));
}

TEST_F(TrustStoreTest, IsReadWhileItReloads) {
    const auto store = open();
    std::atomic<bool> done{false};
    std::atomic<int> doubted{0};
    std::vector<std::thread> readers;
    readers.reserve(2);
    for (int i = 0; i < 2; ++i) {
        readers.emplace_back([&] {
            while (!done) {
                const std::uint64_t generation = store->generation();
                const auto trust = store->current();
                if (trust->generation() < generation || !believes(*store)) ++doubted;
            }
        });
    }
    for (int i = 0; i < 50; ++i) must(store->reload());
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(doubted, 0);
}

}  // namespace
}  // namespace weft::signing
