#include "tools/key_report.hpp"

#include <array>
#include <utility>

#include "signing/digest.hpp"

namespace weft::tools {

using fabric::Value;

template <class Bytes>
std::string hex_of(const Bytes& bytes) {
    return signing::hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
template std::string hex_of(const std::array<std::uint8_t, 16>&);
template std::string hex_of(const std::array<std::uint8_t, 32>&);

Value certificate_value(const KeyDirectory& directory, const FoundCertificate& found,
                        signing::UtcSeconds now) {
    const signing::Certificate& certificate = *found.certificate;
    Value::List roles, globs;
    for (unsigned bit = 1; bit <= signing::all_roles; bit <<= 1) {
        if ((certificate.roles() & bit) == 0) continue;
        roles.emplace_back(signing::name_of(static_cast<signing::Role>(bit)));
    }
    for (const signing::TopicGlob& glob : certificate.globs()) globs.emplace_back(glob.text());
    const KnownAuthority* issuer = directory.issuer_of(certificate);
    const Verdict verdict = directory.judge(certificate, now);
    const bool has_curve_key = certificate.curve_key() != signing::PublicKey{};
    return Value::Map{
        {"name", certificate.name()},
        {"serial", serial_text(certificate.serial())},
        {"roles", std::move(roles)},
        {"publish", std::move(globs)},
        {"not_before", time_text(certificate.not_before())},
        {"not_after", time_text(certificate.not_after())},
        {"issuer", issuer == nullptr ? Value() : Value(issuer->key.name)},
        {"issuer_id", hex_of(certificate.issuer())},
        {"key", hex_of(certificate.key())},
        {"curve_key", has_curve_key ? Value(hex_of(certificate.curve_key())) : Value()},
        {"fingerprint", hex_of(certificate.fingerprint())},
        {"file", found.file.string()},
        {"state", name_of(verdict.state)},
        {"verdict", verdict.sentence},
    };
}

Value authority_value(const KnownAuthority& authority, signing::UtcSeconds now) {
    Value list;
    if (authority.list) {
        Value::List revocations;
        for (const signing::Revocation& revocation : authority.list->revocations()) {
            revocations.emplace_back(Value::Map{{"serial", serial_text(revocation.serial)},
                                                {"revoked_at", time_text(revocation.revoked_at)},
                                                {"reason", signing::name_of(revocation.reason)}});
        }
        list = Value::Map{{"number", authority.list->number()},
                          {"this_update", time_text(authority.list->this_update())},
                          {"next_update", time_text(authority.list->next_update())},
                          {"overdue", authority.list->next_update() < now},
                          {"revocations", std::move(revocations)}};
    }
    return Value::Map{{"name", authority.key.name},
                      {"id", hex_of(authority.key.id())},
                      {"key", hex_of(authority.key.key)},
                      {"private_key_here", authority.has_key_here},
                      {"list", std::move(list)}};
}

}  // namespace weft::tools
