#include "signing/revocation_list.hpp"

#include <algorithm>

#include "signing/wire.hpp"

namespace weft::signing {
namespace {

constexpr std::string_view magic = "WRL1";
constexpr std::uint8_t suite = 1;
constexpr std::size_t entry_bytes = 8 + 8 + 1;
constexpr std::size_t signature_bytes = std::tuple_size_v<Signature>;
constexpr std::array<std::string_view, 4> reason_names{"unspecified", "key_compromised",
                                                       "superseded", "retired"};

auto wrong(std::string sentence) {
    return tl::make_unexpected(std::move(sentence));
}

}  // namespace

std::string_view name_of(RevocationReason reason) noexcept {
    const auto index = static_cast<std::size_t>(reason);
    return index < reason_names.size() ? reason_names[index] : "other";
}

std::optional<RevocationReason> reason_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < reason_names.size(); ++i) {
        if (reason_names[i] == name) return static_cast<RevocationReason>(i);
    }
    return std::nullopt;
}

tl::expected<RevocationList, std::string> RevocationList::verify(
    std::string_view bytes, const CertificateAuthorityKey& authority) {
    if (bytes.size() > bytes_max) return wrong("it is larger than 32 MiB");
    if (bytes.size() < signature_bytes) return wrong("it ends before its signature");
    const std::string_view body = bytes.substr(0, bytes.size() - signature_bytes);
    if (!verify_signature(bytes.substr(body.size()), signed_bytes("weft1.list", body),
                          authority.key)) {
        return wrong("it does not bear a genuine signature of CA '" + authority.name + "'");
    }

    WireReader reader(body);
    if (reader.bytes(magic.size()) != magic) return wrong("it does not start with WRL1");
    if (reader.u8() != suite) return wrong("its signature suite is not known; only suite 1 is");
    RevocationList list;
    reader.array(list.issuer_);
    list.number_ = reader.u64();
    list.this_update_ = reader.i64();
    list.next_update_ = reader.i64();
    const std::size_t count = reader.u32();
    if (reader.failed()) return wrong("it ends too early");
    if (list.issuer_ != authority.id()) return wrong("it names another CA as its issuer");
    // Before anything is allocated by it (D1).
    if (count * entry_bytes != reader.remaining()) {
        return wrong("its entries do not fill it exactly");
    }
    list.revocations_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        Revocation entry;
        entry.serial = reader.u64();
        entry.revoked_at = reader.i64();
        entry.reason = static_cast<RevocationReason>(reader.u8());
        if (i > 0 && entry.serial <= list.revocations_.back().serial) {
            return wrong("its serials do not rise strictly");
        }
        list.revocations_.push_back(entry);
    }
    return list;
}

std::string RevocationList::unsigned_bytes(const IssuerId& issuer, std::uint64_t number,
                                           UtcSeconds this_update, UtcSeconds next_update,
                                           std::vector<Revocation> revocations) {
    std::sort(revocations.begin(), revocations.end(), [](const auto& a, const auto& b) {
        return std::tie(a.serial, a.revoked_at) < std::tie(b.serial, b.revoked_at);
    });
    const auto end = std::unique(revocations.begin(), revocations.end(),
                                 [](const auto& a, const auto& b) { return a.serial == b.serial; });
    revocations.erase(end, revocations.end());

    WireWriter writer;
    writer.bytes(magic).u8(suite).array(issuer).u64(number).i64(this_update).i64(next_update);
    writer.u32(static_cast<std::uint32_t>(revocations.size()));
    for (const Revocation& entry : revocations) {
        writer.u64(entry.serial).i64(entry.revoked_at).u8(static_cast<std::uint8_t>(entry.reason));
    }
    return writer.take();
}

const Revocation* RevocationList::find(std::uint64_t serial) const noexcept {
    const auto found = std::lower_bound(
        revocations_.begin(), revocations_.end(), serial,
        [](const Revocation& entry, std::uint64_t wanted) { return entry.serial < wanted; });
    return found != revocations_.end() && found->serial == serial ? &*found : nullptr;
}

}  // namespace weft::signing
