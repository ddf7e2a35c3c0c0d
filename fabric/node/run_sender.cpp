#include "fabric/node/run_sender.hpp"

#include "signing/proof.hpp"

namespace weft::fabric {

bool RunSender::extends_last_run(const OutgoingSlot& slot) const {
    if (runs_.empty()) return false;
    const Run& last = runs_.back();
    return last.topic == slot.topic && last.kind == slot.kind && last.end == slot.offset &&
           last.messages < signing::run_messages_max &&
           slot.offset + slot.item_bytes - last.begin <= run_bytes_max;
}

void RunSender::add(const OutgoingSlot& slot) {
    if (!extends_last_run(slot)) {
        runs_.push_back({slot.topic, slot.kind, slot.offset, slot.offset, digests_.size(), 0});
    }
    Run& run = runs_.back();
    run.end = slot.offset + slot.item_bytes;
    ++run.messages;
    if (signer_) digests_.push_back(slot.digest);
}

void RunSender::emit(const OutgoingBatch& batch, PublishPort& port) {
    if (runs_.empty()) return;
    if (signer_) {
        to_sign_.clear();
        for (const Run& run : runs_) {
            to_sign_.push_back(
                {run.kind, std::span(digests_).subspan(run.first_digest, run.messages)});
        }
        signer_->sign(to_sign_, proofs_);
        ++counters_.signatures;
    }
    for (std::size_t i = 0; i < runs_.size(); ++i) {
        const Run& run = runs_[i];
        port.send(run.topic->text, {batch.bytes.get() + run.begin, run.end - run.begin},
                  signer_ ? std::string_view{proofs_[i]} : std::string_view{});
        counters_.sent += run.messages;
    }
    counters_.runs += runs_.size();
    runs_.clear();
    digests_.clear();
}

void RunSender::send(OutgoingBatch& batch, OutgoingQueue& queue, PublishPort& port) {
    OutgoingTopic* topic = nullptr;
    bool wanted = false;
    for (std::size_t i = 0; i < batch.count; ++i) {
        const OutgoingSlot& slot = batch.slots[i];
        OutgoingQueue::await(slot);
        if (slot.topic != topic) {
            topic = slot.topic;
            wanted = queue.wanted(*topic);
        }
        if (!wanted) {
            ++counters_.unwanted;
            continue;
        }
        // A further run may begin here, and a tree has no room for it.
        if (runs_.size() == signing::batch_runs_max && !extends_last_run(slot)) emit(batch, port);
        add(slot);
    }
    emit(batch, port);
}

}  // namespace weft::fabric
