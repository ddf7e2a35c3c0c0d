#include "tests/support/sanitizer_reports.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <utility>

#include "tests/support/temp_dir.hpp"

namespace weft::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* file_prefix = "sanitizer-report";
constexpr int exit_code_of_reports = 99;

struct Noted {
    std::mutex mutex;
    std::vector<std::string> reports;
    bool end_is_watched = false;
};

Noted& noted() {
    static Noted all;
    return all;
}

void end_badly_if_any_is_left() {
    if (take_reports().empty()) return;
    std::fflush(nullptr);
    // Whoever ends is at its exit code already; this is the only way to another.
    ::_exit(exit_code_of_reports);
}

}  // namespace

void send_reports_to(const fs::path& directory, std::map<std::string, std::string>& environment) {
    if (!is_sanitized) return;
    const auto add = [&](const char* name, const std::string& option) {
        std::string& options = environment[name];
        options += (options.empty() ? "" : ":") + option;
    };
    const std::string to_files = "log_path=" + (directory / file_prefix).string();
    add("ASAN_OPTIONS", to_files);
    add("TSAN_OPTIONS", to_files + ":suppressions=" WEFT_TSAN_SUPPRESSIONS);
    // UBSan beside ASan writes no files: see has_report().
    add("UBSAN_OPTIONS", "print_stacktrace=1");
}

std::string reports_in(const fs::path& directory) {
    std::string all;
    std::error_code unreadable;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, unreadable)) {
        if (entry.path().filename().string().starts_with(file_prefix)) {
            all += read_text(entry.path());
        }
    }
    return all;
}

bool has_report(const std::string& printed) {
    if (!is_sanitized) return false;
    // The last is UBSan's.
    for (const char* sign : {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                             "WARNING: ThreadSanitizer", ": runtime error: "}) {
        if (printed.find(sign) != std::string::npos) return true;
    }
    return false;
}

void note_report(const std::string& report) {
    std::fprintf(stderr, "%s\n", report.c_str());
    Noted& all = noted();
    const std::scoped_lock lock(all.mutex);
    all.reports.push_back(report);
    if (!std::exchange(all.end_is_watched, true)) std::atexit(end_badly_if_any_is_left);
}

std::vector<std::string> take_reports() {
    Noted& all = noted();
    const std::scoped_lock lock(all.mutex);
    return std::exchange(all.reports, {});
}

}  // namespace weft::testing
