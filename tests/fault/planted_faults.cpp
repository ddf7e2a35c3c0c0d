#include "tests/fault/planted_faults.hpp"

#include <map>

namespace weft::fault {
namespace {

using namespace weft::reliability;
using std::chrono::milliseconds;

/// Knows what was bound, to make an ACK fit that does not.
class Knowing : public TrackerUnderTest {
public:
    using TrackerUnderTest::TrackerUnderTest;
    bool open(const Nonce& nonce, AckTracker::Wait wait, std::size_t bytes) override {
        asked_[nonce] = {wait.recipients->text(), wait.level};
        return TrackerUnderTest::open(nonce, std::move(wait), bytes);
    }
    void bind(const Nonce& nonce, std::shared_ptr<const SentMessage> message) override {
        bound_[nonce] = message->subject;
        TrackerUnderTest::bind(nonce, std::move(message));
    }

protected:
    struct Asked {
        std::string recipients;
        AckLevel level = AckLevel::received;
    };
    /// What is expected where this ACK wants to go.
    [[nodiscard]] const AckSubject& expected(const AckStatement& ack) const {
        const auto place = bound_.find(ack.subject.nonce);
        return place == bound_.end() ? ack.subject : place->second;
    }
    std::map<Nonce, Asked> asked_;
    std::map<Nonce, AckSubject> bound_;
};

class AcceptsAnyDigest final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        ack.subject.digest = expected(ack).digest;
        Knowing::on_ack(ack, signer, now, out);
    }
};

class IgnoresTheEpoch final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        ack.subject.epoch = expected(ack).epoch;
        Knowing::on_ack(ack, signer, now, out);
    }
};

class IgnoresThePublisher final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        ack.subject.publisher = expected(ack).publisher;
        Knowing::on_ack(ack, signer, now, out);
    }
};

/// The nonce is not looked at: an ACK of an earlier publish with the same id will do.
class MatchesByIdAlone final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        for (const auto& [nonce, subject] : bound_) {
            if (subject.id != ack.subject.id) continue;
            AckStatement fitting = ack;
            fitting.subject = subject;
            Knowing::on_ack(fitting, signer, now, out);
        }
    }
};

/// One list of answers for all publishes to the same set: a second one passes with the first's.
class SharesAnswersOfASet final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        const auto asked = asked_.find(ack.subject.nonce);
        const bool ours = asked != asked_.end() && bound_.contains(ack.subject.nonce);
        Knowing::on_ack(ack, signer, now, out);
        if (!ours) return;
        for (const auto& [nonce, other] : asked_) {
            if (other.recipients != asked->second.recipients || !bound_.contains(nonce)) continue;
            AckStatement shared = ack;
            shared.subject = bound_.at(nonce);
            Knowing::on_ack(shared, signer, now, out);
        }
    }
};

class CountsAnySigner final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        signer.name = ack.recipient;
        Knowing::on_ack(ack, signer, now, out);
    }
};

class IgnoresRoles final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        signer.may_acknowledge = signer.may_store = true;
        Knowing::on_ack(ack, signer, now, out);
    }
};

class TakesReceivedForProcessed final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        const auto asked = asked_.find(ack.subject.nonce);
        const bool weak = asked != asked_.end() && ack.level == AckLevel::received;
        if (weak && asked->second.level == AckLevel::processed) ack.level = AckLevel::processed;
        Knowing::on_ack(ack, signer, now, out);
    }
};

class DoesNotHearRejections final : public Knowing {
public:
    using Knowing::Knowing;
    void on_ack(AckStatement ack, AckSigner signer, fabric::Instant now, Settled& out) override {
        if (ack.level != AckLevel::rejected) Knowing::on_ack(ack, signer, now, out);
    }
};

class SettlesLate final : public TrackerUnderTest {
public:
    using TrackerUnderTest::TrackerUnderTest;
    void tick(fabric::Instant now, Messages& messages, Settled& out) override {
        TrackerUnderTest::tick(now - milliseconds{30}, messages, out);
    }
};

class SettlesEarly final : public TrackerUnderTest {
public:
    using TrackerUnderTest::TrackerUnderTest;
    void tick(fabric::Instant now, Messages& messages, Settled& out) override {
        TrackerUnderTest::tick(now + milliseconds{3}, messages, out);
    }
};

class SettlesTwice final : public TrackerUnderTest {
public:
    using TrackerUnderTest::TrackerUnderTest;
    void tick(fabric::Instant now, Messages& messages, Settled& out) override {
        TrackerUnderTest::tick(now, messages, out);
        if (!out.empty()) out.push_back(out.front());
    }
};

class KeepsWhatIsCancelled final : public TrackerUnderTest {
public:
    using TrackerUnderTest::TrackerUnderTest;
    void cancel(const Nonce&) override {}
};

class ForgetsWaitsWhenClosed final : public TrackerUnderTest {
public:
    using TrackerUnderTest::TrackerUnderTest;
    void abort_all(fabric::Instant now, Settled&) override {
        Settled lost;
        TrackerUnderTest::abort_all(now, lost);
    }
};

/// A6: says so before the work is done.
class SaysProcessedWhenQueued final : public ResponderUnderTest {
public:
    using ResponderUnderTest::ResponderUnderTest;
    AckResponder::Arrived on_arrival(const AckCall& call, Now now) override {
        call_ = call;
        publisher_ = call.publisher;
        return ResponderUnderTest::on_arrival(call, now);
    }
    Ack on_queued(const Nonce& nonce, Now now) override {
        Ack ack = ResponderUnderTest::on_queued(nonce, now);
        if (call_.level != AckLevel::processed) return ack;
        return reliability::Ack{publisher_, AckLevel::processed, "", call_.subject};
    }

private:
    AckCall call_;
    std::string publisher_;
};

class DeliversRepetitions final : public ResponderUnderTest {
public:
    using ResponderUnderTest::ResponderUnderTest;
    AckResponder::Arrived on_arrival(const AckCall& call, Now now) override {
        auto arrived = ResponderUnderTest::on_arrival(call, now);
        arrived.deliver |= call.repeated;
        return arrived;
    }
};

class StartsWhatItRejected final : public ResponderUnderTest {
public:
    using ResponderUnderTest::ResponderUnderTest;
    AckResponder::Start may_start(const Nonce& nonce, Now now) override {
        auto start = ResponderUnderTest::may_start(nonce, now);
        start.go = true;
        return start;
    }
};

template <typename Tracker>
PlantedFault tracker(std::string name, std::string seen_as) {
    Subjects subjects = genuine_subjects();
    subjects.make_tracker = [](auto limits, auto retries, std::uint64_t seed) {
        return std::make_unique<Tracker>(limits, retries, seed);
    };
    return {std::move(name), std::move(seen_as), std::move(subjects)};
}

template <typename Responder>
PlantedFault responder(std::string name, std::string seen_as) {
    Subjects subjects = genuine_subjects();
    subjects.make_responder = [](auto settings) {
        return std::make_unique<Responder>(std::move(settings));
    };
    return {std::move(name), std::move(seen_as), std::move(subjects)};
}

}  // namespace

std::vector<PlantedFault> planted_faults() {
    const std::string success = "FALSE SUCCESS";
    return {tracker<AcceptsAnyDigest>("accepts any digest", success),
            tracker<IgnoresTheEpoch>("ignores the epoch", success),
            tracker<IgnoresThePublisher>("ignores the publisher", success),
            tracker<MatchesByIdAlone>("matches by id alone", success),
            tracker<SharesAnswersOfASet>("shares the answers of a set", success),
            tracker<CountsAnySigner>("counts any signer", success),
            tracker<IgnoresRoles>("ignores roles", success),
            tracker<TakesReceivedForProcessed>("takes received for processed", success),
            tracker<DoesNotHearRejections>("does not hear rejections", "has not ended"),
            tracker<SettlesLate>("settles late", "overdue"),
            tracker<SettlesEarly>("settles early", "before its deadline"),
            tracker<SettlesTwice>("settles twice", "it ended before"),
            tracker<KeepsWhatIsCancelled>("keeps what is cancelled", "was cancelled"),
            tracker<ForgetsWaitsWhenClosed>("forgets waits when closed", "overdue"),
            responder<SaysProcessedWhenQueued>("says processed when queued", "has not returned"),
            responder<DeliversRepetitions>("delivers repetitions", "the same publish twice"),
            responder<StartsWhatItRejected>("starts what it rejected", "after it had rejected")};
}

}  // namespace weft::fault
