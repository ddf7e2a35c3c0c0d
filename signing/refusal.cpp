#include "signing/refusal.hpp"

#include <array>
#include <cassert>
#include <cstdint>

#include "signing/utf8.hpp"

namespace weft::signing {
namespace {

struct Words {
    Refusal reason;
    std::string_view name, sentence;
};

constexpr std::array<Words, refusal_count> words{{
    {Refusal::not_three_frames, "not_three_frames",
     "The ZeroMQ message does not have exactly three frames (topic, contents, proof)."},
    {Refusal::topic_invalid, "topic_invalid",
     "The topic is not valid: it must be 1 to 255 bytes of UTF-8 without control characters, with "
     "no empty token between dots."},
    {Refusal::frame_too_large, "frame_too_large",
     "The contents frame is larger than this receiver's limit."},
    {Refusal::proof_truncated, "proof_truncated",
     "The proof frame ends before its fields do; a whole one has 76 bytes, its path and a "
     "certificate."},
    {Refusal::proof_version_unknown, "proof_version_unknown",
     "The proof frame has a version that is not known here; only version 1 is."},
    {Refusal::suite_not_allowed, "suite_not_allowed",
     "The proof uses a signature suite that is not allowed here; only suite 1 is."},
    {Refusal::kind_unknown, "kind_unknown",
     "The proof is for a kind of message that is not known; 0 message, 1 ACK and 2 beacon are."},
    {Refusal::run_length_invalid, "run_length_invalid", "The run does not have 1 to 256 messages."},
    {Refusal::position_invalid, "position_invalid",
     "The run's place in its batch is impossible: it must be below the number of runs, which is at "
     "most 256."},
    {Refusal::path_length_wrong, "path_length_wrong",
     "The proof's path does not have the length that the run's place in its batch demands."},
    {Refusal::reserved_not_zero, "reserved_not_zero",
     "The reserved field of the proof is not zero, as version 1 demands."},
    {Refusal::contents_malformed, "contents_malformed",
     "The items of the contents frame do not fill it exactly."},
    {Refusal::content_too_large, "content_too_large",
     "A content is larger than this receiver's limit."},
    {Refusal::nothing_present, "nothing_present",
     "Every item of the run is left out; at least one content must be present."},
    {Refusal::unsigned_message, "unsigned_message",
     "The message is not signed, and validation is on; its publisher must sign it."},
    {Refusal::certificate_too_large, "certificate_too_large",
     "The certificate is larger than 4096 bytes."},
    {Refusal::certificate_malformed, "certificate_malformed",
     "The certificate's fields do not read as a certificate; it must be issued again."},
    {Refusal::suite_of_certificate_unknown, "suite_of_certificate_unknown",
     "The certificate uses a signature suite that is not known; only suite 1 is."},
    {Refusal::issuer_unknown, "issuer_unknown",
     "The certificate was issued by a CA that is not trusted here; put its .ca file and its "
     ".revoked file into the key directory if it should be."},
    {Refusal::certificate_signature_bad, "certificate_signature_bad",
     "The certificate does not bear a genuine signature of the CA that it names; it was altered or "
     "forged."},
    {Refusal::certificate_not_yet_valid, "certificate_not_yet_valid",
     "The certificate is not valid yet; compare the clocks of both hosts."},
    {Refusal::certificate_expired, "certificate_expired",
     "The certificate has expired; issue a new one, and compare the clocks of both hosts."},
    {Refusal::certificate_revoked, "certificate_revoked",
     "The certificate has been revoked; issue a new one with a new key."},
    {Refusal::revocation_list_missing, "revocation_list_missing",
     "There is no revocation list of the CA that issued the certificate; put its .revoked file "
     "beside its .ca file."},
    {Refusal::revocation_list_expired, "revocation_list_expired",
     "The CA's revocation list is past its next update; fetch the current one."},
    {Refusal::role_missing, "role_missing",
     "The certificate does not carry the role that this kind of message needs."},
    {Refusal::signature_bad, "signature_bad",
     "The proof does not hold: topic, contents or proof were altered, or were never signed by this "
     "certificate's key."},
    {Refusal::peer_over_budget, "peer_over_budget",
     "This connection delivered too many failed proofs lately, so its messages are not looked at "
     "for a while."},
    {Refusal::topic_not_granted, "topic_not_granted",
     "The signer's certificate has no glob that grants this topic; issue one that does."},
    {Refusal::policy_denied, "policy_denied",
     "A rule of signing.policy matches this topic and does not name the signer; name it there if "
     "it may publish this."},
    {Refusal::policy_unlisted, "policy_unlisted",
     "No rule of signing.policy matches this topic, and signing.nitpicky is on; add a rule that "
     "names the signer."},
    {Refusal::ack_topic_reserved, "ack_topic_reserved",
     "Topics under <prefix>.<environment>.ack. carry acknowledgements and nothing else, and "
     "acknowledgements go nowhere else."},
    {Refusal::content_undecodable, "content_undecodable",
     "The content is genuine but does not decode as a message."},
    {Refusal::name_mismatch, "name_mismatch",
     "The message speaks for another name than the one on its signer's certificate."},
    {Refusal::replayed, "replayed",
     "A message with this epoch and number was accepted before, or may have been; if it is new, "
     "its "
     "publisher's .epoch file was lost or is not shared."},
    {Refusal::too_old, "too_old",
     "The message is older than fabric.replay.past allows; compare the clocks of both hosts."},
    {Refusal::too_new, "too_new",
     "The message's time is further ahead than fabric.replay.future allows; compare the clocks of "
     "both hosts."},
    {Refusal::curve_key_unknown, "curve_key_unknown",
     "No certificate in the key directory has the Curve key of this connection; put a copy of the "
     "peer's .cert file there if it should be let in."},
}};

constexpr bool in_order() {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (static_cast<std::size_t>(words[i].reason) != i || words[i].name.empty()) return false;
    }
    return true;
}
static_assert(in_order(), "each reason needs its name and sentence, in the order of the enum");

const Words& words_for(Refusal reason) noexcept {
    const auto index = static_cast<std::size_t>(reason);
    assert(index < words.size());
    return words[index];
}

/// Characters that are valid UTF-8 but would let foreign text reorder, hide or break what stands
/// around it in a terminal or log viewer.
constexpr bool misleads(char32_t c) {
    return c == 0xAD || c == 0x61C || c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

void append_hex(std::string& out, std::uint32_t number, int digits_min) {
    static constexpr std::string_view digits = "0123456789abcdef";
    int count = digits_min;
    while (count < 8 && (number >> (4 * count)) != 0) ++count;
    while (count-- > 0) out.push_back(digits[(number >> (4 * count)) & 15]);
}

}  // namespace

std::string_view name_of(Refusal reason) noexcept {
    return words_for(reason).name;
}

std::string_view sentence_for(Refusal reason) noexcept {
    return words_for(reason).sentence;
}

std::string escape(std::string_view foreign, std::size_t bytes_max) {
    std::string out;
    std::size_t at = 0;
    while (at < foreign.size()) {
        const Utf8Character next = first_utf8_character(foreign.substr(at));
        if (at + next.bytes > bytes_max) break;
        const std::string_view raw = foreign.substr(at, next.bytes);
        if (!next.valid() || next.code_point < 0x20 || next.code_point == 0x7F) {
            out += "\\x";
            append_hex(out, static_cast<std::uint8_t>(raw.front()), 2);
        } else if (is_control(next.code_point) || misleads(next.code_point)) {
            out += "\\u{";
            append_hex(out, next.code_point, 1);
            out += '}';
        } else if (raw == "\\") {
            out += "\\\\";  // else a foreign "\x0a" would look like one of ours
        } else {
            out += raw;
        }
        at += next.bytes;
    }
    if (at < foreign.size()) {
        out += "... (" + std::to_string(foreign.size()) + " bytes)";
    }
    return out;
}

}  // namespace weft::signing
