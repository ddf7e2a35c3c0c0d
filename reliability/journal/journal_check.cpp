#include "reliability/journal/journal_check.hpp"

#include <algorithm>
#include <utility>

#include "reliability/journal/stored_verifier.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

/// One message in so many is looked for by its own id and by its stream.
constexpr std::uint64_t sample_every = 1000;
/// Behind an id that cannot be read: further and further, until something can.
constexpr JournalId skip_max = 65'536;

class Checker {
public:
    Checker(Journal& journal, std::shared_ptr<signing::TrustStore> trust, const CheckHooks& hooks)
        : journal_(journal), hooks_(hooks), verifier_(std::move(trust)) {}

    JournalCheck run() {
        const JournalInfo info = journal_.info();
        check_.low = info.low;
        check_.head = info.head;
        Position at{info.epoch, info.low - 1};
        next_ = info.low;
        ReadLimits limits;
        limits.messages = 10'000;
        limits.through = info.head;
        JournalId skip = 1;
        while (at.id < info.head && !(hooks_.stopped && hooks_.stopped())) {
            const auto page = journal_.read(at, {}, limits);
            if (!page) {
                const JournalId to = std::min(info.head, at.id + skip);
                problem(at.id + 1, to, page.error().sentence);
                if (page.error().reason != JournalError::Reason::corrupt) break;
                at.id = to;
                next_ = to + 1;
                skip = std::min(skip * 2, skip_max);
                continue;
            }
            skip = 1;
            look_at(*page);
            if (page->next.id <= at.id && page->runs.empty() && !page->gap) break;
            at = page->next;
            if (hooks_.progress) hooks_.progress(at.id - info.low + 1, info.head - info.low + 1);
        }
        check_.signatures_checked = verifier_.stats().signatures_checked;
        return check_;
    }

private:
    void look_at(const Page& page) {
        if (page.gap) {
            check_.expired += page.gap->lost.value_or(0);
            next_ = page.gap->to + 1;
        }
        for (const StoredRun& run : page.runs) {
            ++check_.runs;
            if (run.from != next_) {
                problem(next_, run.from,
                        "the message after id " + std::to_string(next_ - 1) +
                            " should have the id " + std::to_string(next_) + ", and has " +
                            std::to_string(run.from));
            }
            if (run.stored_us < stored_us_) {
                problem(run.from, run.to, "it was stored before the one in front of it");
            }
            stored_us_ = run.stored_us;
            next_ = run.to + 1;
            verifier_.verify(
                run, page.bytes, [&](const VerifiedMessage& stored) { look_at(stored); },
                [&](const StoredRefusal& refused) {
                    problem(
                        refused.first, refused.last,
                        std::string{signing::name_of(refused.why.reason)} + ": " +
                            std::string{signing::sentence_for(refused.why.reason)} +
                            (refused.why.detail.empty() ? "" : " (" + refused.why.detail + ")"));
                });
        }
    }

    void look_at(const VerifiedMessage& stored) {
        if (stored.revoked_later) ++check_.revoked_later;
        if (++check_.messages % sample_every != 1) return;
        const auto found = journal_.find(stored.message.id());
        if (!found || !*found) {
            problem(
                stored.id, stored.id,
                found ? "the index does not find it by its message id " + stored.message.id().text()
                      : found.error().sentence);
        }
        if (stored.message.signer().empty()) return;
        const auto stream = journal_.read_stream(
            {std::string{stored.message.signer()}, stored.message.epoch(),
             std::string{stored.message.topic()}, stored.message.seq(), stored.message.seq()},
            {});
        const bool there =
            stream && std::any_of(stream->runs.begin(), stream->runs.end(), [&](const auto& run) {
                return run.from <= stored.id && stored.id <= run.to;
            });
        if (!there) {
            problem(stored.id, stored.id,
                    stream ? "the index does not find it by its signer, epoch, topic and number"
                           : stream.error().sentence);
        }
    }

    void problem(JournalId first, JournalId last, std::string sentence) {
        ++check_.problems;
        if (hooks_.on_problem) hooks_.on_problem({first, last, std::move(sentence)});
    }

    Journal& journal_;
    const CheckHooks& hooks_;
    StoredVerifier verifier_;
    JournalId next_ = 1;
    std::uint64_t stored_us_ = 0;
    JournalCheck check_;
};

}  // namespace

JournalCheck check_journal(Journal& journal, std::shared_ptr<signing::TrustStore> trust,
                           const CheckHooks& hooks) {
    return Checker(journal, std::move(trust), hooks).run();
}

}  // namespace weft::reliability
