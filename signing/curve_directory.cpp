#include "signing/curve_directory.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "signing/identity.hpp"
#include "signing/key_file.hpp"

namespace weft::signing {
namespace {

namespace fs = std::filesystem;

/// Identity, size and times of a file in one text: equal means unchanged.
std::string look_at(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return "errno " + std::to_string(errno);
    std::string seen;
    const auto add = [&seen](auto number) { seen += std::to_string(number) + ' '; };
    add(status.st_dev), add(status.st_ino), add(status.st_size), add(status.st_mode);
    add(status.st_mtim.tv_sec), add(status.st_mtim.tv_nsec);
    add(status.st_ctim.tv_sec), add(status.st_ctim.tv_nsec);
    return seen;
}

bool is_certificate_file(const std::string& name) {
    return name.ends_with(".cert") && name.front() != '.';  // hidden: an unfinished write
}

/// Sorted. The error is a sentence.
tl::expected<std::vector<std::string>, std::string> certificate_files(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator at(directory, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) {
        std::string name = at->path().filename().string();
        if (is_certificate_file(name)) names.push_back(std::move(name));
    }
    if (error) {
        return tl::make_unexpected("'" + directory.string() +
                                   "' cannot be read as the directory of certificates: " +
                                   error.message() + "; what was read before stays in force.");
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

CurveCertificates::CurveCertificates(
    std::shared_ptr<const Trust> trust,
    std::map<std::string, std::shared_ptr<const Certificate>> by_file)
    : trust_(std::move(trust)), by_file_(std::move(by_file)) {
    for (const auto& [file, certificate] : by_file_) {
        if (certificate->curve_key() == PublicKey{}) continue;
        by_key_.emplace(certificate->curve_key(), certificate);
    }
}

CurveCertificates::List CurveCertificates::with_key(const PublicKey& curve_key) const {
    List found;
    const auto [begin, end] = by_key_.equal_range(curve_key);
    for (auto at = begin; at != end; ++at) found.push_back(at->second);
    return found;
}

std::shared_ptr<const Certificate> CurveCertificates::named(std::string_view name) const {
    const auto found = by_file_.find(std::string(name).append(".cert"));
    if (found == by_file_.end() || found->second->name() != name) return nullptr;
    return found->second;
}

CurveCertificates::List CurveCertificates::with_role(Role role) const {
    List found;
    for (const auto& [file, certificate] : by_file_) {
        if (certificate->has(role)) found.push_back(certificate);
    }
    return found;
}

CurveDirectory::CurveDirectory(std::filesystem::path directory, std::shared_ptr<TrustStore> trust)
    : directory_(std::move(directory)), trust_(std::move(trust)) {
    std::vector<std::string> unsaid;  // the first look() says it
    read_changed(trust_->current(), unsaid);
}

std::shared_ptr<const CurveCertificates> CurveDirectory::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

std::vector<std::string> CurveDirectory::look() {
    const std::lock_guard lock(look_mutex_);
    std::vector<std::string> problems;
    if (const auto reloaded = trust_->reload_if_changed(); !reloaded) {
        for (const std::string& error : reloaded.error()) {
            problems.push_back("trust not reloaded, the old one stays in force: " + error);
        }
    }
    read_changed(trust_->current(), problems);
    std::vector<std::string> unsaid;
    std::copy_if(problems.begin(), problems.end(), std::back_inserter(unsaid),
                 [this](const std::string& problem) {
                     return std::find(problems_.begin(), problems_.end(), problem) ==
                            problems_.end();
                 });
    problems_ = std::move(problems);
    return unsaid;
}

CurveDirectory::File CurveDirectory::read(const std::string& name, std::string seen,
                                          const Trust& trust, bool same_trust) const {
    const auto known = files_.find(name);
    if (same_trust && known != files_.end() && known->second.seen == seen) return known->second;
    const fs::path path = directory_ / name;
    File file{std::move(seen), nullptr, {}};
    auto content = read_armored_file(path, ArmorLabel::certificate, Certificate::bytes_max);
    if (!content && known != files_.end() && known->second.certificate) {
        file.problem = content.error() + " Its content from before stays in force.";
        file.seen.clear();  // looked at again at once: it may be whole by then
        content = known->second.certificate->bytes();
    } else if (!content) {
        file.problem = content.error();
        return file;
    }
    auto verified = Certificate::verify(*content, trust.authorities());
    if (verified) {
        file.certificate = std::move(*verified);
    } else {
        file.problem = "'" + path.string() + "' lets nobody connect: " +
                       std::string(sentence_for(verified.error().reason));
    }
    return file;
}

bool CurveDirectory::read_changed(const std::shared_ptr<const Trust>& trust,
                                  std::vector<std::string>& problems) {
    auto names = certificate_files(directory_);
    if (!names) {
        problems.push_back(names.error());
        names = std::vector<std::string>{};
        for (const auto& [name, file] : files_) names->push_back(name);
    }
    if (names->size() > files_max) {
        problems.push_back("'" + directory_.string() + "' holds " + std::to_string(names->size()) +
                           " certificates; those after the first " + std::to_string(files_max) +
                           " are left out.");
        names->resize(files_max);
    }
    const bool same_trust = current_ && trust_generation_ == trust->generation();
    std::map<std::string, File> files;
    bool changed = !same_trust || names->size() != files_.size();
    for (const std::string& name : *names) {
        File file = read(name, look_at(directory_ / name), *trust, same_trust);
        const auto known = files_.find(name);
        changed = changed || known == files_.end() || known->second.certificate != file.certificate;
        if (!file.problem.empty()) problems.push_back(file.problem);
        files.emplace(name, std::move(file));
    }
    files_ = std::move(files);
    trust_generation_ = trust->generation();
    if (!changed) return false;
    std::map<std::string, std::shared_ptr<const Certificate>> by_file;
    for (const auto& [name, file] : files_) {
        if (file.certificate) by_file.emplace(name, file.certificate);
    }
    auto next = std::make_shared<const CurveCertificates>(trust, std::move(by_file));
    const std::lock_guard lock(mutex_);
    current_ = std::move(next);
    generation_.fetch_add(1, std::memory_order_release);
    return true;
}

}  // namespace weft::signing
