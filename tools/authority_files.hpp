#pragma once
// Making a CA, and signing its next revocation list: what `weft init` and `weft keys` share.
// Threads: one; take a DirectoryLock where others may change the same directory.
// Errors: failure() with a sentence that names the file.

#include <filesystem>
#include <string>
#include <vector>

#include "signing/authority.hpp"
#include "tools/made_files.hpp"

namespace weft::tools {

/// How long after its signing a revocation list is past its next update. Long enough for a monthly
/// job with a day or two to spare (`weft keys revoke --refresh`), short enough that a list that is
/// withheld from a host is noticed within a month.
inline constexpr int revocation_list_days = 30;

/// The three files of a CA.
[[nodiscard]] std::vector<std::filesystem::path> authority_files(
    const std::filesystem::path& directory, const std::string& name);

/// Throws failure() that names the first of these files that exists.
void require_none_exists(const std::vector<std::filesystem::path>& files,
                         const std::string& advice);

/// A new CA with an empty list, number 1. The caller holds the DirectoryLock and has seen that none
/// of its files exists: all three are in `made` afterwards, also when it throws.
[[nodiscard]] signing::Authority make_authority(const std::filesystem::path& directory,
                                                const std::string& name, signing::UtcSeconds now,
                                                MadeFiles& made);

/// Signs and writes the list that follows `list`, with these entries.
/// Returns its number.
std::uint64_t write_next_list(const std::filesystem::path& directory,
                              const signing::Authority& authority,
                              const signing::RevocationList& list,
                              std::vector<signing::Revocation> revocations,
                              signing::UtcSeconds now);

}  // namespace weft::tools
