#include "reliability/journal/stored_verifier.hpp"

#include <algorithm>
#include <utility>

#include "fabric/message/codec.hpp"

namespace weft::reliability {
namespace {

using signing::Refusal;
using signing::Refused;

/// A run that lies in a page, which it keeps alive.
class RunOfPage final : public fabric::RunBytes {
public:
    RunOfPage(const StoredRun& run, std::shared_ptr<const void> page) : page_(std::move(page)) {
        topic = run.topic;
        contents = run.contents;
        proof = run.proof;
    }

private:
    std::shared_ptr<const void> page_;
};

}  // namespace

StoredVerifier::StoredVerifier(std::shared_ptr<signing::TrustStore> trust, signing::Limits limits)
    : verifier_(trust, trust ? signing::Verifier::Mode::stored : signing::Verifier::Mode::integrity,
                limits) {}

std::optional<Refused> StoredVerifier::judge(const StoredRun& run) {
    // Nobody floods us here: the budget of failed proofs is for peers that choose what they send.
    const signing::Peer journal{"journal", UINT32_MAX};
    const auto stored = static_cast<signing::UtcSeconds>(run.stored_us / 1'000'000);
    auto believed =
        verifier_.verify({run.topic, run.contents, run.proof}, journal, stored, 0, verified_);
    if (!believed) return std::move(believed.error());
    if (verified_.kind != signing::Kind::message) {
        return Refused{Refusal::kind_unknown, "a journal keeps messages, kind 0, not kind " +
                                                  std::to_string(static_cast<int>(verified_.kind))};
    }
    const auto present = static_cast<std::uint64_t>(
        std::count_if(verified_.items.begin(), verified_.items.end(),
                      [](const signing::RunItem& item) { return item.present; }));
    if (present != run.last - run.first + 1) {
        return Refused{Refusal::contents_malformed,
                       std::to_string(present) + " messages for the ids " +
                           std::to_string(run.first) + " to " + std::to_string(run.last)};
    }
    return std::nullopt;
}

void StoredVerifier::verify(const StoredRun& run, const std::shared_ptr<const void>& bytes,
                            const OnMessage& on_message, const OnRefused& on_refused) {
    if (auto refused = judge(run)) {
        on_refused({run.from, run.to, std::move(*refused)});
        return;
    }
    auto kept = std::make_shared<RunOfPage>(run, bytes);
    kept->signer = verified_.signer;
    kept->verified = verified_.verified;
    const std::shared_ptr<const fabric::RunBytes> shared = std::move(kept);
    JournalId id = run.first;
    for (const signing::RunItem& item : verified_.items) {
        if (!item.present) continue;
        const JournalId at = id++;
        if (at < run.from || at > run.to) continue;
        fabric::DecodedContent content;
        if (auto decoded = fabric::decode_content(item.content, content); !decoded) {
            on_refused({at, at, {Refusal::content_undecodable, decoded.error()}});
            continue;
        }
        const fabric::Message message(shared, std::move(content), item.content, item.digest);
        on_message({at, run.stored_us, message, verified_.revoked_later});
    }
}

void StoredVerifier::verify(const Page& page, const OnMessage& on_message,
                            const OnRefused& on_refused) {
    for (const StoredRun& run : page.runs) verify(run, page.bytes, on_message, on_refused);
}

}  // namespace weft::reliability
