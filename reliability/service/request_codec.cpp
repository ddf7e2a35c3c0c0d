#include "reliability/service/request_codec.hpp"

#include <cassert>

#include "fabric/message/codec.hpp"
#include "fabric/message/msgpack_read.hpp"
#include "reliability/ack/fields.hpp"

namespace weft::reliability {
namespace {

constexpr std::uint64_t positions = 5;

std::string wrong_position(int position, std::string_view name, std::string_view demand) {
    return "Position " + std::to_string(position) + " of the request to a journal (" +
           std::string{name} + ") must be " + std::string{demand} + ".";
}

std::string read_positions(fabric::MsgpackReader& reader, JournalRequest& request) {
    std::uint64_t version = 0;
    if (!reader.uint(version) || version != asking_version)
        return wrong_position(0, "version", "1");
    if (!reader.uint(request.operation)) return wrong_position(1, "operation", "an integer");
    if (!read_bytes(reader, request.nonce)) return wrong_position(2, "nonce", "16 bytes (bin)");
    if (!reader.uint(request.time_us)) return wrong_position(3, "time", "an integer");
    if (!reader.uint(request.life)) return wrong_position(4, "life", "an integer");
    return "";
}

}  // namespace

std::string encode_journal_request(const JournalRequest& request) {
    assert(request.count < 1000);
    Packer out;
    out.array(positions + request.count).uint(asking_version).uint(request.operation);
    out.bin({request.nonce.data(), request.nonce.size()}).uint(request.time_us).uint(request.life);
    return out.raw(request.fields).take();
}

tl::expected<void, std::string> decode_journal_request(std::string_view content,
                                                       JournalRequest& request) {
    // Once and for all: what follows never meets a length or depth that is a lie.
    if (std::string wrong = fabric::check_msgpack(content); !wrong.empty()) {
        return tl::make_unexpected("The request to a journal is not one msgpack object. " + wrong);
    }
    fabric::MsgpackReader reader{content};
    std::uint64_t count = 0;
    if (!reader.array_head(count) || count < positions) {
        return tl::make_unexpected(
            std::string{"The request to a journal must be a msgpack array of at least 5."});
    }
    if (std::string wrong = read_positions(reader, request); !wrong.empty()) {
        return tl::make_unexpected(std::move(wrong));
    }
    request.count = count - positions;
    request.fields = reader.rest();
    return {};
}

}  // namespace weft::reliability
