#include "gateway/bridge/bridge_errors.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace weft::gateway {
namespace {

using fabric::PublishError;
using reliability::JournalError;
using reliability::Outcome;
using reliability::PublishFailure;
using Kind = BridgeError::Kind;

TEST(BridgeErrors, SayWhatAPublishErrorMeansToWhoeverAsked) {
    using Reason = PublishError::Reason;
    const std::vector<std::pair<Reason, Kind>> cases{
        {Reason::invalid_topic, Kind::invalid},   {Reason::invalid_header, Kind::invalid},
        {Reason::not_granted, Kind::not_granted}, {Reason::signer_refused, Kind::not_granted},
        {Reason::too_large, Kind::too_large},     {Reason::too_many_topics, Kind::busy},
        {Reason::queue_full, Kind::busy},         {Reason::stopped, Kind::stopped}};
    for (const auto& [reason, kind] : cases) {
        const auto error = error_of(PublishError{reason, "why"});
        EXPECT_EQ(error.kind, kind);
        EXPECT_EQ(error.sentence, "why");
        // The same, below a reliable publish.
        const PublishFailure failure{
            PublishFailure::Reason::not_published, "why", {}, PublishError{reason, "why"}, false};
        EXPECT_EQ(error_of(failure).kind, kind);
    }
}

TEST(BridgeErrors, SayWhatAnErrorOfTheJournalMeansToWhoeverAsked) {
    using Reason = JournalError::Reason;
    const std::vector<std::pair<Reason, Kind>> cases{
        {Reason::closed, Kind::stopped},       {Reason::busy, Kind::busy},
        {Reason::disk_full, Kind::disk_full},  {Reason::io, Kind::journal_away},
        {Reason::corrupt, Kind::journal_away}, {Reason::invalid, Kind::invalid},
        {Reason::not_found, Kind::invalid},    {Reason::away, Kind::journal_away},
        {Reason::refused, Kind::journal_away}};
    for (const auto& [reason, kind] : cases) {
        const auto error = error_of(JournalError{reason, "why"});
        EXPECT_EQ(error.kind, kind);
        EXPECT_EQ(error.sentence, "why");
    }
}

TEST(BridgeErrors, SayWhatAFailedReliablePublishMeansToWhoeverAsked) {
    using Reason = PublishFailure::Reason;
    const std::vector<std::pair<Reason, Kind>> cases{
        {Reason::invalid_request, Kind::invalid},
        {Reason::not_possible, Kind::journal_away},
        {Reason::not_ready, Kind::journal_away},
        {Reason::too_many_waiting, Kind::busy},
        {Reason::not_published, Kind::stopped},
        {Reason::outbox_full, Kind::busy},
        {Reason::not_kept, Kind::journal_away},
        {Reason::not_acknowledged, Kind::not_acknowledged}};
    for (const auto& [reason, kind] : cases) {
        EXPECT_EQ(error_of(PublishFailure{reason, "why", {}, {}, false}).kind, kind);
    }
}

TEST(BridgeErrors, AnAbortedWaitIsStoppedAndEveryOtherIsNotAcknowledged) {
    Outcome::About about;
    about.id = fabric::MessageId::make(1);
    const auto of = [&](Outcome::Verdict verdict) {
        return error_of(std::make_shared<const Outcome>(
            verdict, about, std::vector<reliability::RecipientAnswer>{}));
    };
    EXPECT_EQ(of(Outcome::Verdict::aborted).kind, Kind::stopped);
    for (const auto verdict : {Outcome::Verdict::rejected, Outcome::Verdict::unknown}) {
        const auto error = of(verdict);
        EXPECT_EQ(error.kind, Kind::not_acknowledged);
        ASSERT_TRUE(error.outcome);
        EXPECT_EQ(error.id, about.id);
        EXPECT_FALSE(error.sentence.empty());
    }
}

}  // namespace
}  // namespace weft::gateway
