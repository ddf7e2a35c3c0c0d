// A request for acknowledgements: whatever decodes is what a publisher may encode, and means the
// same after that.

#include <cassert>
#include <string>

#include "fabric/message/codec.hpp"
#include "fabric/message/utf8_text.hpp"
#include "reliability/ack/recipients.hpp"
#include "reliability/ack/request.hpp"
#include "signing/certificate.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using reliability::AckRequest;

bool same(const AckRequest& a, const AckRequest& b) {
    return a.nonce == b.nonce && a.level == b.level && a.timeout == b.timeout &&
           a.recipients == b.recipients;
}

void check_limits(const AckRequest& request) {
    assert(request.level != reliability::AckLevel::rejected);
    assert(request.timeout.count() > 0 && request.timeout <= reliability::ack_timeout_max);
    assert(!request.recipients.empty());
    assert(request.recipients.size() <= reliability::Recipients::names_max);
    for (const std::string_view name : request.recipients) {
        assert(signing::name_error(name).empty() && request.names(name));
    }
}

}  // namespace

void ack_request(std::string_view input) {
    AckRequest first;
    // Left over from another request: nothing of it may shine through.
    AckRequest second{{'x'}, reliability::AckLevel::stored, std::chrono::hours{1}, {"a", "b"}};
    const auto decoded = reliability::decode_request(input, first);
    const auto decoded_again = reliability::decode_request(input, second);
    assert(decoded.has_value() == decoded_again.has_value());
    if (!decoded) {
        assert(decoded.error() == decoded_again.error() && decoded.error().ends_with('.') &&
               fabric::is_utf8(decoded.error()));
        return;
    }
    assert(same(first, second) && fabric::check_msgpack(input).empty());
    check_limits(first);

    const std::string bytes = reliability::encode_request(first);
    assert(fabric::check_msgpack(bytes).empty());
    AckRequest after;
    assert(reliability::decode_request(bytes, after) && same(first, after));
    assert(reliability::encode_request(after) == bytes);
}

}  // namespace weft::fuzz
