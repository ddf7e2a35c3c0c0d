#include "config/watch.hpp"

#include <system_error>
#include <utility>

#include "config/sources.hpp"

namespace weft::config {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> lines_of(const Problems& problems) {
    std::vector<std::string> lines;
    for (const Problem& problem : problems) {
        if (lines.size() == problems_shown_max) break;
        lines.push_back(problem.text());
    }
    return lines;
}

}  // namespace

FilesSeen look_at_files(const LoadOptions& options) {
    FilesSeen seen;
    Problems problems;
    const auto add = [&](const fs::path& origin, const std::vector<fs::path>& files) {
        std::error_code error;
        if (fs::is_directory(options.directory / origin, error)) seen.folders.insert(origin);
        for (const fs::path& file : files) {
            seen.files.emplace(file, FileStamp::look(options.directory / file));
        }
    };
    for (const fs::path& folder : options.folders) {
        add(folder, files_in(folder, options.directory, problems));
    }
    for (const fs::path& path : options.paths) {
        add(path, files_of(path, options.directory, problems));
    }
    for (const Problem& problem : problems) seen.problems += problem.text() + '\n';
    return seen;
}

Problems vanished_content(const FilesSeen& before, const FilesSeen& now) {
    Problems problems;
    for (const fs::path& folder : before.folders) {
        if (now.folders.contains(folder)) continue;
        problems.push_back({Origin::file(folder.string()),
                            {},
                            "this folder is gone: put it back, or remove single files"});
    }
    for (const auto& [file, stamp] : now.files) {
        const auto old = before.files.find(file);
        if (stamp.error != 0 || stamp.size > 0) continue;
        if (old == before.files.end() || old->second.size == 0) continue;
        problems.push_back({Origin::file(file.string()),
                            {},
                            "this file is empty now: write it again, or remove it if nothing is "
                            "meant"});
    }
    return problems;
}

bool ReloadDecider::on_look(const FilesSeen& now, bool asked) {
    const bool at_rest = now == last_;
    last_ = now;
    if (asked) return true;
    if (now == loaded_) {
        // What was broken has been put back as it was.
        failed_.reset();
        said_.clear();
        unsettled_ = 0;
        return false;
    }
    if (failed_ && now == *failed_) return ++since_attempt_ % looks_between_attempts == 0;
    return at_rest || ++unsettled_ >= looks_for_rest;
}

void ReloadDecider::on_loaded(FilesSeen seen) {
    loaded_ = std::move(seen);
    failed_.reset();
    said_.clear();
    unsettled_ = since_attempt_ = 0;
}

std::vector<std::string> ReloadDecider::on_failed(FilesSeen seen,
                                                  std::vector<std::string> problems) {
    failed_ = std::move(seen);
    unsettled_ = since_attempt_ = 0;
    if (problems == said_) return {};
    said_ = problems;
    return problems;
}

Watch::Outcome Watch::look(bool asked, const Apply& apply) {
    // Looked at before it is read: what changes meanwhile is then read once more.
    FilesSeen seen = look_at_files(options_);
    if (!decider_.on_look(seen, asked)) return {};
    Problems problems = vanished_content(decider_.loaded(), seen);
    std::vector<std::string> lines;
    if (problems.empty()) {
        const auto configuration = load(options_);
        lines = configuration ? apply(*configuration) : lines_of(configuration.error());
    } else {
        lines = lines_of(problems);
    }
    if (!lines.empty()) return {false, decider_.on_failed(std::move(seen), std::move(lines))};
    decider_.on_loaded(std::move(seen));
    return {true, {}};
}

}  // namespace weft::config
