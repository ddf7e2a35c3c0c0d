#pragma once
// Gathers the answers of a service and signs all that are ready at once: one tree, one signature.
// Threads: that of the service.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/transport/transport.hpp"
#include "reliability/service/answer_codec.hpp"
#include "signing/batch_signer.hpp"
#include "signing/identity.hpp"

namespace weft::reliability {

class AnswerSender {
public:
    AnswerSender(std::string topic, std::uint64_t life, const signing::Identity& identity);

    /// What does not fit into a frame becomes an error.
    void succeed(std::string_view who, const Nonce& nonce, const Fields& fields);
    void fail(std::string_view who, const Nonce& nonce, AnswerStatus status,
              std::string_view sentence);
    /// From the next send() on.
    void use(const signing::Identity& identity);

    struct Sent {
        std::uint64_t answers = 0, undeliverable = 0;
        std::uint64_t failed = 0;  ///< Answers with an error, among both.
    };
    Sent send(fabric::AnswerPort& port);
    /// That wait for send().
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    struct Outgoing {
        std::string who, contents;
    };
    void add(std::string_view who, const JournalAnswer& answer);
    void send_batch(std::size_t begin, std::size_t end, fabric::AnswerPort& port, Sent& sent);

    const std::string topic_;
    const std::uint64_t life_;
    signing::BatchSigner signer_;
    std::vector<Outgoing> outgoing_;
    std::size_t bytes_ = 0;
    std::uint64_t failed_ = 0;
    std::vector<signing::Digest> digests_;
    std::vector<signing::RunToSign> to_sign_;
    std::vector<std::string> proofs_;
};

}  // namespace weft::reliability
