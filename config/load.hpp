#pragma once
// Loads the configuration from all its layers. Later wins, maps merge, lists and scalars replace:
//   defaults < folders < --config paths < documents < ESUB_X < WEFT_A__B < --set
// Every problem of every layer is reported, in layer and line order; nothing is ignored in silence.
// Threads: load() is a function of its argument and of the files it reads; process_options() reads
// the process environment and must not race with setenv.
// Errors: values (Problems); a file is never partly applied, a load with a problem yields nothing.
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "config/configuration.hpp"
#include "config/problem.hpp"

namespace weft::config {

/// YAML that is not in a file: for tests, and for what is about to be written to one.
struct Document {
    std::string name;  ///< stands for the file name in messages
    std::string text;
};

struct LoadOptions {
    /// Absolute; relative paths below, and in the configuration, start here.
    std::filesystem::path directory;
    /// Folders whose *.yaml files are read in the order of their names; a missing folder is fine.
    std::vector<std::filesystem::path> folders;
    /// `--config`: a file, or a directory: its weft.d/*.yaml if it has that folder, else its
    /// *.yaml. A missing path is a problem.
    std::vector<std::filesystem::path> paths;
    std::vector<Document> documents;
    /// The environment; only names that begin with WEFT_ or ESUB_ are looked at.
    std::map<std::string, std::string> environment;
    /// Names in the environment that are not configuration: what weft itself tells the programs
    /// that it runs, which may well run weft again.
    std::set<std::string> foreign_variables = {"WEFT_CONSUMER", "WEFT_HUB",    "WEFT_ID",
                                               "WEFT_SETTINGS", "WEFT_SIGNER", "WEFT_TOPIC"};
    /// `--set`, each as typed: `a.b=value`.
    std::vector<std::string> settings;
};

/// The options of the real process: current directory, /etc/weft.d, ~/.config/weft.d (where HOME
/// is set), ./weft.d, the environment; with the arguments of --config and --set.
[[nodiscard]] LoadOptions process_options(std::vector<std::filesystem::path> paths = {},
                                          std::vector<std::string> settings = {});

[[nodiscard]] tl::expected<Configuration, Problems> load(const LoadOptions& options);

}  // namespace weft::config
