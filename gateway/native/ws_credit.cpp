#include "gateway/native/ws_credit.hpp"

#include <algorithm>
#include <cassert>

namespace weft::gateway::native {

using reliability::JournalId;

WsCredit::WsCredit(std::uint64_t credit) : left_(credit) {
    assert(credit <= credit_max);
}

void WsCredit::take(JournalId id) {
    assert(left_ > 0);
    --left_;
    sent_.push_back(id);
    if (sent_.size() > credit_max) sent_.pop_front();
}

std::vector<JournalId> WsCredit::ack(JournalId through) {
    std::vector<JournalId> done;
    // Those of a group do not rise: what comes again has a smaller id than what went before.
    std::erase_if(sent_, [&](JournalId id) {
        if (id <= through) done.push_back(id);
        return id <= through;
    });
    left_ = std::min<std::uint64_t>(left_ + done.size(), credit_max);
    return done;
}

bool WsCredit::add(std::uint64_t messages) noexcept {
    if (messages > credit_max - left_) return false;
    left_ += messages;
    return true;
}

}  // namespace weft::gateway::native
