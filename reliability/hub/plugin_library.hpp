#pragma once
// The shared library of a plugin: found, checked and only then called.
//
// A library that was loaded stays until the process ends. Unloading code whose objects, threads,
// exceptions or thread-local destructors may still be alive is a crash that shows up elsewhere;
// what is kept is one mapping of a file. So a library that was replaced under the same name is not
// loaded again by this process: it needs a restart, or `isolate: true`.
//
// Threads:   load() from any thread; a PluginLibrary is a value.
// Ownership: the consumers that create() makes belong to the caller, who gives them back to
//            destroy(). Nothing here ends them.
// Errors:    a sentence that says what is wrong and what would be right.

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "reliability/hub/plugin.hpp"

namespace weft::reliability::hub {

class PluginLibrary {
public:
    [[nodiscard]] static tl::expected<PluginLibrary, std::string> load(
        const std::filesystem::path& file);

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }
    /// May throw whatever the plugin's constructor throws.
    [[nodiscard]] plugin::Consumer* create() const { return description_->create(); }
    void destroy(plugin::Consumer* consumer) const { description_->destroy(consumer); }

private:
    PluginLibrary(std::filesystem::path file, const plugin::Description& description)
        : file_(std::move(file)), description_(&description) {}

    std::filesystem::path file_;
    const plugin::Description* description_;  ///< Lives in the library.
};

/// What keeps this hub from using a plugin that says this of itself; "" if nothing does. Reads the
/// first two members only until those agree.
[[nodiscard]] std::string description_error(const plugin::Description& description);

}  // namespace weft::reliability::hub
