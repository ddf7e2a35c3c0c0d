#pragma once
// What travels: messages with their request, and ACKs. The proof is assumed: a receiver is told
// truly whose key signed, since that is what the verifier of signing/ promises.

#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "reliability/ack/request.hpp"
#include "reliability/ack/statement.hpp"
#include "reliability/ack/tracker.hpp"

namespace weft::fault {

/// A message on its way; its content is the header's time and the request, as bytes.
struct Sent {
    std::shared_ptr<const reliability::SentMessage> message;
    std::string publisher;        // name on the certificate
    signing::Digest fingerprint;  // of the certificate that signs it this time
};

inline std::string content_of(std::uint64_t time_us, const reliability::AckRequest& request) {
    std::string content(sizeof time_us, '\0');
    std::memcpy(content.data(), &time_us, sizeof time_us);
    return content + reliability::encode_request(request);
}

/// An ACK on its way: a body, and who signed it.
struct SignedAck {
    std::string to;  // the publisher whose topic it is sent on
    std::string body;
    std::string signer;
    bool may_acknowledge = false, may_store = false;
};

/// The bus: everybody hears everything.
class Bus {
public:
    virtual ~Bus() = default;
    virtual void publish(std::size_t from, const Sent& sent) = 0;
    virtual void acknowledge(std::size_t from, const SignedAck& ack) = 0;
};

}  // namespace weft::fault
