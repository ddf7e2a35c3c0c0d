#pragma once
// Notices that our own key or certificate was renewed on disk, so that a running publisher goes on
// with the new one. The two files are replaced one after the other: as long as they do not belong
// together, the old identity stays.
// Threads: confined to one thread.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/file_stamp.hpp"
#include "signing/identity.hpp"

namespace weft::signing {

class IdentityWatch {
public:
    using Load = std::function<tl::expected<Identity, std::string>()>;

    /// Make it before the identity in force is loaded: what changes afterwards is seen. `load`
    /// reads both files and judges them.
    IdentityWatch(const std::filesystem::path& directory, std::string_view name, Load load)
        : key_file_(key_file(directory, name)),
          certificate_file_(certificate_file(directory, name)),
          load_(std::move(load)),
          in_force_(stamps()) {}

    struct Look {
        std::shared_ptr<const Identity> renewed;  ///< Null: nothing to take over.
        std::string problem;                      ///< To be said now; said once.
    };
    /// Two stat calls; reads only what has changed, and tries again at each look while that is bad.
    /// A problem is said at the second look that meets it: between the two files it is normal.
    [[nodiscard]] Look look(const Identity& current);

private:
    struct Stamps {
        config::FileStamp key, certificate;
        bool operator==(const Stamps&) const = default;
    };
    [[nodiscard]] Stamps stamps() const {
        return {config::FileStamp::look(key_file_), config::FileStamp::look(certificate_file_)};
    }

    std::filesystem::path key_file_, certificate_file_;
    Load load_;
    Stamps in_force_;
    std::string problem_;
    int problem_looks_ = 0;
};

}  // namespace weft::signing
