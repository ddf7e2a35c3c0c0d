#pragma once
// The parts of `weft keys`, a file each, and what they share.
// Threads: the main thread.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

#include "signing/certificate.hpp"
#include "tools/context.hpp"

namespace weft::tools {

void add_keys_ca(CLI::App& keys, Context& context);
void add_keys_issue(CLI::App& keys, Context& context);
void add_keys_revoke(CLI::App& keys, Context& context);
void add_keys_list(CLI::App& keys, Context& context);
void add_keys_show(CLI::App& keys, Context& context);

/// The flag that every part has.
void add_dir_flag(CLI::App& command, std::string& dir);
/// What it says, or signing.directory of the configuration.
[[nodiscard]] std::filesystem::path key_directory_path(Context& context, const std::string& dir);

/// "may publish nothing" or the globs, fit for a terminal.
[[nodiscard]] std::string globs_text(const signing::Certificate& certificate);

}  // namespace weft::tools
