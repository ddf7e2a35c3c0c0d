#pragma once
// Finds private keys where none must be (rule K3): in what programs print.
// Threads: one. Errors: a key file that cannot be read is a std::runtime_error.

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace weft::testing {

class KeyCanary {
public:
    /// Learns every private key below this directory; earlier ones are kept.
    void learn(const std::filesystem::path& directory);
    /// Parts of keys in this text: as bytes, in hexadecimal, in base64, or as lines of a key file.
    /// Never shows them: only how many.
    [[nodiscard]] std::size_t count_in(std::string_view text) const;
    [[nodiscard]] bool knows_any() const noexcept { return !parts_.empty(); }

private:
    void learn_file(const std::filesystem::path& file);
    void add(std::string_view whole);

    std::set<std::string> parts_;
};

}  // namespace weft::testing
