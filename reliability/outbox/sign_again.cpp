#include "reliability/outbox/sign_again.hpp"

#include <cassert>
#include <span>

#include "fabric/message/codec.hpp"
#include "signing/batch_signer.hpp"
#include "signing/proof.hpp"

namespace weft::reliability {

std::vector<RunToStore> sign_again(const std::vector<OutboxMessage>& messages,
                                   const signing::Identity& identity) {
    static_assert(signing::batch_runs_max <= signing::run_messages_max);
    assert(!messages.empty() && messages.size() <= signing::batch_runs_max);
    std::vector<RunToStore> runs;
    std::vector<signing::Digest> digests;
    digests.reserve(messages.size());
    for (const OutboxMessage& message : messages) {
        const bool follows = !runs.empty() && runs.back().topic == message.topic &&
                             runs.back().messages.back().epoch == message.epoch;
        if (!follows) {
            runs.push_back({message.topic, {}, {}, identity.certificate->name(), {}});
        }
        fabric::DecodedContent decoded;
        const bool read = fabric::decode_content(message.content, decoded).has_value();
        const auto parent = read ? decoded.header.parent : std::nullopt;
        signing::append_item(message.content, runs.back().contents);
        runs.back().messages.push_back(
            {message.id, parent.value_or(fabric::MessageId{}), message.epoch, message.seq});
        digests.push_back(message.digest);
    }
    std::vector<signing::RunToSign> to_sign;
    std::size_t first = 0;
    for (const RunToStore& run : runs) {
        to_sign.push_back(
            {signing::Kind::message, std::span(digests).subspan(first, run.messages.size())});
        first += run.messages.size();
    }
    std::vector<std::string> proofs;
    signing::BatchSigner(identity.key, identity.certificate).sign(to_sign, proofs);
    for (std::size_t i = 0; i < runs.size(); ++i) runs[i].proof = std::move(proofs[i]);
    return runs;
}

}  // namespace weft::reliability
