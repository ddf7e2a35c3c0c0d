#include "config/configuration.hpp"

#include <cassert>
#include <utility>

#include "config/check.hpp"
#include "config/sources.hpp"

namespace weft::config {

namespace fs = std::filesystem;

Configuration::Configuration(Value root, fs::path directory)
    : root_(std::move(root)), directory_(std::move(directory)) {
    assert(root_.is_map());
    assert(directory_.is_absolute());
}

Configuration Configuration::defaults() {
    Problems problems;
    Value values = default_values(schema());
    check_layer(values, schema(), problems);
    assert(problems.empty() && "built-in defaults are right");
    return {std::move(values), fs::current_path()};
}

const Value* Configuration::find(std::string_view key) const noexcept {
    return root_.find_path(key);
}

fs::path Configuration::base_of(const Origin& origin) const {
    if (origin.kind != Origin::Kind::file) return directory_;
    const fs::path folder = (directory_ / origin.name).lexically_normal().parent_path();
    return folder.filename() == layer_folder ? folder.parent_path() : folder;
}

}  // namespace weft::config
