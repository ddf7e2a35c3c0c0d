#pragma once
// A small world of trust for tests: a temporary directory with a CA `root` and its revocation list,
// identities on demand, a TrustStore that reads them, and signed frames.
//
//   SigningFixture world;
//   const Identity alice = world.identity("alice", {.globs = {"org.weft.dev.**"}});
//   const auto frames = world.sign(alice, "org.weft.dev.a", {"m0", "m1"});   // one run
//   Receiver receiver(world.trust());
//   EXPECT_TRUE(receiver.take(frames));
//   world.revoke(alice);
//   EXPECT_EQ(receiver.take(frames), Refusal::certificate_revoked);
//
// Threads: one. Errors: whatever cannot be set up is a std::runtime_error with the reason.
// Times: the world stands at SigningFixture::now; nothing here reads a clock.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "signing/authority.hpp"
#include "signing/batch_signer.hpp"
#include "signing/certificate.hpp"
#include "signing/curve_key.hpp"
#include "signing/digest.hpp"
#include "signing/key_pair.hpp"
#include "signing/proof.hpp"
#include "signing/trust_store.hpp"
#include "signing/verifier.hpp"

namespace weft::support {

/// An empty directory of its own, removed with everything in it.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "weft-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("cannot make a directory like " + pattern);
        }
        path_ = pattern;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// The value, or an exception with the error's text.
template <class Value>
Value must(tl::expected<Value, std::string> result) {
    if (!result) throw std::runtime_error(result.error());
    if constexpr (!std::is_void_v<Value>) return std::move(*result);
}

template <class Value>
Value must(tl::expected<Value, std::vector<std::string>> result) {
    if (!result) {
        std::string all;
        for (const std::string& error : result.error()) all += error + '\n';
        throw std::runtime_error(all);
    }
    if constexpr (!std::is_void_v<Value>) return std::move(*result);
}

inline std::vector<signing::TopicGlob> globs_of(const std::vector<std::string>& texts) {
    std::vector<signing::TopicGlob> globs;
    for (const std::string& text : texts) globs.push_back(must(signing::TopicGlob::parse(text)));
    return globs;
}

inline std::uint8_t roles_of(std::initializer_list<signing::Role> roles) {
    unsigned sum = 0;
    for (const signing::Role role : roles) sum |= static_cast<std::uint8_t>(role);
    return static_cast<std::uint8_t>(sum);
}

/// Somebody who can sign.
struct Identity {
    std::shared_ptr<const signing::KeyPair> key;
    std::shared_ptr<const signing::Certificate> certificate;

    [[nodiscard]] const std::string& name() const { return certificate->name(); }
};

/// Messages of one topic and kind that travel together.
struct UnsignedRun {
    std::string topic;
    std::vector<std::string> contents;
    signing::Kind kind = signing::Kind::message;
};

/// One ZeroMQ message that owns its three frames.
struct Frames {
    std::string topic, contents, proof;

    [[nodiscard]] signing::RunFrames view() const { return {topic, contents, proof}; }
};

inline std::string contents_of(const std::vector<std::string>& messages) {
    std::string contents;
    for (const std::string& message : messages) signing::append_item(message, contents);
    return contents;
}

/// The messages as they travel with `signing.sign: false`: the proof frame is empty.
inline Frames unsigned_frames(std::string topic, const std::vector<std::string>& messages) {
    return {std::move(topic), contents_of(messages), {}};
}

/// The same run with all messages but number `kept` left out, as a journal stores them.
inline Frames alone(const Frames& run, std::size_t kept) {
    Frames frames{run.topic, {}, run.proof};
    signing::ItemReader items(run.contents);
    for (std::size_t number = 0; !items.at_end(); ++number) {
        const auto item = items.next();
        if (!item) throw std::runtime_error("alone() needs a whole contents frame");
        if (number == kept) {
            signing::append_item(item->bytes, frames.contents);
        } else {
            signing::append_left_out(signing::message_digest(run.topic, item->bytes),
                                     frames.contents);
        }
    }
    return frames;
}

/// One batch: one signature, one Frames a run.
inline std::vector<Frames> sign_batch(const Identity& who, const std::vector<UnsignedRun>& runs) {
    std::vector<std::vector<signing::Digest>> digests;
    for (const UnsignedRun& run : runs) {
        std::vector<signing::Digest>& of_run = digests.emplace_back();
        for (const std::string& content : run.contents) {
            of_run.push_back(signing::message_digest(run.topic, content));
        }
    }
    std::vector<signing::RunToSign> to_sign;
    for (std::size_t run = 0; run < runs.size(); ++run) {
        to_sign.push_back({runs[run].kind, digests[run]});
    }
    std::vector<std::string> proofs;
    signing::BatchSigner(who.key, who.certificate).sign(to_sign, proofs);

    std::vector<Frames> frames;
    for (std::size_t run = 0; run < runs.size(); ++run) {
        frames.push_back({runs[run].topic, contents_of(runs[run].contents), proofs[run]});
    }
    return frames;
}

/// A batch of one run.
inline Frames sign(const Identity& who, std::string topic, std::vector<std::string> contents,
                   signing::Kind kind = signing::Kind::message) {
    return sign_batch(who, {{std::move(topic), std::move(contents), kind}}).front();
}

class SigningFixture {
public:
    static constexpr signing::UtcSeconds now = 1'800'000'000;
    static constexpr signing::UtcSeconds hour = 3'600;
    static constexpr signing::UtcSeconds day = 24 * hour;

    struct IdentityRequest {
        std::vector<std::string> globs = {"**"};
        std::uint8_t roles = static_cast<std::uint8_t>(signing::Role::publish);
        signing::UtcSeconds not_before = now - day;
        signing::UtcSeconds not_after = now + 365 * day;
    };

    /// Writes the CA and an empty list number 1, good for a week.
    SigningFixture() : authority_(must(signing::Authority::create())) {
        settings_.directory = directory_.path();
        must(authority_.save(directory_.path()));
        write_list();
    }

    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
    [[nodiscard]] const signing::Authority& authority() const { return authority_; }

    [[nodiscard]] Identity identity(const std::string& name) const {
        return identity(name, IdentityRequest{});
    }
    [[nodiscard]] Identity identity(const std::string& name, const IdentityRequest& request) const {
        return issued_by(authority_, name, request);
    }
    /// The same from a CA that this world does not know.
    [[nodiscard]] static Identity stranger(const std::string& name) {
        return issued_by(must(signing::Authority::create("elsewhere")), name, IdentityRequest{});
    }

    /// Opened at the first call; set a policy before or after, as you like.
    [[nodiscard]] std::shared_ptr<signing::TrustStore> trust() {
        if (!trust_) trust_ = must(signing::TrustStore::open(settings_));
        return trust_;
    }
    void reload() { must(trust()->reload(settings_)); }

    /// A list of a higher number with this signer on it; in force at once.
    void revoke(const Identity& who) {
        revocations_.push_back({.serial = who.certificate->serial(),
                                .revoked_at = now,
                                .reason = signing::RevocationReason::key_compromised});
        write_list();
        reload();
    }
    /// As if the CA had fallen silent: the list in force ended at `next_update`.
    void let_list_expire(signing::UtcSeconds next_update, signing::WhenListExpired what) {
        list_next_update_ = next_update;
        settings_.when_list_expired = what;
        write_list();
        reload();
    }
    struct PolicyRule {
        std::string glob;
        std::vector<std::string> names;
    };
    void set_policy(const std::vector<PolicyRule>& rules, bool nitpicky = false) {
        settings_.policy.clear();
        for (const PolicyRule& rule : rules) {
            settings_.policy.push_back({globs_of({rule.glob}).front(), rule.names});
        }
        settings_.nitpicky = nitpicky;
        reload();
    }

private:
    static Identity issued_by(const signing::Authority& authority, const std::string& name,
                              const IdentityRequest& request) {
        auto key = std::make_shared<const signing::KeyPair>(signing::KeyPair::generate());
        signing::CertificateRequest certificate;
        certificate.name = name;
        certificate.roles = request.roles;
        certificate.globs = globs_of(request.globs);
        certificate.not_before = request.not_before;
        certificate.not_after = request.not_after;
        certificate.key = key->public_key();
        certificate.curve_key = signing::CurveKeyPair::of(*key).public_key;
        const std::string bytes = must(authority.issue(certificate));
        auto read = signing::Certificate::verify(bytes, {authority.public_half()});
        if (!read) throw std::runtime_error("issued a bad certificate: " + read.error().detail);
        return {std::move(key), std::move(*read)};
    }

    void write_list() {
        signing::RevocationListRequest list;
        list.number = ++list_number_;
        list.this_update = now - hour;
        list.next_update = list_next_update_;
        list.revocations = revocations_;
        must(authority_.write_list(directory_.path(), authority_.sign_list(list)));
    }

    TemporaryDirectory directory_;
    signing::Authority authority_;
    signing::TrustSettings settings_;
    std::shared_ptr<signing::TrustStore> trust_;
    std::vector<signing::Revocation> revocations_;
    std::uint64_t list_number_ = 0;
    signing::UtcSeconds list_next_update_ = now + 7 * day;
};

/// What became of one run: accepted (true), or a reason to compare with.
class Outcome {
public:
    Outcome() = default;
    explicit Outcome(signing::Refused refused) : refused_(std::move(refused)) {}

    explicit operator bool() const { return !refused_; }
    [[nodiscard]] std::string detail() const { return refused_ ? refused_->detail : ""; }
    friend bool operator==(const Outcome& outcome, signing::Refusal reason) {
        return outcome.refused_ && outcome.refused_->reason == reason;
    }
    friend std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
        if (!outcome.refused_) return out << "accepted";
        return out << "refused: " << name_of(outcome.refused_->reason) << " ("
                   << outcome.refused_->detail << ")";
    }

private:
    std::optional<signing::Refused> refused_;
};

/// A Verifier with one peer, one time of day and one run, all open to the test.
class Receiver {
public:
    using Mode = signing::Verifier::Mode;

    explicit Receiver(std::shared_ptr<signing::TrustStore> trust, Mode mode = Mode::validate,
                      signing::Limits limits = {})
        : verifier_(std::move(trust), mode, limits) {}

    /// `frames` must outlive what the test does with the contents in `run`.
    Outcome take(const Frames& frames) {
        auto result = verifier_.verify(frames.view(), peer, now, steady_ms, run);
        return result ? Outcome() : Outcome(std::move(result.error()));
    }
    [[nodiscard]] signing::VerifierStats stats() const { return verifier_.stats(); }

    signing::Peer peer{"tcp://10.0.0.1:9940", 1'000'000'000};
    signing::UtcSeconds now = SigningFixture::now;
    std::uint64_t steady_ms = 0;
    signing::VerifiedRun run;

private:
    signing::Verifier verifier_;
};

}  // namespace weft::support
