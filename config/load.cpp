#include "config/load.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/assignment.hpp"
#include "config/check.hpp"
#include "config/esub_variables.hpp"
#include "config/merge.hpp"
#include "config/sources.hpp"
#include "config/yaml_reader.hpp"

namespace weft::config {

namespace fs = std::filesystem;

namespace {

void sort_by_line(Problems& problems) {
    std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
        return a.origin.line < b.origin.line;
    });
}

/// The same file reached twice counts once, at its last place: what it says there wins anyway, and
/// its problems are told once.
std::vector<fs::path> without_repeats(const std::vector<fs::path>& files,
                                      const fs::path& directory) {
    std::vector<fs::path> kept;
    std::set<fs::path> seen;
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
        std::error_code error;
        fs::path real = fs::weakly_canonical(directory / *file, error);
        if (error) real = directory / *file;
        if (seen.insert(std::move(real)).second) kept.push_back(*file);
    }
    std::reverse(kept.begin(), kept.end());
    return kept;
}

class Loader {
public:
    explicit Loader(const LoadOptions& options)
        : options_(options), root_(default_values(schema())) {
        check_layer(root_, schema(), problems_);
    }

    [[nodiscard]] tl::expected<Configuration, Problems> load() {
        add_files();
        for (const Document& document : options_.documents) {
            add_text(document.text, Origin::file(document.name));
        }
        add_environment();
        for (const std::string& setting : options_.settings) {
            add(read_setting(setting, schema()));
        }
        if (!problems_.empty()) return tl::make_unexpected(std::move(problems_));
        return Configuration(std::move(root_), options_.directory);
    }

private:
    void add_files() {
        std::vector<fs::path> files;
        const auto append = [&](std::vector<fs::path> more) {
            std::move(more.begin(), more.end(), std::back_inserter(files));
        };
        for (const fs::path& folder : options_.folders) {
            append(files_in(folder, options_.directory, problems_));
        }
        for (const fs::path& path : options_.paths) {
            append(files_of(path, options_.directory, problems_));
        }
        for (const fs::path& file : without_repeats(files, options_.directory)) {
            const Origin origin = Origin::file(file.string());
            auto text = read_file(options_.directory / file, yaml_bytes_max);
            if (text) {
                add_text(*text, origin);
            } else {
                problems_.push_back({origin, {}, std::move(text.error())});
            }
        }
    }

    void add_environment() {
        for (const auto& [variable, value] : options_.environment) {
            if (!variable.starts_with(esub_variable_prefix)) continue;
            if (auto layer = read_esub_variable(variable, value, schema())) add(std::move(*layer));
        }
        for (const auto& [variable, value] : options_.environment) {
            if (!variable.starts_with(variable_prefix)) continue;
            if (options_.foreign_variables.count(variable) != 0) continue;
            add(read_variable(variable, value, schema()));
        }
    }

    void add_text(std::string_view text, const Origin& origin) {
        ReadYaml read = read_yaml(text, origin);
        if (read.broken) read.value = Value{};
        add({std::move(read.value), std::move(read.problems)});
    }

    void add(Assignment layer) {
        if (!layer.layer.is_null()) check_layer(layer.layer, schema(), layer.problems);
        sort_by_line(layer.problems);
        std::move(layer.problems.begin(), layer.problems.end(), std::back_inserter(problems_));
        merge(root_, std::move(layer.layer));
    }

    const LoadOptions& options_;
    Problems problems_;
    Value root_;
};

}  // namespace

LoadOptions process_options(std::vector<fs::path> paths, std::vector<std::string> settings) {
    LoadOptions options;
    options.directory = fs::current_path();
    options.folders.emplace_back(fs::path("/etc") / layer_folder);
    // The header says that nobody may change the environment meanwhile.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
        options.folders.push_back(fs::path(home) / ".config" / layer_folder);
    }
    options.folders.emplace_back(layer_folder);
    options.paths = std::move(paths);
    options.settings = std::move(settings);
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        if (!text.starts_with(variable_prefix) && !text.starts_with(esub_variable_prefix)) continue;
        options.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return options;
}

tl::expected<Configuration, Problems> load(const LoadOptions& options) {
    return Loader(options).load();
}

}  // namespace weft::config
