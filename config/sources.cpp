#include "config/sources.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace weft::config {

namespace fs = std::filesystem;

namespace {

std::string unreadable(const std::error_code& error) {
    return "cannot be read: " + error.message();
}

bool is_layer(const fs::path& file) {
    const std::string name = file.filename().string();
    return name.size() > 5 && name.front() != '.' && name.ends_with(".yaml");
}

}  // namespace

std::vector<fs::path> files_in(const fs::path& folder, const fs::path& directory,
                               Problems& problems) {
    const auto refuse = [&](std::string sentence) {
        problems.push_back({Origin::file(folder.string()), {}, std::move(sentence)});
        return std::vector<fs::path>{};
    };
    std::error_code error;
    const fs::file_status status = fs::status(directory / folder, error);
    if (status.type() == fs::file_type::not_found) return {};
    if (error) return refuse(unreadable(error));
    if (status.type() != fs::file_type::directory) {
        return refuse("is not a directory: the *.yaml files of the configuration belong into one");
    }
    std::vector<fs::path> files;
    fs::directory_iterator entry(directory / folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        if (is_layer(entry->path())) files.push_back(folder / entry->path().filename());
    }
    if (error) return refuse(unreadable(error));
    std::sort(files.begin(), files.end());
    return files;
}

std::vector<fs::path> files_of(const fs::path& path, const fs::path& directory,
                               Problems& problems) {
    std::error_code error;
    const fs::file_status status = fs::status(directory / path, error);
    if (path.empty() || status.type() == fs::file_type::not_found) {
        problems.push_back({Origin::option("--config " + path.string()),
                            {},
                            "there is no such file or directory: name one that exists"});
        return {};
    }
    if (error) {
        problems.push_back({Origin::option("--config " + path.string()), {}, unreadable(error)});
        return {};
    }
    if (status.type() != fs::file_type::directory) return {path};
    // Whatever stands at that name, even if it cannot be entered, is what was meant.
    const fs::path folder = path / layer_folder;
    const bool has_folder =
        fs::status(directory / folder, error).type() != fs::file_type::not_found;
    return files_in(has_folder ? folder : path, directory, problems);
}

tl::expected<std::string, std::string> read_file(const fs::path& file, std::size_t bytes_max) {
    std::error_code error;
    const fs::file_status status = fs::status(file, error);
    if (status.type() == fs::file_type::not_found) {
        return tl::make_unexpected(std::string("cannot be read: there is no such file"));
    }
    if (error) return tl::make_unexpected(unreadable(error));
    if (status.type() != fs::file_type::regular) {
        return tl::make_unexpected(std::string("cannot be read: this is not a regular file"));
    }
    errno = 0;
    std::ifstream stream(file, std::ios::binary);
    // One byte more, so that the reader of the text sees that there is too much of it.
    std::string text(bytes_max + 1, '\0');
    if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad() || (stream.fail() && !stream.eof())) {
        return tl::make_unexpected(unreadable(std::error_code(errno, std::generic_category())));
    }
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

}  // namespace weft::config
