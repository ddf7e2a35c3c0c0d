#include "reliability/ack/request.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "fabric/message/msgpack_write.hpp"
#include "reliability/ack/fields.hpp"
#include "reliability/ack/recipients.hpp"

namespace weft::reliability {
namespace {

constexpr std::uint64_t positions = 4;
constexpr std::size_t names_max = Recipients::names_max;

std::string_view view(const Nonce& nonce) {
    return {nonce.data(), nonce.size()};
}

std::string wrong_position(int position, std::string_view name, std::string_view demand) {
    return "Position " + std::to_string(position) + " of the request for acknowledgements (" +
           std::string{name} + ") must be " + std::string{demand} + ".";
}

bool read_level(fabric::MsgpackReader& reader, AckLevel& level) {
    std::uint64_t number = 0;
    if (!reader.uint(number) || number < 1 || number > 3) return false;
    level = static_cast<AckLevel>(number);
    return true;
}

bool read_timeout(fabric::MsgpackReader& reader, std::chrono::microseconds& timeout) {
    std::uint64_t number = 0;
    if (!reader.uint(number) || number == 0 ||
        number > static_cast<std::uint64_t>(ack_timeout_max.count())) {
        return false;
    }
    timeout = std::chrono::microseconds{number};
    return true;
}

bool read_recipients(fabric::MsgpackReader& reader, std::vector<std::string_view>& recipients) {
    std::uint64_t count = 0;
    if (!reader.array_head(count) || count < 1 || count > names_max) return false;
    recipients.clear();
    // The count is at most 64 here, so this is no allocation by a declared number.
    recipients.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!read_name(reader, recipients.emplace_back())) return false;
    }
    return true;
}

/// "" or the first position that is wrong.
std::string read_positions(fabric::MsgpackReader& reader, AckRequest& request) {
    if (!read_bytes(reader, request.nonce)) return wrong_position(0, "nonce", "16 bytes (bin)");
    if (!read_level(reader, request.level)) {
        return wrong_position(1, "level", "1 received, 2 stored or 3 processed");
    }
    if (!read_timeout(reader, request.timeout)) {
        return wrong_position(2, "timeout", "an integer of 1 to 86400000000 microseconds");
    }
    if (!read_recipients(reader, request.recipients)) {
        return wrong_position(3, "recipients", "an array of 1 to 64 names of certificates (str)");
    }
    return "";
}

}  // namespace

bool AckRequest::names(std::string_view recipient) const noexcept {
    return std::find(recipients.begin(), recipients.end(), recipient) != recipients.end();
}

std::string encode_request(const AckRequest& request) {
    assert(request.level != AckLevel::rejected);
    assert(request.timeout.count() > 0 && request.timeout <= ack_timeout_max);
    assert(!request.recipients.empty() && request.recipients.size() <= names_max);
    const auto timeout = static_cast<std::uint64_t>(request.timeout.count());
    std::size_t size =
        fabric::msgpack_head_size(positions) + fabric::msgpack_bin_size(request.nonce.size()) + 1 +
        fabric::msgpack_uint_size(timeout) + fabric::msgpack_head_size(request.recipients.size());
    for (const auto name : request.recipients) size += fabric::msgpack_str_size(name.size());

    std::string bytes(size, '\0');
    fabric::MsgpackWriter writer{bytes.data()};
    writer.array_head(positions);
    writer.bin(view(request.nonce));
    writer.uint(static_cast<std::uint64_t>(request.level));
    writer.uint(timeout);
    writer.array_head(request.recipients.size());
    for (const auto name : request.recipients) writer.str(name);
    assert(writer.at() == bytes.data() + size);
    return bytes;
}

tl::expected<void, std::string> decode_request(std::string_view bytes, AckRequest& request) {
    fabric::MsgpackReader reader{bytes};
    std::uint64_t count = 0;
    std::string wrong;
    if (!reader.array_head(count) || count < positions) {
        wrong = "The request for acknowledgements must be a msgpack array of at least 4.";
    }
    if (wrong.empty()) wrong = read_positions(reader, request);
    if (wrong.empty()) {
        wrong =
            end_error("The request for acknowledgements", bytes, reader.rest(), count, positions);
    }
    if (!wrong.empty()) return tl::make_unexpected(std::move(wrong));
    return {};
}

}  // namespace weft::reliability
