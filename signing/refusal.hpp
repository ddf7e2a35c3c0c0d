#pragma once
// Why a message was not believed: one closed list for the whole project.
// Each reason has one counter, one sentence for people, and a test that provokes it
// (tests/tidy checks that no reason is without a test).

#include <cstddef>
#include <string>
#include <string_view>

namespace weft::signing {

enum class Refusal : unsigned char {
    // The shape of what arrived, checked on lengths before any hash (S6, S7).
    not_three_frames,
    topic_invalid,
    frame_too_large,
    proof_truncated,
    proof_version_unknown,
    suite_not_allowed,
    kind_unknown,
    run_length_invalid,  // k is not 1 to 256
    position_invalid,    // not i < n <= 256
    path_length_wrong,   // not what (i, n) demand
    reserved_not_zero,
    contents_malformed,  // the items do not fill the frame exactly
    content_too_large,
    nothing_present,   // every item of the run is left out
    unsigned_message,  // no proof at all, and validation is on
    // Who signed it.
    certificate_too_large,
    certificate_malformed,
    suite_of_certificate_unknown,
    issuer_unknown,
    certificate_signature_bad,
    certificate_not_yet_valid,
    certificate_expired,
    certificate_revoked,
    revocation_list_missing,
    revocation_list_expired,
    role_missing,
    // The proof itself.
    signature_bad,
    peer_over_budget,  // too many failed proofs from this connection lately (C5)
    // What the signer may say.
    topic_not_granted,   // outside the certificate's globs (T2)
    policy_denied,       // a policy rule matches and does not name the signer (T7)
    policy_unlisted,     // no rule matches, and the policy is nitpicky (T7)
    ack_topic_reserved,  // a message where only ACKs may be, or an ACK anywhere else (A7)
    // What the proof covered, parsed only after it held (S1).
    content_undecodable,
    name_mismatch,  // a beacon that speaks for another name than its certificate's
    // Whether it was here before (P1, P2).
    replayed,  // this receiver had it, or cannot exclude that
    too_old,
    too_new,
    // Who may connect at all (N1); besides these the reasons about certificates apply.
    curve_key_unknown,
};

inline constexpr std::size_t refusal_count =
    static_cast<std::size_t>(Refusal::curve_key_unknown) + 1;

/// The name used in counters, logs and JSON: "signature_bad".
[[nodiscard]] std::string_view name_of(Refusal reason) noexcept;
/// A sentence for people: what is wrong and what would be right.
[[nodiscard]] std::string_view sentence_for(Refusal reason) noexcept;

/// One refused message. `detail` names the topic, signer or number concerned; it may be empty.
/// Foreign bytes in `detail` are already escaped and cut (see escape()).
struct Refused {
    Refusal reason;
    std::string detail;
};

/// Makes foreign bytes fit for a log line: control characters, bidirectional overrides and bytes
/// that are not UTF-8 become \xNN or \u{N}; at most `bytes_max` bytes of input are shown (rule L1).
[[nodiscard]] std::string escape(std::string_view foreign, std::size_t bytes_max = 200);

}  // namespace weft::signing
