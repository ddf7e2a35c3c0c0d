#include "fabric/node/run_sender.hpp"

#include "fabric/message/codec.hpp"
#include "fabric/node/beacon.hpp"
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

void RunSender::send(OutgoingBatch& batch, OutgoingQueue& queue, PublishPort& port, Instant now) {
    OutgoingTopic* topic = nullptr;
    std::uint64_t last = 0;
    bool wanted = false;
    const auto topic_ends = [&] {
        if (signer_ && topic != nullptr && last > 0) schedule_.sent(*topic, last, now);
        last = 0;
    };
    for (std::size_t i = 0; i < batch.count; ++i) {
        const OutgoingSlot& slot = batch.slots[i];
        OutgoingQueue::await(slot);
        if (slot.topic != topic) {
            topic_ends();
            topic = slot.topic;
            wanted = queue.wanted(*topic);
        }
        if (slot.kind == signing::Kind::message && slot.seq > 0) last = slot.seq;
        if (!wanted) {
            ++counters_.unwanted;
            continue;
        }
        // A further run may begin here, and a tree has no room for it.
        if (runs_.size() == signing::batch_runs_max && !extends_last_run(slot)) emit(batch, port);
        add(slot);
    }
    topic_ends();
    emit(batch, port);
}

void RunSender::send_tails(const Speaker& speaker, OutgoingQueue& queue, PublishPort& port,
                           Instant now) {
    if (!signer_) return;
    schedule_.take_due(now, tails_max, due_);
    std::erase_if(due_, [&](const auto& tail) { return !queue.wanted(*tail.topic); });
    if (due_.empty()) return;
    tail_contents_.clear();
    digests_.clear();
    for (const TailSchedule::Tail& tail : due_) {
        ContentHeader header;
        header.id = MessageId::make(speaker.time_us / 1000);
        header.epoch = speaker.epoch;
        header.time_us = speaker.time_us;
        header.source = speaker.source;
        const Body body = tail_beacon(tail.last);
        // One item: its length, then the content.
        const std::size_t bytes = encoded_size(header, body.bytes());
        std::string item(4 + bytes, '\0');
        for (std::size_t i = 0; i < 4; ++i) item[i] = static_cast<char>(bytes >> (24 - 8 * i));
        encode_content(header, body.bytes(), item.data() + 4);
        digests_.push_back(signing::message_digest(tail.topic->text, {item.data() + 4, bytes}));
        tail_contents_.push_back(std::move(item));
    }
    to_sign_.clear();
    for (std::size_t i = 0; i < due_.size(); ++i) {
        to_sign_.push_back({signing::Kind::beacon, std::span(digests_).subspan(i, 1)});
    }
    signer_->sign(to_sign_, proofs_);
    for (std::size_t i = 0; i < due_.size(); ++i) {
        port.send(due_[i].topic->text, tail_contents_[i], proofs_[i]);
    }
    digests_.clear();
    counters_.tail_beacons += due_.size();
    ++counters_.signatures;
}

}  // namespace weft::fabric
