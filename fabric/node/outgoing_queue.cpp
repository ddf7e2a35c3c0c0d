#include "fabric/node/outgoing_queue.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "signing/refusal.hpp"
#include "signing/topic_glob.hpp"

namespace weft::fabric {
namespace {

constexpr std::size_t spare_batches_max = 4;

tl::unexpected<OutgoingError> failed(OutgoingError::Reason reason, std::string sentence) {
    return tl::make_unexpected(OutgoingError{reason, std::move(sentence)});
}

}  // namespace

OutgoingBatch::OutgoingBatch(std::size_t capacity_bytes)
    : slots(std::make_unique<OutgoingSlot[]>(messages_max)),
      bytes(std::make_unique_for_overwrite<char[]>(capacity_bytes)),
      capacity(capacity_bytes) {}

tl::expected<OutgoingTopic*, OutgoingError> OutgoingQueue::find_topic(std::string_view text,
                                                                      signing::Kind kind) {
    if (last_topic_ == nullptr || last_topic_->text != text) {
        auto found = topics_.find(text);
        if (found == topics_.end()) {
            if (std::string wrong = signing::topic_error(text); !wrong.empty()) {
                return failed(OutgoingError::Reason::invalid_topic,
                              "topic '" + signing::escape(text, 80) + "': " + wrong);
            }
            if (topics_.size() >= topics_max) {
                return failed(OutgoingError::Reason::too_many_topics,
                              "this publisher has used " + std::to_string(topics_max) +
                                  " different topics: put what varies into the body");
            }
            auto topic = std::make_unique<OutgoingTopic>();
            topic->text = text;
            found = topics_.emplace(topic->text, std::move(topic)).first;
        }
        last_topic_ = found->second.get();
    }
    OutgoingTopic* topic = last_topic_;
    if (kind != signing::Kind::message) return topic;
    if (topic->judged_generation != judge_generation_) {
        topic->refusal = judge_ ? judge_(topic->text) : "";
        topic->judged_generation = judge_generation_;
    }
    if (!topic->refusal.empty()) return failed(OutgoingError::Reason::not_granted, topic->refusal);
    return topic;
}

bool OutgoingQueue::look_up(OutgoingTopic& topic) {
    if (topic.table_generation != table_.generation()) {
        topic.wanted = table_.matches(topic.text);
        topic.table_generation = table_.generation();
    }
    return topic.wanted;
}

bool OutgoingQueue::has_room(std::size_t item_bytes) const {
    // One message always fits into an empty queue, however large the limits let it be.
    return queued_messages_ == 0 ||
           (queued_messages_ < messages_max && queued_bytes_ + item_bytes <= bytes_max);
}

OutgoingBatch& OutgoingQueue::batch_for(std::size_t item_bytes) {
    if (open_ && (open_->count >= OutgoingBatch::messages_max ||
                  open_->used + item_bytes > open_->capacity)) {
        full_.push_back(std::move(open_));
    }
    if (!open_) {
        if (item_bytes <= OutgoingBatch::bytes_max && !spare_.empty()) {
            open_ = std::move(spare_.back());
            spare_.pop_back();
        } else {
            open_ = std::make_unique<OutgoingBatch>(std::max(item_bytes, OutgoingBatch::bytes_max));
        }
    }
    return *open_;
}

tl::unexpected<OutgoingError> OutgoingQueue::full() {
    ++refused_full_;
    return failed(OutgoingError::Reason::full,
                  link_up_ ? "the sending queue is full: messages are published faster than they "
                             "can be sent"
                           : "the sending queue is full and nobody takes from it: is the relay "
                             "running?");
}

void OutgoingQueue::take_slot(OutgoingTopic& topic, signing::Kind kind, std::size_t content_bytes,
                              Claim& claim) {
    const std::size_t item_bytes = content_bytes + 4;
    OutgoingBatch& batch = batch_for(item_bytes);
    OutgoingSlot& slot = batch.slots[batch.count++];
    slot.topic = &topic;
    slot.offset = static_cast<std::uint32_t>(batch.used);
    slot.item_bytes = static_cast<std::uint32_t>(item_bytes);
    slot.kind = kind;
    slot.seq = claim.seq;
    slot.ready.store(false, std::memory_order_relaxed);
    char* item = batch.bytes.get() + batch.used;
    for (int i = 0; i < 4; ++i) item[i] = static_cast<char>(content_bytes >> (24 - 8 * i));
    batch.used += item_bytes;
    ++queued_messages_;
    queued_bytes_ += item_bytes;
    ++claimed_;
    claim.slot = &slot;
    claim.content = item + 4;
    claim.wake_sender = std::exchange(sender_sleeps_, false);
}

tl::expected<OutgoingQueue::Claim, OutgoingError> OutgoingQueue::claim(std::string_view topic,
                                                                       signing::Kind kind,
                                                                       std::size_t content_bytes,
                                                                       Instant deadline,
                                                                       Keep keep) {
    std::unique_lock lock(mutex_);
    auto found = find_topic(topic, kind);
    if (!found) return tl::make_unexpected(found.error());
    OutgoingTopic& known = **found;
    while (!stopped_ && !has_room(content_bytes + 4)) {
        const Instant left = deadline - clock_.steady();
        if (left <= Instant::zero()) return full();
        space_.wait_for(lock, left);
    }
    if (stopped_) {
        return failed(OutgoingError::Reason::stopped, "the publisher has been closed");
    }
    Claim claim;
    claim.topic = known.text;
    claim.seq = ++known.seq;
    if (keep == Keep::if_wanted && link_up_ && !look_up(known)) {
        ++unwanted_;
        return claim;
    }
    take_slot(known, kind, content_bytes, claim);
    return claim;
}

tl::expected<OutgoingQueue::Claim, OutgoingError> OutgoingQueue::claim_again(
    std::string_view topic, std::size_t content_bytes) {
    const std::scoped_lock lock(mutex_);
    auto found = find_topic(topic, signing::Kind::message);
    if (!found) return tl::make_unexpected(found.error());
    if (stopped_) {
        return failed(OutgoingError::Reason::stopped, "the publisher has been closed");
    }
    if (!has_room(content_bytes + 4)) return full();
    Claim claim;
    claim.topic = (*found)->text;
    take_slot(**found, signing::Kind::message, content_bytes, claim);
    return claim;
}

std::unique_ptr<OutgoingBatch> OutgoingQueue::take() {
    const std::scoped_lock lock(mutex_);
    if (!full_.empty()) {
        auto batch = std::move(full_.front());
        full_.pop_front();
        return batch;
    }
    if (open_ && open_->count > 0) return std::move(open_);
    return nullptr;
}

void OutgoingQueue::await(const OutgoingSlot& slot) noexcept {
    // Between claim and commit lies only one encoding and one hash, and nothing that can fail.
    while (!slot.ready.load(std::memory_order_acquire)) std::this_thread::yield();
}

void OutgoingQueue::recycle(std::unique_ptr<OutgoingBatch> batch) {
    const std::scoped_lock lock(mutex_);
    queued_messages_ -= batch->count;
    queued_bytes_ -= batch->used;
    if (batch->capacity == OutgoingBatch::bytes_max && spare_.size() < spare_batches_max) {
        batch->count = 0;
        batch->used = 0;
        spare_.push_back(std::move(batch));
    }
    space_.notify_all();
}

bool OutgoingQueue::about_to_sleep() {
    const std::scoped_lock lock(mutex_);
    if (!full_.empty() || (open_ && open_->count > 0)) return false;
    sender_sleeps_ = true;
    return true;
}

void OutgoingQueue::on_subscription(std::string_view prefix, bool subscribed) {
    const std::scoped_lock lock(mutex_);
    subscribed ? table_.add(prefix) : table_.remove(prefix);
}

void OutgoingQueue::on_all_gone() {
    const std::scoped_lock lock(mutex_);
    table_.clear();
}

bool OutgoingQueue::wanted(OutgoingTopic& topic) {
    const std::scoped_lock lock(mutex_);
    return look_up(topic);
}

void OutgoingQueue::set_link_up(bool up) {
    const std::scoped_lock lock(mutex_);
    link_up_ = up;
}

std::size_t OutgoingQueue::peers() const {
    const std::scoped_lock lock(mutex_);
    return table_.peers();
}

bool OutgoingQueue::is_wanted(std::string_view topic) const {
    const std::scoped_lock lock(mutex_);
    return link_up_ && table_.matches(topic);
}

void OutgoingQueue::judge_again() {
    const std::scoped_lock lock(mutex_);
    ++judge_generation_;
}

void OutgoingQueue::stop() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    space_.notify_all();
}

std::uint64_t OutgoingQueue::claimed() const {
    const std::scoped_lock lock(mutex_);
    return claimed_;
}

std::uint64_t OutgoingQueue::unwanted() const {
    const std::scoped_lock lock(mutex_);
    return unwanted_;
}

std::uint64_t OutgoingQueue::refused_full() const {
    const std::scoped_lock lock(mutex_);
    return refused_full_;
}

}  // namespace weft::fabric
