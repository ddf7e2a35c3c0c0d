#pragma once
// Knows what each recipient truly did with each publish, and so what it may say of it (A6).

#include <map>
#include <string>
#include <utility>

#include "reliability/ack/responder.hpp"
#include "tests/fault/run_log.hpp"

namespace weft::fault {

class RecipientOracle {
public:
    explicit RecipientOracle(RunLog& log) : log_(log) {}

    /// The responder says that it is to be delivered.
    void delivered(const std::string& recipient, const reliability::AckCall& call);
    void queued(const std::string& recipient, const reliability::Nonce& nonce);
    void not_queued(const std::string& recipient, const reliability::Nonce& nonce);
    void started(const std::string& recipient, const reliability::Nonce& nonce);
    void returned(const std::string& recipient, const reliability::Nonce& nonce);
    /// A journal's fsync returned.
    void stored(const std::string& recipient, const reliability::Nonce& nonce);
    void says(const std::string& recipient, const reliability::Ack& ack);
    /// What the responder was asked, for the ACKs that it gives without delivering.
    void asked(const std::string& recipient, const reliability::AckCall& call);

private:
    struct Truth {
        reliability::AckSubject subject;
        std::string publisher;
        reliability::AckLevel level = reliability::AckLevel::received;
        bool in_hand = false, queued = false, started = false, returned = false, stored = false;
        bool acknowledged = false, rejected = false;  // said so, at the level that was asked
    };
    Truth& truth(const std::string& recipient, const reliability::Nonce& nonce) {
        return truths_[{recipient, nonce}];
    }

    RunLog& log_;
    std::map<std::pair<std::string, reliability::Nonce>, Truth> truths_;
};

}  // namespace weft::fault
