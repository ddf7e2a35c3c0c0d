#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "signing/digest.hpp"

namespace weft::testing {

namespace fs = std::filesystem;

TempDir::TempDir() {
    std::string pattern = (fs::temp_directory_path() / "weft-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("cannot make a directory like " + pattern);
    }
    path_ = fs::canonical(pattern);
}

TempDir::~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string read_text(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void write_text(const fs::path& file, std::string_view text) {
    fs::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text << std::flush;
    if (!out) throw std::runtime_error("cannot write " + file.string());
}

std::string listing_of(const fs::path& directory) {
    std::vector<std::string> lines;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
        const fs::file_status status = entry.symlink_status();
        std::ostringstream line;
        line << fs::relative(entry.path(), directory).string() << " type "
             << static_cast<int>(status.type()) << " mode " << std::oct
             << static_cast<unsigned>(status.permissions());
        if (fs::is_regular_file(status)) {
            const signing::Digest digest =
                signing::TaggedHash("weft.listing").add(read_text(entry.path())).finish();
            line << ' '
                 << signing::hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
        }
        lines.push_back(line.str());
    }
    std::sort(lines.begin(), lines.end());
    std::string listing;
    for (const std::string& line : lines) listing += line + '\n';
    return listing;
}

}  // namespace weft::testing
