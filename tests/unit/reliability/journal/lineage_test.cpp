#include "reliability/journal/lineage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/switchable_journal.hpp"

namespace weft::reliability {
namespace {

using fabric::MessageId;
using support::SwitchableJournal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Family : public ::testing::Test {
protected:
    MessageId put(const MessageId& parent = {}) {
        return journal_.message_id(journal_.put("t", "x", parent));
    }
    /// With an id of our choice, so that somebody can name it before it is there.
    void put(const MessageId& id, const MessageId& parent) {
        fabric::ContentHeader header;
        header.id = id;
        header.content_type = "text/plain";
        header.parent = parent;
        journal_.put_content("t", header, "x");
    }
    static std::vector<MessageId> ids(const JournalResult<Lineage>& lineage) {
        if (!lineage) throw std::runtime_error(lineage.error().sentence);
        std::vector<MessageId> found;
        for (const Relative& relative : lineage->relatives) found.push_back(relative.id);
        return found;
    }
    SwitchableJournal journal_;
};

TEST_F(Family, AncestorsGoUpToTheFirst) {
    const MessageId first = put(), second = put(first), third = put(second);
    const auto lineage = ancestors(journal_, third);
    EXPECT_THAT(ids(lineage), ElementsAre(second, first));
    EXPECT_EQ(lineage->relatives[1].depth, 2u);
    EXPECT_EQ(lineage->relatives[0].stored->id(), 2u);
    EXPECT_FALSE(lineage->cut || lineage->circle);
    EXPECT_THAT(ids(ancestors(journal_, first)), IsEmpty());
}

TEST_F(Family, AParentThatIsNotRetainedStaysAsABareId) {
    const MessageId first = put(), second = put(first);
    ASSERT_TRUE(journal_.trim(2));
    const auto lineage = ancestors(journal_, second);
    EXPECT_THAT(ids(lineage), ElementsAre(first));
    EXPECT_FALSE(lineage->relatives[0].stored);
}

TEST_F(Family, AnUnknownMessageHasNoAncestorsToShow) {
    const auto lineage = ancestors(journal_, MessageId::make(1));
    ASSERT_FALSE(lineage);
    EXPECT_EQ(lineage.error().reason, JournalError::Reason::not_found);
}

TEST_F(Family, ACircleEndsAndIsSaid) {
    const MessageId a = MessageId::make(1), b = MessageId::make(2);
    put(a, b);
    put(b, a);
    const auto up = ancestors(journal_, a);
    EXPECT_THAT(ids(up), ElementsAre(b));
    EXPECT_TRUE(up->circle);
    const auto down = descendants(journal_, a);
    EXPECT_THAT(ids(down), ElementsAre(b));
    EXPECT_TRUE(down->circle);
    const MessageId self = MessageId::make(3);
    put(self, self);
    EXPECT_THAT(ids(ancestors(journal_, self)), IsEmpty());
    EXPECT_THAT(ids(descendants(journal_, self)), IsEmpty());
}

TEST_F(Family, ALongChainIsCutAtItsDepth) {
    std::vector<MessageId> chain{put()};
    for (int i = 0; i < 100; ++i) chain.push_back(put(chain.back()));
    const auto up = ancestors(journal_, chain.back());
    EXPECT_THAT(ids(up), SizeIs(lineage_depth_max));
    EXPECT_TRUE(up->cut);
    const auto down = descendants(journal_, chain.front(), 3);
    EXPECT_THAT(ids(down), ElementsAre(chain[1], chain[2], chain[3]));
    EXPECT_TRUE(down->cut);
    EXPECT_FALSE(descendants(journal_, chain[98], 2)->cut);
}

TEST_F(Family, EachChildStandsBeforeItsOwnChildren) {
    const MessageId root = put(), a = put(root), b = put(root), a1 = put(a), b1 = put(b);
    const MessageId a2 = put(a);
    const auto lineage = descendants(journal_, root);
    EXPECT_THAT(ids(lineage), ElementsAre(a, a1, a2, b, b1));
    EXPECT_EQ(lineage->relatives[1].depth, 2u);
    EXPECT_THAT(ids(children(journal_, root)), ElementsAre(a, b));
}

TEST_F(Family, ChildrenOfAMessageThatIsGoneAreStillItsChildren) {
    const MessageId gone = MessageId::make(1), child = put(gone);
    EXPECT_THAT(ids(children(journal_, gone)), ElementsAre(child));
    EXPECT_THAT(ids(children(journal_, MessageId::make(2))), IsEmpty());
}

TEST_F(Family, ThousandsOfChildrenAreAllThereAndABoundIsHeld) {
    const MessageId root = put();
    for (int i = 0; i < 2500; ++i) put(root);
    EXPECT_THAT(ids(children(journal_, root)), SizeIs(2500));
    const auto some = descendants(journal_, root, 2, 100);
    EXPECT_THAT(ids(some), SizeIs(100));
    EXPECT_TRUE(some->cut);
}

}  // namespace
}  // namespace weft::reliability
