#include "reliability/hub/plugin_library.hpp"

#include <dlfcn.h>

#include <string_view>
#include <system_error>

namespace weft::reliability::hub {
namespace {

/// As WEFT_CONSUMER_PLUGIN defines it.
using DescriptionFunction = const plugin::Description*();

std::string quoted(const std::filesystem::path& file) {
    return "'" + file.string() + "'";
}

std::string last_dl_error() {
    const char* text = ::dlerror();
    return text == nullptr ? "the loader says nothing" : text;
}

/// Before the loader is asked, whose words for these are harder to read.
std::string file_error(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (status.type() == std::filesystem::file_type::not_found) {
        return "there is no file " + quoted(file) +
               "; `plugin:` names the shared library, relative to the configuration's directory";
    }
    if (error) return quoted(file) + " cannot be looked at: " + error.message();
    if (status.type() != std::filesystem::file_type::regular) {
        return quoted(file) + " is no file; `plugin:` names a shared library";
    }
    return "";
}

std::string loading_error(const std::filesystem::path& file, const std::string& said) {
    if (said.find("undefined symbol") != std::string::npos) {
        return quoted(file) + " needs something that nobody has (" + said +
               "): link the library that defines it into the plugin. Of weft, a plugin uses the "
               "header reliability/hub/plugin.hpp alone";
    }
    if (said.find("cannot open shared object file") != std::string::npos) {
        return quoted(file) + " or a library that it needs cannot be opened (" + said +
               "): `ldd` shows which are not found";
    }
    return quoted(file) + " is no shared library that can be loaded here (" + said +
           "): build it with -shared -fPIC for this machine";
}

}  // namespace

std::string description_error(const plugin::Description& description) {
    if (description.interface_version != plugin::interface_version) {
        return "was built for interface " + std::to_string(description.interface_version) +
               ", this hub has " + std::to_string(plugin::interface_version) +
               ": rebuild it against weft's reliability/hub/plugin.hpp of this version";
    }
    if (description.bytes != sizeof(plugin::Description)) {
        return "describes itself in " + std::to_string(description.bytes) + " bytes, this hub in " +
               std::to_string(sizeof(plugin::Description)) +
               ": rebuild it against weft's reliability/hub/plugin.hpp of this version, and let "
               "WEFT_CONSUMER_PLUGIN(YourClass) write the description";
    }
    const std::string_view theirs =
        description.toolchain == nullptr ? "one that it does not name" : description.toolchain;
    if (theirs != plugin::toolchain()) {
        return "was built with " + std::string{theirs} + ", this hub with " + plugin::toolchain() +
               ": rebuild it with a compiler and a standard library that agree with the hub's";
    }
    if (description.create == nullptr || description.destroy == nullptr) {
        return "has a description without functions: let WEFT_CONSUMER_PLUGIN(YourClass) write it";
    }
    return "";
}

tl::expected<PluginLibrary, std::string> PluginLibrary::load(const std::filesystem::path& file) {
    std::string wrong = file_error(file);
    if (!wrong.empty()) return tl::make_unexpected(std::move(wrong));
    // A name without a slash would be looked for in the system's directories.
    const auto path = std::filesystem::absolute(file);
    // RTLD_NOW: what is missing is found here and not in the middle of a message. RTLD_LOCAL: two
    // plugins may define the same names. RTLD_NODELETE: see the header.
    void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) return tl::make_unexpected(loading_error(file, last_dl_error()));
    void* const symbol = ::dlsym(library, plugin::description_symbol);
    if (symbol == nullptr) {
        return tl::make_unexpected(quoted(file) + " is no plugin: it has no symbol " +
                                   plugin::description_symbol +
                                   "; put WEFT_CONSUMER_PLUGIN(YourClass) once into its source, "
                                   "outside of every namespace");
    }
    const plugin::Description* const description = reinterpret_cast<DescriptionFunction*>(symbol)();
    if (description == nullptr) {
        return tl::make_unexpected(quoted(file) +
                                   " gives no description of itself: let "
                                   "WEFT_CONSUMER_PLUGIN(YourClass) write it");
    }
    wrong = description_error(*description);
    if (!wrong.empty()) return tl::make_unexpected(quoted(file) + " " + wrong);
    return PluginLibrary{file, *description};
}

}  // namespace weft::reliability::hub
