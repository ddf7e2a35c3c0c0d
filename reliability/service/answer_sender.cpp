#include "reliability/service/answer_sender.hpp"

#include <algorithm>
#include <utility>

#include "signing/proof.hpp"

namespace weft::reliability {
namespace {

/// Of an item in a contents frame, before its content.
constexpr std::size_t item_head_bytes = 4;
/// More than is in front of the fields.
constexpr std::size_t answer_head_bytes = 1000;

}  // namespace

AnswerSender::AnswerSender(std::string topic, std::uint64_t life, const signing::Identity& identity)
    : topic_(std::move(topic)), life_(life), signer_(identity.key, identity.certificate) {}

void AnswerSender::use(const signing::Identity& identity) {
    signer_ = signing::BatchSigner(identity.key, identity.certificate);
}

void AnswerSender::add(std::string_view who, const JournalAnswer& answer) {
    Outgoing& out = outgoing_.emplace_back(Outgoing{std::string{who}, {}});
    signing::append_item(encode_journal_answer(answer), out.contents);
    bytes_ += out.contents.size();
}

void AnswerSender::succeed(std::string_view who, const Nonce& nonce, const Fields& fields) {
    // A run of the largest size fits, and no operation of ours gives more.
    if (fields.bytes.size() > asking_bytes_max - answer_head_bytes) {
        return fail(who, nonce, AnswerStatus::invalid,
                    "the answer does not fit into a frame; ask for less");
    }
    JournalAnswer answer;
    answer.nonce = nonce;
    answer.life = life_;
    answer.count = fields.count;
    answer.fields = fields.bytes;
    add(who, answer);
}

void AnswerSender::fail(std::string_view who, const Nonce& nonce, AnswerStatus status,
                        std::string_view sentence) {
    JournalAnswer answer;
    answer.nonce = nonce;
    answer.status = static_cast<std::uint64_t>(status);
    answer.life = life_;
    answer.sentence = sentence;
    add(who, answer);
    ++failed_;
}

AnswerSender::Sent AnswerSender::send(fabric::AnswerPort& port) {
    Sent sent;
    for (std::size_t begin = 0; begin < outgoing_.size(); begin += signing::batch_runs_max) {
        send_batch(begin, std::min(outgoing_.size(), begin + signing::batch_runs_max), port, sent);
    }
    sent.failed = std::exchange(failed_, 0);
    outgoing_.clear();
    bytes_ = 0;
    return sent;
}

void AnswerSender::send_batch(std::size_t begin, std::size_t end, fabric::AnswerPort& port,
                              Sent& sent) {
    digests_.clear();
    for (std::size_t i = begin; i < end; ++i) {
        digests_.push_back(signing::message_digest(
            topic_, std::string_view{outgoing_[i].contents}.substr(item_head_bytes)));
    }
    to_sign_.clear();
    for (const signing::Digest& digest : digests_) {
        to_sign_.push_back({signing::Kind::answer, {&digest, 1}});
    }
    signer_.sign(to_sign_, proofs_);
    for (std::size_t i = begin; i < end; ++i) {
        const bool went =
            port.send(outgoing_[i].who, topic_, outgoing_[i].contents, proofs_[i - begin]);
        ++(went ? sent.answers : sent.undeliverable);
    }
}

}  // namespace weft::reliability
