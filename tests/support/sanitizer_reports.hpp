#pragma once
// What sanitizers find in programs that tests start. Most of those programs are ended while nobody
// reads their exit code or their standard error any more, so what is found goes into files, and a
// test that leaves one behind fails. In builds without sanitizers nothing of this happens.
// Threads: any. Ownership: none. Errors: none.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace weft::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

/// Adds to the options in the environment of a program, and so in those of programs that it starts:
/// each report becomes a file in the directory.
void send_reports_to(const std::filesystem::path& directory,
                     std::map<std::string, std::string>& environment);
/// What is in those files; empty if nothing was found.
[[nodiscard]] std::string reports_in(const std::filesystem::path& directory);

/// True if a sanitizer has spoken in that text.
[[nodiscard]] bool has_report(const std::string& printed);

/// Prints it on standard error, and keeps it. A program that ends while one was not taken ends with
/// code 99, whatever it wanted to end with.
void note_report(const std::string& report);
/// All that were noted since the last call.
[[nodiscard]] std::vector<std::string> take_reports();

}  // namespace weft::testing
