#include "tools/authority_files.hpp"

#include <utility>

#include "tools/context.hpp"
#include "tools/key_directory.hpp"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

void write_list(const fs::path& directory, const signing::Authority& authority,
                std::uint64_t number, std::vector<signing::Revocation> revocations,
                signing::UtcSeconds now) {
    signing::RevocationListRequest request;
    request.number = number;
    request.this_update = now;
    request.next_update = now + revocation_list_days * day_seconds;
    request.revocations = std::move(revocations);
    const auto written = authority.write_list(directory, authority.sign_list(request));
    if (!written) throw failure(written.error());
}

}  // namespace

std::vector<fs::path> authority_files(const fs::path& directory, const std::string& name) {
    return {signing::authority_file(directory, name), signing::authority_key_file(directory, name),
            signing::revocation_list_file(directory, name)};
}

void require_none_exists(const std::vector<fs::path>& files, const std::string& advice) {
    for (const fs::path& file : files) {
        std::error_code error;
        // A link that points nowhere is something that exists, too.
        const fs::file_type type = fs::symlink_status(file, error).type();
        if (type == fs::file_type::not_found) continue;
        if (type == fs::file_type::none) {
            throw failure("'" + file.string() + "' cannot be looked at: " + error.message());
        }
        throw failure("'" + file.string() + "' is there already, so nothing was changed; " +
                      advice);
    }
}

signing::Authority make_authority(const fs::path& directory, const std::string& name,
                                  signing::UtcSeconds now, MadeFiles& made) {
    auto authority = signing::Authority::create(name);
    if (!authority) throw failure(authority.error());
    // Before they are written: a write that fails may still have left one of them.
    for (const fs::path& file : authority_files(directory, name)) made.add(file);
    const auto saved = authority->save(directory);
    if (!saved) throw failure(saved.error());
    write_list(directory, *authority, 1, {}, now);
    return std::move(*authority);
}

std::uint64_t write_next_list(const fs::path& directory, const signing::Authority& authority,
                              const signing::RevocationList& list,
                              std::vector<signing::Revocation> revocations,
                              signing::UtcSeconds now) {
    const std::uint64_t number = list.number() + 1;
    write_list(directory, authority, number, std::move(revocations), now);
    return number;
}

}  // namespace weft::tools
