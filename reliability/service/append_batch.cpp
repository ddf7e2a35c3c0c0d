#include "reliability/service/append_batch.hpp"

#include <algorithm>
#include <utility>

#include "reliability/ack/statement.hpp"
#include "signing/digest.hpp"
#include "signing/proof.hpp"

namespace weft::reliability {
namespace {

using fabric::Message;

StoredMessageKey key_of(const Message& message) {
    return {message.id(), message.parent().value_or(fabric::MessageId{}), message.epoch(),
            message.seq()};
}

/// The frames of a run with the messages from `kept` alone; the others leave their digest.
std::string contents_of(const fabric::RunBytes& run, const std::vector<const char*>& kept) {
    std::string contents;
    std::size_t next = 0;
    for (signing::ItemReader items(run.contents); !items.at_end();) {
        const auto item = items.next();
        if (!item) break;
        if (item->present && next < kept.size() && item->bytes.data() == kept[next]) {
            signing::append_item(item->bytes, contents);
            ++next;
        } else if (item->present) {
            signing::append_left_out(signing::message_digest(run.topic, item->bytes), contents);
        } else {
            signing::Digest digest;
            std::copy(item->bytes.begin(), item->bytes.end(), digest.begin());
            signing::append_left_out(digest, contents);
        }
    }
    return contents;
}

AckSubject subject_of(const Message& message, const AckRequest& request) {
    return {message.id(), message.digest(), message.certificate()->fingerprint(), request.nonce,
            message.epoch()};
}

}  // namespace

Ack ack_of(const Message& message, const AckRequest& request, AckLevel level, std::string reason) {
    return {std::string{message.signer()}, level, std::move(reason), subject_of(message, request)};
}

void AppendBatchBuilder::add(const Message& message) {
    // Repetitions stand in a run in any order; a run that is stored keeps its own.
    const char* const content = message.content().data();
    if (message.run() != run_ || content <= kept_.back()) close_run();
    run_ = message.run();
    kept_.push_back(content);
    keys_.push_back(key_of(message));
}

void AppendBatchBuilder::close_run() {
    if (!run_) return;
    const fabric::RunBytes& run = *run_;
    RunToStore stored;
    stored.topic = run.topic;
    stored.contents = kept_.size() == present_items(run.contents) ? std::string{run.contents}
                                                                  : contents_of(run, kept_);
    stored.proof = run.proof;
    if (run.signer) stored.signer = run.signer->name();
    stored.messages = std::move(keys_);
    batch_.messages += stored.messages.size();
    batch_.bytes += stored.topic.size() + stored.contents.size() + stored.proof.size();
    batch_.runs.push_back(std::move(stored));
    keys_.clear();
    kept_.clear();
    run_.reset();
}

void AppendBatchBuilder::is_awaited(const Message& message) {
    // Its run is not closed yet.
    batch_.awaited.push_back({message.id(), batch_.runs.size(), keys_.size() - 1});
}

void AppendBatchBuilder::is_asked_for(const Message& message, const AckRequest& request) {
    auto& asked = batch_.asked;
    const signing::Digest& publisher = message.certificate()->fingerprint();
    if (asked.empty() || asked.back().ack.subject.publisher != publisher ||
        asked.back().nonces.size() > also_max) {
        asked.push_back({ack_of(message, request, AckLevel::stored), {}, {}});
    } else {
        append_also(subject_of(message, request), asked.back().also);
    }
    asked.back().nonces.push_back(request.nonce);
}

AppendBatch AppendBatchBuilder::take() {
    close_run();
    return std::exchange(batch_, {});
}

}  // namespace weft::reliability
