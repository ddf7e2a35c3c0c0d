// A request to a journal and the fields of its operations: whatever decodes is what a program may
// encode, and means the same after that.

#include "reliability/service/request_codec.hpp"

#include <cassert>
#include <string>

#include "fabric/message/codec.hpp"
#include "fabric/message/utf8_text.hpp"
#include "reliability/service/field_codec.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using namespace reliability;

void check_filter(std::string_view fields) {
    fabric::MsgpackReader in{fields};
    TopicFilter filter;
    if (!read_filter(in, filter)) return;
    assert(filter.globs().size() <= filter_globs_max);
    Packer out;
    write_filter(out, filter);
    fabric::MsgpackReader again{out.bytes()};
    TopicFilter same;
    const bool read = read_filter(again, same);
    assert(read && again.rest().empty());
    assert(same.everything() == filter.everything() && same.globs() == filter.globs());
}

void check_limits(std::string_view fields) {
    fabric::MsgpackReader in{fields};
    ReadLimits limits;
    if (!read_limits(in, limits)) return;
    assert(limits.messages <= page_messages_max && limits.bytes <= page_bytes_max);
    assert(limits.runs_scanned <= page_runs_scanned_max);
}

}  // namespace

void journal_request(std::string_view input) {
    check_filter(input);
    check_limits(input);
    JournalRequest request;
    if (const auto decoded = decode_journal_request(input, request); !decoded) {
        assert(decoded.error().ends_with('.') && fabric::is_utf8(decoded.error()));
        return;
    }
    check_filter(request.fields);
    check_limits(request.fields);
    if (request.count >= 1000) return;
    const std::string bytes = encode_journal_request(request);
    assert(fabric::check_msgpack(bytes).empty());
    JournalRequest after;
    const auto again = decode_journal_request(bytes, after);
    assert(again && after.operation == request.operation && after.nonce == request.nonce);
    assert(after.time_us == request.time_us && after.life == request.life);
    assert(after.count == request.count && after.fields == request.fields);
}

}  // namespace weft::fuzz
