#pragma once
// Which certificate has which Curve key: every *.cert file of the key directory that a trusted CA
// signed. CurveCertificates is an immutable snapshot; a CurveDirectory holds the current one and
// replaces it when files or trust change. Whether a certificate may do something now (time,
// revocation, role) is asked of the snapshot's trust at each use.
// Limits:  files_max files; what exceeds them is left out, with a warning.
// Errors:  a file that does not read is skipped with a warning and harms no other. If it did read
//          before, its old content stays in force: somebody may be copying it just now. A file
//          that is gone, or that a trusted CA did not sign, counts no longer.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/signature.hpp"
#include "signing/trust_store.hpp"

namespace weft::signing {

/// Threads: immutable once made.
class CurveCertificates {
public:
    using List = std::vector<std::shared_ptr<const Certificate>>;

    CurveCertificates(std::shared_ptr<const Trust> trust,
                      std::map<std::string, std::shared_ptr<const Certificate>> by_file);

    [[nodiscard]] const Trust& trust() const noexcept { return *trust_; }
    /// Those with this Curve key: usually one, more after a renewal with the same key.
    [[nodiscard]] List with_key(const PublicKey& curve_key) const;
    /// The one in `<name>.cert`, if it is of this name; null if there is none.
    [[nodiscard]] std::shared_ptr<const Certificate> named(std::string_view name) const;
    [[nodiscard]] List with_role(Role role) const;

private:
    std::shared_ptr<const Trust> trust_;
    std::map<std::string, std::shared_ptr<const Certificate>> by_file_;
    std::multimap<PublicKey, std::shared_ptr<const Certificate>> by_key_;
};

/// Threads: every function from any thread.
class CurveDirectory {
public:
    static constexpr std::size_t files_max = 10'000;

    /// Reads the directory once; look() tells what was wrong with it.
    CurveDirectory(std::filesystem::path directory, std::shared_ptr<TrustStore> trust);

    [[nodiscard]] std::shared_ptr<const CurveCertificates> current() const;
    /// Raised by each change.
    [[nodiscard]] std::uint64_t generation() const noexcept {
        return generation_.load(std::memory_order_acquire);
    }
    /// Looks at the files and at the trust store's, and reads what has changed; a stat call for
    /// each file. Returns the sentences that are new since the last look.
    [[nodiscard]] std::vector<std::string> look();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return directory_; }

private:
    struct File {
        std::string seen;  // identity, size and times
        std::shared_ptr<const Certificate> certificate;
        std::string problem;
    };
    File read(const std::string& name, std::string seen, const Trust& trust, bool same_trust) const;
    bool read_changed(const std::shared_ptr<const Trust>& trust,
                      std::vector<std::string>& problems);

    const std::filesystem::path directory_;
    const std::shared_ptr<TrustStore> trust_;
    // Lock order: look_mutex_, then mutex_.
    std::mutex look_mutex_;  // one look at a time; guards files_, problems_, trust_generation_
    std::map<std::string, File> files_;
    std::vector<std::string> problems_;  // said already
    std::uint64_t trust_generation_ = 0;

    mutable std::mutex mutex_;  // guards current_, held for the copy of a pointer only
    std::shared_ptr<const CurveCertificates> current_;
    std::atomic<std::uint64_t> generation_{0};
};

}  // namespace weft::signing
