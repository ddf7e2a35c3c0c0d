#include "signing/trust_store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "signing/authority.hpp"
#include "signing/durable_file.hpp"
#include "signing/proved_roots.hpp"

namespace weft::signing {
namespace {

namespace fs = std::filesystem;
using Errors = std::vector<std::string>;

constexpr std::size_t number_file_bytes_max = 256;

std::string issuer_text(const IssuerId& issuer) {
    return hex({reinterpret_cast<const char*>(issuer.data()), issuer.size()});
}

fs::path number_file(const fs::path& directory, std::string_view name) {
    return directory / std::string(name).append(".revoked-number");
}

bool has_ending(const std::string& name, std::string_view ending) {
    return name.size() > ending.size() && name.ends_with(ending);
}

/// Names of the files that a reload reads, sorted, hidden ones (unfinished writes) left out.
tl::expected<std::vector<std::string>, std::string> relevant_files(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator at(directory, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
        std::string name = at->path().filename().string();
        if (name.front() == '.') continue;
        if (has_ending(name, ".ca") || has_ending(name, ".revoked")) {
            names.push_back(std::move(name));
        }
    }
    if (error) {
        return tl::make_unexpected("'" + directory.string() +
                                   "' cannot be read as the directory of keys: " + error.message() +
                                   "; make it with `weft init`, or set signing.directory.");
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// Identity, size and times of the relevant files in one text: equal means unchanged.
tl::expected<std::string, std::string> look_at_files(const fs::path& directory) {
    const auto names = relevant_files(directory);
    if (!names) return tl::make_unexpected(names.error());
    std::string seen;
    for (const std::string& name : *names) {
        struct stat status {};
        seen += name;
        if (::stat((directory / name).c_str(), &status) != 0) {
            seen += " errno " + std::to_string(errno);
        }
        const auto add = [&seen](auto number) { seen += ' ' + std::to_string(number); };
        add(status.st_dev), add(status.st_ino), add(status.st_size), add(status.st_mode);
        add(status.st_mtim.tv_sec), add(status.st_mtim.tv_nsec);
        add(status.st_ctim.tv_sec), add(status.st_ctim.tv_nsec);
        seen += '\n';
    }
    return seen;
}

/// The highest number seen of this CA's list, as kept on disk: "<issuer id in hex> <number>\n".
/// 0 if none was kept, or if the file is about another key that had the name before.
tl::expected<std::uint64_t, std::string> kept_number(const fs::path& file, const IssuerId& issuer) {
    std::error_code error;
    if (fs::symlink_status(file, error).type() == fs::file_type::not_found) return 0;
    const auto text = read_file(file, number_file_bytes_max);
    if (!text) return tl::make_unexpected(text.error());

    const std::size_t space = text->find(' ');
    const char* const end = text->data() + text->size();
    std::uint64_t number = 0;
    const bool whole = space == 2 * issuer.size() && text->back() == '\n';
    const auto parsed = whole ? std::from_chars(text->data() + space + 1, end - 1, number)
                              : std::from_chars_result{nullptr, std::errc::invalid_argument};
    if (parsed.ec != std::errc() || parsed.ptr != end - 1) {
        return tl::make_unexpected(
            "'" + file.string() +
            "' does not hold the highest list number seen; if you are sure that the revocation "
            "list is the newest, remove this file.");
    }
    return text->substr(0, space) == issuer_text(issuer) ? number : 0;
}

tl::expected<CertificateAuthorityKey, std::string> load_authority(const fs::path& directory,
                                                                  const std::string& name) {
    const fs::path file = authority_file(directory, name);
    auto authority = read_authority_file(file);
    if (authority && authority->name != name) {
        return tl::make_unexpected("'" + file.string() + "' is the CA '" + authority->name +
                                   "'; its file must be named " + authority->name + ".ca.");
    }
    return authority;
}

/// The CA's list, not older than any that was seen before (T3).
tl::expected<RevocationList, std::string> load_list(const fs::path& directory,
                                                    const CertificateAuthorityKey& authority,
                                                    std::uint64_t seen_by_us) {
    const fs::path file = revocation_list_file(directory, authority.name);
    auto list = read_revocation_list_file(file, authority);
    if (!list) {
        return tl::make_unexpected(list.error() + " Without its revocation list CA '" +
                                   authority.name +
                                   "' is not believed; copy the current one there.");
    }
    const auto kept = kept_number(number_file(directory, authority.name), authority.id());
    if (!kept) return tl::make_unexpected(kept.error());
    if (const std::uint64_t highest = std::max(*kept, seen_by_us); list->number() < highest) {
        return tl::make_unexpected("'" + file.string() + "' has number " +
                                   std::to_string(list->number()) + ", but number " +
                                   std::to_string(highest) +
                                   " was seen before: an old list was put back. Copy the current "
                                   "one there.");
    }
    return list;
}

}  // namespace

TrustStore::TrustStore(TrustSettings settings)
    : settings_(std::move(settings)), proved_roots_(std::make_unique<ProvedRoots>()) {}

TrustStore::~TrustStore() = default;

tl::expected<std::unique_ptr<TrustStore>, Errors> TrustStore::open(TrustSettings settings) {
    std::unique_ptr<TrustStore> store(new TrustStore(std::move(settings)));
    if (auto loaded = store->reload(); !loaded) return tl::make_unexpected(loaded.error());
    return store;
}

std::shared_ptr<const Trust> TrustStore::current() const {
    const std::lock_guard lock(mutex_);
    return trust_;
}

tl::expected<void, Errors> TrustStore::reload() {
    const std::lock_guard lock(reload_mutex_);
    return load_and_publish(settings_);
}

tl::expected<void, Errors> TrustStore::reload(TrustSettings settings) {
    const std::lock_guard lock(reload_mutex_);
    auto loaded = load_and_publish(settings);
    if (loaded) settings_ = std::move(settings);
    return loaded;
}

tl::expected<bool, Errors> TrustStore::reload_if_changed() {
    const std::lock_guard lock(reload_mutex_);
    const auto seen = look_at_files(settings_.directory);
    if (!seen) return tl::make_unexpected(Errors{seen.error()});
    if (*seen == files_seen_) return false;
    if (auto loaded = load_and_publish(settings_); !loaded) {
        return tl::make_unexpected(loaded.error());
    }
    return true;
}

tl::expected<void, Errors> TrustStore::load_and_publish(const TrustSettings& settings) {
    const fs::path& directory = settings.directory;
    // Looked at before they are read: what changes meanwhile is then read once more.
    const auto seen = look_at_files(directory);
    const auto names = relevant_files(directory);
    if (!seen || !names) return tl::make_unexpected(Errors{seen ? names.error() : seen.error()});

    Errors errors;
    const auto trust = std::make_shared<Trust>();
    for (const std::string& file : *names) {
        if (!has_ending(file, ".ca")) continue;
        auto authority = load_authority(directory, file.substr(0, file.size() - 3));
        if (!authority) {
            errors.push_back(authority.error());
            continue;
        }
        const IssuerId id = authority->id();
        if (trust->lists_.count(id) != 0) {
            errors.push_back("'" + authority_file(directory, authority->name).string() +
                             "' has the same key as another CA here; remove one of the two.");
            continue;
        }
        const auto number = numbers_.find(id);
        auto list = load_list(directory, *authority, number == numbers_.end() ? 0 : number->second);
        if (!list) {
            errors.push_back(list.error());
            continue;
        }
        trust->lists_.emplace(id, std::move(*list));
        trust->authorities_.push_back(std::move(*authority));
    }
    if (trust->authorities_.empty() && errors.empty()) {
        errors.push_back("'" + directory.string() +
                         "' holds no CA (*.ca), so nobody could be believed; copy the CA's .ca and "
                         ".revoked files there, or make a CA with `weft keys ca`.");
    }
    if (!errors.empty()) return tl::make_unexpected(std::move(errors));

    trust->policy_ = RoutingPolicy(settings.policy);
    trust->nitpicky_ = settings.nitpicky;
    trust->when_list_expired_ = settings.when_list_expired;
    remember_numbers(*trust, directory);
    files_seen_ = *seen;

    const std::uint64_t next = generation_.load(std::memory_order_relaxed) + 1;
    trust->generation_ = next;
    const std::lock_guard lock(mutex_);
    trust_ = trust;
    generation_.store(next, std::memory_order_release);
    return {};
}

void TrustStore::remember_numbers(Trust& trust, const fs::path& directory) {
    for (const CertificateAuthorityKey& authority : trust.authorities_) {
        const IssuerId id = authority.id();
        const std::uint64_t number = trust.lists_.at(id).number();
        numbers_[id] = std::max(numbers_[id], number);
        // Read again right before writing: other processes may share the directory.
        const fs::path file = number_file(directory, authority.name);
        if (const auto kept = kept_number(file, id); kept && *kept >= number) continue;
        const std::string text = issuer_text(id) + ' ' + std::to_string(number) + '\n';
        if (const auto written = write_file(file, text, 0644, WhenFileExists::replace); !written) {
            trust.load_warnings_.push_back(
                written.error() +
                " The newest list number is remembered in memory only, so after a restart an old "
                "revocation list would not be noticed; give this user the right to write there.");
        }
    }
}

}  // namespace weft::signing
