#include "tools/key_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <system_error>

#include "fabric/message/json_form.hpp"
#include "signing/identity.hpp"
#include "signing/trust_store.hpp"
#include "tools/context.hpp"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> file_names(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator at(directory, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
        std::string name = at->path().filename().string();
        if (name.front() != '.') names.push_back(std::move(name));  // unfinished writes are hidden
    }
    if (error) {
        throw failure("'" + directory.string() +
                      "' cannot be read as a directory of keys: " + error.message() +
                      "; name another one with --dir, or make one with `weft "
                      "keys ca` or `weft init`");
    }
    std::sort(names.begin(), names.end());
    return names;
}

void add_authority(KeyDirectory& directory, const fs::path& file) {
    auto key = signing::read_authority_file(file);
    if (!key) {
        directory.problems.push_back(key.error());
        return;
    }
    if (key->name != file.stem().string()) {
        directory.problems.push_back("'" + file.string() + "' is the CA '" + key->name +
                                     "'; its file must be named " + key->name + ".ca.");
        return;
    }
    KnownAuthority authority;
    std::error_code ignored;
    authority.has_key_here =
        fs::exists(signing::authority_key_file(directory.path, key->name), ignored);
    auto list = signing::read_revocation_list_file(
        signing::revocation_list_file(directory.path, key->name), *key);
    if (list) {
        authority.list = std::move(*list);
    } else {
        directory.problems.push_back(list.error());
    }
    authority.key = std::move(*key);
    directory.authorities.push_back(std::move(authority));
}

std::string in_time(signing::UtcSeconds seconds) {
    if (seconds < 2 * hour_seconds) return fmt::format("{} minutes", seconds / 60);
    if (seconds < 2 * day_seconds) return fmt::format("{} hours", seconds / hour_seconds);
    return fmt::format("{} days", (seconds + day_seconds / 2) / day_seconds);
}

/// What the times alone say, with the tolerance that receivers have (T8).
Verdict judge_time(const signing::Certificate& certificate, signing::UtcSeconds now) {
    if (certificate.not_before() > now + signing::clock_skew_seconds) {
        return {CertificateState::not_yet_valid,
                "not valid before " + time_text(certificate.not_before())};
    }
    if (certificate.not_after() < now - signing::clock_skew_seconds) {
        return {CertificateState::expired, "expired at " + time_text(certificate.not_after()) +
                                               "; issue a new one with `weft keys issue " +
                                               certificate.name() + " --force`"};
    }
    // Only foreign certificates end later than this many seconds can say.
    const signing::UtcSeconds left =
        std::min<signing::UtcSeconds>(certificate.not_after(), now + 36'500 * day_seconds) - now;
    return {CertificateState::valid,
            "valid for " + in_time(std::max<signing::UtcSeconds>(left, 0)) + " more"};
}

}  // namespace

signing::UtcSeconds utc_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string time_text(signing::UtcSeconds time) {
    constexpr signing::UtcSeconds end_of_9999 = 253'402'300'799;
    const auto shown = std::clamp<signing::UtcSeconds>(time, 0, end_of_9999);
    return fabric::rfc3339(static_cast<std::uint64_t>(shown) * 1'000'000).substr(0, 19) + "Z";
}

std::string serial_text(std::uint64_t serial) {
    return fmt::format("{:016x}", serial);
}

std::optional<std::uint64_t> read_serial(std::string_view text) {
    std::uint64_t serial = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, serial, 16);
    if (text.size() != 16 || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
    return serial;
}

std::string_view name_of(CertificateState state) noexcept {
    switch (state) {
        case CertificateState::valid:
            return "valid";
        case CertificateState::not_yet_valid:
            return "not_yet_valid";
        case CertificateState::expired:
            return "expired";
        case CertificateState::revoked:
            return "revoked";
        case CertificateState::not_believed:
            return "not_believed";
    }
    return "unknown";
}

KeyDirectory KeyDirectory::read(const fs::path& path) {
    KeyDirectory directory;
    directory.path = path;
    for (const std::string& name : file_names(path)) {
        const fs::path file = path / name;
        if (file.extension() == ".ca") {
            add_authority(directory, file);
        } else if (file.extension() == ".cert") {
            if (auto certificate = signing::read_certificate_file(file)) {
                directory.certificates.push_back({file, std::move(*certificate)});
            } else {
                directory.problems.push_back(certificate.error());
            }
        }
    }
    return directory;
}

const KnownAuthority* KeyDirectory::issuer_of(const signing::Certificate& certificate) const {
    for (const KnownAuthority& authority : authorities) {
        if (authority.key.id() == certificate.issuer()) return &authority;
    }
    return nullptr;
}

Verdict KeyDirectory::judge(const signing::Certificate& certificate,
                            signing::UtcSeconds now) const {
    const KnownAuthority* issuer = issuer_of(certificate);
    if (issuer == nullptr) {
        return {CertificateState::not_believed,
                "not believed: no CA in '" + path.string() +
                    "' issued it; copy its CA's .ca and .revoked there"};
    }
    const auto verified = signing::Certificate::verify(certificate.bytes(), {issuer->key});
    if (!verified) {
        return {CertificateState::not_believed,
                "not believed: " + std::string(signing::sentence_for(verified.error().reason))};
    }
    if (!issuer->list) {
        return {CertificateState::not_believed, "not believed: the revocation list of CA '" +
                                                    issuer->key.name + "' is missing or broken"};
    }
    if (const auto* revocation = issuer->list->find(certificate.serial())) {
        return {
            CertificateState::revoked,
            fmt::format("revoked at {} ({}), list {} of CA '{}'", time_text(revocation->revoked_at),
                        name_of(revocation->reason), issuer->list->number(), issuer->key.name)};
    }
    Verdict verdict = judge_time(certificate, now);
    if (verdict.state == CertificateState::valid && issuer->list->next_update() < now) {
        verdict.sentence += "; but the revocation list of CA '" + issuer->key.name +
                            "' is past its next update, so a newer one may revoke it";
    }
    return verdict;
}

DirectoryLock::DirectoryLock(const fs::path& directory)
    : fd_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    int error = fd_ < 0 ? errno : 0;
    while (error == 0 && ::flock(fd_, LOCK_EX) != 0) {
        if (errno != EINTR) error = errno;
    }
    if (error == 0) return;
    if (fd_ >= 0) ::close(fd_);
    throw failure("'" + directory.string() + "' cannot be used as a directory of keys: " +
                  std::generic_category().message(error) +
                  "; name another one with --dir, or make one with `weft keys ca`");
}

DirectoryLock::~DirectoryLock() {
    ::close(fd_);
}

}  // namespace weft::tools
