#include "tests/fault/journal_storm/ledger.hpp"

#include "tests/fault/random.hpp"

namespace weft::fault {
namespace {

constexpr std::size_t wrong_max = 10;

std::string key_of(const fabric::MessageId& id) {
    return {reinterpret_cast<const char*>(id.bytes().data()), id.bytes().size()};
}

std::string text_of(const Made& made) {
    return "publisher " + std::to_string(made.publisher) + " number " + std::to_string(made.number);
}

}  // namespace

std::string body_of(std::uint64_t seed, const Made& made) {
    Random random(seed ^ (made.publisher << 48) ^ made.number);
    std::string body(random.between(std::uint64_t{16}, std::uint64_t{400}), '\0');
    for (char& byte : body) byte = static_cast<char>(random.next());
    return body;
}

void Ledger::acknowledged(const Made& made, const fabric::MessageId& id) {
    const std::scoped_lock lock(mutex_);
    ++figures_.acknowledged;
    open_[key_of(id)] = {made};
    more_.notify_all();
}

std::uint64_t Ledger::count() const {
    const std::scoped_lock lock(mutex_);
    return figures_.acknowledged;
}

bool Ledger::wait_for(std::uint64_t count, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return more_.wait_for(lock, timeout, [&] { return figures_.acknowledged >= count; });
}

void Ledger::wrong(std::uint64_t& count, const std::string& what) {
    ++count;
    if (figures_.wrong.size() < wrong_max) figures_.wrong.push_back(what);
}

void Ledger::read(const reliability::VerifiedMessage& stored) {
    const std::scoped_lock lock(mutex_);
    const std::string at = "id " + std::to_string(stored.id);
    if (stored.id <= last_id_) wrong(figures_.out_of_order, at + " is not behind the one before");
    last_id_ = stored.id;
    const std::string key = key_of(stored.message.id());
    if (!read_.insert(key).second) wrong(figures_.duplicates, at + " was there already");
    const auto found = open_.find(key);
    if (found == open_.end()) {
        ++figures_.beside;
        return;
    }
    const Made& made = found->second.made;
    found->second.seen = true;
    if (stored.message.body() != body_of(seed_, made)) {
        wrong(figures_.altered, at + ": another body than that of " + text_of(made));
    }
    std::uint64_t& batch = batch_of_publisher_[made.publisher];
    if (made.batch < batch) {
        wrong(figures_.out_of_order,
              at + ": " + text_of(made) + " was acknowledged before its predecessor was sent");
    }
    batch = std::max(batch, made.batch);
}

void Ledger::refused(const reliability::StoredRefusal& refused) {
    const std::scoped_lock lock(mutex_);
    wrong(figures_.not_believed,
          "id " + std::to_string(refused.first) + " is not believed: " + refused.why.detail);
}

void Ledger::gap(const reliability::JournalGap& gap) {
    const std::scoped_lock lock(mutex_);
    wrong(figures_.gaps,
          "a gap from " + std::to_string(gap.from) + " to " + std::to_string(gap.to));
}

void Ledger::end_of_reading() {
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, entry] : open_) {
        if (!entry.seen) wrong(figures_.lost, text_of(entry.made) + " is not there");
    }
    open_.clear();
    read_.clear();
}

LedgerFigures Ledger::figures() const {
    const std::scoped_lock lock(mutex_);
    return figures_;
}

}  // namespace weft::fault
