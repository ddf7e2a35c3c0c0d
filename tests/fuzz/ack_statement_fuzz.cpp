// What an acknowledgement states: whatever decodes is what a recipient may encode, and means the
// same after that. Any bytes may be a handler's reason.

#include <cassert>
#include <string>

#include "fabric/message/codec.hpp"
#include "fabric/message/utf8_text.hpp"
#include "reliability/ack/statement.hpp"
#include "signing/certificate.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using reliability::AckStatement;

bool same(const AckStatement& a, const AckStatement& b) {
    return a.recipient == b.recipient && a.level == b.level && a.reason == b.reason &&
           a.subject == b.subject && a.also == b.also;
}

void check_reason(std::string_view reason) {
    const std::string fitting = reliability::fitting_reason(reason);
    assert(fabric::is_utf8(fitting) && fitting.size() <= reliability::reason_bytes_max);
    assert(reliability::fitting_reason(fitting) == fitting);
    const bool fits = fabric::is_utf8(reason) && reason.size() <= reliability::reason_bytes_max;
    assert((fitting == reason) == fits);
}

}  // namespace

void ack_statement(std::string_view input) {
    check_reason(input);
    AckStatement first;
    // Left over from another statement: nothing of it may shine through.
    AckStatement second{"left.over", reliability::AckLevel::stored, "reason", {}, "left over"};
    const auto decoded = reliability::decode_statement(input, first);
    const auto decoded_again = reliability::decode_statement(input, second);
    assert(decoded.has_value() == decoded_again.has_value());
    if (!decoded) {
        assert(decoded.error() == decoded_again.error() && decoded.error().ends_with('.') &&
               fabric::is_utf8(decoded.error()));
        return;
    }
    assert(same(first, second) && fabric::check_msgpack(input).empty());
    assert(signing::name_error(first.recipient).empty());
    assert(reliability::fitting_reason(first.reason) == first.reason);

    std::string also;
    for (std::size_t i = 0; i < first.also_count(); ++i) {
        const auto subject = reliability::also_subject(first, i);
        assert(subject.publisher == first.subject.publisher);
        reliability::append_also(subject, also);
    }
    assert(also == first.also);

    const std::string bytes = reliability::encode_statement(first);
    assert(fabric::check_msgpack(bytes).empty());
    AckStatement after;
    assert(reliability::decode_statement(bytes, after) && same(first, after));
    assert(reliability::encode_statement(after) == bytes);
}

}  // namespace weft::fuzz
