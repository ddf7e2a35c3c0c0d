#include "signing/identity_watch.hpp"

#include <utility>

namespace weft::signing {

IdentityWatch::Look IdentityWatch::look(const Identity& current) {
    const Stamps seen = stamps();
    if (seen == in_force_) {
        problem_.clear();
        return {};
    }
    auto loaded = load_();
    if (!loaded) {
        problem_looks_ = loaded.error() == problem_ ? problem_looks_ + 1 : 1;
        problem_ = std::move(loaded.error());
        return {nullptr, problem_looks_ == 2 ? problem_ : ""};
    }
    in_force_ = seen;
    problem_.clear();
    if (loaded->certificate->bytes() == current.certificate->bytes()) return {};  // touched only
    return {std::make_shared<const Identity>(std::move(*loaded)), ""};
}

}  // namespace weft::signing
