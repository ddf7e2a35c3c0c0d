#include "signing/proof.hpp"

#include <cassert>

#include "signing/certificate.hpp"

namespace weft::signing {

namespace {

constexpr std::size_t signature_bytes = 64;
constexpr std::size_t signature_offset = 12;
static_assert(signature_offset + signature_bytes == proof_fixed_bytes);

std::uint8_t u8_at(std::string_view bytes, std::size_t offset) noexcept {
    return static_cast<std::uint8_t>(bytes[offset]);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t offset) noexcept {
    return static_cast<std::uint16_t>((u8_at(bytes, offset) << 8U) | u8_at(bytes, offset + 1));
}

void append_u8(std::uint8_t number, std::string& bytes) {
    bytes.push_back(static_cast<char>(number));
}

void append_u16(std::uint16_t number, std::string& bytes) {
    append_u8(static_cast<std::uint8_t>(number >> 8U), bytes);
    append_u8(static_cast<std::uint8_t>(number & 0xFFU), bytes);
}

void append_u32(std::uint32_t number, std::string& bytes) {
    append_u16(static_cast<std::uint16_t>(number >> 16U), bytes);
    append_u16(static_cast<std::uint16_t>(number & 0xFFFFU), bytes);
}

tl::unexpected<Refused> refused(Refusal reason, std::string detail) {
    return tl::make_unexpected(Refused{reason, std::move(detail)});
}

/// The numbers at fixed offsets, before anything is said of what follows them.
std::optional<Refused> numbers_error(const ProofFields& fields, std::size_t path_hashes,
                                     std::uint16_t reserved) {
    if (fields.k < 1 || fields.k > run_messages_max) {
        return Refused{Refusal::run_length_invalid, "k is " + std::to_string(fields.k)};
    }
    if (fields.n > batch_runs_max || fields.i >= fields.n) {
        return Refused{Refusal::position_invalid,
                       "i is " + std::to_string(fields.i) + ", n is " + std::to_string(fields.n)};
    }
    const std::size_t demanded = path_length(fields.i, fields.n);
    if (path_hashes != demanded) {
        return Refused{Refusal::path_length_wrong,
                       std::to_string(path_hashes) + " hashes where leaf " +
                           std::to_string(fields.i) + " of " + std::to_string(fields.n) +
                           " needs " + std::to_string(demanded)};
    }
    if (reserved != 0) {
        return Refused{Refusal::reserved_not_zero, "it is " + std::to_string(reserved)};
    }
    return std::nullopt;
}

}  // namespace

tl::expected<ProofFields, Refused> read_proof(std::string_view frame) {
    // Version and suite first: they say whether the rest of the frame means anything (S7).
    if (!frame.empty() && u8_at(frame, 0) != proof_version) {
        return refused(Refusal::proof_version_unknown,
                       "version " + std::to_string(u8_at(frame, 0)));
    }
    if (frame.size() >= 2 && u8_at(frame, 1) != suite_1) {
        return refused(Refusal::suite_not_allowed, "suite " + std::to_string(u8_at(frame, 1)));
    }
    if (frame.size() < proof_fixed_bytes) {
        return refused(Refusal::proof_truncated,
                       std::to_string(frame.size()) + " bytes, at least " +
                           std::to_string(proof_fixed_bytes) + " are needed");
    }
    const std::uint8_t kind = u8_at(frame, 2);
    if (kind >= kind_count) {
        return refused(Refusal::kind_unknown, "kind " + std::to_string(kind));
    }
    const std::size_t path_hashes = u8_at(frame, 3);
    ProofFields fields{};
    fields.kind = static_cast<Kind>(kind);
    fields.i = u16_at(frame, 4);
    fields.n = u16_at(frame, 6);
    fields.k = u16_at(frame, 8);
    if (auto error = numbers_error(fields, path_hashes, u16_at(frame, 10))) {
        return tl::make_unexpected(std::move(*error));
    }
    const std::size_t path_bytes = path_hashes * sizeof(Digest);
    if (frame.size() - proof_fixed_bytes < path_bytes) {
        return refused(Refusal::proof_truncated,
                       "the frame ends within its path of " + std::to_string(path_hashes));
    }
    fields.signature = frame.substr(signature_offset, signature_bytes);
    fields.path = frame.substr(proof_fixed_bytes, path_bytes);
    fields.certificate = frame.substr(proof_fixed_bytes + path_bytes);
    if (fields.certificate.size() > Certificate::bytes_max) {
        return refused(Refusal::certificate_too_large,
                       std::to_string(fields.certificate.size()) + " bytes, at most " +
                           std::to_string(Certificate::bytes_max) + " are allowed");
    }
    return fields;
}

void write_proof(const ProofFields& fields, std::string& frame) {
    const std::size_t path_hashes = fields.path.size() / sizeof(Digest);
    assert(!numbers_error(fields, path_hashes, 0) && fields.path.size() % sizeof(Digest) == 0);
    assert(fields.signature.size() == signature_bytes);
    assert(fields.certificate.size() <= Certificate::bytes_max);
    frame.clear();
    frame.reserve(proof_fixed_bytes + fields.path.size() + fields.certificate.size());
    append_u8(proof_version, frame);
    append_u8(suite_1, frame);
    append_u8(static_cast<std::uint8_t>(fields.kind), frame);
    append_u8(static_cast<std::uint8_t>(path_hashes), frame);
    append_u16(fields.i, frame);
    append_u16(fields.n, frame);
    append_u16(fields.k, frame);
    append_u16(0, frame);
    frame += fields.signature;
    frame += fields.path;
    frame += fields.certificate;
}

std::size_t path_length(std::uint16_t i, std::uint16_t n) noexcept {
    std::size_t length = 0;
    std::size_t position = i;
    for (std::size_t count = n; count > 1; count = (count + 1) / 2, position /= 2) {
        if ((position ^ 1U) < count) ++length;
    }
    return length;
}

void append_item(std::string_view content, std::string& contents) {
    assert(content.size() < item_left_out);
    append_u32(static_cast<std::uint32_t>(content.size()), contents);
    contents += content;
}

void append_left_out(const Digest& digest, std::string& contents) {
    append_u32(item_left_out, contents);
    contents += bytes_of(digest);
}

std::optional<ItemReader::Item> ItemReader::next() noexcept {
    constexpr std::size_t length_bytes = 4;
    if (rest_.size() < length_bytes) return std::nullopt;
    const std::uint32_t length =
        (static_cast<std::uint32_t>(u16_at(rest_, 0)) << 16U) | u16_at(rest_, 2);
    const bool present = length != item_left_out;
    const std::size_t bytes = present ? length : sizeof(Digest);
    if (rest_.size() - length_bytes < bytes) return std::nullopt;
    const Item item{rest_.substr(length_bytes, bytes), present};
    rest_.remove_prefix(length_bytes + bytes);
    return item;
}

}  // namespace weft::signing
